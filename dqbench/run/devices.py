"""Which processors there are, found without importing torch, and who fits on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dqbench.errors import UsageError
from dqbench.jobs.job import Job

Kind = Literal["cpu", "cuda"]
WANTED = ("auto", "cpu", "cuda")
_QUERY = ("--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits")
_USABLE = 0.94
"""The share of a GPU's memory that jobs get; the rest is for CUDA contexts and what else runs there."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: what ``CUDA_VISIBLE_DEVICES`` calls it, its model and memory."""

    visible: str
    model: str
    gib: float


@dataclass(frozen=True)
class Devices:
    """What jobs run on.

    Attributes:
        kind: ``cpu`` or ``cuda``; what jobs are told.
        threads: CPU threads for all jobs together.
        gpus: the GPUs in use; empty for ``cpu``.
    """

    kind: Kind
    threads: int
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a job runs: a GPU by its position, or None for the CPU, and what it takes there."""

    gpu: int | None
    threads: int
    gib: float


@dataclass
class Room:
    """Who is where, by declared needs. A job that asks for more than there is gets everything, alone."""

    devices: Devices
    taken: dict[str, Place] = field(default_factory=dict)

    def place(self, job: Job) -> Place | None:
        """Where the job could start now; None if nowhere."""
        threads = min(job.needs.threads, self.devices.threads)
        on_gpu = self.devices.kind == "cuda" and job.needs.gpu_gib > 0
        if on_gpu:
            gpu, free = max(enumerate(self._free_gib()), key=lambda pair: pair[1])
            gib = min(job.needs.gpu_gib, self._usable(gpu))
            first_there = all(place.gpu != gpu for place in self.taken.values())
            fits = first_there or (gib <= free + 1e-9 and threads <= self._free_threads())
            return Place(gpu, threads, gib) if fits else None
        return Place(None, threads, 0.0) if threads <= self._free_threads() or not self.taken else None

    def _free_threads(self) -> int:
        return self.devices.threads - sum(place.threads for place in self.taken.values())

    def _usable(self, gpu: int) -> float:
        return self.devices.gpus[gpu].gib * _USABLE

    def _free_gib(self) -> list[float]:
        free = [self._usable(gpu) for gpu in range(len(self.devices.gpus))]
        for place in self.taken.values():
            if place.gpu is not None:
                free[place.gpu] -= place.gib
        return free


def find(wanted: str = "auto", gpus: Sequence[int] | None = None, threads: int | None = None) -> Devices:
    """The devices to use: ``auto`` takes the GPUs where there are any. ``gpus`` chooses among the visible ones.

    Raises:
        UsageError: an unknown device, or one that is not there.
    """
    if wanted not in WANTED:
        raise UsageError(f"device {wanted!r} is none of {', '.join(WANTED)}")
    threads = threads or available_threads()
    if wanted == "cpu":
        return Devices("cpu", threads)
    visible = visible_gpus()
    if not visible:
        if wanted == "cuda":
            raise UsageError("device cuda: no NVIDIA GPU is visible here; use --device cpu or check nvidia-smi")
        return Devices("cpu", threads)
    return Devices("cuda", threads, _chosen(visible, gpus))


def _chosen(visible: tuple[Gpu, ...], gpus: Sequence[int] | None) -> tuple[Gpu, ...]:
    if gpus is None:
        return visible
    for index in gpus:
        if not 0 <= index < len(visible):
            raise UsageError(f"GPU {index} is not there; visible: {', '.join(map(str, range(len(visible))))}")
    return tuple(visible[index] for index in dict.fromkeys(gpus))


def available_threads() -> int:
    """CPU threads that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that ``CUDA_VISIBLE_DEVICES`` leaves, in its order, as ``nvidia-smi`` describes them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None and chosen.strip() in ("", "-1"):
        return ()
    rows = _nvidia_smi()
    if chosen is None:
        return tuple(Gpu(uuid, model, gib) for _, uuid, model, gib in rows)
    found = []
    for name in (part.strip() for part in chosen.split(",")):
        match = [row for row in rows if name == row[0] or row[1].startswith(name)]
        if not match:  # CUDA, too, ignores what follows the first name that it does not know
            break
        found.append(Gpu(name, match[0][2], match[0][3]))
    return tuple(found)


def _nvidia_smi() -> list[tuple[str, str, str, float]]:
    program = shutil.which("nvidia-smi")
    if program is None or not (os.name == "nt" or list(Path("/dev").glob("nvidia*")) or Path("/dev/dxg").exists()):
        return []
    try:
        text = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = []
    for line in text.splitlines():
        index, uuid, model, mib = (part.strip() for part in line.rsplit(",", 3))
        if mib.isdigit():
            rows.append((index, uuid, model, int(mib) / 1024))
    return rows
