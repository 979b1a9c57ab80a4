"""Image folders: stable order, upright squares, and every bad file named."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dqbench.data.decode import Unreadable, decode
from dqbench.data.folder import load_folder, open_user_data
from dqbench.data.image_files import index
from dqbench.errors import UsageError

ORIENTATION = 0x0112


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (12, 9)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    names = ["owl/b.png", "owl/a.JPG", "cat/2.webp", "cat/10.bmp", "cat/1.jpeg"]
    for seed, name in enumerate(names):
        picture(root / name, seed)
    (root / "cat" / "notes.txt").write_text("not an image")
    (root / ".cache").mkdir()
    (root / "cat" / "._1.jpeg").write_text("a Mac's leaving")
    return root


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def test_the_order_is_that_of_the_relative_paths(folder: Path) -> None:
    opened = load_folder(folder, 8)
    source = opened.source
    assert source.files == ("cat/1.jpeg", "cat/10.bmp", "cat/2.webp", "owl/a.JPG", "owl/b.png")
    assert source.class_names == ("cat", "owl")
    assert source.labels.tolist() == [0, 0, 0, 1, 1]
    assert source.ids.tolist() == [0, 1, 2, 3, 4]
    assert (source.images.shape, source.images.dtype) == ((5, 8, 8, 3), np.uint8)
    assert (source.name, opened.root, opened.skipped) == ("photos", folder, ())
    assert opened.image_sizes.tolist() == [[12, 9]] * 5
    assert opened.file_sizes.tolist() == [(folder / name).stat().st_size for name in source.files]


def test_each_row_is_its_own_file(folder: Path) -> None:
    source = load_folder(folder, 8).source
    for row, name in zip(source.images, source.files or (), strict=True):
        assert np.array_equal(row, decode((folder / name).read_bytes(), 8)[0])
    assert len({row.tobytes() for row in source.images}) == 5


def test_a_train_folder_is_found(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "set" / "train")
    picture(tmp_path / "set" / "val" / "cat" / "x.png")
    inside = load_folder(tmp_path / "set", 8)
    assert inside.root == tmp_path / "set" / "train"
    assert inside.source.content_hash == load_folder(folder, 8).source.content_hash


def test_paths_are_sorted_as_a_whole(tmp_path: Path) -> None:
    for name in ("a/1.png", "a-b/1.png"):
        picture(tmp_path / name)
    found = index(tmp_path)
    assert found.class_names == ("a", "a-b")
    assert (found.files, found.labels) == (("a-b/1.png", "a/1.png"), (1, 0))


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    picture(tmp_path / "car" / "1.png")
    picture(tmp_path / "train" / "1.png")
    assert index(tmp_path).class_names == ("car", "train")


@pytest.mark.parametrize("change", ["content", "file name", "class name", "label", "size"])
def test_the_content_hash_notices(folder: Path, change: str) -> None:
    before = load_folder(folder, 8).source.content_hash
    if change == "content":
        with (folder / "owl" / "b.png").open("ab") as file:
            file.write(b"\0")
    elif change == "file name":
        (folder / "owl" / "b.png").rename(folder / "owl" / "c.png")
    elif change == "class name":
        (folder / "owl").rename(folder / "pig")
    elif change == "label":
        (folder / "owl" / "b.png").rename(folder / "cat" / "b.png")
    after = load_folder(folder, 9 if change == "size" else 8).source.content_hash
    assert after != before


def test_the_content_hash_does_not_depend_on_place_or_times(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    os.utime(tmp_path / "elsewhere" / "owl" / "b.png", (1, 1))
    assert load_folder(tmp_path / "elsewhere", 8).source.content_hash == load_folder(folder, 8).source.content_hash


def test_an_unreadable_image_is_named(folder: Path) -> None:
    (folder / "cat" / "3.png").write_bytes(b"\x89PNG nothing more")
    with pytest.raises(UsageError, match=r"image .*cat/3\.png cannot be read .*--skip-unreadable") as caught:
        load_folder(folder, 8)
    assert "\n" not in str(caught.value)


def test_skipping_goes_on_and_reports(folder: Path) -> None:
    whole = load_folder(folder, 8).source
    (folder / "cat" / "2.webp").write_bytes(b"")
    opened = open_user_data(folder, size=8, skip_unreadable=True)
    assert [line.split(":")[0] for line in opened.skipped] == ["cat/2.webp"]
    assert opened.source.ids.tolist() == [0, 1, 3, 4]
    assert opened.source.labels.tolist() == [0, 0, 1, 1]
    assert opened.source.files == ("cat/1.jpeg", "cat/10.bmp", "owl/a.JPG", "owl/b.png")
    assert np.array_equal(opened.source.images, whole.images[[0, 1, 3, 4]])
    assert len(opened.file_sizes) == 4
    assert opened.source.content_hash != whole.content_hash


def test_a_class_with_no_readable_image_is_named(folder: Path) -> None:
    for name in ("a.JPG", "b.png"):
        (folder / "owl" / name).write_bytes(b"?")
    with pytest.raises(UsageError, match=r"class folder .*owl has no readable image"):
        load_folder(folder, 8, skip_unreadable=True)


def test_wrong_layouts_say_what_was_expected_and_found(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds 3 images and no folder; expected CLASS/IMAGE or train/CLASS/IMAGE"):
        index(folder / "cat")
    assert index(tmp_path) == index(folder), "the only folder stands for what it holds"
    (tmp_path / "more" / "cat").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"class folder .*/more has no images, only folders \(cat\)"):
        index(tmp_path)
    (folder / "emu").mkdir()
    with pytest.raises(UsageError, match=r"class folder .*/emu has no images, none"):
        index(folder)
    with pytest.raises(UsageError, match="no image and no folder"):
        index(folder / "emu")
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        index(tmp_path / "nowhere")


def test_decoded_images_can_lie_in_a_file(folder: Path, tmp_path: Path) -> None:
    on_disk = load_folder(folder, 8, cache=tmp_path / "cache" / "photos.npy").source
    assert isinstance(on_disk.images, np.memmap)
    assert np.array_equal(on_disk.images, load_folder(folder, 8).source.images)


def test_progress_is_told_each_image(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    load_folder(folder, 8, progress=lambda done, total: told.append((done, total)))
    assert told == [(i, 5) for i in range(1, 6)]


@pytest.mark.parametrize("size", [(40, 20), (20, 40), (20, 20)])
def test_the_centre_is_cut_out(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "red")
    side = 20
    image.paste("blue", ((size[0] - side) // 2, (size[1] - side) // 2, (size[0] + side) // 2, (size[1] + side) // 2))
    pixels, before = decode(encoded(image), 20)
    assert before == size
    assert (pixels == (0, 0, 255)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = Image.new("L", (16, 16))
    upright.paste(255, (0, 0, 8, 8))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera held that way stores
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    pixels, _ = decode(encoded(stored, exif=exif), 16)
    assert np.array_equal(pixels[..., 0], np.asarray(upright))


def test_a_turned_image_has_its_turned_size() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    assert decode(encoded(Image.new("RGB", (30, 20)), "JPEG", exif=exif), 8)[1] == (20, 30)


def test_a_large_jpeg_shrinks_to_its_colours() -> None:
    image = Image.new("RGB", (1600, 1200), (200, 30, 90))
    pixels, before = decode(encoded(image, "JPEG", quality=95), 32)
    assert before == (1600, 1200)
    assert np.abs(pixels.astype(int) - (200, 30, 90)).max() <= 3


MODES = [
    ("L", 100, (100, 100, 100)),
    ("1", 1, (255, 255, 255)),
    ("RGBA", (10, 20, 30, 0), (10, 20, 30)),
    ("LA", (100, 0), (100, 100, 100)),
    ("I;16", 100 * 256, (100, 100, 100)),
]


@pytest.mark.parametrize(("mode", "colour", "expected"), MODES, ids=[mode for mode, *_ in MODES])
def test_every_mode_becomes_rgb(mode: str, colour: object, expected: tuple[int, int, int]) -> None:
    pixels, _ = decode(encoded(Image.new(mode, (9, 9), colour)), 8)  # type: ignore[arg-type]
    assert (pixels == expected).all()


def test_a_palette_with_transparency_becomes_rgb() -> None:
    image = Image.new("RGB", (9, 9), (10, 20, 30)).quantize(4)
    pixels, _ = decode(encoded(image, transparency=bytes([0] * 4)), 8)
    assert (pixels == (10, 20, 30)).all()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_cut_off_files_are_unreadable(format: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    data = encoded(noise, format)
    for part in (0, 3, len(data) // 2):
        with pytest.raises(Unreadable):
            decode(data[:part], 8)


def test_an_image_too_large_to_be_safe_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Unreadable, match="decompression bomb"):
        decode(encoded(Image.new("RGB", (50, 50))), 8)


def test_an_npz_keeps_its_size(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=x, labels=np.arange(6) % 2)
    with pytest.raises(UsageError, match="a size is for image folders"):
        open_user_data(tmp_path / "mine.npz", size=64)
    opened = open_user_data(tmp_path / "mine.npz")
    assert opened.source.images.shape == (6, 5, 4, 1)
    assert (opened.source.name, opened.root, opened.source.files) == ("mine", None, None)
    assert opened.file_sizes.tolist() == [20] * 6
    assert opened.image_sizes.tolist() == [[4, 5]] * 6


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("")
    with pytest.raises(UsageError, match=r"neither a folder nor an \.npz"):
        open_user_data(tmp_path / "a.zip")
    with pytest.raises(UsageError, match="is not there"):
        open_user_data(tmp_path / "b")
    with pytest.raises(UsageError, match="image size 0 is below 1"):
        load_folder(tmp_path, 0)


@pytest.mark.real_data
def test_real_photographs(test_data: Path) -> None:
    opened = load_folder(test_data / "imagenette" / "val", 32)
    source = opened.source
    assert source.images.shape == (500, 32, 32, 3)
    assert source.class_counts.tolist() == [50] * 10
    assert source.class_names[0] == "n01440764"
    assert (opened.image_sizes == 224).all()
    assert len({image.tobytes() for image in source.images}) == 500
    assert ((source.mean > 0.3) & (source.mean < 0.6)).all()
