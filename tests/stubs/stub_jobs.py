"""Stub jobs for the tests of the runner; the fork server imports this module by name."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dqbench.errors import UsageError
from dqbench.jobs.job import Context
from dqbench.steps import report_step


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> Any:
    """Sum the inputs' values and one's own, after doing whatever evil the spec asks for."""
    if "count" in spec:
        with Path(spec["count"]).open("a") as file:
            file.write(f"{spec['name']}\n")
    if "gate" in spec:
        _pass(Path(spec["gate"]), Path(spec["count"]))
    print("running", spec["name"], flush=True)
    time.sleep(spec.get("sleep", 0.0))
    facts = _evil(spec, context, out)
    value = facts.get("value", spec.get("value", 1)) + sum(
        json.loads((folder / "value.json").read_text()) for folder in inputs.values()
    )
    (out / "value.json").write_text(json.dumps(value))
    (out / "deep").mkdir()
    (out / "deep" / "more.txt").write_text(spec["name"])
    return {**facts, "value": value}


def _evil(spec: Mapping[str, Any], context: Context, out: Path) -> dict[str, Any]:
    kind = spec.get("evil")
    if kind == "raise":
        raise ValueError("no such luck")
    if kind == "usage":
        raise UsageError("keep ratio 2 is not in (0, 1]")
    if kind == "exit":
        os._exit(3)
    if kind == "sys.exit":
        sys.exit(0)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(spec["pid_file"]).write_text(str(child.pid))
        time.sleep(600)
    if kind == "steps":
        for number in range(1, spec["steps"] + 1):
            report_step("lap", 1 if spec.get("stuck") else number, spec["steps"], loss=0.125)
            time.sleep(spec["pause"])
    if kind == "steps then error":
        for number in range(2000):
            report_step(f"kind {number}", number)
        os.write(_messages_of(), b'nonsense\n5\n{"error": 5}\n{"step": null}\n')
        raise ValueError("no such luck")
    if kind == "litter":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(spec["pid_file"]).write_text(str(child.pid))
    if kind == "no facts":
        (Path(spec["pid_file"])).write_text("")
    if kind == "other each time":
        return {"value": len(Path(spec["count"]).read_text().split())}
    if kind == "kill server":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(5)
    if kind == "kill server once" and not Path(spec["pid_file"]).exists():
        Path(spec["pid_file"]).write_text("")
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(5)
    if kind == "kill worker once" and not Path(spec["pid_file"]).exists():
        Path(spec["pid_file"]).write_text("")
        os.kill(int(Path(f"/proc/{os.getppid()}/stat").read_text().split()[3]), signal.SIGKILL)
        time.sleep(60)
    if kind == "read plugins":
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in context.plugin_files]
        return {"plugins": list(zip(map(str, context.plugin_files), digests, strict=True))}
    if kind == "memory":
        _once(Path(spec["pid_file"]), MemoryError("no room"))
    if kind == "flaky":
        _once(Path(spec["pid_file"]), ValueError("not today"))
    if kind == "full disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        (out / "large").write_bytes(bytes(1 << 20))
    if kind == "large":
        (out / "large").write_bytes(os.urandom(spec["bytes"]))
    if kind == "nan":
        return {"curve": [{"loss": 1.0}, {"loss": float("nan")}]}
    if kind == "torch":
        return _torch(context)
    if kind == "wait for a signal" and not Path(spec["pid_file"]).exists():
        Path(spec["pid_file"]).write_text(str(os.getpid()))
        time.sleep(600)
    if kind == "meet":
        _meet(Path(spec["place"]), spec["name"], spec["others"])
    if kind in ("look", "meet"):
        return {
            "env": {
                name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PYTHONSAFEPATH")
            },
            "device": context.device,
            "threads": context.threads,
            "plugin_files": [str(file) for file in context.plugin_files],
            "pid": os.getpid(),
            "group": os.getpgrp(),
            "descriptors": len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 4,
        }
    return {}


def _pass(gate: Path, count: Path) -> None:
    """Go on once the gate, a number in a file, lets as many jobs pass as have begun."""
    while len(count.read_text().split()) > int(gate.read_text()):
        time.sleep(0.01)


def _meet(place: Path, name: str, others: list[str]) -> None:
    """Go on once the others are there too: all of them run at one time, whenever each began."""
    place.mkdir(exist_ok=True)
    (place / name).write_text("")
    while not all((place / other).exists() for other in others):
        time.sleep(0.01)


def _messages_of() -> int:
    """The pipe to the server: the one pipe here that this process can write to."""
    for number in range(3, 64):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{number}").startswith("pipe:"):
                return number
    raise LookupError("there is no pipe")


def _once(mark: Path, error: Exception) -> None:
    if not mark.exists():
        mark.write_text("")
        raise error


def _torch(context: Context) -> dict[str, Any]:
    import torch

    before = len(os.listdir("/proc/self/task"))
    matrix = torch.ones(600, 600)
    for _ in range(5):
        matrix = (matrix @ matrix) / 600
    total = torch.ones(1 << 20).sum()
    return {
        "threads": torch.get_num_threads(),
        "tasks": [before, len(os.listdir("/proc/self/task"))],
        "sum": total.item(),
    }
