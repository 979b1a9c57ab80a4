"""Companions: stored whole or not at all, and known again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqbench.data.companion import Companion, present_companions, read_companion, reopen, write_companion
from dqbench.errors import UsageError

FACTS = {"counts": [1, 2], "root": "/there"}
MADE = Companion("boxes", "a" * 64, "imported", "made by hand", FACTS)


def fill(folder: Path) -> Companion:
    (folder / "boxes.txt").write_text("three")
    return MADE


def test_what_is_stored_is_read(data_root: Path) -> None:
    assert read_companion("boxes") is None
    assert present_companions() == []
    write_companion("boxes", fill)
    found = read_companion("boxes")
    assert found == MADE
    assert (found.folder / "boxes.txt").read_text() == "three"
    assert present_companions() == ["boxes"]
    assert reopen(found.words) == found
    assert sorted(path.name for path in data_root.iterdir() if path.is_dir()) == ["boxes"]


def test_another_takes_its_place_and_old_words_no_longer_open_it(data_root: Path) -> None:
    write_companion("boxes", fill)
    write_companion("boxes", lambda folder: Companion("boxes", "b" * 64, "verified"))
    assert not (data_root / "boxes" / "boxes.txt").exists()
    with pytest.raises(UsageError, match="boxes changed since this run was planned; run the command again"):
        reopen(MADE.words)
    with pytest.raises(UsageError, match="circles changed"):
        reopen({"name": "circles", "hash": ""})


def test_an_error_leaves_what_was_there(data_root: Path) -> None:
    write_companion("boxes", fill)

    def breaks(folder: Path) -> Companion:
        (folder / "half").write_text("")
        raise UsageError("no such luck")

    with pytest.raises(UsageError, match="no such luck"):
        write_companion("boxes", breaks)
    assert read_companion("boxes") == MADE
    assert sorted(path.name for path in data_root.iterdir() if path.is_dir()) == ["boxes"]


def test_other_folders_stay(data_root: Path) -> None:
    (data_root / "boxes").mkdir(parents=True)
    with pytest.raises(UsageError, match="is there but holds no boxes"):
        write_companion("boxes", fill)


@pytest.mark.parametrize("text", ["no json", "[]", '{"format": 9}', '{"format": 1, "name": "circles"}'])
def test_damage_is_named(data_root: Path, text: str) -> None:
    write_companion("boxes", fill)
    (data_root / "boxes" / "companion.json").write_text(text)
    with pytest.raises(UsageError, match=r"boxes in .* is damaged"):
        read_companion("boxes")
