"""``dqbench leaderboard`` and its page: with and without the extra, checked, and with the images that may be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import compressed, plugins, records
from dqbench.board import html_library
from dqbench.cli import main
from dqbench.compressed import Subset
from dqbench.data import store
from dqbench.data.arrays import Arrays
from dqbench.jobs.compress import content_hash
from dqbench.records import Record

MakeRecord = Callable[..., Record]
LIBRARY = html_library.pack("/** plotly.js v0.0.1 */")


@pytest.fixture
def folder(make: MakeRecord, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """leaderboards/ with records on data of a closed licence, and what was kept of them; a library that is tiny."""
    images, labels = np.zeros((100, 32, 32, 3), np.uint8), np.arange(100) % 10
    names = tuple(next(s for s in plugins.load().datasets if s.name == "cifar10").class_names)
    info = store.put("cifar10", Arrays(images, labels, images, labels, names, "imported"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(html_library, "installed", lambda: LIBRARY)
    kept, key = Subset(np.arange(10)), "ab" * 32
    record = make("dq", 0.1, [50.0], source={"train_hash": info.train_hash})
    run = record.runs[0].model_copy(update={"jobs": {"compress": [key]}, "kept_hash": content_hash(kept)})
    found = tmp_path / "leaderboards"
    records.write(record.model_copy(update={"runs": [run]}), found / "records")
    compressed.save(kept, found / "artifacts" / f"compress-{key[:24]}")
    return found


def _pictures(page: Path) -> Any:
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(text)["pictures"]


def test_it_is_written_checked_and_mended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard"]) == 0
    assert "index.html: written" in capsys.readouterr().out
    assert main(["leaderboard", "--check"]) == 0
    page = folder / "index.html"
    before = page.read_bytes()
    page.write_text(page.read_text().replace("50.0", "51.0"))
    assert main(["leaderboard", "--check"]) == 1
    assert "index.html: stale" in capsys.readouterr().out
    assert main(["leaderboard"]) == 0
    assert page.read_bytes() == before


def test_without_the_extra_markdown_is_made_and_the_extra_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html_library, "installed", lambda: None)
    assert main(["leaderboard"]) == 0
    assert "pip install 'dqbench[html]'" in capsys.readouterr().err
    assert (folder / "cifar10-xarch.md").is_file()
    assert not (folder / "index.html").exists()
    assert main(["leaderboard", "--check"]) == 0
    capsys.readouterr()
    assert main(["leaderboard", "--html"]) == 2
    error = capsys.readouterr().err
    assert "dqbench[html]" in error
    assert error.count("\n") == 1
    assert main(["leaderboard", "--no-html"]) == 0
    assert capsys.readouterr().err == ""


def test_a_page_that_is_there_is_checked_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["leaderboard"]) == 0
    monkeypatch.setattr(html_library, "installed", lambda: None)
    assert main(["leaderboard", "--check"]) == 0
    (folder / "index.html").write_text((folder / "index.html").read_text().replace("50.0", "51.0"))
    assert main(["leaderboard", "--check"]) == 1


def test_closed_images_stay_out_of_leaderboards_and_are_in_a_workspace(folder: Path, tmp_path: Path) -> None:
    assert main(["leaderboard"]) == 0
    public = _pictures(folder / "index.html")
    assert public["pools"] == {}
    assert "licence" in public["whyNot"]["cifar10"]
    assert main(["leaderboard", "--images"]) == 0
    assert list(_pictures(folder / "index.html")["pools"]) == ["cifar10"]
    folder.rename(tmp_path / "workspace")
    assert main(["leaderboard", "--workspace", "workspace"]) == 0
    page = tmp_path / "workspace" / "boards" / "index.html"
    assert list(_pictures(page)["pools"]) == ["cifar10"]
    assert main(["leaderboard", "--workspace", "workspace", "--no-images"]) == 0
    assert _pictures(page)["pools"] == {}
