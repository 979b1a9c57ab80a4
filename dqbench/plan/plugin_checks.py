"""Errors of plugins before the work: everything of theirs that a plan would run is imported and tried on a few images.

dqbench's own parts are left out, so that planning with them imports no torch.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench.data import store
from dqbench.errors import PLUGIN_FAULTS, UsageError, fault_of
from dqbench.plan.plan import PlannedCell
from dqbench.registry import Registry
from dqbench.specs import ArchSpec, MethodSpec, Profile, TaskSpec, load_target

if TYPE_CHECKING:
    from dqbench.data.source import Source
    from dqbench.data.store import TestSet

MOST_CLASSES = 32
"""An evaluator is tried on two images of each class; with more classes only its signature is checked."""


_NAMED = {"kept": "kept", "observer": "observed"}
"""The argument by which an evaluator is given what it needs."""


def check_plugins(cells: Iterable[PlannedCell], registry: Registry) -> None:
    """Try the methods, architectures and evaluators of plugins that these cells need.

    Raises:
        UsageError: the first that cannot be imported, called with what it will get, or gives what nothing can use.
    """
    done: set[tuple[str, ...]] = set()

    def once(what: tuple[str, ...], check: Callable[[], None]) -> None:
        if what not in done:
            done.add(what)
            check()

    for planned in cells:
        cell, dataset = planned.cell, planned.source.dataset
        for spec in registry.behind(cell.method, cell.config):
            if registry.code(spec):
                once(("method", spec.name), lambda one=spec: check_method(one, registry))  # type: ignore[misc]
        names = dict.fromkeys(filter(None, (cell.arch, cell.observer_arch, cell.teacher_arch)))
        networks = [registry.archs[name] for name in names if name in registry.archs]  # an embedding of texts is none
        for arch in (one for one in networks if one.data == "images"):
            name = arch.name
            once(("arch", name, dataset), lambda a=arch, d=dataset: _check_arch(registry, a, d))  # type: ignore[misc]
        once(("task", cell.task, cell.profile), lambda p=planned: _check_evaluator(registry, p))  # type: ignore[misc]


def check_method(spec: MethodSpec, registry: Registry) -> None:
    """Import a method's class and hold its signatures against what its spec says it will be called with.

    Raises:
        UsageError: it cannot be imported, or does not fit its spec.
    """
    what = f"method {spec.name}"
    made = _imported(what, spec.target)
    if not callable(made) or not callable(getattr(made, "compress", None)):
        raise UsageError(f"{what}: {spec.target} is no class with a method compress")
    if callable(getattr(made, "prepare", None)) != spec.prepares:
        has = "has none" if spec.prepares else "has one"
        raise UsageError(f"{what}: its spec says prepares={spec.prepares}, but {spec.target} {has}")
    _accepts(made, f"{what}: {spec.target}", "config")
    prior = ("prior",) if spec.builds_on or spec.wraps else ()
    if spec.prepares:
        _accepts(made.prepare, f"{what}: prepare", "self", "source", "observed", "seed", named=prior)
    seen = ("observed",) if spec.observes_in_compress else ()
    _accepts(made.compress, f"{what}: compress", "self", "source", "prepared", "budget", "seed", named=seen)
    if spec.builds_on:
        base = registry.methods[spec.builds_on].config.model_fields
        lacking = sorted(set(base) - set(spec.config.model_fields))
        if lacking:
            raise UsageError(f"{what}: its config lacks {lacking[0]!r}, an option of {spec.builds_on}, it builds on")


def _check_arch(registry: Registry, spec: ArchSpec, dataset: str) -> None:
    if not registry.code(spec):
        return
    from dqbench.nets.interface import check_network

    _imported(f"architecture {spec.name}", spec.target)
    info = store.read_info(dataset)
    if info is None:  # the user's own images before they are imported
        return
    check_network(spec, info.classes, info.shape[2], info.shape[0])


def _check_evaluator(registry: Registry, planned: PlannedCell) -> None:
    cell = planned.cell
    task = registry.tasks[cell.task]
    if registry.code(task):
        check_evaluator(task, task.profiles[cell.profile], planned.source.dataset, registry.archs[cell.arch])


def check_evaluator(task: TaskSpec, profile: Profile, dataset: str, arch: ArchSpec) -> None:
    """Import a task's evaluator, and try it with an untrained network on two training images of each class.

    What it needs is made of these images too: the kept set is all of them, the observer the same untrained network.

    With stages, whose folders it would need, or many classes only its signature is checked.

    Raises:
        UsageError: it cannot be imported or called, fails, or gives no finite number as the task's metric.
    """
    what = f"the evaluator of task {task.name}"
    evaluator = _imported(what, task.evaluator)
    nets, folders = ("net",) if task.trains else (), ("folders",) if profile.stages else ()
    named = [_NAMED[name] for name in task.needs]
    said = f"{what}, {task.evaluator},"
    _accepts(evaluator, said, *nets, "test", "source", "device", "precision", *folders, named=named)
    if store.read_info(dataset) is None:  # the user's own images before they are imported
        return
    source = store.open_train(dataset, 2)
    if profile.stages or source.classes > MOST_CLASSES:
        return
    import numpy as np

    from dqbench.jobs.metrics import plain_metrics
    from dqbench.nets.build import build

    test = store.TestSet(np.asarray(source.images[: len(source)]), source.labels, source.content_hash)
    _, height, _, channels = test.images.shape
    net = build(arch, source.classes, channels, height).eval()
    try:
        given = _given(task, net, source)
        found = evaluator(*((net,) if task.trains else ()), test, source, "cpu", "fp32", **given)
    except PLUGIN_FAULTS as error:
        raise UsageError(f"{what} fails on two training images of each class: {fault_of(error)}") from error
    metrics = plain_metrics(found, task.metric, task.evaluator)
    if "predictions" in metrics:
        with tempfile.TemporaryDirectory() as folder:
            _try_predictions(what, metrics["predictions"], test, source, Path(folder))


def _given(task: TaskSpec, net: Any, source: Source) -> dict[str, Any]:
    """What the evaluator needs, of a few images."""
    import numpy as np

    from dqbench.data.kept import KeptImages
    from dqbench.observe.observed import Observed
    from dqbench.train.predict import predict

    images = np.asarray(source.images[: len(source)])
    given: dict[str, Any] = {}
    if "kept" in task.needs:
        given["kept"] = KeptImages(images, source.labels, None, np.arange(len(source)))
    if "observer" in task.needs:
        mean, std = source.mean, source.std
        logits, seen = predict(net, images, device="cpu", precision="fp32", mean=mean, std=std, features=True)
        given["observed"] = Observed(seen, logits, source.labels, "cpu", lambda: net, mean, std)
    return given


def _try_predictions(what: str, predicted: Any, test: TestSet, source: Source, folder: Path) -> None:
    from dqbench import predictions

    try:
        predictions.save(predicted, test.labels, source.class_names, test.content_hash, folder)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{what}: {error}") from error


def _imported(what: str, target: str) -> Any:
    try:
        return load_target(target)
    except UsageError as error:
        raise UsageError(f"{what}: {error}") from error
    except PLUGIN_FAULTS as error:
        raise UsageError(f"{what}: {target.partition(':')[0]} cannot be imported: {fault_of(error)}") from error


def _accepts(called: Any, what: str, *given: str, named: Iterable[str] = ()) -> None:
    """Refuse what cannot be called with these arguments; what has no signature passes."""
    named = tuple(named)
    if not callable(called):
        raise UsageError(f"{what} cannot be called: it is a {type(called).__name__}")
    try:
        inspect.signature(called).bind(*given, **dict.fromkeys(named))
    except TypeError as error:
        words = ", ".join([*(name for name in given if name != "self"), *(f"{name}=…" for name in named)])
        raise UsageError(f"{what} cannot be called with ({words}): {error}") from None
    except ValueError:
        return
