"""A time box starts what is expected to end in it, leaves the rest for the next run, and spoils no record."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from stub_graph import graph_of, stub

from dqbench.cli import main
from dqbench.errors import UsageError
from dqbench.executors.local import LocalExecutor
from dqbench.jobs.job import Needs
from dqbench.plan import needs as guesses
from dqbench.runner.measured import Measured
from dqbench.runner.scheduler import run_jobs
from dqbench.runner.time_box import TimeBox
from dqbench.workspace.workspace import Workspace

SHORT, LONG = Needs(seconds=0.01, time_limit_s=300.0), Needs(seconds=1e6, time_limit_s=300.0)
WORDS = ["--task", "digits-xarch", "--method", "random", "--keep", "0.05", "--arch", "digits-mlp", "--seeds", "1"]
WORDS += ["--profile", "smoke", "--set", "recipe.epochs=1", "--device", "cpu"]


def test_what_is_expected_to_last_longer_is_left_with_all_that_waits_for_it(
    workspace: Workspace, executor: LocalExecutor
) -> None:
    a, long = stub("a", needs=SHORT), stub("long", needs=LONG)
    b, after = stub("b", a, needs=SHORT), stub("after", a, long, needs=SHORT)
    jobs = graph_of(long, after, a, b)
    outcome = run_jobs(jobs, workspace, executor, box=TimeBox(1000.0))
    assert (outcome.ran, outcome.left) == ({a.key, b.key}, {long.key, after.key})
    assert (outcome.failed, outcome.skipped) == ({}, {})
    again = run_jobs(jobs, workspace, executor)
    assert (again.ran, again.left) == ({long.key, after.key}, set())


def test_more_jobs_than_are_looked_ahead_at_hide_none_that_has_time(
    workspace: Workspace, executor: LocalExecutor
) -> None:
    long = [stub(f"long-{number}", needs=LONG) for number in range(50)]
    short = stub("short", needs=SHORT)
    assert run_jobs(graph_of(*long, short), workspace, executor, box=TimeBox(1000.0)).ran == {short.key}


def test_what_like_jobs_took_counts_more_than_a_guess(workspace: Workspace, executor: LocalExecutor) -> None:
    jobs = graph_of(stub("a", needs=SHORT), stub("guessed", needs=LONG))
    outcome = run_jobs(jobs, workspace, executor, measured=Measured("cpu"), box=TimeBox(1000.0))
    assert (outcome.ran, outcome.left) == (set(jobs), set())


def test_a_box_shorter_than_the_first_job_is_refused() -> None:
    jobs = [stub("long", needs=LONG), stub("shorter", needs=Needs(seconds=90.0))]
    with pytest.raises(UsageError, match=r"--for 1 min 0 s is shorter .*: shorter is expected to take 1 min 30 s"):
        TimeBox(60.0).check(jobs)
    TimeBox(100.0).check(jobs)
    TimeBox(100.0).check([])


def test_a_box_that_is_over_takes_nothing() -> None:
    box = TimeBox(60.0, start=time.monotonic() - 61.0)
    assert box.left == 0
    assert not box.takes("a job", 0.1)
    assert TimeBox(60.0).takes("a job", 0.1)


def test_a_run_in_a_box_goes_on_with_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DQBENCH_DATA", str(tmp_path / "data"))
    # By this guess a test of all images takes longer than the box; the trainings go by the one that is done first.
    monkeypatch.setattr(guesses, "RATE", {"cpu": 0.01})
    words = [*WORDS, "--workspace", str(tmp_path / "out")]
    assert main(["plan", *words, "--for", "10000s"]) == 0
    assert "is too short for 3 jobs: the longest, " in capsys.readouterr().err
    assert main(["run", *words, "--for", "1000s"]) == 0, "what takes no time, choosing at random, is done"
    assert "0 of 2 cells; go on with the same command" in " ".join(capsys.readouterr().err.split())
    assert main(["run", *words, "--for", "1000s"]) == 2
    assert "is shorter than any job to start: train digits-mlp on " in capsys.readouterr().err
    assert not list((tmp_path / "out" / "artifacts").glob("train-*"))
    assert main(["run", *words, "--for", "10000s"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "no further job is expected to end within --for 2 h 46 min: 0 of 2 cells; go on with the same command" in said
    )
    assert list((tmp_path / "out" / "records").iterdir()) == []
    assert main(["run", *words, "--for", "100000s"]) == 0
    said = capsys.readouterr().err
    assert "2 jobs to do, " in said
    assert "2 of 2 cells are done" in said


def test_clusters_have_queues_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--executor", "slurm", "--slurm", "cluster=local", "--workspace", str(tmp_path)]
    assert main(["plan", *WORDS, *words, "--for", "25m"]) == 2
    assert "--for is for --executor local" in capsys.readouterr().err
