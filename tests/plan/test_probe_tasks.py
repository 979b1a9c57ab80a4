"""Tasks whose evaluators ask for the kept set and the observer, and such that train no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dqbench import plugins
from dqbench.errors import UsageError
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan
from dqbench.plan.request import Request
from dqbench.plugins import Registry
from dqbench.spec_rules import faults
from dqbench.specs import Stage, TaskSpec


@pytest.fixture
def registry(data_root: Path) -> Registry:
    return plugins.load()


def asked(registry: Registry, task: str = "digits-probe", **more: Any) -> Plan:
    fields: dict[str, Any] = {"methods": ("dq",), "keeps": (0.1,), "seeds": 2, **more}
    return plan(Request(tasks=(task,), **fields), registry, "cpu")


def test_a_probe_trains_observers_alone(registry: Registry) -> None:
    made = asked(registry)
    assert {job.kind for job in made.jobs.values()} == {"train", "observe", "prepare", "compress", "evaluate"}
    assert all(job.spec["purpose"] == "observer" for job in made.jobs.values() if job.kind == "train")
    for planned in made.cells:
        cell = planned.cell
        observer = registry.tasks["digits-probe"].profiles["smoke"].observer
        assert (cell.arch, cell.recipe) == (observer.arch, observer.recipe)
        assert cell.observer_arch == (observer.arch if cell.method == "dq" else None)
        for run in planned.runs:
            assert "train" not in run.jobs
            inputs = made.jobs[run.evaluate].inputs
            kept = {"kept"} if cell.method != "full" else set()
            assert set(inputs) == {"observer", "observe", *kept}
            assert run.jobs["scored_by"] == (inputs["observer"], inputs["observe"])


def test_its_observers_are_those_of_the_task_that_trains(registry: Registry) -> None:
    networks, probe = asked(registry, "digits-xarch"), asked(registry)
    kinds = {"observe", "prepare", "compress"}
    both = [{key for key, job in made.jobs.items() if job.kind in kinds} for made in (networks, probe)]
    assert both[1] <= both[0]


def test_every_row_is_scored_by_the_first_observer(registry: Registry) -> None:
    made = asked(registry, settings=("observer.epochs=1,2",))
    scorers = {(run.seed, run.jobs["scored_by"]) for planned in made.cells for run in planned.runs}
    assert len(scorers) == 2, "one of each seed"
    looked = {run.jobs["observer"] for planned in made.cells for run in planned.runs if "observer" in run.jobs}
    assert len(looked) == 4, "methods look through both"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"archs": ("digits-mlp",)}, "--arch has no effect"),
        ({"recipe": "digits-smoke"}, "--recipe has no effect"),
        ({"settings": ("recipe.epochs=3",)}, "--set recipe has no effect"),
        ({"best_epoch": True}, "--best-epoch has no effect"),
        ({"labels": ("teacher",), "methods": ("random",)}, "no teacher labels"),
    ],
)
def test_what_would_have_no_effect_is_refused(registry: Registry, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        asked(registry, **more)


def test_a_task_may_train_and_ask(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = registry.tasks["digits-xarch"]
    before = asked(registry, "digits-xarch")
    monkeypatch.setitem(registry.tasks._specs, "digits-xarch", replace(usual, needs=("kept", "observer")))
    made = asked(registry, "digits-xarch")
    trained = [{key for key, job in one.jobs.items() if job.kind == "train"} for one in (before, made)]
    assert trained[0] <= trained[1]
    for planned in made.cells:
        inputs = made.jobs[planned.runs[0].evaluate].inputs
        assert set(inputs) == {"network", "observer", "observe"} | (
            {"kept"} if planned.cell.method != "full" else set()
        )


def test_dropped_patches_are_filled_for_the_evaluator_as_for_a_training(registry: Registry) -> None:
    made = asked(registry, settings=("dq.drop=0.5",))
    filled = [job for job in made.jobs.values() if job.kind == "evaluate" and "fill" in job.spec]
    assert len(filled) == 4, "dq and its twin, two seeds"


def wrong(task: TaskSpec, **changes: Any) -> str:
    return " / ".join(faults(replace(task, **changes)))


def test_specs_that_ask_for_what_there_is_not(registry: Registry) -> None:
    probe, networks = registry.tasks["digits-probe"], registry.tasks["digits-xarch"]
    assert wrong(probe) == ""
    assert "needs=('teacher',)" in wrong(networks, needs=("teacher",))
    assert "leaves nothing to score with" in wrong(networks, trains=False)
    assert "trains='no'" in wrong(probe, trains="no")
    assert "the observer's, which alone scores" in wrong(probe, profiles=networks.profiles)
    after = replace(probe.profiles["smoke"], stages=(Stage("finetune", "tuned", {}, after_training=True),))
    assert "trains none" in wrong(probe, profiles={"smoke": after})
    taken = replace(networks.profiles["smoke"], stages=(Stage("corrupt", "kept", {}, after_training=False),))
    assert "is taken" in wrong(networks, profiles={"smoke": taken})
