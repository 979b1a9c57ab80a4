"""The fork server by itself, spoken to over its pipes: nothing that it started outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import is_dead, wait_for, wait_for_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs die with their server on Linux only")


class _Client:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = subprocess.Popen(
            [sys.executable, "-m", "dqbench.executors.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.say(path=sys.path, preload=[], plugin_files=[], probe=False)

    def close(self) -> None:
        self.server.kill()
        self.server.wait()
        for pipe in (self.server.stdin, self.server.stdout):
            assert pipe is not None
            pipe.close()

    def say(self, **message: Any) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(message) + "\n")
        self.server.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        report: dict[str, Any] = json.loads(self.server.stdout.readline())
        return report

    def run(self, name: str, **spec: Any) -> None:
        self.say(
            op="run",
            id=name,
            function="stub_jobs:run",
            job={"key": name, "kind": "stub", "spec": {"name": name, **spec}, "inputs": {}},
            inputs={},
            out=str(self.folder / f"{name}.tmp"),
            final=str(self.folder / name),
            log=str(self.folder / f"{name}.log"),
            context={"device": "cpu", "threads": 1, "plugin_files": []},
            env={},
        )

    def hang(self) -> tuple[int, int]:
        """Start a job that hangs; gives its process id and that of its child."""
        pid_file = self.folder / "pid"
        self.run("hang", evil="hang", pid_file=str(pid_file))
        job = self.hear()["pid"]
        return job, int(wait_for_text(pid_file))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[_Client]:
    talker = _Client(tmp_path)
    assert talker.hear()["event"] == "ready"
    yield talker
    talker.close()


def _dies(pid: int) -> bool:
    wait_for(lambda: is_dead(pid))
    return True


def test_reports_and_artifact(client: _Client, tmp_path: Path) -> None:
    client.run("a", value=7)
    assert client.hear()["event"] == "started"
    assert client.hear() == {"event": "ended", "id": "a", "status": 0, "error": None}
    assert json.loads((tmp_path / "a" / "value.json").read_text()) == 7
    client.run("b", evil="raise")
    client.hear()
    assert client.hear()["error"] == {"error": "ValueError", "message": "no such luck"}
    assert not (tmp_path / "b").exists()


def test_end_of_input_ends_every_job_and_what_it_started(client: _Client) -> None:
    job, grandchild = client.hang()
    assert client.server.stdin is not None
    client.server.stdin.close()
    assert client.server.wait(timeout=1800) == 0
    assert _dies(job)
    assert _dies(grandchild)


def test_a_killed_server_takes_its_jobs_along(client: _Client) -> None:
    job, grandchild = client.hang()
    client.server.kill()
    assert _dies(job)
    os.kill(grandchild, signal.SIGKILL)  # only the runner, if it lives on, ends these


def test_kill_ends_the_group(client: _Client) -> None:
    job, grandchild = client.hang()
    client.say(op="kill", id="hang")
    client.say(op="kill", id="never heard of")
    assert client.hear() == {"event": "ended", "id": "hang", "status": 9, "error": None}
    assert _dies(job)
    assert _dies(grandchild)


def test_many_at_once(client: _Client) -> None:
    for i in range(20):
        client.run(str(i))
    reports = [client.hear() for _ in range(40)]
    assert sorted(int(report["id"]) for report in reports if report["event"] == "ended") == list(range(20))
    assert all(report["status"] == 0 for report in reports if report["event"] == "ended")
