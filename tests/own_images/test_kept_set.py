"""What ``dqbench compress`` leaves on disk: whole or not at all, and the same set when it is read again."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dqbench.compressed import Subset, load
from dqbench.data.folder import FolderSource, open_user_data
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.own_images import write as written
from dqbench.own_images.kept_set import KeptDataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat/a.png", "cat/b.png", "dog/c.png", "dog/d.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    return tmp_path / "images"


@pytest.fixture
def source(folder: Path) -> Source:
    files = tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png")))
    images = np.stack([np.asarray(Image.open(folder / f)) for f in files])
    return Source(
        name="pets",
        images=images,
        labels=np.array([0, 0, 1, 1]),
        class_names=("cat", "dog"),
        ids=np.array([3, 5, 8, 9]),
        content_hash="0" * 64,
        mean=np.full(3, 0.5),
        std=np.full(3, 0.25),
        files=files,
    )


CHOSEN = Subset(
    ids=np.array([9, 3]), bins=np.array([1, 0]), ranks=np.array([0, 2]), weights=np.array([0.5, 2.0]), notes={"a": 1}
)


def test_the_manifest_names_every_kept_sample_in_order(source: Source, tmp_path: Path) -> None:
    written.write(CHOSEN, source, tmp_path / "out", {"method": "m"})
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["id"] for r in rows] == ["9", "3"]
    assert [r["file"] for r in rows] == ["dog/d.png", "cat/a.png"]
    assert [(r["class"], r["bin"], r["rank"], r["weight"]) for r in rows] == [
        ("dog", "1", "0", "0.5"),
        ("cat", "0", "2", "2.0"),
    ]


def test_a_kept_set_read_again_is_the_same(source: Source, tmp_path: Path) -> None:
    written.write(CHOSEN, source, tmp_path / "out", {})
    again = load(tmp_path / "out" / "kept")
    assert isinstance(again, Subset)
    for name in ("ids", "bins", "ranks", "weights"):
        np.testing.assert_array_equal(getattr(again, name), getattr(CHOSEN, name))
    assert again.notes == {"a": 1}


@pytest.mark.parametrize("images", ["link", "copy"])
def test_kept_images_are_the_source_files(source: Source, folder: Path, tmp_path: Path, images: written.Images) -> None:
    written.write(CHOSEN, source, tmp_path / "out", {}, images, folder)
    found = sorted(p.relative_to(tmp_path / "out" / "images").as_posix() for p in (tmp_path / "out").rglob("*.png"))
    assert found == ["cat/a.png", "dog/d.png"]
    for name in found:
        path = tmp_path / "out" / "images" / name
        assert path.is_symlink() == (images == "link")
        assert path.read_bytes() == (folder / name).read_bytes()


def test_images_of_arrays_are_written_without_loss(source: Source, tmp_path: Path) -> None:
    arrays = Source(**{**source.__dict__, "files": None})
    written.write(CHOSEN, arrays, tmp_path / "out", {}, "copy")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out/images/dog/000009.png")), source.images[3])


def test_links_need_files(source: Source, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs an image folder"):
        written.write(CHOSEN, Source(**{**source.__dict__, "files": None}), tmp_path / "out", {}, "link")


def test_an_output_folder_with_something_in_it_is_refused_and_untouched(source: Source, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        written.write(CHOSEN, source, tmp_path / "out", {})
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_nothing_half_made_is_left_when_writing_fails(source: Source, folder: Path, tmp_path: Path) -> None:
    (folder / "cat" / "a.png").unlink()
    with pytest.raises(UsageError, match="cannot be written"):
        written.write(CHOSEN, source, tmp_path / "out", {}, "copy", folder)
    assert sorted(os.listdir(tmp_path)) == ["images"]


def test_the_dataset_gives_image_label_and_weight_in_order(source: Source, tmp_path: Path) -> None:
    written.write(CHOSEN, source, tmp_path / "out", {"source_hash": source.content_hash, "size": 8})
    data = KeptDataset(source, tmp_path / "out")
    image, label, weight = data[0]
    assert len(data) == 2
    assert (label, weight) == (1, 0.5)
    np.testing.assert_allclose(image.numpy(), source.images[3].transpose(2, 0, 1) / 255, rtol=1e-6)
    assert KeptDataset(source, CHOSEN, transform=lambda a: int(a.sum()))[1][0] == int(source.images[0].sum())


def kept_of(folder: Path, out: Path, size: int = 8) -> FolderSource:
    """Two images of each class of a folder, as ``dqbench compress`` writes them at this size."""
    opened = open_user_data(folder, size=size)
    facts = {"source_hash": opened.source.content_hash, "size": size, "skipped": []}
    written.write(Subset(opened.source.ids[[3, 0]]), opened.source, out, facts)
    return opened


def test_a_path_a_text_and_what_open_user_data_gives_are_sources(folder: Path, tmp_path: Path) -> None:
    opened = kept_of(folder, tmp_path / "out")
    for given in (
        folder,
        str(folder),
        opened,
        open_user_data(str(folder), size=opened.source.images.shape[1]),
        opened.source,
    ):
        image, label, _ = KeptDataset(given, str(tmp_path / "out"))[0]
        np.testing.assert_allclose(image.numpy(), opened.source.images[3].transpose(2, 0, 1) / 255, rtol=1e-6)
        assert label == 1


def test_images_at_another_size_are_the_same_source(folder: Path, tmp_path: Path) -> None:
    kept_of(folder, tmp_path / "out")
    larger = open_user_data(folder, size=16)
    for data in (KeptDataset(folder, tmp_path / "out", size=16), KeptDataset(larger, tmp_path / "out")):
        assert data[1][0].shape == (3, 16, 16)
        assert data[1][1] == 0
    with pytest.raises(UsageError, match=r"another source than images.* 4 images of 16 px"):
        KeptDataset(larger.source, tmp_path / "out")


@pytest.mark.parametrize("change", ["one pixel", "one more image", "other names"])
def test_another_source_is_refused(folder: Path, tmp_path: Path, change: str) -> None:
    opened = kept_of(folder, tmp_path / "out")
    if change == "one pixel":
        pixels = np.array(Image.open(folder / "cat" / "a.png"))
        pixels[0, 0, 0] ^= 1
        Image.fromarray(pixels).save(folder / "cat" / "a.png")
    elif change == "one more image":
        Image.fromarray(opened.source.images[0]).save(folder / "dog" / "z.png")
    else:
        (folder / "cat").rename(folder / "bat")
    for given in (folder, open_user_data(folder, size=8), open_user_data(folder, size=8).source):
        with pytest.raises(UsageError, match="was chosen from another source than images"):
            KeptDataset(given, tmp_path / "out")


@pytest.mark.parametrize("manifest", [None, "{}", "no JSON", '{"source_hash": 3, "size": 8}', '{"source_hash": "a"}'])
def test_a_folder_that_does_not_name_its_source_is_refused(folder: Path, tmp_path: Path, manifest: str | None) -> None:
    opened = kept_of(folder, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    if manifest is not None:
        (tmp_path / "out" / "manifest.json").write_text(manifest)
    with pytest.raises(UsageError, match=r"no manifest\.json that says which source"):
        KeptDataset(opened, tmp_path / "out")


@pytest.mark.parametrize("given", [[1, 2], 3, np.zeros((4, 8, 8, 1), np.uint8)])
def test_what_is_no_source_is_refused(given: Any, folder: Path, tmp_path: Path) -> None:
    kept_of(folder, tmp_path / "out")
    with pytest.raises(UsageError, match=f"source={type(given).__name__} is none; give a path"):
        KeptDataset(given, tmp_path / "out")


def test_a_size_is_for_a_path(folder: Path, tmp_path: Path) -> None:
    opened = kept_of(folder, tmp_path / "out")
    with pytest.raises(UsageError, match="size=9 is for a source that is given by its path"):
        KeptDataset(opened, tmp_path / "out", size=9)
