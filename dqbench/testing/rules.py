"""The rules of a method, as functions of a trial that raise AssertionError."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

from dqbench import compressed
from dqbench.compressed import Compressed, Distilled, Subset, content_hash
from dqbench.jobs.admit import check
from dqbench.specs import Budget, load_target
from dqbench.testing import problems
from dqbench.testing.options import another_value
from dqbench.testing.trials import Arrays, Trial, compress, prepare

RATIOS = (0.01, 0.1, 1 / 3, 0.55, 0.99, 1.0)
SOME = Budget.ratio(0.4)


def the_spec_is_sound(trial: Trial) -> None:
    """Names are kebab-case, the class is what the spec says, options are described."""
    spec = trial.spec
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", spec.name), f"{spec.name!r} is not kebab-case"
    assert spec.version >= 1, f"version {spec.version} is below 1"
    assert spec.summary, "the summary is empty; say in a line what the method does"
    target = load_target(spec.target)
    assert callable(getattr(target, "compress", None)), f"{spec.target} has no compress"
    assert hasattr(target, "prepare") == spec.prepares, f"prepares={spec.prepares} is not what {spec.target} has"
    fields = spec.config.model_fields
    unknown = sorted(set(spec.compress_only) - set(fields))
    assert not unknown, f"compress_only names {unknown}, which are no options"
    silent = [name for name, option in fields.items() if not option.description]
    assert not silent, f"options without a description: {silent}"
    for other in (spec.builds_on, spec.control_of):
        assert other is None or other in trial.registry.methods, f"{other!r} is not registered"
    base = trial.registry.methods[spec.builds_on].config.model_fields if spec.builds_on else {}
    lacking = sorted(set(base) - set(fields))
    assert not lacking, f"{spec.config.__name__} lacks {lacking} of {spec.builds_on}, which it builds on"


def ratios_are_met_exactly(trial: Trial) -> None:
    """Any keep ratio gives the number of samples that it resolves to, of each class where classes bind."""
    for problem in problems.COUNTS:
        for seed, ratio in enumerate(RATIOS):
            _meets(trial, problem, Budget.ratio(ratio), seed % 2)


def images_per_class_are_met_exactly(trial: Trial) -> None:
    """The same for images per class, also where a class has no more than that."""
    for problem, counts in problems.COUNTS.items():
        for ipc in sorted({1, min(counts)}):
            _meets(trial, problem, Budget.ipc(ipc), 0)


def what_is_kept_is_of_its_kind(trial: Trial) -> None:
    """Selection gives samples of the source, distillation images of the source's shape, finite and labelled."""
    kept, _ = trial.compressed("even", SOME)
    returned = type(kept).__name__
    if trial.spec.kind == "selection":
        assert isinstance(kept, Subset), f"kind=selection, but a {returned} came back; return a Subset"
    if trial.spec.kind == "distillation":
        assert isinstance(kept, Distilled), f"kind=distillation, but a {returned} came back; return Distilled images"
    weighs = isinstance(kept, Subset) and kept.weights is not None
    assert trial.spec.weighs or not weighs, "weights came back; say weighs=True, so that budgets in bytes count them"
    if isinstance(kept, Distilled) and trial.spec.makes:
        came = f"{kept.images.dtype} with {kept.labels.dtype} labels {kept.labels.shape}"
        kinds = (str(kept.images.dtype), str(kept.labels.dtype), kept.labels.ndim)
        assert kinds == (trial.spec.makes, "int64", 1), f"makes={trial.spec.makes}, with a class each, but {came} came"


def _meets(trial: Trial, problem: str, budget: Budget, seed: int) -> None:
    source = problems.source(problem)
    kept, resolved = trial.compressed(problem, budget, seed)
    check(kept, source, resolved, trial.spec, trial.config)


def ids_are_only_names(trial: Trial) -> None:
    """Other ids, in the same order, name the same samples: ids are no positions and steer nothing."""
    source = problems.source("unequal")
    other = problems.renumbered(source)
    prepared = trial.prepared("unequal", 0)
    kept, _ = compress(trial.spec, trial.config, "unequal", prepared, SOME, 0)
    renamed, _ = compress(trial.spec, trial.config, "unequal", prepared, SOME, 0, other)
    if isinstance(kept, Subset) and isinstance(renamed, Subset):
        same = np.array_equal(source.positions(kept.ids), other.positions(renamed.ids))
        assert same, "other ids in the same order gave other samples; return source.ids[positions]"
    else:
        assert content_hash(kept) == content_hash(renamed), "other ids in the same order gave other images"


def a_seed_gives_one_result(trial: Trial) -> None:
    """The same seed gives the same arrays and samples, whatever global generators hold."""
    first, second = (_from_scratch(trial, seed=3, disturbed=value) for value in (0, 1))
    _assert_equal(first[0], second[0], "prepare: the same seed gave other arrays; draw from dqbench.generator only")
    same = content_hash(first[1]) == content_hash(second[1])
    assert same, "compress: the same seed gave another result; draw from dqbench.generator only"


def _from_scratch(trial: Trial, seed: int, disturbed: int) -> tuple[Arrays | None, Compressed]:
    import torch

    np.random.seed(disturbed)
    torch.manual_seed(disturbed)
    prepared = prepare(trial.registry, trial.spec, trial.config, "unequal", seed)
    kept, _ = compress(trial.spec, trial.config, "unequal", prepared, SOME, seed)
    return prepared, kept


def stopping_keeps_what_is_kept(trial: Trial) -> None:
    """What ``prepare`` gives where it stops at the largest budget keeps the same as what it gives without."""
    if not trial.spec.stops:
        return
    for problem in problems.COUNTS:
        stopped = prepare(trial.registry, trial.spec, trial.config, problem, 0, largest=SOME)
        for budget in (SOME, Budget.ratio(0.1)):
            kept, _ = compress(trial.spec, trial.config, problem, stopped, budget, 0)
            same = content_hash(kept) == content_hash(trial.compressed(problem, budget)[0])
            assert same, f"prepare(largest={SOME}) gave another set at {budget}; stop later, or say stops=False"


def late_options_do_not_prepare(trial: Trial) -> None:
    """``prepare`` does not read an option that the spec calls ``compress_only``."""
    for name in trial.spec.compress_only:
        changed = another_value(trial.config, name)
        if changed is not None and trial.spec.prepares:
            other = prepare(trial.registry, trial.spec, changed, "unequal", 0)
            _assert_equal(trial.prepared("unequal", 0), other, f"prepare depends on {name}, which is compress_only")


def prepared_arrays_are_plain(trial: Trial) -> None:
    """Prepared arrays have plain names and plain dtypes, so that they can be stored without pickles."""
    for name, array in (trial.prepared("unequal", 0) or {}).items():
        assert name.isidentifier(), f"prepared array {name!r} has no plain name"
        assert not array.dtype.hasobject, f"prepared array {name!r} holds Python objects; give it a plain dtype"


def orders_are_whole(trial: Trial) -> None:
    """What says that it orders prepares one order of all samples, and what scores a finite score of each."""
    for problem in problems.COUNTS if trial.spec.orders or trial.spec.scores else ():
        prepared, count = trial.prepared(problem, 0) or {}, len(problems.source(problem))
        if trial.spec.orders:
            lacking = sorted({"order", "group", "bin", "rank"} - set(prepared))
            assert not lacking, f"orders=True, but it prepares no {lacking[0]}; return select.Bins.ordered(…).arrays()"
            whole = np.array_equal(np.sort(prepared["order"]), np.arange(count)) and not np.any(prepared["bin"])
            assert whole, "orders=True, but what it prepares is no single order of all samples"
        if trial.spec.scores:
            score = prepared.get("score", np.empty(0))
            fits = score.shape == (count,) and score.dtype == np.float64 and np.isfinite(score).all()
            assert fits, (
                f"scores=True, but its score is {score.dtype} of shape {score.shape}, not a finite float64 each"
            )


def inputs_are_left_alone(trial: Trial) -> None:
    """Nothing that a method is given changes; its arrays are read-only here, as memory-mapped ones are."""
    source = problems.source("even")
    before = [np.asarray(array).tobytes() for array in (source.images, source.labels, source.ids)]
    trial.compressed("even", SOME)
    after = [np.asarray(array).tobytes() for array in (source.images, source.labels, source.ids)]
    assert before == after, "the source was changed; copy what you change"


def test_data_stays_closed(trial: Trial) -> None:
    """The test set is not opened."""
    with mock.patch("dqbench.data.store.open_test", side_effect=AssertionError("the test set was opened")):
        _from_scratch(trial, seed=0, disturbed=0)


def results_can_be_stored(trial: Trial) -> None:
    """What is kept survives saving and loading, and its notes are JSON."""
    kept, _ = trial.compressed("unequal", SOME)
    json.dumps(kept.notes or {}, allow_nan=False)
    with tempfile.TemporaryDirectory() as folder:
        compressed.save(kept, Path(folder))
        assert content_hash(compressed.load(Path(folder))) == content_hash(kept), "it changes when stored"


def _assert_equal(first: Arrays | None, second: Arrays | None, message: str) -> None:
    assert (first or {}).keys() == (second or {}).keys(), message
    for name, array in (first or {}).items():
        assert np.array_equal(array, (second or {})[name], equal_nan=array.dtype.kind == "f"), f"{message} ({name})"


RULES: tuple[Callable[[Trial], None], ...] = (
    the_spec_is_sound,
    ratios_are_met_exactly,
    images_per_class_are_met_exactly,
    what_is_kept_is_of_its_kind,
    ids_are_only_names,
    a_seed_gives_one_result,
    stopping_keeps_what_is_kept,
    late_options_do_not_prepare,
    prepared_arrays_are_plain,
    orders_are_whole,
    inputs_are_left_alone,
    test_data_stays_closed,
    results_can_be_stored,
)
