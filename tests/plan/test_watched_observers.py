"""Observers that are watched as they train, and several of them: which jobs that takes, and who shares them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dqbench import plugins
from dqbench.errors import UsageError
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan
from dqbench.plan.request import Request

DYNAMICS = ("forgetting", "aum", "dyn-unc", "dual", "tdds")


def ask(*methods: str, settings: tuple[str, ...] = (), seeds: int = 1) -> Plan:
    request = Request(tasks=("digits-xarch",), methods=methods, keeps=(0.1,), archs=("digits-mlp",), seeds=seeds,
                      settings=settings, profile="smoke")  # fmt: skip
    return plan(request, plugins.load(), "cpu")


def kinds(made: Plan) -> Counter[str]:
    return Counter(job.kind for job in made.jobs.values())


def test_one_watched_observer_feeds_all(data_root: Path) -> None:
    made = ask(*DYNAMICS, settings=("aum.end=hard,easy",), seeds=2)
    assert kinds(made)["dynamics"] == 2, "one for each seed"
    assert kinds(made)["observe"] == 0
    both = ask("el2n", "dual", "ccs", settings=("el2n.when=mean", "ccs.base=tdds"))
    assert kinds(both)["dynamics"] == 1


def test_it_is_another_job_than_the_observer_and_leaves_that_alone(data_root: Path) -> None:
    plain, both = ask("el2n", "d2"), ask("el2n", "d2", *DYNAMICS)
    assert plain.jobs.keys() <= both.jobs.keys()
    (watched,) = [job for job in both.jobs.values() if job.kind == "dynamics"]
    (observer,) = [job for job in both.jobs.values() if job.spec.get("purpose") == "observer" and job.kind == "train"]
    for name in ("source", "arch", "recipe", "seed", "purpose", "precision"):
        assert watched.spec[name] == observer.spec[name], "the same draws, so the same network"


def test_several_observers_are_jobs_of_their_own_with_draws_of_their_own(data_root: Path) -> None:
    made = ask("grand", settings=("grand.several=3",))
    trained = [job.spec["purpose"] for job in made.jobs.values() if job.kind == "train" and "purpose" in job.spec]
    assert sorted(trained) == ["observer", "observer-1", "observer-2"]
    assert kinds(made)["observe"] == 3
    early = ask("grand", settings=("grand.several=3", "grand.when=epoch"))
    assert (kinds(early)["dynamics"], kinds(early)["observe"]) == (3, 0)
    (cell,) = [cell for cell in made.cells if cell.cell.method == "grand"]
    assert [len(cell.runs[0].jobs[role]) for role in ("observer", "observe", "prepare")] == [3, 3, 1]


def test_a_wrapper_keeps_what_its_base_looked_through(data_root: Path) -> None:
    (cell,) = [c for c in ask("d2", settings=("d2.base=forgetting",)).cells if c.cell.method == "d2"]
    assert {role: len(keys) for role, keys in cell.runs[0].jobs.items()} == {
        "dynamics": 1, "observer": 1, "observe": 1, "prepare": 2, "compress": 1, "train": 1, "evaluate": 1,
    }  # fmt: skip
    assert cell.cell.observer_arch == "digits-cnn"


def test_windows_choose_anew_and_prepare_nothing_anew(data_root: Path) -> None:
    made = ask("aum", settings=("aum.window=0,0.1,0.2",))
    assert (kinds(made)["prepare"], kinds(made)["compress"]) == (1, 4)


def test_pretrained_observers_have_no_course(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dqbench.plan import grid, network_jobs, task_at_profile

    class Weights:
        name, sha256, words = "w", "0" * 64, "w"

    for module in (grid, network_jobs, task_at_profile):
        monkeypatch.setattr(module, "find", lambda name, arch: Weights())
    assert ask("el2n", settings=("observer.weights=w",)).jobs
    for method, settings in (("aum", ()), ("el2n", ("el2n.several=2",)), ("el2n", ("el2n.folds=3",))):
        with pytest.raises(UsageError, match=r"observer\.weights=w"):
            ask(method, settings=("observer.weights=w", *settings))
