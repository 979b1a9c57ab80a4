"""The official layouts of ImageNet and Tiny ImageNet, and the ways in which a folder can miss them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from wnid_folders import linked, make, photo

from dqbench import plugins
from dqbench.data import seal, store
from dqbench.data.imagenet_classes import IMAGENET10, TINY_IMAGENET
from dqbench.data.importing import import_folder
from dqbench.data.layouts import find_imagenet, find_tiny_imagenet
from dqbench.errors import UsageError

WNIDS = sorted(IMAGENET10)
TINY = plugins.load().datasets["tinyimagenet"]


def test_imagenets_classes_follow_their_sorted_ids(tmp_path: Path) -> None:
    found = find_imagenet(make(tmp_path / "in", WNIDS), WNIDS[::-1])
    assert found.train.class_names == found.test.class_names == tuple(WNIDS)
    assert [name.split("/")[0] for name in found.train.files] == [WNIDS[label] for label in found.train.labels]
    assert list(found.train.files) == sorted(found.train.files)


def test_a_flat_val_says_what_to_do(tmp_path: Path) -> None:
    root = make(tmp_path / "in", WNIDS)
    for path in (root / "val").glob("*/*"):
        path.rename(root / "val" / path.name)
    for folder in (root / "val").glob("n*"):
        folder.rmdir()
    with pytest.raises(UsageError, match=r"val holds 20 files \(ILSVRC2012_val_00000001.JPEG, .*none of the 10 cl"):
        find_imagenet(root, WNIDS)
    with pytest.raises(UsageError, match=r"ILSVRC2012_validation_ground_truth.txt gives; expected train/WNID/\*.JPEG"):
        find_imagenet(root, WNIDS)


def test_archives_are_to_be_unpacked(tmp_path: Path) -> None:
    root = make(tmp_path / "in", WNIDS)
    shutil.rmtree(root / "train")
    (root / "train").mkdir()
    for wnid in WNIDS:
        (root / "train" / f"{wnid}.tar").write_text("")
    with pytest.raises(UsageError, match=r"train holds 10 files .* unpack each archive into a folder of its class"):
        find_imagenet(root, WNIDS)


@pytest.mark.parametrize("missing", ["train", "val"])
def test_a_missing_part_says_what_is_there(tmp_path: Path, missing: str) -> None:
    root = make(tmp_path / "in", WNIDS)
    (root / missing).rename(root / "ILSVRC")
    there = "ILSVRC, val" if missing == "train" else "ILSVRC, train"
    with pytest.raises(UsageError, match=rf"has no folder {missing}; it holds 2 folders \({there}\); expected train/"):
        find_imagenet(root, WNIDS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no folder train and no val; it holds nothing"):
        find_imagenet(tmp_path / "empty", WNIDS)


def test_missing_and_empty_classes_are_named(tmp_path: Path) -> None:
    root = make(tmp_path / "in", WNIDS)
    shutil.rmtree(root / "train" / WNIDS[1])
    with pytest.raises(UsageError, match=rf"train lacks 1 of the 10 classes \({WNIDS[1]}\)"):
        find_imagenet(root, WNIDS)
    (root / "train" / WNIDS[1]).mkdir()
    (root / "train" / WNIDS[1] / "readme.txt").write_text("")
    with pytest.raises(UsageError, match=rf"class folder .*{WNIDS[1]} holds 1 files \(readme.txt\), no image"):
        find_imagenet(root, WNIDS)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Tiny ImageNet's own layout with two training images and one validation image per class, links of a few."""
    root = tmp_path / "tiny-imagenet-200"
    for c in range(5):
        (tmp_path / "few").mkdir(exist_ok=True)
        photo(tmp_path / "few" / f"{c}.JPEG", c, 0)
    names = [f"{wnid}/images/{wnid}_{i}.JPEG" for wnid in TINY_IMAGENET for i in range(2)]
    linked(root / "train", names, tmp_path / "few")
    linked(root / "val" / "images", [f"val_{i}.JPEG" for i in range(200)], tmp_path / "few")
    rows = [f"val_{i}.JPEG\t{TINY_IMAGENET[(7 * i) % 200]}\t0\t32\t44\t62\n" for i in range(200)]
    (root / "val" / "val_annotations.txt").write_text("".join(rows))
    (root / "wnids.txt").write_text("\n".join(TINY_IMAGENET[::-1]) + "\n")
    (root / "words.txt").write_text("n00001740\tentity\n")
    linked(root / "test" / "images", ["test_0.JPEG"], tmp_path / "few")
    return root


def test_tiny_imagenet_is_read_from_its_own_layout(tiny: Path, data_root: Path) -> None:
    info, notes = import_folder("tinyimagenet", tiny, TINY)
    assert (info.form, info.shape, info.class_names) == ("arrays", (64, 64, 3), TINY_IMAGENET)
    assert (info.train_class_counts, info.test_class_counts) == ((2,) * 200, (1,) * 200)
    assert notes[1:] == [
        "400 training images; the official set has 100,000",
        "200 test images; the official set has 10,000",
    ]
    source = store.open_train("tinyimagenet")
    assert source.files is not None
    assert [name.split("/")[0] for name in source.files] == [source.class_names[label] for label in source.labels]
    with seal.broken():
        test = store.open_test("tinyimagenet")
    listed = store.data_root() / "tinyimagenet" / "files_test.json"
    assert '"images/val_0.JPEG"' in listed.read_text()
    assert sorted(test.labels.tolist()) == list(range(200))


def test_labels_of_tiny_imagenets_test_set_are_the_annotations(tiny: Path) -> None:
    found = find_tiny_imagenet(tiny, TINY_IMAGENET)
    assert found is not None
    for name, label in zip(found.test.files, found.test.labels, strict=True):
        number = int(name.removeprefix("images/val_").removesuffix(".JPEG"))
        assert label == (7 * number) % 200


def test_tiny_imagenet_may_come_as_class_folders(tmp_path: Path, data_root: Path) -> None:
    make(tmp_path / "few", ["x"], train=1, val=1)
    names = [f"{wnid}/1.JPEG" for wnid in TINY_IMAGENET]
    for part in ("train", "val"):
        linked(tmp_path / "tiny" / part, names, tmp_path / "few" / "train" / "x")
    assert import_folder("tinyimagenet", tmp_path / "tiny", TINY)[0].train_count == 200


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("no annotations", r"val_annotations.txt cannot be read .*expected wnids.txt, train/WNID/images/\*.JPEG"),
        ("bad line", r"val_annotations.txt, line 2: 'val_1.JPEG' does not name an image and one of the 200 classes"),
        ("other class", r"line 1: 'val_0.JPEG\\tn99999999\\t0' does not name"),
        ("missing image", r"val_annotations.txt names 1 images that are not in .*val \(images/val_3.JPEG\)"),
        ("missing class", r"train lacks 1 of the 200 classes \(n01629819\)"),
        ("unannotated class", r"val lacks 1 of the 200 classes \(n01443537\)"),
        ("no train", r"has no folder train; it holds 2 folders \(test, val\) and 2 files"),
    ],
)
def test_what_is_wrong_with_tiny_imagenet_is_named(tiny: Path, harm: str, message: str) -> None:
    notes = tiny / "val" / "val_annotations.txt"
    lines = notes.read_text().splitlines()
    if harm == "no annotations":
        notes.unlink()
    elif harm == "bad line":
        notes.write_text("\n".join([lines[0], "val_1.JPEG", *lines[2:]]))
    elif harm == "other class":
        notes.write_text("\n".join(["val_0.JPEG\tn99999999\t0", *lines[1:]]))
    elif harm == "missing image":
        (tiny / "val" / "images" / "val_3.JPEG").unlink()
    elif harm == "missing class":
        shutil.rmtree(tiny / "train" / "n01629819")
    elif harm == "unannotated class":
        notes.write_text("\n".join(lines[1:]))
    else:
        shutil.rmtree(tiny / "train")
    with pytest.raises(UsageError, match=message):
        find_tiny_imagenet(tiny, TINY_IMAGENET)


def test_gray_images_of_tiny_imagenet_become_colour(tiny: Path, data_root: Path) -> None:
    from PIL import Image

    path = tiny / "train" / TINY_IMAGENET[0] / "images" / f"{TINY_IMAGENET[0]}_0.JPEG"
    path.unlink()
    Image.fromarray(np.full((64, 64), 90, dtype=np.uint8)).save(path)
    import_folder("tinyimagenet", tiny, TINY)
    assert np.array_equal(store.open_train("tinyimagenet").images[0], np.full((64, 64, 3), 90))
