"""What a killed job left in its scratch folder is there for the next attempt, and gone when the job is done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dqbench import plugins
from dqbench.data import store
from dqbench.executors import local as local_module
from dqbench.executors.devices import Devices
from dqbench.executors.local import LocalExecutor
from dqbench.jobs.job import Job, Needs
from dqbench.runner.scheduler import run_jobs
from dqbench.workspace.artifacts import SCRATCH
from dqbench.workspace.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs die with their server on Linux only")


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    monkeypatch.setattr(local_module, "FUNCTIONS", {**local_module.FUNCTIONS, "stub": "stub_scratch:run"})


def scratches(workspace: Workspace) -> list[str]:
    return [path.name for path in workspace.artifacts.glob(f"{SCRATCH}*")]


def test_it_outlives_a_killed_attempt_and_not_the_job(workspace: Workspace, executor: LocalExecutor) -> None:
    jobs = {job.key: job for job in (Job("stub", {"name": name}) for name in "ab")}
    assert set(run_jobs(jobs, workspace, executor).failed) == set(jobs)
    assert sorted(scratches(workspace)) == sorted(f"{SCRATCH}{job.folder}" for job in jobs.values())
    assert workspace.done_folders() == set()
    assert run_jobs(jobs, workspace, executor).done == set(jobs)
    assert [workspace.result(job)["facts"]["left"] for job in jobs.values()] == ["a", "b"]
    assert scratches(workspace) == []


def test_one_that_was_left_behind_is_swept_once_its_job_is_done(workspace: Workspace, executor: LocalExecutor) -> None:
    job, other = Job("stub", {"name": "a", "dies": False}), Job("stub", {"name": "b"})
    run_jobs({job.key: job}, workspace, executor)
    for one in (job, other):
        (workspace.artifacts / f"{SCRATCH}{one.folder}").mkdir()
    with workspace.runner():
        assert scratches(workspace) == [f"{SCRATCH}{other.folder}"]


def test_dm_killed_at_a_checkpoint_goes_on_to_the_same_images(
    workspace: Workspace, tmp_path: Path, data_root: Path
) -> None:
    info = store.info("digits", plugins.load())
    config = {"iterations": 60, "width": 4, "batch": 8, "checkpoint_every": 20}
    source = {"dataset": "digits", "hash": info.train_hash, "per_class": 30}
    spec = {"source": source, "method": "dm", "version": 1, "config": config, "seed": 1}
    job = Job("compress", {**spec, "budget": {"kind": "ipc", "value": 2}}, needs=Needs(threads=1))
    undisturbed = Workspace(tmp_path / "undisturbed")
    with LocalExecutor(Devices("cpu", 1), preload=("dqbench.jobs.compress",)) as executor:
        run_jobs({job.key: job}, undisturbed, executor)
    preload = ("dqbench.jobs.compress", "stub_dies_at_checkpoint")
    with LocalExecutor(Devices("cpu", 1), preload=preload) as executor:
        outcome = run_jobs({job.key: job}, workspace, executor)
        assert outcome.failed[job.key].error == "SIGTERM"
        assert run_jobs({job.key: job}, workspace, executor).done == {job.key}
    assert "going on from iteration" in workspace.log(job).read_text()
    first, second = (undisturbed.result(job), workspace.result(job))
    assert first["facts"] == second["facts"]
    assert first["files"] == second["files"]
    assert {"images.npy", "labels.npy", "grid.png"} <= set(first["files"])
