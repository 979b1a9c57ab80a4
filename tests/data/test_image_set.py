"""Image folders as data sets: the official layouts, and every way in which they come out wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dqbench import plugins
from dqbench.data import seal, store
from dqbench.data.image_files import index
from dqbench.data.image_set import find_image_set, fingerprint
from dqbench.data.imagenet_classes import IMAGENETTE, IMAGEWOOF
from dqbench.data.importing import class_list, import_folder
from dqbench.data.own import import_own
from dqbench.data.test_split import draw_test
from dqbench.errors import UsageError
from dqbench.specs import DatasetSpec

SPECS = {spec.name: spec for spec in plugins.load().datasets}


def make(folder: Path, classes: Iterable[str], each: int = 2, ending: str = "JPEG") -> Path:
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(each):
            pixels = np.random.default_rng([i, *name.encode()]).integers(0, 256, (10, 14, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{name}_{i}.{ending}")
    return folder


@pytest.fixture
def photos(tmp_path: Path, data_root: Path) -> Path:
    """Two classes, three training and two test images each."""
    make(tmp_path / "My Photos" / "train", ["owl", "cat"], each=3)
    make(tmp_path / "My Photos" / "val", ["cat", "owl"])
    return tmp_path / "My Photos"


def test_a_folder_becomes_a_stored_data_set(photos: Path) -> None:
    info, notes = import_folder("photos", photos, size=8)
    assert (info.shape, info.class_names, info.provenance) == ((8, 8, 3), ("cat", "owl"), "imported")
    assert (info.train_class_counts, info.test_class_counts) == ((3, 3), (2, 2))
    assert info.note == "image files decoded to 8 px"
    assert notes == [info.note]
    assert store.read_info("photos") == info == store.verify("photos")
    source = store.open_train("photos")
    assert source.files == tuple(f"{name}/{name}_{i}.JPEG" for name in ("cat", "owl") for i in range(3))
    assert source.ids.tolist() == list(range(6))
    with seal.broken():
        assert store.open_test("photos").labels.tolist() == [0, 0, 1, 1]
    assert sorted(p.name for p in store.data_root().iterdir()) == [".photos.lock", "photos"], "nothing is left behind"


def test_each_stored_image_is_its_own_file(photos: Path) -> None:
    from dqbench.data.decode import decode

    import_folder("photos", photos, size=8)
    source = store.open_train("photos")
    for image, name in zip(source.images, source.files or (), strict=True):
        assert np.array_equal(image, decode((photos / "train" / name).read_bytes(), 8)[0])


def test_a_part_keeps_its_file_names(photos: Path) -> None:
    import_folder("photos", photos, size=8)
    part = store.open_train("photos", per_class=1)
    assert part.ids.tolist() == [0, 3]
    assert part.files == ("cat/cat_0.JPEG", "owl/owl_0.JPEG")


@pytest.mark.parametrize("change", ["content", "size", "class name"])
def test_the_hash_covers_content_size_and_classes(photos: Path, change: str) -> None:
    before = import_folder("photos", photos, size=8)[0]
    if change == "content":
        shutil.copy(photos / "train" / "cat" / "cat_0.JPEG", photos / "train" / "cat" / "cat_1.JPEG")
    elif change == "class name":
        for part in ("train", "val"):
            (photos / part / "owl").rename(photos / part / "pig")
    after = import_folder("photos", photos, size=9 if change == "size" else 8)[0]
    assert after.train_hash != before.train_hash


def test_a_damaged_list_of_files_is_named(photos: Path) -> None:
    import_folder("photos", photos, size=8)
    path = store.data_root() / "photos" / "files_train.json"
    names = json.loads(path.read_text())
    path.write_text(json.dumps({**names, "files": names["files"][1:]}))
    with pytest.raises(UsageError, match=r"files_train.json names 5 files for 6 images"):
        store.open_train("photos")
    with pytest.raises(UsageError, match="is damaged"):
        store.verify("photos")
    path.write_text("{")
    with pytest.raises(UsageError, match=r"files_train.json cannot be read"):
        store.open_train("photos")


def test_test_goes_before_val_and_folders_without_classes_are_no_test_set(photos: Path) -> None:
    (photos / "test").mkdir()
    (photos / "test" / "1.png").write_text("unlabelled")
    assert find_image_set(photos).test.root == photos / "val"
    shutil.rmtree(photos / "test")
    shutil.copytree(photos / "val", photos / "test")
    found = find_image_set(photos)
    assert found.test.root == photos / "test"
    assert found.note == "test is the test set, and val is not used"


def test_wrong_layouts_say_what_was_expected_and_found(photos: Path, tmp_path: Path) -> None:
    expected = r"expected train/CLASS/IMAGE and val/CLASS/IMAGE"
    with pytest.raises(UsageError, match=rf"train holds the folders cat, owl; {expected}.*--test-share"):
        find_image_set(photos / "train")
    shutil.rmtree(photos / "val")
    with pytest.raises(UsageError, match=rf"My Photos holds the folder train; {expected}"):
        find_image_set(photos)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=rf"empty holds no folder; {expected}"):
        find_image_set(tmp_path / "empty")
    with pytest.raises(UsageError, match="no image and no folder"):
        find_image_set(tmp_path / "empty", test_share=0.2)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        find_image_set(tmp_path / "nowhere")


def test_classes_must_be_the_same_in_both(photos: Path) -> None:
    make(photos / "val", ["emu"])
    with pytest.raises(UsageError, match=r"train lacks 1 of the 3 classes of .*val \(emu\); both need the same"):
        find_image_set(photos)
    make(photos / "train", ["emu", "fox"])
    with pytest.raises(UsageError, match=r"val lacks 1 of the 4 classes of .*train \(fox\)"):
        find_image_set(photos)
    (photos / "val" / "fox").mkdir()
    with pytest.raises(UsageError, match=r"class folder .*val/fox has no images, none"):
        find_image_set(photos)


def test_a_corrupt_image_is_named_and_leaves_nothing(photos: Path) -> None:
    (photos / "val" / "owl" / "owl_1.JPEG").write_bytes(b"\xff\xd8 nothing more")
    with pytest.raises(UsageError, match=r"val/owl/owl_1\.JPEG cannot be read .*--skip-unreadable"):
        import_folder("photos", photos, size=8)
    assert store.present() == []
    assert not list(store.data_root().glob(".import-*"))


def test_skipping_says_which(photos: Path) -> None:
    (photos / "train" / "owl" / "owl_1.JPEG").write_bytes(b"")
    info, notes = import_folder("photos", photos, size=8, skip_unreadable=True)
    assert info.train_class_counts == (3, 2)
    assert info.note == "image files decoded to 8 px; 1 unreadable image left out"
    assert notes[-1].startswith("skipped, unreadable: owl/owl_1.JPEG: ")
    source = store.open_train("photos")
    assert source.files is not None
    assert source.files[3:] == ("owl/owl_0.JPEG", "owl/owl_2.JPEG")


def test_a_drawn_test_set_is_the_same_for_ever_and_said(photos: Path) -> None:
    shutil.rmtree(photos / "val")
    found = find_image_set(photos, test_share=0.4)
    again = find_image_set(photos, test_share=0.4)
    assert found == again
    assert sorted([*found.train.files, *found.test.files]) == list(index(photos).files)
    assert not set(found.train.files) & set(found.test.files)
    assert len(found.train.files) == 4
    assert sorted(found.test.labels) == [0, 1]
    info, _ = import_folder("photos", photos, size=8, test_share=0.4)
    assert "no test set: 40 % of each class, drawn with seed 0, are it" in info.note


@pytest.mark.parametrize(("count", "share", "expected"), [(2, 0.2, 1), (10, 0.2, 2), (13, 0.2, 3), (3, 0.9, 2)])
def test_the_drawn_share_is_rounded_half_up_and_leaves_some(count: int, share: float, expected: int) -> None:
    labels = np.arange(2 * count) % 2
    chosen = draw_test(labels, ("a", "b"), share)
    assert np.bincount(labels[chosen]).tolist() == [expected] * 2


def test_what_cannot_be_drawn_from() -> None:
    with pytest.raises(UsageError, match="class b has 1 image, too few"):
        draw_test(np.array([0, 0, 1]), ("a", "b"), 0.2)
    for share in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(UsageError, match=r"test share .* is not in \(0, 1\)"):
            draw_test(np.array([0, 0]), ("a",), share)


def test_own_data_is_named_by_its_content_and_decoded_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = import_own(photos, size=8)
    assert info.name.startswith("my-photos-")
    monkeypatch.setattr("dqbench.data.importing.decode_image_set", None)
    assert import_own(photos, size=8) == info
    moved = photos.rename(photos.with_name("my_photos"))
    assert import_own(moved, size=8) == info, "neither place nor spelling is in the name"


def test_other_content_is_another_name(photos: Path) -> None:
    prints = {fingerprint(find_image_set(photos), 8), fingerprint(find_image_set(photos), 9)}
    with (photos / "val" / "owl" / "owl_1.JPEG").open("ab") as file:
        file.write(b"\0")
    prints.add(fingerprint(find_image_set(photos), 8))
    (photos / "val" / "owl" / "owl_1.JPEG").rename(photos / "val" / "owl" / "z.JPEG")
    prints.add(fingerprint(find_image_set(photos), 8))
    assert len(prints) == 4


def test_own_npz_files_with_and_without_a_test_set(tmp_path: Path, data_root: Path) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "whole.npz", x_train=x[:10], y_train=y[:10], x_test=x[10:], y_test=y[10:])
    np.savez(tmp_path / "part.npz", images=x, labels=y)
    whole, part = import_own(tmp_path / "whole.npz"), import_own(tmp_path / "part.npz")
    assert (whole.train_count, whole.test_count, whole.note) == (10, 10, "")
    assert (part.train_class_counts, part.test_class_counts) == ((8, 8), (2, 2))
    assert part.note == "no test set: 20 % of each class, drawn with seed 0, are it"
    assert import_own(tmp_path / "part.npz") == part


def test_own_data_that_is_none(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        import_own(tmp_path / "nowhere")
    (tmp_path / "a.zip").write_text("")
    with pytest.raises(UsageError, match=r"a\.zip is none of: an image folder"):
        import_own(tmp_path / "a.zip")
    assert not data_root.exists()


@pytest.mark.parametrize("name", ["imagenette", "imagewoof"])
def test_the_subsets_of_imagenet_take_their_own_folders_only(name: str, tmp_path: Path, data_root: Path) -> None:
    spec, lists = SPECS[f"{name}-64"], {"imagenette": IMAGENETTE, "imagewoof": IMAGEWOOF}
    for part in ("train", "val"):
        make(tmp_path / part, lists[name], each=1)
    info, notes = import_folder(spec.name, tmp_path, spec)
    assert info.shape == spec.shape
    assert info.class_names == tuple(sorted(lists[name])) == spec.class_names
    assert notes[1] == f"10 training images; the official set has {spec.counts[0]:,}"
    other = SPECS["imagewoof-64" if name == "imagenette" else "imagenette-64"]
    with pytest.raises(UsageError, match=rf"does not have the 10 class folders of {other.name}: lacks n0.* and holds"):
        import_folder(other.name, tmp_path, other)


def test_a_missing_class_of_a_known_set_is_named_in_words(tmp_path: Path, data_root: Path) -> None:
    for part in ("train", "val"):
        make(tmp_path / part, sorted(IMAGENETTE)[1:], each=1)
    with pytest.raises(UsageError, match=r"class folders of imagenette-64: lacks n01440764 \(tench\)$"):
        import_folder("imagenette-64", tmp_path, SPECS["imagenette-64"])
    with pytest.raises(UsageError, match="imagenette-64 has images of 64 px, not 32"):
        import_folder("imagenette-64", tmp_path, SPECS["imagenette-64"], size=32)
    with pytest.raises(UsageError, match="digits has images of 1 channel"):
        import_folder("digits", tmp_path, SPECS["digits"])
    assert not data_root.exists()


def test_every_known_set_of_image_files_has_its_licence_and_sorted_classes() -> None:
    found: list[DatasetSpec] = [spec for spec in SPECS.values() if spec.origin == "import"]
    assert len(found) >= 6
    for spec in found:
        assert spec.licence
        assert spec.citation
        names, titles = class_list(spec)
        assert list(names) == sorted(set(names))
        assert len(names) == spec.classes
        assert not titles or len(titles) == spec.classes


@pytest.mark.real_data
def test_real_photographs(test_data: Path, data_root: Path) -> None:
    info, notes = import_folder("imagenette-64", test_data / "imagenette", SPECS["imagenette-64"])
    assert (info.train_class_counts, info.test_class_counts) == ((120,) * 10, (50,) * 10)
    assert info.shape == (64, 64, 3)
    assert "1,200 training images; the official set has 9,469" in notes
    assert store.verify("imagenette-64") == info
