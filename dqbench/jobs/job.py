"""What a job is: a kind, a spec, inputs, and the key that all of this hashes to. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dqbench.job_folders import job_folder

VERSIONS: Mapping[str, int] = {
    "train": 1, "relabel": 1, "observe": 1, "prepare": 1, "compress": 1, "evaluate": 1, "pixels": 1, "pretrain": 1,
    "corrupt": 2, "finetune": 1, "pretrained": 1, "dynamics": 1, "tokenize": 1, "embed": 1, "trainlm": 1, "losses": 1,
    "scorelm": 1, "benchmark": 1, "choosepart": 1, "mergeparts": 1,
    "observeshards": 1, "embedshard": 1,
}  # fmt: skip
"""Raised when a kind of job gives other results than before for the same spec."""

FUNCTIONS: Mapping[str, str] = {
    "train": "dqbench.jobs.train:run",
    "relabel": "dqbench.jobs.relabel:run",
    "observe": "dqbench.jobs.observe:run",
    "dynamics": "dqbench.jobs.dynamics:run",
    "prepare": "dqbench.jobs.prepare:run",
    "compress": "dqbench.jobs.compress:run",
    "evaluate": "dqbench.jobs.evaluate:run",
    "pixels": "dqbench.jobs.pixels:run",
    "pretrain": "dqbench.jobs.pretrain:run",
    "corrupt": "dqbench.jobs.corrupt:run",
    "finetune": "dqbench.jobs.finetune:run",
    "pretrained": "dqbench.jobs.pretrained:run",
    "tokenize": "dqbench.jobs.tokenize:run",
    "embed": "dqbench.jobs.embed:run",
    "trainlm": "dqbench.jobs.trainlm:run",
    "losses": "dqbench.jobs.losses:run",
    "scorelm": "dqbench.jobs.scorelm:run",
    "benchmark": "dqbench.jobs.benchmark:run",
    "choosepart": "dqbench.jobs.choosepart:run",
    "mergeparts": "dqbench.jobs.mergeparts:run",
    "observeshards": "dqbench.jobs.observeshards:run",
    "embedshard": "dqbench.jobs.embedshard:run",
}
"""The function of each kind: ``run(spec, inputs, out, context) -> dict`` of facts for the record."""


OF_PLUGINS = "dqbench.jobs.stage:run"
"""The function of every kind that a plugin brings; its job's spec holds ``job_version``."""


@dataclass(frozen=True)
class Needs:
    """What a job asks of the machine; never part of its key.

    Attributes:
        threads: CPU threads.
        gpu_gib: GPU memory, if it runs on a GPU.
        seconds: a guess of its duration, for the order of work and the time left.
        time_limit_s: when to stop it without a new step; see :mod:`dqbench.steps`.
        hard_limit_s: when to stop it in any case; None never does.
        alone: no other job may share its device, e.g. because its time is its result.
        images: images that it goes through.
        devices: GPUs that it can share its work among; it gets as many as there are for a job.
    """

    threads: int = 1
    gpu_gib: float = 1.0
    seconds: float = 1.0
    time_limit_s: float = 24 * 3600.0
    alone: bool = False
    images: float = 0.0
    devices: int = 1
    hard_limit_s: float | None = None


class Shared(dict[str, Any]):
    """A spec that many jobs have: its canonical text is made once, so it must not change."""

    @cached_property
    def text(self) -> str:
        """See :func:`canonical`."""
        return canonical(dict(self))


@dataclass(frozen=True)
class Job:
    """One unit of work.

    Attributes:
        kind: a key of ``FUNCTIONS``.
        spec: all that can change the result, as JSON values.
        inputs: keys of the jobs whose outputs this one reads, by role.
        label: what progress shows, e.g. ``train resnet18 on dq 0.1 seed 0``; not part of the key.
        needs: see :class:`Needs`.
    """

    kind: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    needs: Needs = field(default_factory=Needs)

    @cached_property
    def key(self) -> str:
        """sha256 of kind, kind version, spec and input keys, in hexadecimal."""
        return key_of(self.kind, self.version, self.spec, self.inputs)

    @property
    def version(self) -> int:
        """The version of its kind, which is in its key."""
        return VERSIONS[self.kind] if self.kind in VERSIONS else int(self.spec["job_version"])

    @property
    def folder(self) -> str:
        """The name of its artifact's folder."""
        return job_folder(self.kind, self.key)


def key_of(kind: str, version: int, spec: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """The key of a job: see :attr:`Job.key`."""
    named = ",".join(f'"{role}":"{key}"' for role, key in sorted(inputs.items()))
    words = spec.text if isinstance(spec, Shared) else canonical(spec)
    text = f'{{"inputs":{{{named}}},"kind":"{kind}","spec":{words},"version":{version}}}'
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Context:
    """Where a job runs; nothing in it may change the result.

    Attributes:
        device: ``cpu`` or ``cuda``.
        threads: CPU threads it may use.
        plugin_files: plugin files to load besides the installed plugins.
        scratch: a folder (perhaps not made yet) of this job's key, kept until it is done: checkpoints of attempts.
        devices: how many devices it may use; on a CPU, how many processes.
    """

    device: str
    threads: int = 1
    plugin_files: tuple[Path, ...] = ()
    scratch: Path | None = None
    devices: int = 1


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} is no JSON value")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
