"""The kit catches what it is there to catch: each wrong method breaks exactly the rules that it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import Field

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Distilled, Subset
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.plugins import Origin, Registry
from dqbench.seeds import generator
from dqbench.specs import Config, MethodSpec
from dqbench.testing import checks

Prepared = Mapping[str, np.ndarray]


class Options(Config):
    """Options of the methods here."""

    order: Literal["up", "down"] = Field("up", description="which end of a class is kept")


class First:
    """Right: the first of each class in a prepared order."""

    def __init__(self, config: Options) -> None:
        self.config = config

    def prepare(self, source: Source, observed: None, seed: int) -> dict[str, Any]:
        return {"score": generator(seed, "score").random(len(source))}

    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Subset:
        return Subset(ids=source.ids[self.positions(source, prepared["score"], budget)])

    def positions(self, source: Source, score: np.ndarray, budget: ResolvedBudget) -> np.ndarray:
        order = np.argsort(score if self.config.order == "up" else -score, kind="stable")
        return np.concatenate([order[source.labels[order] == c][:k] for c, k in enumerate(budget.per_class)])


class OneTooFew(First):
    def positions(self, source: Source, score: np.ndarray, budget: ResolvedBudget) -> np.ndarray:
        found = super().positions(source, score, budget)
        return found[: max(1, len(found) - 1)]


class Unbalanced(First):
    def positions(self, source: Source, score: np.ndarray, budget: ResolvedBudget) -> np.ndarray:
        return np.argsort(score)[: budget.total]


class Positions(First):
    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Subset:
        return Subset(ids=self.positions(source, prepared["score"], budget))


class SteeredByIds(First):
    def positions(self, source: Source, score: np.ndarray, budget: ResolvedBudget) -> np.ndarray:
        return super().positions(source, source.ids % 7, budget)


class GlobalDraw(First):
    def prepare(self, source: Source, observed: None, seed: int) -> dict[str, Any]:
        return {"score": np.random.rand(len(source))}


class EarlyOption(First):
    def prepare(self, source: Source, observed: None, seed: int) -> dict[str, Any]:
        return {"score": generator(seed, self.config.order).random(len(source))}


class Stopping(First):
    """Right: what lies beyond the largest budget gets no score."""

    def prepare(
        self, source: Source, observed: None, seed: int, largest: ResolvedBudget | None = None
    ) -> dict[str, Any]:
        score = super().prepare(source, observed, seed)["score"]
        if largest is not None:
            score[np.setdiff1d(np.arange(len(score)), self.positions(source, score, self.end(largest)))] = 2.0
        return {"score": score}

    def end(self, largest: ResolvedBudget) -> ResolvedBudget:
        return largest


class StoppingEarly(Stopping):
    def end(self, largest: ResolvedBudget) -> ResolvedBudget:
        return ResolvedBudget(largest.total, largest.per_class // 4, largest.asked)


class Objects(First):
    def prepare(self, source: Source, observed: None, seed: int) -> dict[str, Any]:
        return {"score": np.arange(len(source)).astype(object)}


class Scribbler(First):
    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Subset:
        source.labels[0] = source.labels[0]
        return super().compress(source, prepared, budget, seed)


class Peeker(First):
    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Subset:
        from dqbench.data import store

        with pytest.raises(UsageError):
            store.open_test("no-such-data")
        return super().compress(source, prepared, budget, seed)


class BadNotes(First):
    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Subset:
        kept = super().compress(source, prepared, budget, seed)
        return Subset(ids=kept.ids, notes={"loss": float("nan")})


class Maker(First):
    """Right, of the other kind: the mean image of each class over and over, or what ``spoilt`` makes of it."""

    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Distilled:
        labels = np.repeat(np.arange(source.classes), budget.per_class)
        means = np.stack([source.images[source.labels == c].mean(axis=0) for c in range(source.classes)])
        return self.spoilt(means[labels].astype(np.float32) / 255, labels, source)

    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images, labels)


class Infinite(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(np.where(images == images.max(), np.inf, images).astype(np.float32), labels)


class Cropped(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images[:, 1:], labels)


class Doubles(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images.astype(np.float64), labels)


class OneLabel(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images, np.zeros_like(labels))


class UnknownLabel(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images, labels + 1)


class NoProbabilities(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images, 2 * np.eye(source.classes, dtype=np.float32)[labels])


class MadeOfIds(Maker):
    def spoilt(self, images: np.ndarray, labels: np.ndarray, source: Source) -> Distilled:
        return Distilled(images + np.float32(source.ids[0] % 5), labels)


def broken_rules(method: type[First], **changes: Any) -> set[str]:
    facts: dict[str, Any] = {"kind": "selection", "version": 1, "summary": "for a test", "prepares": True}
    facts |= {"config": Options, "compress_only": ("order",), "target": f"{__name__}:{method.__name__}"}
    registry = Registry()
    registry.methods.add(MethodSpec(name="tried", **{**facts, **changes}), Origin("test", "test", "1"))
    broken = set()
    for check in checks("tried", registry=registry):
        try:
            check()
        except Exception:
            broken.add(check.name)
    return broken


def test_a_right_method_breaks_no_rule() -> None:
    assert broken_rules(First) == set()
    assert broken_rules(Maker, kind="distillation") == set()


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        (Infinite, "ratios_are_met_exactly"),
        (Cropped, "ratios_are_met_exactly"),
        (Doubles, "ratios_are_met_exactly"),
        (OneLabel, "ratios_are_met_exactly"),
        (UnknownLabel, "images_per_class_are_met_exactly"),
        (NoProbabilities, "images_per_class_are_met_exactly"),
        (MadeOfIds, "ids_are_only_names"),
        (First, "what_is_kept_is_of_its_kind"),
    ],
)
def test_a_wrong_maker_of_images_breaks_its_rule(method: type[First], rule: str) -> None:
    assert rule in broken_rules(method, kind="distillation")
    assert "what_is_kept_is_of_its_kind" in broken_rules(Maker, kind="selection")


class Weighted(First):
    def compress(self, source: Source, prepared: Prepared, budget: ResolvedBudget, seed: int) -> Subset:
        kept = super().compress(source, prepared, budget, seed)
        return Subset(ids=kept.ids, weights=np.ones(len(kept)))


def test_what_budgets_in_bytes_count_is_said() -> None:
    assert broken_rules(Weighted) == {"what_is_kept_is_of_its_kind"}
    assert broken_rules(Weighted, weighs=True) == set()
    assert broken_rules(Maker, kind="distillation", makes="float32") == set()
    assert broken_rules(Maker, kind="distillation", makes="uint8") == {"what_is_kept_is_of_its_kind"}


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        (OneTooFew, "ratios_are_met_exactly"),
        (OneTooFew, "images_per_class_are_met_exactly"),
        (Unbalanced, "ratios_are_met_exactly"),
        (Positions, "ratios_are_met_exactly"),
        (SteeredByIds, "ids_are_only_names"),
        (GlobalDraw, "a_seed_gives_one_result"),
        (EarlyOption, "late_options_do_not_prepare"),
        (Objects, "prepared_arrays_are_plain"),
        (Scribbler, "inputs_are_left_alone"),
        (Peeker, "test_data_stays_closed"),
        (BadNotes, "results_can_be_stored"),
    ],
)
def test_a_wrong_method_breaks_its_rule(method: type[First], rule: str) -> None:
    assert rule in broken_rules(method)


@pytest.mark.parametrize(
    "changes",
    [
        {"prepares": False},
        {"version": 0},
        {"summary": ""},
        {"compress_only": ("nothing",)},
        {"control_of": "nobody"},
    ],
)
def test_a_wrong_spec_is_found(changes: dict[str, Any]) -> None:
    assert "the_spec_is_sound" in broken_rules(First, **changes)


def test_a_method_that_stops_early_keeps_what_it_kept() -> None:
    assert broken_rules(Stopping, stops=True, compress_only=()) == set()
    assert broken_rules(StoppingEarly, stops=True, compress_only=()) == {"stopping_keeps_what_is_kept"}


def test_a_method_that_looks_past_classes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unbalanced, "scope", "dataset", raising=False)
    assert broken_rules(Unbalanced) == set()


def test_an_unknown_method_and_a_wrong_option() -> None:
    with pytest.raises(UsageError, match="unknown method 'randon'; did you mean random"):
        checks("randon")
    with pytest.raises(UsageError, match="options of dq"):
        checks("dq", options={"bins": "many"})
