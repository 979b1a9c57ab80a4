"""Segmentation sets: ADE20K's layout and plain ones, taken where they are, and every fault named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dqbench.data.annotated import annotated_of
from dqbench.data.annotated_import import import_annotated, verify_annotated
from dqbench.errors import UsageError


def write(
    root: Path, parts: tuple[str, str] = ("train", "val"), classes: str = "0 Sky\n1 Road\n2 Nothing (ignore)\n"
) -> Path:
    for part in parts:
        for name in ("a", "b"):
            values = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3
            for folder in ("images", "annotations"):
                (root / folder / part).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6), (1, 2, 3)).save(root / "images" / part / f"{name}.jpg")
            Image.fromarray(values).save(root / "annotations" / part / f"{name}.png")
    (root / "classes.txt").write_text(classes)
    return root


@pytest.fixture
def folder(tmp_path: Path, data_root: Path) -> Path:
    return write(tmp_path / "streets")


def test_a_plain_layout_is_described_in_its_place(folder: Path) -> None:
    companion, notes = import_annotated("streets", folder)
    found = annotated_of(companion)
    assert found is not None
    assert (found.form, found.values, found.unlabelled) == ("segmentation", ("Sky", "Road", "Nothing"), 2)
    assert found.class_names == ("Sky", "Road")
    assert companion.facts["test_images"] == 2
    assert companion.facts["class_counts"] == [[32, 32], [32, 32]]
    assert notes == []
    verify_annotated(companion.name)


def test_255_means_nothing_and_all_values_may_be_learned(tmp_path: Path, data_root: Path) -> None:
    root = write(tmp_path / "all", classes="0 Sky\n1 Road\n2 Tree\n")
    Image.fromarray(np.full((6, 8), 255, dtype=np.uint8)).save(root / "annotations/val/a.png")
    companion, _ = import_annotated("all", root)
    found = annotated_of(companion)
    assert found is not None
    assert (found.unlabelled, found.class_names) == (None, ("Sky", "Road", "Tree"))
    assert companion.facts["class_counts"] == [[32, 32, 32], [16, 16, 16]]


def test_verify_reads_the_maps(folder: Path) -> None:
    companion, _ = import_annotated("streets", folder)
    Image.fromarray(np.zeros((6, 8), dtype=np.uint8)).save(folder / "annotations/val/b.png")
    with pytest.raises(UsageError, match="not what they were"):
        verify_annotated(companion.name)


def test_the_hash_covers_what_is_not_learned(folder: Path) -> None:
    before = import_annotated("streets", folder)[0].hash
    (folder / "classes.txt").write_text("0 Sky\n1 Road (ignore)\n2 Nothing\n")
    assert import_annotated("streets", folder)[0].hash != before


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        ("annotations/val/a.png", np.full((6, 8), 3, np.uint8), "a.png has the value 3; its classes go from 0 to 2"),
        ("annotations/val/a.png", np.zeros((5, 8), np.uint8), "a.png is 8×5, its image 8×6"),
        ("annotations/val/a.png", np.zeros((6, 8, 3), np.uint8), "not one byte each"),
        ("annotations/val/c.png", np.zeros((6, 8), np.uint8), "c.png .* has no image c.jpg"),
        ("images/val/c.jpg", np.zeros((6, 8), np.uint8), "c.jpg .* has no label map c.png"),
    ],
)  # fmt: skip
def test_maps_that_do_not_fit_are_named(folder: Path, path: str, values: np.ndarray, message: str) -> None:
    Image.fromarray(values).save(folder / path)
    with pytest.raises(UsageError, match=message):
        import_annotated("streets", folder)


@pytest.mark.parametrize("path", ["annotations/train/b.png", "images/train/b.jpg"])
def test_damaged_files_are_named(folder: Path, path: str) -> None:
    (folder / path).write_bytes((folder / path).read_bytes()[:20])
    with pytest.raises(UsageError, match=rf"{Path(path).name} cannot be read"):
        import_annotated("streets", folder)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("", "number its classes from 0 up"),
        ("1 Sky\n2 Road\n", "number its classes from 0 up"),
        ("Sky\nRoad\n", "cannot be read"),
        ("0\n1 Road\n", "cannot be read"),
        ("0 Sky\n1 Sky\n2 Road\n", "a class twice"),
        ("0 Sky (ignore)\n1 Road (ignore)\n2 Tree\n", "more than one class to ignore"),
    ],
)
def test_lists_of_classes_must_be_in_order(tmp_path: Path, data_root: Path, classes: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        import_annotated("streets", write(tmp_path / "streets", classes=classes))


def test_missing_parts_and_lists_are_named(folder: Path) -> None:
    (folder / "classes.txt").unlink()
    with pytest.raises(UsageError, match=r"neither objectInfo150.txt nor classes.txt; expected"):
        import_annotated("streets", folder)
    (folder / "images" / "val").rename(folder / "images" / "test")
    with pytest.raises(UsageError, match="images/val is not there; expected"):
        import_annotated("streets", folder)


def test_ade20k_needs_its_layout(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "ade" / "images").mkdir(parents=True)
    with pytest.raises(UsageError, match="not laid out as ade20k is; expected images/training"):
        import_annotated("ade20k", tmp_path / "ade")


def test_ade20k_mini(test_data: Path, data_root: Path) -> None:
    companion, notes = import_annotated("ade20k", test_data / "ade20k_mini")
    found = annotated_of(companion)
    assert found is not None
    assert (len(found.values), found.unlabelled, found.class_names[0]) == (151, 0, "wall")
    assert companion.facts["test_images"] == 3
    assert notes == ["the official ade20k has 20,210 and 2,000 images"]
    verify_annotated(companion.name)


def test_camvid_mini(test_data: Path, data_root: Path) -> None:
    companion, _ = import_annotated("camvid-mini", test_data / "camvid_mini")
    found = annotated_of(companion)
    assert found is not None
    assert (len(found.class_names), found.unlabelled, found.class_names[-1]) == (11, 11, "Bicyclist")
    assert (found.train.images, found.test.annotations) == ("images/train", "annotations/val")
