"""Jobs through submitit, on its local executor: done, failed, stopped, preempted, lost; and what Slurm is asked for."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import stub_graph
from processes import is_dead, wait_for, wait_for_text
from stub_graph import graph_of, stub

from dqbench.errors import UsageError
from dqbench.executors import slurm as slurm_module
from dqbench.executors import worker
from dqbench.executors.clusters import choose
from dqbench.executors.devices import Devices
from dqbench.executors.slurm import SlurmCluster, SlurmExecutor
from dqbench.jobs.job import Needs
from dqbench.runner.events import Event, Started
from dqbench.runner.scheduler import run_jobs
from dqbench.workspace.workspace import Workspace

submitit = pytest.importorskip("submitit", reason="submitit is not installed: THE SLURM EXECUTOR WAS NOT TESTED")
LOCAL = SlurmCluster({"cluster": "local"}, ("stub_worker",))


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmExecutor]:
    monkeypatch.setenv("PYTHONPATH", str(Path(stub_graph.__file__).parent))
    with LOCAL.executor(Devices("cpu", 1), ()) as slurm:
        yield slurm


def test_a_graph_with_failures(workspace: Workspace, executor: SlurmExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays: list[int] = []
    submit_array = SlurmExecutor._submit_array
    monkeypatch.setattr(
        SlurmExecutor, "_submit_array", lambda self, array: (arrays.append(len(array)), submit_array(self, array))[1]
    )
    a = stub("a", value=2)
    b = stub("b", a)
    raises, dies = stub("raises", evil="raise"), stub("dies", evil="segfault")
    after = stub("after", raises)
    outcome = run_jobs(graph_of(a, b, raises, dies, after), workspace, executor)
    assert outcome.ran == {a.key, b.key}
    assert workspace.result(b)["facts"] == {"value": 3}
    found = {failure.label: failure.error for failure in outcome.failed.values()}
    assert found == {"raises": "ValueError", "dies": "SIGSEGV"}
    assert "ValueError: no such luck" in outcome.failed[raises.key].log_tail
    assert outcome.skipped == {after.key: raises.key}
    assert arrays == [3, 1]  # what is ready at once goes as one array
    assert not list(workspace.artifacts.glob(".tmp-*"))
    executor.close()
    assert not list((workspace.logs / "slurm").glob("*.pkl"))


def test_a_preempted_job_starts_again(workspace: Workspace, executor: SlurmExecutor, tmp_path: Path) -> None:
    count, running = tmp_path / "count", tmp_path / "running"
    job = stub("once more", count=str(count), evil="wait for a signal", pid_file=str(running), needs=Needs())
    interrupted: list[bool] = []

    def preempt(event: Event) -> None:
        if isinstance(event, Started) and not interrupted:
            [sent] = executor._sent.values()
            wait_for(running.exists)
            task = int(Path(f"/proc/{sent.handle.job_id}/task/{sent.handle.job_id}/children").read_text().split()[0])
            os.kill(task, signal.SIGUSR2)
            interrupted.append(True)

    outcome = run_jobs(graph_of(job), workspace, executor, on_event=preempt)
    assert outcome.ran == {job.key}
    assert not outcome.redone  # submitit queued it again
    assert count.read_text().split("\n")[:2] == ["once more"] * 2


def test_a_job_without_an_answer_is_tried_once_more(
    workspace: Workspace, executor: SlurmExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_module, "_ASK_S", 0.5)
    job = stub("unlucky", evil="kill worker once", pid_file=str(tmp_path / "pid"))
    outcome = run_jobs(graph_of(job), workspace, executor)
    assert outcome.ran == {job.key}
    assert "the Slurm job ended without an answer" in outcome.redone[job.key]


def test_killing_a_job_ends_all_that_it_started(workspace: Workspace, executor: SlurmExecutor, tmp_path: Path) -> None:
    job = stub("hangs", evil="hang", pid_file=str(tmp_path / "pid"))

    def interrupt(event: Event) -> None:
        if isinstance(event, Started):
            wait_for_text(tmp_path / "pid")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(graph_of(job), workspace, executor, on_event=interrupt)
    wait_for(lambda: is_dead(int((tmp_path / "pid").read_text())))
    assert workspace.lock(job) is not None


def test_plugin_files_reach_the_workers_by_content(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(stub_graph.__file__).parent))
    plugin = tmp_path / "mine.py"
    plugin.write_text("VALUE = 7\n")
    job = stub("look", evil="read plugins")
    with LOCAL.executor(Devices("cpu", 1), (plugin,)) as executor:
        run_jobs(graph_of(job), workspace, executor)
    [(path, digest)] = workspace.result(job)["facts"]["plugins"]
    assert (path, digest) == (str(plugin), hashlib.sha256(b"VALUE = 7\n").hexdigest())


def test_a_plugin_file_that_the_worker_does_not_have(tmp_path: Path) -> None:
    copy, file = tmp_path / "copy.py", tmp_path / "file.py"
    copy.write_text("VALUE = 7\n")
    assert worker._here(file, copy) == copy
    file.write_text("VALUE = 8\n")
    assert worker._here(file, copy) == copy
    file.write_text("VALUE = 7\n")
    assert worker._here(file, copy) == file


@pytest.fixture
def slurm_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_module.shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.usefixtures("slurm_here")
def test_slurm_is_asked_for_the_needs_and_the_options(workspace: Workspace, tmp_path: Path) -> None:
    cluster = SlurmCluster.parse(["partition=gpu", "mail-user=me", "array_parallelism=8", "--gpus=h100:1"])
    job = stub("a", needs=Needs(threads=4, gpu_gib=2.0, time_limit_s=3000.0))
    text = _sbatch(cluster, job, cluster.devices("auto"), tmp_path)
    for line in ("--partition=gpu", "--mail-user=me", "--cpus-per-task=4", "--time=65", "--gpus=h100:1"):
        assert f"#SBATCH {line}\n" in text
    assert "gpus-per-node" not in text
    on_cpu = stub("b", needs=Needs(threads=4, gpu_gib=0.0))
    assert "gpu" not in _sbatch(cluster, on_cpu, Devices("cuda", 1), tmp_path).replace("partition=gpu", "")
    plain = SlurmCluster.parse(["time=02:00:00"])
    assert plain.devices("auto").kind == "cpu"
    text = _sbatch(plain, job, plain.devices("cuda"), tmp_path)
    assert "#SBATCH --gpus-per-node=1\n" in text
    assert "#SBATCH --time=02:00:00\n" in text


def _sbatch(cluster: SlurmCluster, job: Any, devices: Devices, folder: Path) -> str:
    from submitit.slurm.slurm import SlurmExecutor as Submitit

    executor = submitit.AutoExecutor(folder, cluster="slurm")
    executor.update_parameters(**cluster.parameters(job, devices))
    assert isinstance(executor._executor, Submitit)
    return str(executor._executor._make_submission_file_text("true", "0"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["partition"], "--slurm partition is no KEY=VALUE; give e.g. --slurm partition=gpu"),
        (["=gpu"], "is no KEY=VALUE"),
        (["cluster=cloud"], "--slurm cluster=cloud is none of slurm, local"),
    ],
)
@pytest.mark.usefixtures("slurm_here")
def test_bad_options(options: Sequence[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose("slurm", slurm=options)


def test_without_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_module.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r"there is no sbatch here; .* --slurm cluster=local"):
        choose("slurm")
    monkeypatch.setattr(slurm_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'dqbench\[slurm\]'"):
        choose("slurm", slurm=["cluster=local"])


def test_a_submission_that_fails_stops_the_run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from dqbench.executors.executor import ExecutorError

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("sbatch: error: invalid partition specified: gpuu")

    monkeypatch.setattr(submitit, "AutoExecutor", refuse)
    with LOCAL.executor(Devices("cpu", 1), ()) as slurm, pytest.raises(ExecutorError, match="invalid partition"):
        run_jobs(graph_of(stub("a")), workspace, slurm)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"executor": "rey"}, "did you mean ray"),
        ({"executor": "local", "ray_address": "auto"}, "--ray-address is for --executor ray, not local"),
        ({"executor": "ray", "slurm": ["partition=gpu"]}, "--slurm is for --executor slurm, not ray"),
    ],
)
def test_options_of_another_executor(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(**arguments)
