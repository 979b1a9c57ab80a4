"""One train job in several processes: each runs the same code on its share of every step's passes.

The first process is the job's own. It starts the others on this host, as torchrun would, meets them at a file, and ends
with them.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from dqbench.data.closed import closed
from dqbench.data.forbid import forbid
from dqbench.errors import UsageError
from dqbench.jobs.job import Context, canonical
from dqbench.specs import load_target

Work = Callable[[Mapping[str, Any], Mapping[str, Path], Context], object]

_PR_SET_PDEATHSIG = 1
_LAST_WORDS_S = 10.0


@contextmanager
def distributed(
    work: Work, spec: Mapping[str, Any], inputs: Mapping[str, Path], context: Context, count: int
) -> Iterator[None]:
    """Inside, ``count`` processes take part: this one is the first, the others run ``work(spec, inputs, context)``.

    Args:
        work: a function of a module, which the other processes import by its name.
        spec: of the job.
        inputs: of the job.
        context: of the job.
        count: processes, this one included.

    Raises:
        UsageError: what another process could not use, in its words.
        RuntimeError: another process ended early.
    """
    if count == 1:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder)
        others = [_start(work, spec, inputs, context, meeting, rank, count) for rank in range(1, count)]
        try:
            _wait_for(meeting, others)
            _meet(meeting, 0, count, context.device)
            yield
        except Exception as error:
            raise _first_cause(meeting, others, error) from error
        finally:
            _end(others)


def _start(
    work: Work,
    spec: Mapping[str, Any],
    inputs: Mapping[str, Path],
    context: Context,
    meeting: Path,
    rank: int,
    count: int,
) -> subprocess.Popen[bytes]:
    order = {
        "work": f"{work.__module__}:{work.__qualname__}",
        "spec": spec,
        "inputs": {role: str(path) for role, path in inputs.items()},
        "device": context.device,
        "threads": context.threads,
        "plugin_files": [str(file) for file in context.plugin_files],
        "scratch": None if context.scratch is None else str(context.scratch),
        "count": count,
        "parent": os.getpid(),
    }
    (meeting / f"order-{rank}.json").write_text(canonical(order))
    command = [sys.executable, "-m", "dqbench.jobs.distributed", str(meeting), str(rank)]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL)


def _read_by(spec: Mapping[str, Any]) -> set[str]:
    return {spec["source"]["dataset"]} if "source" in spec else set()


def _wait_for(meeting: Path, others: list[subprocess.Popen[bytes]]) -> None:
    """Wait until the others are ready: torch would wait half an hour for one that has ended."""
    for rank, process in enumerate(others, start=1):
        while not (meeting / f"ready-{rank}").exists():
            if process.poll() is not None:
                raise RuntimeError(f"process {rank} of this training ended before it began")
            time.sleep(0.01)


def _meet(meeting: Path, rank: int, count: int, device: str) -> None:
    if device == "cuda":
        torch.cuda.set_device(rank)
    backend = "nccl" if device == "cuda" else "gloo"
    dist.init_process_group(backend, init_method=f"file://{meeting / 'meeting'}", rank=rank, world_size=count)


def _first_cause(meeting: Path, others: list[subprocess.Popen[bytes]], error: Exception) -> Exception:
    """What another process said before this one lost it, else ``error``."""
    if isinstance(error, UsageError):
        return error
    for rank, process in enumerate(others, start=1):
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS_S)
        if process.returncode:
            said = meeting / f"error-{rank}.json"
            told = json.loads(said.read_text()) if said.exists() else {}
            if told.get("usage"):
                return UsageError(told["message"])
            words = told.get("message") or f"exit code {process.returncode}"
            return RuntimeError(f"process {rank} of this training ended early: {words}")
    return error


def _end(others: list[subprocess.Popen[bytes]]) -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
    for process in others:
        try:
            process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main(meeting: Path, rank: int) -> int:
    """Take part as process ``rank``; its last words are left for the first process."""
    order = json.loads((meeting / f"order-{rank}.json").read_text())
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != order["parent"]:
            return 1
    torch.set_num_threads(order["threads"])
    forbid(closed(_read_by(order["spec"])))
    try:
        work = load_target(order["work"])
        scratch = None if order["scratch"] is None else Path(order["scratch"])
        plugin_files = tuple(Path(file) for file in order["plugin_files"])
        (meeting / f"ready-{rank}").touch()
        _meet(meeting, rank, order["count"], order["device"])
        inputs = {role: Path(path) for role, path in order["inputs"].items()}
        work(order["spec"], inputs, Context(order["device"], order["threads"], plugin_files, scratch))
        dist.destroy_process_group()
    except Exception as error:
        told = {"usage": isinstance(error, UsageError), "message": str(error) or type(error).__name__}
        (meeting / f"error-{rank}.json").write_text(json.dumps(told))
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
