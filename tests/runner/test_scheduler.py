"""Graphs run once, in order, through failures and damage."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from processes import is_dead, wait_for
from stub_graph import graph_of, layers, stub

from dqbench.executors.devices import Devices
from dqbench.executors.executor import ExecutorError
from dqbench.executors.local import PRELOAD, LocalExecutor
from dqbench.jobs.job import Needs
from dqbench.runner.events import Event, Failed, Finished, Planned, Redone, Skipped, Started, Stepped
from dqbench.runner.scheduler import run_jobs
from dqbench.workspace.failures import JobFailure
from dqbench.workspace.workspace import Workspace

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


LIMITS_S = (2.0, 20.0, 200.0)
"""Limits to try, one after the other: on a busy machine a job may not even have begun when it meets a short one."""


def test_diamond_runs_each_job_once_and_a_rerun_does_nothing(
    workspace: Workspace, executor: LocalExecutor, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    a = stub("a", count=str(count))
    b, c = stub("b", a, count=str(count)), stub("c", a, count=str(count), value=10)
    d = stub("d", b, c, count=str(count))
    events: list[Event] = []
    jobs = graph_of(d, c, b, a)
    outcome = run_jobs(jobs, workspace, executor, on_event=events.append)
    assert outcome.done == outcome.ran == set(jobs)
    assert sorted(count.read_text().split()) == ["a", "b", "c", "d"]
    assert workspace.result(d)["facts"] == {"value": 1 + (1 + 1) + (10 + 1)}
    assert events[0] == Planned((d, c, b, a), 0)
    assert (
        sum(isinstance(event, Started) for event in events) == sum(isinstance(event, Finished) for event in events) == 4
    )

    class NoExecutor(LocalExecutor):
        def start(self) -> None:
            raise AssertionError("nothing to do, but started")

    again = run_jobs(jobs, workspace, NoExecutor(Devices("cpu", 2)))
    assert (again.done, again.ran) == (set(jobs), set())


def test_artifact_is_complete(workspace: Workspace, executor: LocalExecutor) -> None:
    job = stub("a", value=4)
    run_jobs(graph_of(job), workspace, executor)
    folder = workspace.artifact(job)
    result = workspace.result(job)
    assert sorted(path.name for path in folder.iterdir()) == ["deep", "job.json", "result.json", "value.json"]
    assert set(result["files"]) == {"value.json", "deep/more.txt"}
    assert (result["key"], result["kind"], result["device"]) == (job.key, "stub", "cpu")
    assert result["wall_s"] >= 0
    assert 0.001 < result["peak_host_gib"] < 2
    assert workspace.verify(job) == ()
    assert "running a" in workspace.log(job).read_text()
    assert not list(workspace.artifacts.glob(".tmp-*"))


def test_needed_inputs_only(workspace: Workspace, executor: LocalExecutor) -> None:
    a = stub("a")
    b, c = stub("b", a), stub("c", a)
    d = stub("d", b)
    jobs = graph_of(a, b, c, d)
    assert run_jobs(jobs, workspace, executor, targets=[b.key]).ran == {a.key, b.key}
    workspace.discard(a)
    assert run_jobs(jobs, workspace, executor, targets=[d.key]).ran == {d.key}
    assert run_jobs(jobs, workspace, executor).ran == {a.key, c.key}


@pytest.mark.parametrize(
    ("evil", "error", "message"),
    [
        ("raise", "ValueError", "no such luck"),
        ("usage", "UsageError", "keep ratio 2 is not in (0, 1]"),
        ("exit", "exit code 3", "exit code 3"),
        ("sys.exit", "SystemExit", "0"),
        ("kill", "SIGKILL", "out of memory?"),
        ("segfault", "SIGSEGV", "SIGSEGV"),
    ],
)
def test_failures_stop_only_what_depends_on_them(
    workspace: Workspace, executor: LocalExecutor, evil: str, error: str, message: str
) -> None:
    a = stub("a")
    bad = stub("bad", a, evil=evil)
    after = stub("after", bad)
    last, other = stub("last", after), stub("other", a)
    events: list[Event] = []
    jobs = graph_of(a, bad, after, last, other)
    outcome = run_jobs(jobs, workspace, executor, on_event=events.append)
    assert outcome.done == {a.key, other.key}
    assert outcome.skipped == {after.key: bad.key, last.key: bad.key}
    failure = outcome.failed[bad.key]
    attempts = 2 if error == "SIGKILL" else 1  # it may have been memory: once more, alone
    assert (failure.error, failure.attempts) == (error, attempts)
    assert message in failure.message
    assert "running bad" in failure.log_tail
    assert workspace.all_failures() == (failure,)
    assert not workspace.has(bad)
    assert not list(workspace.artifacts.glob(".tmp-*"))
    assert [event.job for event in events if isinstance(event, Skipped)] == [after, last]
    assert [event.job for event in events if isinstance(event, Failed)] == [bad]
    assert run_jobs(jobs, workspace, executor).failed[bad.key].attempts == 2 * attempts


@LINUX
def test_time_limit_kills_the_whole_group(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    for limit in LIMITS_S:
        job = stub("hang", evil="hang", pid_file=str(pid_file), needs=Needs(time_limit_s=limit))
        start = time.monotonic()
        outcome = run_jobs(graph_of(job, stub("b")), workspace, executor)
        assert time.monotonic() - start >= limit
        assert outcome.failed[job.key].error == "timeout"
        assert f"{limit:g} s" in outcome.failed[job.key].message
        if pid_file.exists() and pid_file.read_text():
            break
    wait_for(lambda: is_dead(int(pid_file.read_text())))


def _stops(workspace: Workspace, executor: LocalExecutor, needs: Needs, **spec: object) -> tuple[list[str], JobFailure]:
    """The steps that were reported of a job, and how it was stopped."""
    job = stub("steps", evil="steps", needs=needs, **spec)
    events: list[Event] = []
    outcome = run_jobs(graph_of(job), workspace, executor, on_event=events.append)
    return [event.step for event in events if isinstance(event, Stepped)], outcome.failed[job.key]


def test_a_step_said_again_is_no_progress(workspace: Workspace, executor: LocalExecutor) -> None:
    for limit in LIMITS_S:
        needs = Needs(time_limit_s=limit)
        steps, failure = _stops(workspace, executor, needs, steps=100_000, pause=0.02, stuck=True)
        if steps:
            break
    assert steps == ["loss 0.125, lap 1 of 100,000"]
    assert failure.error == "timeout"
    assert failure.message == f"stopped after {limit:g} s without a step; the last was: loss 0.125, lap 1 of 100,000"


def test_a_hard_limit_stops_what_makes_progress(workspace: Workspace, executor: LocalExecutor) -> None:
    for limit in LIMITS_S:
        needs = Needs(time_limit_s=600.0, hard_limit_s=limit)
        steps, failure = _stops(workspace, executor, needs, steps=100_000, pause=0.02)
        if len(steps) >= 2:
            break
    assert len(steps) >= 2
    assert (failure.error, failure.message) == ("timeout", f"stopped at its time limit of {limit:g} s")


@LINUX
def test_an_error_arrives_whole_after_many_steps(workspace: Workspace, executor: LocalExecutor) -> None:
    job = stub("steps", evil="steps then error")
    failure = run_jobs(graph_of(job), workspace, executor).failed[job.key]
    assert (failure.error, failure.message) == ("ValueError", "no such luck")


@LINUX
def test_grandchildren_die_with_their_job(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    job = stub("litter", evil="litter", pid_file=str(pid_file))
    assert run_jobs(graph_of(job), workspace, executor).done == {job.key}
    wait_for(lambda: is_dead(int(pid_file.read_text())))


def test_a_mended_failure_is_forgotten(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    blocker = tmp_path / "folder"
    job = stub("a", count=str(blocker / "count"))
    assert run_jobs(graph_of(job), workspace, executor).failed[job.key].error == "FileNotFoundError"
    blocker.mkdir()
    assert run_jobs(graph_of(job), workspace, executor).done == {job.key}
    assert workspace.all_failures() == ()


@LINUX
def test_environment_of_a_job(workspace: Workspace, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    job = stub("look", evil="look", needs=Needs(threads=3))
    with LocalExecutor(Devices("cpu", 2), plugin_files=[plugin], preload=()) as executor:
        run_jobs(graph_of(*(stub(f"s{i}", sleep=0.3) for i in range(1)), job), workspace, executor)
    facts = workspace.result(job)["facts"]
    assert facts["env"] == {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "3", "PYTHONSAFEPATH": None}
    assert (facts["device"], facts["threads"], facts["plugin_files"]) == ("cpu", 3, [str(plugin)])
    assert facts["pid"] == facts["group"] != os.getpid()
    assert facts["descriptors"] <= 6  # 0, 1, 2, the pipe for errors, the listing itself, and no more


@LINUX
def test_a_preloaded_server_is_single_threaded_and_its_jobs_are_not(workspace: Workspace) -> None:
    one, two = (stub(f"t{n}", evil="torch", needs=Needs(threads=n)) for n in (1, 2))
    with LocalExecutor(Devices("cpu", 2), preload=("torch", "threadpoolctl")) as executor:
        outcome = run_jobs(graph_of(one, two), workspace, executor)
    assert not outcome.failed
    assert "torch" in PRELOAD
    facts = workspace.result(two)["facts"]
    assert facts["threads"] == 2
    assert facts["tasks"][1] >= 2
    assert workspace.result(one)["facts"]["threads"] == 1


def test_damaged_input_is_redone_and_reported(workspace: Workspace, executor: LocalExecutor) -> None:
    a = stub("a", value=5)
    b, c = stub("b", a), stub("c", a, value=3)
    jobs = graph_of(a, b, c)
    run_jobs(jobs, workspace, executor, targets=[a.key])
    (workspace.artifact(a) / "value.json").write_text("77")
    assert workspace.verify(a) == ("value.json",)
    events: list[Event] = []
    outcome = run_jobs(jobs, workspace, executor, on_event=events.append)
    assert outcome.redone == {a.key: "damaged: value.json"}
    assert [event.job for event in events if isinstance(event, Redone)] == [a]
    assert outcome.ran == set(jobs)
    assert [workspace.result(job)["facts"]["value"] for job in (a, b, c)] == [5, 6, 8]


@pytest.mark.parametrize("differs", [True, False])
def test_what_read_an_input_that_is_redone_and_differs_is_redone_too(
    workspace: Workspace, executor: LocalExecutor, tmp_path: Path, differs: bool
) -> None:
    a = stub("a", count=str(tmp_path / "count"), **({"evil": "other each time"} if differs else {}))
    b = stub("b", a)
    c, apart, new = stub("c", b), stub("apart"), stub("new", a)
    jobs = graph_of(a, b, c, apart, new)
    run_jobs(jobs, workspace, executor, targets=[c.key, apart.key])
    (workspace.artifact(a) / "value.json").write_text("77")
    outcome = run_jobs(jobs, workspace, executor)
    assert outcome.done == set(jobs)
    assert outcome.ran == ({a.key, b.key, c.key, new.key} if differs else {a.key, new.key})
    values = [workspace.result(job)["facts"]["value"] for job in (a, b, c, new)]
    assert values == ([2, 3, 4, 3] if differs else [1, 2, 3, 2])
    assert {outcome.redone.get(job.key) for job in (b, c)} == (
        {"a was made again and differs", "b was made again and differs"} if differs else {None}
    )


def test_damaged_input_whose_own_input_is_gone(workspace: Workspace, executor: LocalExecutor) -> None:
    a = stub("a")
    b = stub("b", a)
    c = stub("c", b)
    jobs = graph_of(a, b, c)
    run_jobs(jobs, workspace, executor, targets=[b.key])
    workspace.discard(a)
    (workspace.artifact(b) / "deep" / "more.txt").unlink()
    outcome = run_jobs(jobs, workspace, executor, targets=[c.key])
    assert outcome.ran == {a.key, b.key, c.key}


def test_server_that_dies_once_is_restarted(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    job = stub("a", evil="kill server once", pid_file=str(tmp_path / "mark"))
    other = stub("b", sleep=0.5)
    outcome = run_jobs(graph_of(job, other, stub("c", job, other)), workspace, executor)
    assert len(outcome.done) == 3
    assert outcome.redone[job.key] == "the fork server died"


def test_server_that_always_dies_is_an_error(workspace: Workspace, executor: LocalExecutor) -> None:
    with pytest.raises(ExecutorError, match="fork server died"):
        run_jobs(graph_of(stub("a", evil="kill server")), workspace, executor)
    assert not list(workspace.artifacts.glob(".tmp-*"))


def test_server_that_cannot_import_says_why(workspace: Workspace) -> None:
    with (
        LocalExecutor(Devices("cpu", 2), preload=("no_such_module_here",)) as executor,
        pytest.raises(ExecutorError, match="no_such_module_here"),
    ):
        run_jobs(graph_of(stub("a")), workspace, executor)


def test_never_more_at_once_than_there_are_threads(
    workspace: Workspace, executor: LocalExecutor, tmp_path: Path
) -> None:
    at_once, most = 0, 0

    def watch(event: Event) -> None:
        nonlocal at_once, most
        if isinstance(event, Started):
            at_once += event.job.needs.threads
        elif isinstance(event, Finished):
            at_once -= event.job.needs.threads
        most = max(most, at_once)

    jobs = layers(tmp_path / "count", 0.01)
    wide = stub("wide", needs=Needs(threads=2), sleep=0.01)
    assert len(run_jobs({**jobs, wide.key: wide}, workspace, executor, on_event=watch).done) == len(jobs) + 1
    assert most == 2
