"""Labelled images in the forms that people have: the same pixels, labels and classes by whatever way they come."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image

import dqbench
from dqbench.cli import main
from dqbench.data import store
from dqbench.data.forms import form_arrays, is_form, read_form
from dqbench.data.image_files import index
from dqbench.data.image_set import find_image_set
from dqbench.data.own import import_own
from dqbench.errors import UsageError

SIDE = 12
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
NAMES = ["cat", "dog"] * 4


def png(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def table(folder, header=True, split=False):
    for i, pixels in enumerate(PIXELS):
        (folder / f"{i}.png").write_bytes(png(pixels))
    head = ["path,label" + (",split" if split else "")] if header else []
    parts = ["train"] * 6 + ["Test"] * 2
    rows = [f"{i}.png,{name}" + (f",{parts[i]}" if split else "") for i, name in enumerate(NAMES)]
    (folder / "images.csv").write_text("\n".join(head + rows) + "\n")
    return folder / "images.csv"


def parquet(path, places=range(8), names=True):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    images = [{"bytes": png(PIXELS[i]), "path": f"{i}.png"} for i in places]
    made = pa.table({"image": images, "label": [NAMES[i] == "dog" if not names else int(i % 2) for i in places]})
    if names:
        info = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
        made = made.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(made, path)
    return path


def tar(path, places=range(8), label="cls"):
    with tarfile.open(path, "w") as file:
        for i in places:
            text = json.dumps({"label": NAMES[i]}) if label == "json" else NAMES[i]
            for name, content in ((f"part/{i:03}.png", png(PIXELS[i])), (f"part/{i:03}.{label}", text.encode())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
    return path


def idx(folder, compressed):
    folder.mkdir(exist_ok=True)
    for split, part in (("train", slice(0, 6)), ("t10k", slice(6, 8))):
        images, labels = PIXELS[part, ..., 0], (np.arange(8)[part] % 2).astype(np.uint8)
        for what, array in (("images", images), ("labels", labels)):
            data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
            name = folder / f"{split}-{what}-idx{array.ndim}-ubyte"
            if compressed:
                name.with_suffix(".gz").write_bytes(gzip.compress(data))
            else:
                name.write_bytes(data)
    return folder


@pytest.mark.parametrize("made", [table, lambda f: table(f, header=False), lambda f: parquet(f / "a.parquet"),
                                  lambda f: tar(f / "a.tar"), lambda f: tar(f / "a.tar", label="json")])  # fmt: skip
def test_a_file_without_a_test_part_gives_all_its_images(tmp_path, made):
    train, test, names = read_form(made(tmp_path), SIDE)
    assert np.array_equal(train.images, PIXELS)
    assert [names[label] for label in train.labels] == NAMES
    assert test is None


@pytest.mark.parametrize("compressed", [False, True])
def test_mnists_files_give_gray_arrays_and_their_test_set(tmp_path, compressed):
    train, test, names = read_form(idx(tmp_path / "MNIST", compressed))
    assert np.array_equal(train.images, PIXELS[:6, ..., :1])
    assert np.array_equal(test.images, PIXELS[6:, ..., :1])
    assert (train.labels.tolist(), names) == ([0, 1] * 3, ("0", "1"))
    (tmp_path / "wrapped").mkdir()
    (tmp_path / "MNIST").rename(tmp_path / "wrapped" / "raw")
    assert np.array_equal(read_form(tmp_path / "wrapped")[1].images, test.images)


def test_cifars_own_archive_is_unpacked_and_read(tmp_path):
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    pixels = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    records = [bytes([i]) + pixels[i].transpose(2, 0, 1).tobytes() for i in range(6)]
    files = {f"data_batch_{i + 1}.bin": records[i] for i in range(5)}
    files |= {"test_batch.bin": records[5], "batches.meta.txt": "\n".join(names).encode()}
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    train, test, found = read_form(tmp_path / "cifar-10-binary.tar.gz")
    assert np.array_equal(np.concatenate([train.images, test.images]), pixels)
    assert [*train.labels.tolist(), *test.labels.tolist()] == list(range(6))
    assert list(found) == names
    (tmp_path / "cifar-100-python.tar.gz").write_bytes(b"cut")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        read_form(tmp_path / "cifar-100-python.tar.gz")


@pytest.mark.parametrize("kind", ["table", "parquet", "tars"])
def test_splits_are_told_by_a_column_or_by_the_names_of_files(tmp_path, kind):
    if kind == "table":
        path = table(tmp_path, split=True)
    else:
        path = tmp_path
        for name, places in (("train-00000-of-00001", range(6)), ("test-00000-of-00001", range(6, 8))):
            (parquet if kind == "parquet" else tar)(
                path / f"{name}.{'parquet' if kind == 'parquet' else 'tar'}", places
            )
    train, test, _ = read_form(path, SIDE)
    assert np.array_equal(train.images, PIXELS[:6])
    assert np.array_equal(test.images, PIXELS[6:])
    with pytest.raises(UsageError, match="has a test set"):
        form_arrays(path, SIDE, 0.2)


def test_a_drawn_test_set_depends_on_its_seed_alone(tmp_path):
    path = table(tmp_path)
    drawn = [form_arrays(path, SIDE, 0.5, seed) for seed in (0, 0, 1, 2, 3)]
    assert all(np.bincount(one.y_test).tolist() == [2, 2] for one in drawn)
    assert np.array_equal(drawn[0].x_test, drawn[1].x_test)
    assert any(not np.array_equal(drawn[0].x_test, other.x_test) for other in drawn[2:])
    assert "drawn with seed 3" in drawn[4].note


def folder_of(root, classes=("cat", "dog"), suffix=".png", kind="PNG"):
    for i, name in enumerate(classes * 2):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / f"{i}{suffix}").write_bytes(png(PIXELS[i], kind))
    return root


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("training", "testing"), ("TRAIN", "Validation")])
@pytest.mark.parametrize("deeper", [False, True])
def test_folders_are_found_in_any_capitals_and_one_too_deep(tmp_path, train, test, deeper):
    root = tmp_path / "pets" / "pets-1.0" if deeper else tmp_path / "pets"
    folder_of(root / train)
    folder_of(root / test)
    (tmp_path / "pets" / "__MACOSX").mkdir()
    found = find_image_set(tmp_path / "pets")
    assert (found.train.root, found.test.root) == (root / train, root / test)
    assert index(tmp_path / "pets").class_names == ("cat", "dog")


def test_class_folders_one_too_deep_are_found_and_a_single_class_stays_one(tmp_path):
    folder_of(tmp_path / "a" / "b")
    assert index(tmp_path / "a").root == tmp_path / "a" / "b"
    folder_of(tmp_path / "one", ("cat",))
    assert index(tmp_path / "one").class_names == ("cat",)


@pytest.mark.parametrize(("suffix", "kind"), [(".gif", "GIF"), (".TIFF", "TIFF"), (".tif", "TIFF"), (".ppm", "PPM")])
def test_further_kinds_of_images_are_read(tmp_path, suffix, kind):
    opened = dqbench.compress(folder_of(tmp_path / "p", suffix=suffix, kind=kind), "random", keep=1.0, size=SIDE)
    assert len(opened) == 4


@pytest.mark.parametrize("made", [table, lambda f: tar(f / "a.tar"), lambda f: idx(f / "m", True)])
def test_compress_and_own_data_take_them(tmp_path, data_root, made):
    (tmp_path / "d").mkdir()
    path = made(tmp_path / "d")
    assert len(dqbench.compress(path, "random", keep=0.5)) in (3, 4)
    found = import_own(path, 16)
    assert found.train_count + found.test_count == 8
    assert import_own(path, 16).name == found.name


def test_a_kept_set_of_a_table_can_be_trained_on(tmp_path, capsys):
    path, out = table(tmp_path), tmp_path / "out"
    words = ["--method", "random", "--ipc", "2", "--data", str(path), "--size", str(SIDE), "--out", str(out)]
    assert main(["compress", *words]) == 0, capsys.readouterr().err
    kept = dqbench.KeptDataset(path, out)
    assert len(kept) == 4
    for place, (image, label, _) in enumerate(kept[i] for i in range(4)):
        where = int(kept.kept.ids[place])
        assert np.array_equal((image.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8), PIXELS[where])
        assert label == (NAMES[where] == "dog")


def test_the_command_imports_them(tmp_path, data_root, capsys):
    path = table(tmp_path)
    options = ["--size", "16", "--test-share", "0.25", "--test-seed", "3"]
    assert main(["data", "import", "pets", str(path), *options]) == 0
    assert "drawn with seed 3" in " ".join(capsys.readouterr().out.split())
    found = store.read_info("pets")
    assert (found.train_count, found.test_count, found.shape) == (6, 2, (16, 16, 3))
    assert main(["data", "import", "pets", str(path)]) == 2
    assert "--test-share 0.2 draws one" in capsys.readouterr().err


def damaged(folder, kind):
    if kind == "lost":
        path = table(folder)
        (folder / "3.png").unlink()
    elif kind == "no image":
        path = table(folder)
        (folder / "3.png").write_bytes(b"text")
    elif kind == "columns":
        (path := folder / "x.csv").write_text("a,b\n1,2\n")
    elif kind == "empty":
        (path := folder / "x.csv").write_text("")
    elif kind == "label":
        (path := folder / "x.csv").write_text("path,label\nx.png,\n")
    elif kind == "tar":
        (path := folder / "x.tar").write_bytes(b"no tar")
    elif kind == "class":
        path = tar(folder / "x.tar", label="caption")
    elif kind == "parquet":
        (path := folder / "x.parquet").write_bytes(b"none")
    else:
        path = idx(folder / "m", False)
        (path / "t10k-labels-idx1-ubyte").write_bytes(b"short")
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("lost", "line 5: .*3.png is not there"),
        ("no image", r"3.png cannot be read"),
        ("columns", "has the columns a, b"),
        ("empty", "is empty"),
        ("label", "line 2: .* has no path and label"),
        ("tar", "x.tar cannot be read"),
        ("class", "has no class: give it a .cls"),
        ("parquet", "x.parquet cannot be read|pyarrow"),
        ("idx", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, kind, words):
    with pytest.raises(UsageError, match=words):
        read_form(damaged(tmp_path, kind), None if kind == "idx" else SIDE)


def test_image_folders_are_no_form(tmp_path):
    folder_of(tmp_path / "p")
    (tmp_path / "p" / "stray.tar").write_bytes(b"")
    (tmp_path / "p" / "raw").mkdir()
    assert not is_form(tmp_path / "p")
    assert not is_form(tmp_path / "x.npz")
