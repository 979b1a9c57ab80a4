"""The local executor: jobs on this machine, forked from a warm server. Imports no torch."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from dqbench.errors import UsageError
from dqbench.executors.devices import Devices, Occupancy, Slot
from dqbench.executors.executor import ExecutorError, JobEnded, JobStarted, JobStepped, Report, Work
from dqbench.executors.under_way import UnderWay
from dqbench.jobs.job import FUNCTIONS, OF_PLUGINS, Job, canonical

PRELOAD = (
    "torch",
    "timm",
    "sklearn.datasets",
    "scipy.linalg",
    "safetensors.torch",
    "threadpoolctl",
    "dqbench.nets.build",
    *dict.fromkeys(target.partition(":")[0] for target in FUNCTIONS.values()),
)
"""What the fork server imports before the first job."""


class LocalExecutor:
    """Runs jobs on this machine, forked from a warm server; packs them by threads and by GPU memory.

    Args:
        devices: what to use, from :func:`dqbench.executors.devices.find`.
        plugin_files: plugin files that jobs load.
        preload: modules that the server imports first.

    Raises:
        UsageError: this platform has no fork.
    """

    max_restarts = 1

    def __init__(
        self, devices: Devices, *, plugin_files: Sequence[Path] = (), preload: Sequence[str] = PRELOAD
    ) -> None:
        if not hasattr(os, "fork"):
            raise UsageError("the local executor needs Linux or macOS; on Windows, run dqbench in WSL")
        self.devices = devices
        self.warm_up_s: float | None = None
        self._plugin_files = tuple(Path(f).absolute() for f in plugin_files)
        self._preload = tuple(preload)
        self._occupancy = Occupancy(devices)
        self._running: dict[str, UnderWay] = {}
        self._server: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._buffer = b""
        self._restarts = 0

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, without waiting for its imports."""
        if self._server is not None:
            return
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the server)
        one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "dqbench.executors.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the runner alone
            env={**os.environ, **one_thread, "PYTHONSAFEPATH": "1"},
        )
        self.warm_up_s = None
        self._buffer = b""
        self._send(
            path=sys.path,
            preload=self._preload,
            plugin_files=[str(f) for f in self._plugin_files],
            probe=self.devices.kind == "cuda" and bool(self._preload),
        )

    def fits(self, job: Job) -> bool:
        """Whether there is room for the job now."""
        return self._occupancy.slot_for(job) is not None

    def submit(self, work: Work) -> None:
        """Start a job that fits."""
        self.start()
        slot = self._occupancy.slot_for(work.job)
        if slot is None:
            raise ValueError(f"no room for {work.job.label or work.job.kind}")
        self._occupancy.taken[work.job.key] = slot
        self._running[work.job.key] = UnderWay(work, slot)
        self._send(op="run", **self._request(work, slot))

    def _request(self, work: Work, slot: Slot) -> dict[str, Any]:
        job, threads = work.job, work.job.needs.threads
        spec = json.loads(canonical(job.spec))
        return {
            "id": job.key,
            "function": _function(job),
            "job": {
                "key": job.key,
                "kind": job.kind,
                "version": job.version,
                "spec": spec,
                "inputs": dict(job.inputs),
            },
            "inputs": {role: str(path) for role, path in work.inputs.items()},
            "out": str(work.temporary),
            "final": str(work.final),
            "log": str(work.log),
            "context": {
                "device": "cpu" if slot.gpu is None else "cuda",
                "threads": threads,
                "devices": max(1, len(slot.gpus)),
                "plugin_files": [str(f) for f in self._plugin_files],
            },
            "env": {
                "CUDA_VISIBLE_DEVICES": ",".join(self.devices.gpus[gpu].visible for gpu in slot.gpus),
                "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
                **{f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS")},
            },
        }

    def poll(self, timeout: float) -> list[Report]:
        """What has happened, waiting at most ``timeout`` seconds; jobs that hang or run past a limit are killed."""
        if self._server is None or self._server.stdout is None:
            raise ExecutorError("the fork server does not run")
        readable, _, _ = select.select([self._server.stdout], [], [], self._until_next_limit(timeout))
        reports = self._read(self._server.stdout) if readable else []
        self._stop_overdue()  # only now: a step may have waited here while the runner was busy
        return reports

    def _read(self, reports_from: IO[bytes]) -> list[Report]:
        block = os.read(reports_from.fileno(), 1 << 16)
        if not block:
            return self._server_died()
        *lines, self._buffer = (self._buffer + block).split(b"\n")
        reports = [self._understand(json.loads(line)) for line in lines]
        return [report for report in reports if report is not None]

    def _until_next_limit(self, timeout: float) -> float:
        now = time.monotonic()
        left = [run.due() - now for run in self._on_their_way()]
        return max(0.0, min([timeout, *left]))

    def _stop_overdue(self) -> None:
        now = time.monotonic()
        for run in self._on_their_way():
            if now >= run.due():
                run.stopped = run.why_due()
                self.kill(run.work.job.key)

    def _on_their_way(self) -> list[UnderWay]:
        return [run for run in self._running.values() if run.pid is not None and not run.stopped]

    def _understand(self, event: Mapping[str, Any]) -> Report | None:
        if event["event"] == "ready":
            self._ready(event)
            return None
        if event["event"] == "started":
            run = self._running[event["id"]]
            run.begin(event["pid"])
            gpus = ",".join(map(str, run.slot.gpus))
            return JobStarted(event["id"], f"gpu {gpus}" if gpus else "cpu", event["pid"])
        if event["event"] == "step":
            run = self._running[event["id"]]
            run.moved, run.step = time.monotonic(), event["step"]
            return JobStepped(event["id"], run.step)
        run = self._running.pop(event["id"])
        del self._occupancy.taken[event["id"]]
        return run.ended(event["status"], event["error"])

    def _ready(self, event: Mapping[str, Any]) -> None:
        self.warm_up_s = event["seconds"]
        if self.devices.kind == "cuda" and self._preload and len(event["gpus"]) < len(self.devices.gpus):
            raise UsageError(
                f"torch sees {len(event['gpus'])} of {len(self.devices.gpus)} GPUs; "
                "use --device cpu, or install a torch build and a driver that fit each other"
            )

    def _server_died(self) -> list[Report]:
        lost: list[Report] = []
        for key, run in self._running.items():
            if run.pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(run.pid, signal.SIGKILL)
            lost.append(JobEnded(key, 0.0, "lost", "the fork server died", lost=True))
        self._running.clear()
        self._occupancy.taken.clear()
        cold, said = self.warm_up_s is None, self._last_words()
        self.close()
        self._restarts += 1
        if cold or self._restarts > self.max_restarts:
            raise ExecutorError(f"the fork server died{': ' + said if said else ''}")
        self.start()
        return lost

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace").strip()[-2000:]

    def _send(self, **message: Any) -> None:
        assert self._server is not None
        assert self._server.stdin is not None
        with suppress(BrokenPipeError):  # poll() will see that the server died
            self._server.stdin.write(json.dumps(message).encode() + b"\n")
            self._server.stdin.flush()

    def kill(self, key: str) -> None:
        """End a job and its whole process group."""
        if key in self._running and self._server is not None:
            self._send(op="kill", id=key)

    def close(self) -> None:
        """End the server and, with it, every job."""
        server, self._server = self._server, None
        if server is None:
            return
        assert server.stdin is not None
        assert server.stdout is not None
        with suppress(BrokenPipeError):
            server.stdin.close()
        if self.warm_up_s is None:  # still importing, no job yet
            server.kill()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()
        if self._errors is not None:
            self._errors.close()
        self._running.clear()
        self._occupancy.taken.clear()


def _function(job: Job) -> str:
    """What runs a job: a plugin's kinds say their version in the spec, and all others are dqbench's own."""
    return OF_PLUGINS if job.kind not in FUNCTIONS and "job_version" in job.spec else FUNCTIONS[job.kind]
