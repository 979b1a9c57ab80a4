"""The runner or its jobs killed, interrupted, or doubled: the same command goes on to the same end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import stub_graph
from processes import children, wait_for
from stub_graph import graph_of, layers, stub

from dqbench.executors.local import LocalExecutor
from dqbench.jobs.job import Job
from dqbench.runner.scheduler import run_jobs
from dqbench.workspace.workspace import Workspace

EVERY = 1_000_000
"""More runs than there are."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs die with their server on Linux only")


def _start(
    workspace: Workspace,
    count: Path,
    sleep: float = 0.02,
    depth: int = 4,
    grace: float = 1.0,
    gate: Path | None = None,
) -> subprocess.Popen[str]:
    words = [str(word) for word in (workspace.path, count, sleep, depth, grace, gate) if word is not None]
    return subprocess.Popen(
        [sys.executable, stub_graph.__file__, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _wait_for(path: Path, lines: int) -> None:
    wait_for(lambda: path.exists() and len(path.read_text().split()) >= lines)


def _open(gate: Path, runs: int) -> None:
    """Let so many runs of jobs go on; whoever reads the file meanwhile finds a whole number in it."""
    gate.with_suffix(".new").write_text(str(runs))
    gate.with_suffix(".new").replace(gate)


def _kill_a_job(runner: int) -> bool:
    """Kill one job of the runner, if one runs."""
    for job in [job for server in children(runner) for job in children(server)]:
        with suppress(ProcessLookupError):
            os.kill(job, signal.SIGKILL)
            return True
    return False


def _values(workspace: Workspace, jobs: Mapping[str, Job]) -> dict[str, tuple[object, object]]:
    results = {job.label: workspace.result(job) for job in jobs.values()}
    return {label: (result["facts"], result["files"]) for label, result in results.items()}


def test_killed_at_twenty_random_moments(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    count, gate, rng = tmp_path / "count", tmp_path / "gate", random.Random(3)
    jobs = layers(count, 0.02, depth=12, gate=gate)
    _open(gate, EVERY)
    undisturbed = Workspace(tmp_path / "undisturbed")
    run_jobs(jobs, undisturbed, executor)
    count.unlink()
    for kill in range(20):
        _open(gate, 2 * kill + 8)  # however late the kill, the runner is not done before
        runner = _start(workspace, count, depth=12, gate=gate)
        _wait_for(count, 1 + 2 * kill)
        time.sleep(rng.random() * 0.08)
        if kill % 2:
            wait_for(lambda pid=runner.pid: _kill_a_job(pid))  # type: ignore[misc]
        runner.kill()
        runner.communicate()
    _open(gate, EVERY)
    for folder in workspace.done_folders():
        assert (workspace.artifacts / folder / "result.json").exists()
    outcome = run_jobs(jobs, workspace, executor)
    assert outcome.done == set(jobs)
    assert not outcome.failed
    assert all(workspace.verify(job) == () for job in jobs.values())
    assert not list(workspace.artifacts.glob(".tmp-*"))
    assert _values(workspace, jobs) == _values(undisturbed, jobs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(workspace: Workspace, executor: LocalExecutor, tmp_path: Path, number: signal.Signals) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    _open(gate, 5)
    runner = _start(workspace, count, 0.05, depth=12, grace=1800.0, gate=gate)
    _wait_for(count, 6)
    runner.send_signal(number)
    _open(gate, EVERY)
    _, errors = runner.communicate(timeout=1800)
    assert "KeyboardInterrupt" in errors
    jobs = layers(count, 0.05, depth=12, gate=gate)
    done = [job for job in jobs.values() if workspace.has(job)]
    assert 3 <= len(done) < len(jobs)
    assert len(done) == len(count.read_text().split())  # what ran was allowed to end
    assert not list(workspace.artifacts.glob(".tmp-*"))
    assert not workspace.all_failures()
    outcome = run_jobs(jobs, workspace, executor)
    assert len(outcome.ran) == len(jobs) - len(done)


def test_interrupted_while_a_job_hangs(workspace: Workspace, tmp_path: Path) -> None:
    count = tmp_path / "count"
    runner = _start(workspace, count, 3600.0)
    _wait_for(count, 2)
    start = time.monotonic()
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=1800)  # well before the job would have ended
    assert time.monotonic() - start > 0.9  # its grace period is 1 s
    assert workspace.done_folders() == set()
    assert not list(workspace.artifacts.glob(".tmp-*"))


def test_second_interrupt_ends_at_once(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    job = stub("slow", sleep=3600.0)

    def interrupt(event: object) -> None:
        if type(event).__name__ in ("Started", "Stopping"):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_jobs(graph_of(job), workspace, executor, on_event=interrupt, grace_s=3600.0)  # waiting it out would hang
    assert workspace.lock(job) is not None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_runners_do_each_job_once(workspace: Workspace, tmp_path: Path) -> None:
    count = tmp_path / "count"
    runners = [_start(workspace, count) for _ in range(2)]
    outputs = [runner.communicate(timeout=1800) for runner in runners]
    jobs = layers(count, 0.02)
    assert [errors for _, errors in outputs] == ["", ""]
    found = [list(map(int, output.split())) for output, _ in outputs]
    assert [done for done, _, _ in found] == [len(jobs)] * 2
    assert sum(ran for _, ran, _ in found) == len(jobs)
    assert Counter(count.read_text().split()) == Counter(job.label for job in jobs.values())


def test_a_failure_elsewhere_is_a_failure_here(workspace: Workspace, executor: LocalExecutor, tmp_path: Path) -> None:
    job = stub("bad", evil="raise", sleep=0.5)
    lock = workspace.lock(job)
    assert lock is not None
    polls = 0

    class Other(LocalExecutor):
        def poll(self, timeout: float) -> list[object]:  # type: ignore[override]
            nonlocal polls
            polls += 1
            if polls == 3:
                from dqbench.workspace.failures import JobFailure

                workspace.record_failure(JobFailure(job.key, "stub", "bad", "ValueError", "there", (), 1, ""), job)
                assert lock is not None
                lock.release()
            return list(super().poll(timeout))

    with Other(executor.devices, preload=()) as other:
        outcome = run_jobs(graph_of(job), workspace, other)
    assert outcome.failed[job.key].message == "there"
