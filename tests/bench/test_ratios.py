"""The guard over ratios of speed: it names what fell by more than 30 %, and nothing else. Nothing here is timed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("bench_ratios", Path(__file__).with_name("ratios.py"))
ratios = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ratios)


@pytest.mark.parametrize(("now", "names"), [(10.0, False), (7.1, False), (6.9, True), (0.1, True), (40.0, False)])
def test_what_fell_by_more_than_thirty_percent_is_named(now, names):
    lines = ratios.fallen({"herding": now, "other": 5.0}, {"herding": 10.0, "other": 5.0})
    assert [line.split(":")[0] for line in lines] == (["herding"] if names else [])


def test_the_worst_comes_first_and_what_was_not_measured_is_named():
    lines = ratios.fallen({"a": 4.0, "b": 1.0, "new": 1.0}, {"a": 10.0, "b": 10.0, "gone": 3.0})
    assert [line.split(":")[0] for line in lines] == ["b", "a", "gone"]


def test_what_is_written_is_read_with_its_machine(tmp_path):
    path = tmp_path / "ratios.json"
    ratios.write({"herding": 23.456}, path)
    assert ratios.read(path) == {"herding": 23.5}
    assert ratios.machine() in path.read_text()


def test_every_stored_ratio_is_above_nothing():
    assert all(ratio > 0 for ratio in ratios.read().values())
