"""Reading .npz files: right ones whole, wrong ones named, pickles never."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import plugins
from dqbench.data import seal, store
from dqbench.data.npz import read_for, read_images, read_npz
from dqbench.errors import UsageError
from dqbench.specs import DatasetSpec

CIFAR10: DatasetSpec = plugins.load().datasets["cifar10"]


@pytest.fixture(autouse=True)
def unsealed() -> Iterator[None]:
    with seal.broken():
        yield


def arrays(classes: int = 3, side: int = 4, n: int = 30, m: int = 12) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8),
        "y_train": (np.arange(n) % classes).astype(np.uint8),
        "x_test": rng.integers(0, 256, (m, side, side, 3), dtype=np.uint8),
        "y_test": (np.arange(m) % classes).astype(np.int32),
    }


def saved(folder: Path, **content: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **content)
    return path


def refused(path: Path, message: str, **options: Any) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_npz(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    content = arrays()
    read = read_npz(saved(tmp_path, **content, extra=np.array([{}], dtype=object)))
    for key in ("x_train", "y_train", "x_test", "y_test"):
        assert np.array_equal(getattr(read, key), content[key])
    assert read.y_train.dtype == np.int64
    assert (read.class_names, read.provenance) == (("0", "1", "2"), "imported")


def test_a_compressed_file_reads_the_same(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "c.npz", **arrays())
    assert np.array_equal(read_npz(tmp_path / "c.npz").x_train, arrays()["x_train"])


def test_gray_images_and_column_labels(tmp_path: Path) -> None:
    content = arrays()
    content |= {key: content[key][..., 0] for key in ("x_train", "x_test")}
    content |= {key: content[key][:, np.newaxis] for key in ("y_train", "y_test")}
    read = read_npz(saved(tmp_path, **content))
    assert read.x_train.shape == (30, 4, 4, 1)
    assert read.y_train.shape == (30,)


@pytest.mark.parametrize("kind", [str, bytes])
def test_class_names_come_from_the_file(tmp_path: Path, kind: type) -> None:
    names = ["cat", "dog", "owl"]
    stored = np.array([name.encode() for name in names] if kind is bytes else names)
    assert read_npz(saved(tmp_path, **arrays(), class_names=stored)).class_names == tuple(names)


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test", "class_names"])
def test_pickled_objects_are_refused_and_not_run(tmp_path: Path, key: str) -> None:
    sprung = tmp_path / "sprung"
    trap = np.array([Trap(sprung)], dtype=object)
    path = saved(tmp_path, **(arrays() | {key: trap}))
    refused(path, f"{key} holds pickled Python objects, which are never loaded")
    assert not sprung.exists()
    with np.load(path, allow_pickle=True) as file:
        file[key]
    assert sprung.exists(), "the trap is no trap, so this test shows nothing"


def test_pickled_images_to_compress_are_refused_and_not_run(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
    for content in ({"images": trap, "labels": np.zeros(1, int)}, {"x": np.zeros((1, 2, 2), np.uint8), "y": trap}):
        with pytest.raises(UsageError, match="pickled Python objects"):
            read_images(saved(tmp_path, **content))
    assert not (tmp_path / "sprung").exists()


def test_a_structured_type_with_objects_is_refused(tmp_path: Path) -> None:
    sneaky = np.zeros(3, dtype=[("a", "u1"), ("b", "O")])
    refused(saved(tmp_path, **(arrays() | {"y_train": sneaky})), "pickled Python objects")


def test_a_bare_pickle_is_refused(tmp_path: Path) -> None:
    import pickle

    path = tmp_path / "data.npz"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    refused(path, "is no .npz file")
    assert not (tmp_path / "sprung").exists()


MISSING = [
    (("y_test",), "has no y_test: it has x_train, y_train, x_test; expected x_train, y_train, x_test, y_test"),
    (("x_train", "y_train"), "has no x_train, y_train: it has x_test, y_test"),
    (("x_train", "y_train", "x_test", "y_test"), "it has no arrays"),
]


@pytest.mark.parametrize(("gone", "message"), MISSING)
def test_missing_keys_are_named(tmp_path: Path, gone: tuple[str, ...], message: str) -> None:
    refused(saved(tmp_path, **{k: v for k, v in arrays().items() if k not in gone}), message)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path, **arrays())
    content = path.read_bytes()
    for cut in (0, 10, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:cut])
        refused(path, "is no .npz file")
    refused(tmp_path / "gone.npz", "is not there")
    refused(tmp_path, "cannot be read|no .npz")


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    original = saved(tmp_path, **arrays(side=1))
    content = original.read_bytes()
    good = read_npz(original)
    path = tmp_path / "flipped.npz"
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] ^= 0x5A
        path.write_bytes(damaged)
        try:
            read = read_npz(path)
        except UsageError:
            continue
        assert np.array_equal(read.x_train, good.x_train)
        assert np.array_equal(read.y_test, good.y_test)


def test_a_header_that_promises_too_much_is_refused_before_reading(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 1000, 1000, 3)}
    )
    path = saved(tmp_path, **{k: v for k, v in arrays().items() if k != "x_train"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", header.getvalue() + b"few bytes")
    refused(path, "x_train cannot be read .*bytes expected")


WRONG = [
    ({"x_train": np.zeros((30, 4, 4, 3), np.float32)}, "x_train is float32, not uint8"),
    ({"x_train": np.zeros((30, 48), np.uint8)}, "x_train has shape 30×48; expected N×H×W×C"),
    ({"x_train": np.zeros((30, 3, 4, 4), np.uint8)}, "channels first"),
    ({"x_test": np.zeros((12, 5, 4, 3), np.uint8)}, "must agree"),
    ({"y_train": np.zeros(29, np.int64)}, "y_train has 29 labels and x_train 30 images"),
    ({"y_train": np.arange(30) % 3 - 1}, "label -1"),
    ({"y_train": np.arange(30) / 10}, "y_train must be whole numbers .*not float64"),
    ({"y_train": np.zeros(30, bool)}, "y_train must be whole numbers .*not bool"),
    ({"y_train": np.full(30, "cat")}, "y_train must be whole numbers"),
    ({"y_train": np.eye(3)[np.arange(30) % 3].astype(int)}, r"y_train must be whole numbers .*\(30, 3\)"),
    ({"y_train": np.full(30, 2**63, np.uint64)}, "label -"),
    ({"y_train": np.full(30, 2**40)}, "number the classes from 0"),
    ({"y_train": np.arange(30) % 2 * 2}, "class 1 .* has no image in x_train: 2 of 3"),
    ({"class_names": np.array(["a", "b"])}, "label 2; with 2 classes"),
    ({"class_names": np.array(["a", "b", "c", "d"])}, "class 3 .d. has no image"),
    ({"class_names": np.arange(3)}, "expected text"),
    ({"class_names": np.array(["a", "b", "../../c"])}, "cannot name a folder"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_arrays_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    refused(saved(tmp_path, **(arrays() | change)), message)


def test_fewer_or_more_classes_than_expected(tmp_path: Path) -> None:
    path = saved(tmp_path, **arrays())
    refused(path, "class 3 .3. has no image in x_train: 3 of 4 classes are there", expected_classes=4)
    refused(path, "label 2; with 2 classes labels go from 0 to 1", expected_classes=2)


def test_a_part_of_cifar10_is_taken_and_said(tmp_path: Path) -> None:
    read, notes = read_for(CIFAR10, saved(tmp_path, **arrays(classes=10, side=32, n=20, m=10)))
    assert read.class_names == CIFAR10.class_names
    assert notes == ["20 training images; the official set has 50,000", "10 test images; the official set has 10,000"]


def test_what_cannot_be_cifar10_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"images are 28×28×3, but those of cifar10 are 32×32×3"):
        read_for(CIFAR10, saved(tmp_path, **arrays(classes=10, side=28)))
    with pytest.raises(UsageError, match=r"class 9 \(truck\) has no image"):
        read_for(CIFAR10, saved(tmp_path, **arrays(classes=9, side=32)))
    shuffled = np.array(CIFAR10.class_names[::-1])
    with pytest.raises(UsageError, match="in this order"):
        read_for(CIFAR10, saved(tmp_path, **arrays(classes=10, side=32), class_names=shuffled))


@pytest.mark.parametrize(("x", "y"), [("x_train", "y_train"), ("images", "labels"), ("x", "y")])
def test_images_without_a_test_set(tmp_path: Path, x: str, y: str) -> None:
    content = arrays()
    read = read_images(saved(tmp_path, **{x: content["x_train"], y: content["y_train"]}))
    assert np.array_equal(read.images, content["x_train"])
    assert (read.labels.dtype, read.class_names) == (np.int64, ("0", "1", "2"))


def test_images_under_other_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has data, target; expected arrays \(x_train, y_train\) or"):
        read_images(saved(tmp_path, data=np.zeros(3), target=np.zeros(3)))


@pytest.mark.real_data
def test_real_cifar10_from_its_mosaics(cifar10_npz: Path, data_root: Path) -> None:
    read, notes = read_for(CIFAR10, cifar10_npz)
    assert read.x_train.shape == read.x_test.shape == (2500, 32, 32, 3)
    assert len(notes) == 2
    found = store.put("cifar10", read)
    assert store.verify("cifar10") == found
    np.testing.assert_allclose(found.mean, [0.4914, 0.4822, 0.4465], atol=0.01)
    part = store.open_train("cifar10", 200)
    assert part.class_counts.tolist() == [200] * 10
    assert np.array_equal(part.images, read.x_train[part.ids])
    assert store.open_test("cifar10").labels[:4].tolist() == [3, 8, 8, 0]
