"""Detection sets in COCO's layout: taken where they are, and every way in which they can be wrong, named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dqbench.data import seal
from dqbench.data.annotated import annotated_of, open_annotated
from dqbench.data.annotated_import import import_annotated, verify_annotated
from dqbench.data.companion import read_companion
from dqbench.errors import UsageError

Data = dict[str, Any]


def annotations(start: int) -> Data:
    images = [{"id": start + i, "file_name": f"{start + i:03}.jpg", "width": 40, "height": 30} for i in range(3)]
    objects = [
        {"id": 10 * start + i, "image_id": start + i % 2, "category_id": (1, 18)[i % 2], "bbox": [1, 2, 10.5, 8],
         "area": 80, "iscrowd": 0, "segmentation": [[1, 2, 11, 2, 11, 10]]}
        for i in range(3)
    ]  # fmt: skip
    categories = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
    return {"images": images, "annotations": objects, "categories": categories}


def write(root: Path, folders: tuple[str, str], files: tuple[str, str]) -> Path:
    for folder, file, start in zip(folders, files, (1, 101), strict=True):
        data = annotations(start)
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "annotations").mkdir(exist_ok=True)
        for image in data["images"]:
            Image.new("RGB", (40, 30), (start, 2, 3)).save(root / folder / image["file_name"])
        (root / "annotations" / file).write_text(json.dumps(data))
    return root


@pytest.fixture
def official(tmp_path: Path, data_root: Path) -> Path:
    return write(tmp_path / "coco", ("train2017", "val2017"), ("instances_train2017.json", "instances_val2017.json"))


def change(file: Path, how: Callable[[Data], object]) -> None:
    data = json.loads(file.read_text())
    how(data)
    file.write_text(json.dumps(data))


def test_the_official_layout_is_described_in_its_place(official: Path) -> None:
    told: list[tuple[int, int]] = []
    companion, notes = import_annotated("coco", official, lambda done, total: told.append((done, total)))
    found = annotated_of(companion)
    assert found is not None
    assert (found.form, found.root, found.class_names) == ("detection", official.resolve(), ("person", "dog"))
    assert (found.train.images, found.test.annotations) == ("train2017", "annotations/instances_val2017.json")
    assert companion.facts["test_images"] == 3
    assert companion.facts["class_counts"] == [[2, 1], [2, 1]]
    assert "3 training and 3 test images, 2 classes" in companion.note
    assert notes == ["the official coco has 118,287 and 5,000 images"]
    assert told == [(1, 3), (2, 3), (3, 3), (4, 6), (5, 6), (6, 6)]
    assert annotated_of(read_companion("coco") or companion) == found
    verify_annotated(companion.name)


def test_both_parts_may_share_a_folder(tmp_path: Path, data_root: Path) -> None:
    root = write(tmp_path / "mine", ("images", "images"), ("instances_train.json", "instances_val.json"))
    companion, notes = import_annotated("my-things", root)
    assert annotated_of(companion) is not None
    assert notes == []


def test_the_hash_follows_annotations_names_and_sizes(official: Path) -> None:
    before = import_annotated("coco", official)[0].hash
    assert import_annotated("coco", official)[0].hash == before
    Image.effect_noise((40, 30), 90).save(official / "val2017" / "101.jpg")
    after = import_annotated("coco", official)[0].hash
    change(official / "annotations/instances_val2017.json", lambda data: data["annotations"].pop())
    assert len({before, after, import_annotated("coco", official)[0].hash}) == 3


def test_verify_sees_what_changed_since(official: Path) -> None:
    companion, _ = import_annotated("coco", official)
    change(official / "annotations/instances_train2017.json", lambda data: data["annotations"].pop())
    with pytest.raises(UsageError, match=r"not what they were.*data import coco"):
        verify_annotated(companion.name)


def test_the_test_part_is_sealed(official: Path) -> None:
    companion, _ = import_annotated("coco", official)
    open_annotated(companion, "detection", "train")
    with pytest.raises(UsageError, match="sealed"):
        open_annotated(companion, "detection", "test")
    with seal.broken() as reads:
        open_annotated(companion, "detection", "test")
    assert reads.names == ["coco"]


def test_files_that_have_gone_and_other_forms_are_named(official: Path) -> None:
    companion, _ = import_annotated("coco", official)
    with pytest.raises(UsageError, match="coco is no segmentation set"):
        open_annotated(companion, "segmentation", "train")
    (official / "train2017").rename(official / "elsewhere")
    with pytest.raises(UsageError, match="train2017 has gone"):
        open_annotated(companion, "detection", "train")


WRONG: list[tuple[str, Callable[[Data], object], str]] = [
    ("missing image", lambda d: d["images"][0].update(file_name="nowhere.jpg"), "image .*nowhere.jpg is not there"),
    ("size", lambda d: d["images"][0].update(width=41), "001.jpg is 40×30, and .* says 41×30"),
    ("image id", lambda d: d["annotations"][0].update(image_id=7), "annotation 10 .* is of image 7"),
    ("category", lambda d: d["annotations"][0].update(category_id=2), "unknown category 2"),
    ("box", lambda d: d["annotations"][0].update(bbox=[1, 2, 3]), r"the box \[1, 2, 3\]"),
    ("nan", lambda d: d["annotations"][0].update(bbox=[1, 2, 3, float("nan")]), "the box"),
    ("no area", lambda d: d["annotations"][0].pop("area"), "lacks id, image_id, category_id, bbox or area"),
    ("twice", lambda d: d["annotations"][1].update(id=10), "two annotations .* same id"),
    ("image twice", lambda d: d["images"][1].update(id=1), "two images .* same id"),
    ("no images", lambda d: d.update(images=[], annotations=[]), "lists no image"),
    ("no list", lambda d: d.pop("categories"), "needs the lists images, annotations, categories"),
    ("other categories", lambda d: d["categories"].reverse(), "different categories, or in another order"),
]


@pytest.mark.parametrize(("change_it", "message"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
def test_what_is_wrong_is_named(official: Path, change_it: Callable[[Data], object], message: str) -> None:
    change(official / "annotations/instances_train2017.json", change_it)
    with pytest.raises(UsageError, match=message):
        import_annotated("coco", official)
    assert read_companion("coco") is None


def test_damaged_files_are_named(official: Path) -> None:
    (official / "val2017" / "102.jpg").write_bytes(b"\xff\xd8 no more")
    with pytest.raises(UsageError, match=r"102.jpg cannot be read"):
        import_annotated("coco", official)
    (official / "annotations/instances_train2017.json").write_text("{")
    with pytest.raises(UsageError, match=r"instances_train2017.json cannot be read as JSON"):
        import_annotated("coco", official)


def test_another_layout_says_what_was_expected_and_found(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds cat; expected annotations/instances_train2017"):
        import_annotated("coco", tmp_path / "photos")
    with pytest.raises(UsageError, match="is no folder; expected annotations"):
        import_annotated("coco", tmp_path / "nothing")


def test_images_must_be_where_they_belong(official: Path) -> None:
    (official / "val2017").rename(official / "validation")
    with pytest.raises(UsageError, match="val2017 is not there; expected"):
        import_annotated("coco", official)


def test_coco128(test_data: Path, data_root: Path) -> None:
    companion, _ = import_annotated("coco128", test_data / "coco128")
    found = annotated_of(companion)
    assert found is not None
    assert (companion.facts["test_images"], len(found.class_names), found.class_names[0]) == (32, 80, "person")
    assert sum(map(sum, companion.facts["class_counts"])) == 939
