"""The boards of this repository are what its records make."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqbench.cli import main

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"


def test_boards_and_records_agree(data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["leaderboard", "--records", str(LEADERBOARDS / "records"), "--out", str(LEADERBOARDS), "--check"]
    assert main(words) == 0, capsys.readouterr()
