"""``dqbench leaderboard`` a second time: the page is made again where what it comes from changed, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dqbench import checksums
from dqbench.board import html_files, html_library
from dqbench.cli import leaderboard_page, main

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "records"


@pytest.fixture
def place(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few committed records, and an index that takes them for old ones."""
    if html_library.installed() is None:
        pytest.skip("plotly is not there: NOT TESTED")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("dqbench.board.index._SETTLED_NS", -(10**10))
    for path in sorted((COMMITTED / "digits-xarch").glob("smoke_*_0.1_digits-mlp_*.json")):
        copy = tmp_path / "ws" / "records" / "digits-xarch" / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return tmp_path / "ws"


def _run(place: Path, *words: str) -> int:
    return main(["leaderboard", "--records", str(place / "records"), *words])


def test_the_page_is_made_again_only_where_something_changed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    renderer = html_files.renderer
    monkeypatch.setattr(html_files, "renderer", lambda folder, *rest: made.append(folder) or renderer(folder, *rest))
    assert _run(place) == _run(place) == 0
    assert len(made) == 1
    page = place / "boards" / "index.html"
    whole = page.read_bytes()
    page.write_bytes(whole[:-1])
    assert _run(place) == 0
    assert (len(made), page.read_bytes()) == (2, whole)
    (place / "artifacts" / "compress-x").mkdir(parents=True)
    assert _run(place) == 0
    assert len(made) == 3
    path = next((place / "records").glob("*/*_random_*"))
    value = json.loads(checksums.without(path.read_bytes()))
    path.write_text(checksums.with_checksum(json.dumps({**value, "command": "dqbench run again"}, indent=1) + "\n"))
    assert _run(place) == 0
    assert len(made) == 4
    assert b"dqbench run again" in page.read_bytes()
    assert _run(place, "--check") == 0
    assert len(made) == 5, "a check goes without the index"


def test_a_page_of_too_many_records_is_made_on_request(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(leaderboard_page, "MOST_RECORDS", 3)
    page = place / "boards" / "index.html"
    assert _run(place) == 0
    assert "--html makes it" in capsys.readouterr().err
    assert not page.exists()
    assert _run(place, "--html") == 0
    assert page.exists()
