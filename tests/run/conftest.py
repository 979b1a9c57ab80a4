"""Stub jobs, and an executor whose server imports nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqbench.jobs import job as job_module
from dqbench.run import local as local_module
from dqbench.run.devices import Devices
from dqbench.run.local import LocalExecutor
from dqbench.run.workspace import Workspace

sys.path.append(str(Path(__file__).parent))  # stub_jobs and stub_graph, which the fork server must find by name, too


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(job_module, "VERSIONS", {**job_module.VERSIONS, "stub": 1})
    monkeypatch.setattr(local_module, "FUNCTIONS", {**job_module.FUNCTIONS, "stub": "stub_jobs:run"})
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(Devices("cpu", 2), preload=()) as local:
        yield local
