"""``dqbench compress`` on one's own texts: what is kept, what is written, what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stub_texts import rows_file

from dqbench.cli import main
from dqbench.compressed import Subset, load
from dqbench.data.text_import import import_texts

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return rows_file(tmp_path / "my.jsonl", 40)


def compress(out: Path, data: Path, method: str = "dq", *more: str) -> int:
    return main(["compress", "--method", method, "--data", str(data), "--out", str(out), *more])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_kept_rows_are_those_of_the_manifest_as_they_were(rows: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "kept"
    assert compress(out, rows, "dq", "--text", "instruction,input", "--keep", "0.25") == 0
    assert "kept 10 of 40 texts" in capsys.readouterr().out
    with (out / "manifest.csv").open(encoding="utf-8") as file:
        manifest = list(csv.DictReader(file))
    places = sorted(int(row["row"]) for row in manifest)
    assert lines(out / "kept.jsonl") == [lines(rows)[place] for place in places]
    assert [int(row["position"]) for row in manifest] == list(range(10))
    kept = load(out / "kept")
    assert isinstance(kept, Subset)
    assert kept.ids.tolist() == [int(row["row"]) for row in manifest]
    facts = json.loads((out / "manifest.json").read_text())
    assert (facts["kept"], facts["samples"], facts["config"]["metric"]) == (10, 40, "dot")
    assert str(tmp_path) not in (out / "manifest.json").read_text()
    assert np.bincount(kept.bins).tolist() == [1] * 10


def test_the_same_seed_keeps_the_same_and_another_does_not(rows: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert compress(tmp_path / name, rows, "random", "--keep", "0.25", "--seed", seed) == 0
    a, b, c = ((tmp_path / name / "kept.jsonl").read_text() for name in "abc")
    assert a == b != c


def test_rows_without_an_answer_are_left_out_and_said(tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "my.jsonl"
    rows = [{"q": f"question {i}", "a": "" if i == 3 else f"answer {i}"} for i in range(20)]
    data.write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "kept"
    assert compress(out, data, "longest", "--text", "q", "--answer", "a", "--keep", "1") == 0
    said = capsys.readouterr()
    assert "1 rows without a text in column 'a' are left out" in said.err
    assert [row["q"] for row in lines(out / "kept.jsonl")] == [f"question {i}" for i in range(20) if i != 3]


def test_texts_without_answers_can_be_kept(tmp_path: Path) -> None:
    data = tmp_path / "my.json"
    data.write_text(json.dumps([{"text": f"the words of text number {i} of many"} for i in range(20)]))
    assert compress(tmp_path / "kept", data, "k-center", "--text", "text", "--keep", "0.5") == 0
    assert len(lines(tmp_path / "kept" / "kept.jsonl")) == 10


def test_replay_of_a_released_list(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "lists.json").write_text(json.dumps({"mine": [5, 7, 11, 2]}))
    method = f"replay:{tmp_path / 'lists.json'}#mine"
    assert compress(tmp_path / "kept", rows, method, "--keep", "0.1") == 0
    assert lines(tmp_path / "kept" / "kept.jsonl") == [lines(rows)[place] for place in (2, 5, 7, 11)]


@pytest.mark.parametrize(
    ("method", "more", "message"),
    [
        ("margin", ("--keep", "0.5"), "margin needs images or their classes, not texts; methods for texts: dq"),
        ("dq", (), "give one of --keep RATIO and --tokens SHARE"),
        ("dq", ("--keep", "0.5", "--tokens", "0.5"), "give one of --keep RATIO and --tokens SHARE"),
        ("dq", ("--keep", "0.5", "--ipc", "3"), "--ipc is for images"),
        ("dq", ("--keep", "0.5", "--size", "64"), "--size is for images"),
        ("dq", ("--keep", "0.5", "--text", "absent"), "my.jsonl line 1 has no column 'absent'; it has instruction"),
        ("dq", ("--keep", "0.5", "--embed", "nowhere"), "embed=nowhere is neither tf-idf"),
        ("replay", ("--keep", "0.5"), "replay needs a list of ids: give --method replay:FILE"),
    ],
)
def test_what_is_no_use_is_refused_and_nothing_is_left(
    method: str, more: tuple[str, ...], message: str, rows: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert compress(tmp_path / "kept", rows, method, *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
    assert not list(tmp_path.glob(".kept*"))


def test_options_for_texts_are_refused_on_images_and_folders_that_hold_something(
    rows: Path, tmp_path: Path, capsys: Capture
) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 8, 8, 3), np.uint8), labels=np.arange(4) % 2)
    assert compress(tmp_path / "kept", tmp_path / "x.npz", "random", "--keep", "0.5", "--tokens", "0.1") == 2
    assert "--tokens is for files of texts" in capsys.readouterr().err
    assert compress(tmp_path / "kept", tmp_path / "x.npz", "ifd", "--keep", "0.5") == 2
    assert "ifd needs texts" in capsys.readouterr().err
    of_texts = ("--keep", "0.5", "--set", "dq.base=ifd")
    assert compress(tmp_path / "kept", tmp_path / "x.npz", "dq", *of_texts) == 2
    assert "dq.base=ifd needs texts" in capsys.readouterr().err
    assert compress(tmp_path / "kept", rows, "dq", "--keep", "0.5", "--set", "dq.base=margin") == 2
    assert "dq.base=margin needs images or their classes" in capsys.readouterr().err
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").write_text("x")
    assert compress(tmp_path / "kept", rows, "random", "--keep", "0.5") == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine"]


def test_import_on_the_command_line_takes_several_files(tmp_path: Path, data_root: Path, capsys: Capture) -> None:
    files = [str(rows_file(tmp_path / f"part{i}.jsonl", 20 + i)) for i in range(2)]
    assert main(["data", "import", "alpaca", *files, "--test-share", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "alpaca: 37 training and 4 test texts, imported" in said
    assert "note: 41 rows; the official set has 52,002" in said
    assert main(["data", "verify", "alpaca"]) == 0
    assert main(["data", "import", "alpaca", *files, "--size", "3"]) == 2
    assert "--size is for images" in capsys.readouterr().err


def test_alpaca_is_imported_not_fetched(data_root: Path, capsys: Capture) -> None:
    assert main(["data", "get", "alpaca"]) == 2
    assert "run: dqbench data import alpaca FILE.json" in capsys.readouterr().err


def test_imported_and_own_texts_have_the_same_rows(rows: Path, data_root: Path) -> None:
    found, _ = import_texts("mine", [rows], test_share=0.1)
    assert found.train_count + found.test_count == 40
