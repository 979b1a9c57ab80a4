"""Checks of tasks, architectures and data sets: the rules of each, and what binds them to a registered name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dqbench import plugins
from dqbench.registry import Registry
from dqbench.spec_rules import faults
from dqbench.specs import OWN_DATA, ArchSpec, DatasetSpec, TaskSpec, load_target
from dqbench.testing.checks import Check

if TYPE_CHECKING:
    import torch

S = TypeVar("S")
Rule = Callable[[Any, Registry], None]

CLASSES, SEED = (2, 10), 3


def dataset_checks(name: str, *, plugin_files: Sequence[Path] = (), registry: Registry | None = None) -> list[Check]:
    """The conformance checks of a data set that has a loader, each a callable of no arguments.

    Args:
        name: its name.
        plugin_files: plugin files to load besides the installed plugins.
        registry: loaded plugins, instead.

    Raises:
        UsageError: there is no such data set.
    """
    found = registry or plugins.load(plugin_files)
    return _bound(found.datasets[name], found, DATASET_RULES)


def arch_checks(name: str, *, plugin_files: Sequence[Path] = (), registry: Registry | None = None) -> list[Check]:
    """The same of an architecture; arguments as for :func:`dataset_checks`."""
    found = registry or plugins.load(plugin_files)
    return _bound(found.archs[name], found, ARCH_RULES)


def task_checks(name: str, *, plugin_files: Sequence[Path] = (), registry: Registry | None = None) -> list[Check]:
    """The same of a task on images; arguments as for :func:`dataset_checks`."""
    found = registry or plugins.load(plugin_files)
    return _bound(found.tasks[name], found, TASK_RULES)


def _bound(spec: Any, registry: Registry, rules: Sequence[Rule]) -> list[Check]:
    return [Check(rule.__name__, partial(rule, spec, registry)) for rule in rules]


def the_spec_is_sound(spec: Any, registry: Registry) -> None:
    """Fields are what they must be, and what a reader needs is said."""
    found = list(faults(spec))
    assert not found, found[0]
    for name in ("summary", *(() if isinstance(spec, ArchSpec) else ("licence", "citation"))):
        assert getattr(spec, name), f"{name} is empty"


def the_loader_gives_what_the_spec_says(spec: DatasetSpec, registry: Registry) -> None:
    """uint8 images of the shape, labels from 0 up, every class to train on, and the numbers that are stated."""
    arrays = load_target(spec.target)()
    for part, count in (("train", spec.counts[0]), ("test", spec.counts[1])):
        images, labels = np.asarray(getattr(arrays, f"x_{part}")), np.asarray(getattr(arrays, f"y_{part}"))
        assert images.dtype == np.uint8, f"{part} images are {images.dtype}; give uint8, 0 to 255"
        assert images.shape[1:] == spec.shape, f"{part} images are {images.shape[1:]}, the spec says {spec.shape}"
        assert labels.shape == (len(images),), f"{part} labels are {labels.shape} for {len(images)} images"
        assert np.issubdtype(labels.dtype, np.integer), f"{part} labels are {labels.dtype}; give whole numbers"
        assert 0 <= labels.min() <= labels.max() < spec.classes, f"{part} labels are not 0 to {spec.classes - 1}"
        assert count in (0, len(images)), f"{len(images)} {part} images, the spec's counts say {count}"
    lacking = sorted(set(range(spec.classes)) - set(np.asarray(arrays.y_train).tolist()))
    assert not lacking, f"class {lacking[0]} has no training image" if lacking else ""
    assert len(arrays.class_names) == spec.classes, f"{len(arrays.class_names)} class names for {spec.classes} classes"


def the_loader_gives_the_same_twice(spec: DatasetSpec, registry: Registry) -> None:
    """Two calls give the same images in the same order, whatever global generators hold."""
    first, second = (_loaded(spec, disturbed) for disturbed in (0, 1))
    for name, array in first.items():
        assert np.array_equal(array, second[name]), f"{name} differs from call to call; draw by dqbench.generator"


def _loaded(spec: DatasetSpec, disturbed: int) -> dict[str, Any]:
    np.random.seed(disturbed)
    arrays = load_target(spec.target)()
    return {name: np.asarray(getattr(arrays, name)) for name in ("x_train", "y_train", "x_test", "y_test")}


def no_test_image_is_trained_on(spec: DatasetSpec, registry: Registry) -> None:
    """No image is in both parts."""
    arrays = load_target(spec.target)()
    train = {image.tobytes() for image in np.asarray(arrays.x_train)}
    both = sum(image.tobytes() in train for image in np.asarray(arrays.x_test))
    assert not both, f"{both} test images are training images, too"


def networks_do_all_that_is_asked_of_them(spec: ArchSpec, registry: Registry) -> None:
    """A batch goes through every part of the interface, at the smallest and largest size, in grey and in colour."""
    from dqbench.nets.interface import check_network

    for side in sorted({min(spec.sizes), max(spec.sizes)}):
        for channels, classes in zip((1, 3), CLASSES, strict=True):
            check_network(spec, classes, channels, side)


def a_seed_gives_one_network(spec: ArchSpec, registry: Registry) -> None:
    """Weights come from torch's global generator alone, which the training seed sets."""
    import torch

    first, second = (_weights(spec, disturbed) for disturbed in (0, 1))
    for name, value in first.items():
        assert torch.equal(value, second[name]), f"{name} differs for one torch seed; draw by torch.nn.init alone"


def _weights(spec: ArchSpec, disturbed: int) -> dict[str, torch.Tensor]:
    import torch

    from dqbench.nets.build import build

    with torch.random.fork_rng(devices=[]):
        np.random.seed(disturbed)
        torch.manual_seed(SEED)
        found: dict[str, torch.Tensor] = build(spec, CLASSES[1], 3, min(spec.sizes)).state_dict()
        return found


def what_it_names_is_there(spec: TaskSpec, registry: Registry) -> None:
    """Data sets and architectures are registered and fit each other, and there is a profile ``smoke``."""
    assert "smoke" in spec.profiles, "there is no profile smoke, which shows in minutes that every step runs"
    for name, profile in spec.profiles.items():
        dataset = profile.dataset or spec.dataset
        shape = None if dataset == OWN_DATA else registry.datasets[dataset].shape
        for arch in (*profile.archs, profile.observer.arch):
            sizes = registry.archs[arch].sizes
            fits = shape is None or shape[0] in sizes
            assert fits, f"profile {name}: {arch} takes images of {sizes} px, {dataset} has {shape}"


def the_evaluator_gives_its_metric(spec: TaskSpec, registry: Registry) -> None:
    """It can be called with what it will get, and gives a finite number; tried on two images of each class."""
    from dqbench.data import store
    from dqbench.plan.plugin_checks import check_evaluator

    for profile in spec.profiles.values():
        dataset = profile.dataset or spec.dataset
        if dataset != OWN_DATA and registry.datasets[dataset].origin == "bundled":
            store.info(dataset, registry)
        check_evaluator(spec, profile, dataset, registry.archs[profile.archs[0]])


def right_answers_are_better(spec: TaskSpec, registry: Registry) -> None:
    """A network that answers right scores better than one that answers wrong, in the direction that the task says."""
    if not spec.trains or spec.needs or any(profile.stages for profile in spec.profiles.values()):
        return
    from dqbench.testing.oracle import scored

    right, wrong = (scored(load_target(spec.evaluator), sure)[spec.metric] for sure in (True, False))
    better = right < wrong if spec.measure.lower_is_better else right > wrong
    assert better, f"right answers score {right:g} and wrong ones {wrong:g}, but better={spec.better!r}"


DATASET_RULES: tuple[Rule, ...] = (
    the_spec_is_sound,
    the_loader_gives_what_the_spec_says,
    the_loader_gives_the_same_twice,
    no_test_image_is_trained_on,
)
ARCH_RULES: tuple[Rule, ...] = (the_spec_is_sound, networks_do_all_that_is_asked_of_them, a_seed_gives_one_network)
TASK_RULES: tuple[Rule, ...] = (
    the_spec_is_sound,
    what_it_names_is_there,
    the_evaluator_gives_its_metric,
    right_answers_are_better,
)
