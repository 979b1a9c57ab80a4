"""The hooks that a plugin may implement, each returning an iterable of specs, or of files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pluggy

from dqbench.specs import ArchSpec, DatasetSpec, JobSpec, MethodSpec, TaskSpec

hookspec = pluggy.HookspecMarker("dqbench")
hookimpl = pluggy.HookimplMarker("dqbench")


@hookspec
def dqbench_methods() -> Iterable[MethodSpec]:  # type: ignore[empty-body]
    """Yield the compression methods that this plugin brings."""


@hookspec
def dqbench_tasks() -> Iterable[TaskSpec]:  # type: ignore[empty-body]
    """Yield the tasks that this plugin brings."""


@hookspec
def dqbench_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Yield the data sets that this plugin brings."""


@hookspec
def dqbench_archs() -> Iterable[ArchSpec]:  # type: ignore[empty-body]
    """Yield the architectures that this plugin brings."""


@hookspec
def dqbench_jobs() -> Iterable[JobSpec]:  # type: ignore[empty-body]
    """Yield the kinds of jobs that this plugin brings, for the stages of its tasks."""


@hookspec
def dqbench_claims() -> Iterable[Path]:  # type: ignore[empty-body]
    """Yield YAML files of claims (``dqbench.claims``) about what this plugin brings, or about what others do."""
