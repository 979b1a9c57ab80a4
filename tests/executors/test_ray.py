"""Jobs on a real Ray cluster of two nodes: done, failed, stopped, lost; plugins, logs and the workspace reach them."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray_nodes
import stub_graph
from processes import is_dead, wait_for, wait_for_text
from stub_graph import graph_of, stub

from dqbench.errors import UsageError
from dqbench.executors import ray as ray_module
from dqbench.executors.clusters import choose
from dqbench.executors.devices import Devices
from dqbench.executors.executor import Work
from dqbench.executors.ray import RayCluster, RayExecutor
from dqbench.jobs.job import Needs
from dqbench.runner.events import Event, Started
from dqbench.runner.scheduler import run_jobs
from dqbench.workspace.workspace import Workspace

pytest.importorskip("ray", reason="Ray is not installed: THE RAY EXECUTOR WAS NOT TESTED")
pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.own_process]  # a driver that loses its cluster exits
HERE = str(Path(stub_graph.__file__).parent)


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", HERE)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        with ray_nodes.two_nodes() as cluster:
            yield cluster


@pytest.fixture
def executor(two_nodes: Any) -> Iterator[RayExecutor]:
    with _executor(two_nodes) as ray_executor:
        yield ray_executor


def _executor(cluster: Any, *plugin_files: Path) -> RayExecutor:
    there = RayCluster(cluster.address, preload=("stub_worker",))
    return RayExecutor(there, Devices("cpu", 2), plugin_files=plugin_files, preload=("stub_worker",))


def test_a_graph_with_failures(workspace: Workspace, executor: RayExecutor, tmp_path: Path) -> None:
    a = stub("a", value=2)
    b = stub("b", a)
    raises, dies = stub("raises", evil="raise"), stub("dies", evil="segfault")
    slow = stub("slow", sleep=60.0, needs=Needs(time_limit_s=1.0))
    after = stub("after", raises)
    events: list[Event] = []
    outcome = run_jobs(graph_of(a, b, raises, dies, slow, after), workspace, executor, on_event=events.append)
    assert outcome.ran == {a.key, b.key}
    assert workspace.result(b)["facts"] == {"value": 3}
    found = {outcome.failed[job.key].label: outcome.failed[job.key].error for job in (raises, dies, slow)}
    assert found == {"raises": "ValueError", "dies": "SIGSEGV", "slow": "timeout"}
    assert "ValueError: no such luck" in outcome.failed[raises.key].log_tail
    assert outcome.skipped == {after.key: raises.key}
    started = {event.job.label: event.where for event in events if isinstance(event, Started)}
    assert started == dict.fromkeys(("a", "b", "raises", "dies", "slow"), socket.gethostname())
    assert not list(workspace.artifacts.glob(".tmp-*"))


def test_both_nodes_work_and_each_job_has_a_fresh_process(
    workspace: Workspace, executor: RayExecutor, tmp_path: Path
) -> None:
    jobs = [stub(name, evil="meet", place=str(tmp_path / "met"), others=["a", "b"]) for name in ("a", "b")]
    outcome = run_jobs(graph_of(*jobs), workspace, executor)
    assert not outcome.failed, "each node has one CPU: the jobs meet only where both work at once"
    facts = [workspace.result(job)["facts"] for job in jobs]
    assert facts[0]["pid"] != facts[1]["pid"]
    assert all(fact["pid"] == fact["group"] for fact in facts)
    assert [fact["env"]["OMP_NUM_THREADS"] for fact in facts] == ["1", "1"]


def test_killing_a_job_ends_all_that_it_started(workspace: Workspace, executor: RayExecutor, tmp_path: Path) -> None:
    job = stub("hangs", evil="hang", pid_file=str(tmp_path / "pid"))

    def interrupt(event: Event) -> None:
        if isinstance(event, Started):
            wait_for_text(tmp_path / "pid")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(graph_of(job), workspace, executor, on_event=interrupt)
    wait_for(lambda: is_dead(int((tmp_path / "pid").read_text())))
    assert workspace.lock(job) is not None


def test_a_worker_that_dies_is_replaced_once(workspace: Workspace, executor: RayExecutor, tmp_path: Path) -> None:
    job = stub("unlucky", evil="kill worker once", pid_file=str(tmp_path / "pid"))
    outcome = run_jobs(graph_of(job), workspace, executor)
    assert outcome.ran == {job.key}
    assert "the Ray worker died" in outcome.redone[job.key]


def test_plugin_files_reach_the_workers_by_content(
    workspace: Workspace, two_nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("VALUE = 7\n")
    job = stub("look", evil="read plugins")
    with _executor(two_nodes, plugin) as executor:
        submit = executor.submit

        def move(work: Work) -> None:
            submit(work)
            plugin.unlink()  # the worker's host does not have it

        monkeypatch.setattr(executor, "submit", move)
        run_jobs(graph_of(job), workspace, executor)
    [(path, digest)] = workspace.result(job)["facts"]["plugins"]
    assert (Path(path).name, digest) == ("mine.py", hashlib.sha256(b"VALUE = 7\n").hexdigest())
    assert Path(path).is_relative_to(workspace.path)


def test_a_host_that_does_not_see_the_workspace_says_so(
    workspace: Workspace, executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = RayExecutor._order

    def blind(self: RayExecutor, work: Any) -> dict[str, Any]:
        return {**order(self, work), "notes": "/nowhere/artifacts/.tmp-notes", "final": "/nowhere/artifacts/a"}

    monkeypatch.setattr(RayExecutor, "_order", blind)
    with pytest.raises(UsageError, match="does not see the workspace /nowhere; put it at the same path"):
        run_jobs(graph_of(stub("a")), workspace, executor)


def test_a_task_that_has_ended_is_not_cancelled(
    workspace: Workspace, executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray ends this process where that meets its own book-keeping."""
    import ray

    cancelled: list[Any] = []
    monkeypatch.setattr(ray, "cancel", lambda handle, force: cancelled.append(handle))
    executor.start()
    ended = ray.remote(lambda: 1).remote()
    ray.get(ended)
    waits = ray.remote(lambda: time.sleep(600)).remote()
    ray_module._cancel(ended, force=True)
    assert not cancelled
    ray_module._cancel(waits, force=True)
    assert cancelled == [waits]
    monkeypatch.undo()
    ray_module._cancel(waits, force=True)
    with pytest.raises((ray.exceptions.TaskCancelledError, ray.exceptions.WorkerCrashedError)):
        ray.get(waits)


def test_another_version_on_the_worker_is_found_out(
    workspace: Workspace, executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dqbench.jobs import job as job_module

    monkeypatch.setattr(job_module, "VERSIONS", {**job_module.VERSIONS, "stub": 2})
    job = stub("a")
    outcome = run_jobs(graph_of(job), workspace, executor)
    assert "install the same version on every host" in outcome.failed[job.key].message


def test_devices_are_those_of_the_cluster(two_nodes: Any, executor: RayExecutor) -> None:
    cluster = RayCluster(two_nodes.address)
    assert cluster.devices("auto") == cluster.devices("cpu") == Devices("cpu", 2)
    with pytest.raises(UsageError, match="the Ray cluster has no GPU"):
        cluster.devices("cuda")
    with pytest.raises(UsageError, match="'tpu' is none of"):
        cluster.devices("tpu")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "is no address; give HOST:PORT"),
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
        ("127.0.0.1:999999", "no Ray cluster answers at 127.0.0.1:999999"),
    ],
)
def test_an_unreachable_cluster_is_one_line(address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        RayCluster(address).connect()
    assert "\n" not in str(error.value)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'dqbench\[ray\]'"):
        choose("ray")
