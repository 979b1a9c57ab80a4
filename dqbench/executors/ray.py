"""``--executor ray``: each job is a Ray task. Needs the extra ``ray``; imports no torch.

A task starts the job in a fresh process of its own, so Ray may use its workers again: that spares seconds per job.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dqbench.errors import UsageError
from dqbench.executors.cluster import ClusterExecutor, Sent, lost
from dqbench.executors.devices import WANTED, Devices
from dqbench.executors.executor import ExecutorError
from dqbench.executors.worker import carry_out
from dqbench.jobs.job import Job

_HOST_BYTES = 1 << 30
"""The host memory that a task asks for: what Python with torch takes at least."""
_OBJECTS_BYTES = 128 << 20
_FORCE_AFTER_S = 2.0
_CONNECT_S = 5.0


class RayCluster:
    """The cluster at ``address`` (``HOST:PORT``, ``auto`` or ``ray://…``); without one, one on this machine alone.

    Raises:
        UsageError: the extra is not installed.
    """

    def __init__(self, address: str | None = None, *, preload: Sequence[str] = ()) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError("--executor ray needs Ray; install it with: pip install 'dqbench[ray]'")
        self.address = address
        self._preload = tuple(preload)

    def devices(self, wanted: str) -> Devices:
        """The device that jobs are given; ``auto`` takes the GPUs where the cluster has any.

        Raises:
            UsageError: the cluster cannot be reached, or has none of the devices wanted.
        """
        if wanted not in WANTED:
            raise UsageError(f"device {wanted!r} is none of {', '.join(WANTED)}")
        self.connect()
        there = _resources()
        gpus, threads = (int(sum(node.get(name, 0) for node in there)) for name in ("GPU", "CPU"))
        if wanted == "cuda" and not gpus:
            raise UsageError("device cuda: the Ray cluster has no GPU; use --device cpu or start its nodes with GPUs")
        return Devices("cuda" if gpus and wanted != "cpu" else "cpu", threads)

    def connect(self) -> None:
        """Join the cluster, or start one; does nothing if that is done.

        Raises:
            UsageError: it cannot be reached.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if ray.is_initialized():
            return
        _hush()
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address is None:
            self._begin(**quiet)
            return
        _knock(self.address)
        try:
            ray.init(self.address, **quiet)
        except Exception as error:  # Ray's errors have no common base
            raise _unreachable(self.address, str(error)) from error

    @staticmethod
    def _begin(**options: Any) -> None:
        import ray

        try:
            ray.init("local", object_store_memory=_OBJECTS_BYTES, include_dashboard=False, **options)
        except Exception as error:
            raise UsageError(f"Ray could not be started on this machine: {_first_line(error)}") from error

    def executor(self, devices: Devices, plugin_files: Sequence[Path]) -> RayExecutor:
        """An executor on the cluster."""
        return RayExecutor(self, devices, plugin_files=plugin_files, preload=self._preload)


class RayExecutor(ClusterExecutor):
    """Runs each job as a Ray task with CPUs, memory and, where it uses one, a GPU of its own."""

    waiting_at_most = 16

    def __init__(
        self, cluster: RayCluster, devices: Devices, *, plugin_files: Sequence[Path] = (), preload: Sequence[str] = ()
    ) -> None:
        super().__init__(devices, plugin_files=plugin_files, preload=preload)
        self.cluster = cluster
        self._largest: dict[str, float] | None = None
        self._doomed: dict[str, float] = {}

    def start(self) -> None:
        """Join the cluster."""
        if self._largest is None:
            self.cluster.connect()
            there = _resources()
            self._largest = {name: max((node.get(name, 0) for node in there), default=0) for name in ("CPU", "memory")}

    def _send(self, sent: Sent, job: Job) -> None:
        import ray

        assert self._largest is not None
        task = ray.remote(max_calls=0, max_retries=0)(carry_out).options(  # 0: a worker may be used again
            name=f"dqbench {job.label or job.kind}",
            num_cpus=min(job.needs.threads, self._largest["CPU"]),
            num_gpus=int(self.devices.kind == "cuda" and job.needs.gpu_gib > 0),
            memory=min(_HOST_BYTES, int(self._largest["memory"])),
        )
        sent.handle = task.remote(sent.order)

    def _ends(self, timeout: float) -> Iterator[tuple[str, Mapping[str, Any]]]:
        import ray

        self._insist()
        keys = {sent.handle: key for key, sent in self._sent.items()}
        if not keys:
            time.sleep(timeout)
            return
        try:
            ready, _ = ray.wait(list(keys), num_returns=1, timeout=timeout)
            ready, _ = ray.wait(list(keys), num_returns=len(keys), timeout=0) if ready else ([], [])
        except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
            raise ExecutorError(f"the Ray cluster is gone: {_first_line(error)}") from error
        for handle in ready:
            self._doomed.pop(keys[handle], None)
            yield keys[handle], _end(handle)

    def kill(self, key: str) -> None:
        """Interrupt a job's worker, so that it ends all that the job started; the worker itself if it goes on."""
        if key in self._sent:
            _cancel(self._sent[key].handle, force=False)
            self._doomed[key] = time.monotonic()

    def _insist(self) -> None:
        for key, since in list(self._doomed.items()):
            if time.monotonic() - since > _FORCE_AFTER_S:
                del self._doomed[key]
                _cancel(self._sent[key].handle, force=True)

    def _close(self) -> None:
        import ray

        if ray.is_initialized():
            for sent in self._sent.values():
                with suppress(Exception):
                    _cancel(sent.handle, force=True)
            ray.shutdown()


def _hush() -> None:
    """What befalls the cluster is in reports; Ray would print it between the lines of the runner's output."""
    import ray._private.worker

    if hasattr(ray._private.worker, "print_to_stdstream"):
        ray._private.worker.print_to_stdstream = lambda *values, **options: None


def _resources() -> list[dict[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _cancel(handle: Any, *, force: bool) -> None:
    """Cancel a task that goes on: Ray ends this process where one is cancelled that has just ended (ray pull 54785)."""
    import ray

    if not ray.wait([handle], timeout=0)[0]:
        ray.cancel(handle, force=force)


def _end(handle: Any) -> Mapping[str, Any]:
    import ray

    try:
        end: Mapping[str, Any] = ray.get(handle)
    except ray.exceptions.TaskCancelledError:
        return {"error": "killed", "message": "the job was stopped"}
    except ray.exceptions.OutOfMemoryError as error:
        return lost(_first_line(error), "out of memory")
    except (ray.exceptions.RayTaskError, ray.exceptions.RuntimeEnvSetupError) as error:
        return {"error": "worker error", "message": str(error)[-2000:]}
    except ray.exceptions.RayError as error:
        return lost(f"the Ray worker died: {_first_line(error)}")
    return end


def _knock(address: str) -> None:
    """A cluster that is not there is found out in seconds, not in Ray's minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal():
        raise UsageError(f"--ray-address {address!r} is no address; give HOST:PORT, auto or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, reason: str) -> UsageError:
    return UsageError(
        f"no Ray cluster answers at {address} ({_first_line(reason)}); check --ray-address, or leave it out "
        "to use this machine alone"
    )


def _first_line(error: object) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
