"""Texts from files to the store: rows, ids, what is held out, what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from dqbench.data import seal, store
from dqbench.data.info import folder_of, read_info
from dqbench.data.text_files import Columns, read_rows
from dqbench.data.text_import import import_texts
from dqbench.data.text_source import Text
from dqbench.data.text_store import open_test_texts, open_texts
from dqbench.errors import UsageError

ROWS: list[dict[str, Any]] = [
    {"instruction": f"Name fruit number {i}", "input": "" if i % 2 else "a\nb", "output": f"fruit {i} é"}
    for i in range(40)
]


def written(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> Path:
    path = folder / name
    text = json.dumps(rows) if name.startswith("list") else "\n".join(json.dumps(row) for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "list.json", "list.json.gz"])
def test_every_form_gives_the_same_source(name: str, tmp_path: Path, data_root: Path) -> None:
    plain, _ = import_texts("plain", [written(tmp_path, ROWS)])
    other, _ = import_texts("other", [written(tmp_path, ROWS, name)])
    assert (plain.train_hash, plain.test_hash) == (other.train_hash, other.test_hash)


def test_parquet_gives_the_same_source(tmp_path: Path, data_root: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: THIS TEST DID NOT RUN")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    plain, _ = import_texts("plain", [written(tmp_path, ROWS)])
    other, _ = import_texts("other", [tmp_path / "rows.parquet"])
    assert (plain.train_hash, plain.test_hash) == (other.train_hash, other.test_hash)


def test_training_and_test_rows_part_the_files_and_keep_their_row_numbers(tmp_path: Path, data_root: Path) -> None:
    files = [written(tmp_path, ROWS[:30]), written(tmp_path, ROWS[30:], "more.jsonl")]
    found, _ = import_texts("fruit", files, test_share=0.2)
    source = open_texts("fruit")
    with seal.broken():
        test = open_test_texts("fruit")
    assert (found.train_count, found.test_count) == (32, 8)
    assert sorted([*source.ids.tolist(), *test.ids]) == list(range(40))
    for identity, text in [
        *zip(source.ids.tolist(), source.texts, strict=True),
        *zip(test.ids, test.texts, strict=True),
    ]:
        assert text == Text(ROWS[identity]["instruction"], ROWS[identity]["input"], ROWS[identity]["output"])
    assert open_texts("fruit", 5).ids.tolist() == source.ids[:5].tolist()
    assert store.verify("fruit") == found


def test_what_is_held_out_does_not_hang_on_the_order_of_rows(tmp_path: Path, data_root: Path) -> None:
    import_texts("one", [written(tmp_path, ROWS)], test_share=0.2)
    import_texts("two", [written(tmp_path, ROWS[::-1])], test_share=0.2)
    with seal.broken():
        assert set(open_test_texts("one").texts) == set(open_test_texts("two").texts)


def test_held_out_texts_are_sealed(tmp_path: Path, data_root: Path) -> None:
    import_texts("fruit", [written(tmp_path, ROWS)])
    try:
        with pytest.raises(seal.SealedError, match="the test set of fruit is sealed"):
            open_test_texts("fruit")
    finally:
        seal.forget()
    assert [path.name for path in folder_of("fruit").glob("test_*")] == ["test_texts.jsonl"]  # what the seal hides


def test_rows_without_an_answer_are_left_out_and_counted(tmp_path: Path, data_root: Path) -> None:
    rows = [*ROWS[:3], {**ROWS[3], "output": " "}, *ROWS[4:]]
    found, notes = import_texts("fruit", [written(tmp_path, rows)], test_share=0.1)
    assert found.train_count + found.test_count == 39
    assert 3 not in open_texts("fruit").ids
    assert any("1 rows have no answer and are left out: rows.jsonl line 4" in note for note in notes)


def test_a_change_of_one_answer_changes_a_hash_and_is_noticed(tmp_path: Path, data_root: Path) -> None:
    found, _ = import_texts("fruit", [written(tmp_path, ROWS)])
    path = folder_of("fruit") / "train_texts.jsonl"
    path.write_text(path.read_text().replace("fruit 7", "fruit 8"), encoding="ascii")
    with pytest.raises(UsageError, match="its train texts has changed"):
        store.verify("fruit")
    changed = [row if row is not ROWS[7] else {**row, "output": "apple"} for row in ROWS]
    other, _ = import_texts("other", [written(tmp_path, changed)])
    assert (other.train_hash, other.test_hash) != (found.train_hash, found.test_hash)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"instruction": "a", "output": "b"}\n{"instruction": ', r"rows\.jsonl line 2 is no JSON"),
        ('["a"]', r"rows\.jsonl line 1 holds \['a'\], not an object"),
        ('{"instruction": "a"}', "line 1 has no column 'output'; it has instruction"),
        ('{"instruction": 3, "output": "b"}', "column 'instruction' holds 3, not a text"),
        ('{"instruction": "\\ud800", "output": "b"}', "half a surrogate pair"),
        ('{"id": 1, "instruction": "a", "output": "b"}\n\n{"id": 1, "instruction": "c", "output": "d"}',
         r"id 1 is that of rows\.jsonl line 1 and of rows\.jsonl line 3; ids must not repeat"),
        ("", "no rows"),
        ('{"instruction": "a", "output": ""}', "would have no train texts"),
    ],
)  # fmt: skip
def test_unusable_files_are_refused_with_the_place(content: str, message: str, tmp_path: Path, data_root: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        import_texts("broken", [path])
    assert read_info("broken") is None


def test_other_files_and_shares_are_refused(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(UsageError, match=r"rows\.txt is no file of texts; give jsonl, json or parquet"):
        read_rows([tmp_path / "rows.txt"])
    with pytest.raises(UsageError, match="cannot be read"):
        read_rows([tmp_path / "absent.jsonl"])
    with pytest.raises(UsageError, match=r"--test-share 0.7 is not in \(0, 0.5\]"):
        import_texts("fruit", [written(tmp_path, ROWS)], test_share=0.7)


def test_a_text_on_one_line() -> None:
    assert Text("Add:", "1\n2", "3").line == "Add: 1 2 3"
    assert Text("Hello", "", "a\nb").line == "Hello a b"


def test_several_columns_are_asked_together(tmp_path: Path) -> None:
    path = written(tmp_path, [{"q": "why?", "a": "x", "b": "", "c": "y"}])
    assert read_rows([path]).texts(Columns(("q", "a", "b", "c"), "")) == [Text("why?", "x\ny", "")]


def test_images_are_not_read_from_texts(tmp_path: Path, data_root: Path) -> None:
    import_texts("fruit", [written(tmp_path, ROWS)])
    with pytest.raises(UsageError, match="fruit holds texts, not images"):
        store.open_train("fruit")
    with pytest.raises(UsageError, match="absent is not among the stored data sets"):
        open_texts("absent")


@pytest.mark.real_data
def test_the_real_rows_of_alpaca(test_data: Path, data_root: Path) -> None:
    found, notes = import_texts("alpaca", [test_data / "alpaca" / "alpaca_24k.jsonl.gz"])
    assert (found.train_count, found.test_count) == (22_744, 1_197)
    assert any(note.startswith("14 rows have no answer") for note in notes)
