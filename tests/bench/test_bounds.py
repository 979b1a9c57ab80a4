"""How long things that people wait for may take on an idle machine; run by ``tox -e bounds``, never with the tests."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stub_graph import graph_of, stub

from dqbench.runner.graph import Graph
from dqbench.workspace.workspace import Workspace

pytestmark = pytest.mark.bench


@contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < seconds


def test_list_takes_half_a_second_of_cpu(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "dqbench", "list"], cwd=tmp_path, capture_output=True, timeout=60, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_ten_thousand_artifacts_are_listed_in_a_second(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for number in range(10_000):
        (workspace.artifacts / f"train-{number:024x}").mkdir()
    with within(1.0):
        assert len(workspace.done_folders()) == 10_000


def test_a_graph_of_twenty_thousand_jobs_takes_seconds() -> None:
    roots = [stub(f"root{number}") for number in range(100)]
    by_key = graph_of(*roots, *(stub(f"{number}", roots[number % 100]) for number in range(20_000)))
    with within(5.0):
        graph = Graph(by_key, by_key, lambda job: False)
        for root in roots:
            graph.take(root.key)
            graph.finish(root.key)
        assert len(graph.ready(30_000)) == 20_000


def test_a_finished_grid_is_recognised_in_seconds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dqbench", "run", "--method", "random", "--task", "digits-xarch"]
    command += [
        "--arch",
        "digits-mlp",
        "--seeds",
        "1",
        "--keep",
        "0.1",
        "--workspace",
        str(tmp_path),
        "--device",
        "cpu",
    ]
    subprocess.run(command, capture_output=True, timeout=600, check=True)
    with within(10.0):
        again = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert "nothing to do" in again.stderr
