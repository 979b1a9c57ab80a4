"""CIFAR comes through torchvision or from its archives; without a network one line says what to do instead."""

from __future__ import annotations

import dataclasses
import urllib.error
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torchvision

from dqbench import plugins
from dqbench.data import store
from dqbench.data.importing import import_folder
from dqbench.errors import UsageError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (urllib.error.URLError(OSError(-2, "Name or service not known")), "Name or service not known"),
        (RuntimeError("File not found or corrupted."), "corrupted"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    used: list[Path] = []

    def fail(root: str, **_: Any) -> None:
        used.append(Path(root))
        (Path(root) / "half").write_text("")
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    with pytest.raises(UsageError, match="could not be downloaded") as caught:
        store.fetch(plugins.load().datasets["cifar10"])
    message = str(caught.value)
    assert reason in message
    assert "dqbench data import cifar10 FILE.npz" in message
    assert "\n" not in message
    assert not used[0].exists()
    assert store.present() == []
    assert [path.name for path in data_root.iterdir()] == [".cifar10.lock"]


def test_a_download_is_stored_as_verified(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plugins.load().datasets["cifar10"]
    spec = dataclasses.replace(whole, counts=(20, 10))
    rng = np.random.default_rng(0)

    def official(root: str, train: bool, download: bool = False) -> Any:
        n = 20 if train else 10
        data = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        return SimpleNamespace(data=data, targets=[i % 10 for i in range(n)], classes=list(spec.class_names))

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", official)
    with pytest.raises(UsageError, match=r"gives counts \(20, 10\), and its spec says \(50000, 10000\)"):
        store.fetch(whole)
    assert store.present() == []
    found = store.fetch(spec)
    assert (found.provenance, found.train_count, found.test_count) == ("verified", 20, 10)
    assert store.fetch(spec) == found


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_download_says_which_set_it_is(name: str, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(root: str, **_: Any) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(torchvision.datasets, name.upper(), fail)
    with pytest.raises(UsageError, match=rf"{name} could not be .*\(no network\).* import {name} FILE.npz"):
        store.fetch(plugins.load().datasets[name])


def binary(folder: Path, name: str, each: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The files of an archive for C with random images; gives training images and labels."""
    spec = plugins.load().datasets[name]
    rng, head = np.random.default_rng(0), 2 if name == "cifar100" else 1
    folder.mkdir(parents=True)
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if name == "cifar10" else ["train.bin"]
    shown, labelled = [], []
    for file in [*files, "test_batch.bin" if name == "cifar10" else "test.bin"]:
        labels = np.repeat(np.arange(spec.classes), each)
        images = rng.integers(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8)
        rows = np.empty((len(labels), head + 3072), dtype=np.uint8)
        rows[:, 0], rows[:, head - 1] = 77, labels
        rows[:, head:] = images.transpose(0, 3, 1, 2).reshape(len(labels), -1)
        rows.tofile(folder / file)
        if not file.startswith("test"):
            shown.append(images)
            labelled.append(labels)
    (folder / ("batches.meta.txt" if name == "cifar10" else "fine_label_names.txt")).write_text(
        "\n".join(spec.class_names) + "\n\n"
    )
    return np.concatenate(shown), np.concatenate(labelled)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("above", [False, True])
def test_the_archives_for_c_are_read_without_pickles(tmp_path: Path, data_root: Path, name: str, above: bool) -> None:
    folder = tmp_path / {"cifar10": "cifar-10-batches-bin", "cifar100": "cifar-100-binary"}[name]
    images, labels = binary(folder, name)
    info, notes = import_folder(name, tmp_path if above else folder, plugins.load().datasets[name])
    assert (info.provenance, info.train_count) == ("imported", len(labels))
    assert info.class_names == plugins.load().datasets[name].class_names
    assert any("the official set has 50,000" in note for note in notes)
    source = store.open_train(name)
    assert np.array_equal(source.images, images)
    assert np.array_equal(source.labels, labels)


def test_damaged_archives_for_c_are_named(tmp_path: Path, data_root: Path) -> None:
    folder, spec = tmp_path / "cifar-100-binary", plugins.load().datasets["cifar100"]
    binary(folder, "cifar100")
    data = (folder / "train.bin").read_bytes()
    (folder / "train.bin").write_bytes(data[:-1])
    with pytest.raises(UsageError, match=r"train.bin has [\d,]+ bytes, no multiple of the 3,074 of one image"):
        import_folder("cifar100", folder, spec)
    (folder / "train.bin").write_bytes(b"\0\xff" + data[2:])
    with pytest.raises(UsageError, match=r"train.bin has the label 255, but cifar100 has 100 classes"):
        import_folder("cifar100", folder, spec)
    (folder / "train.bin").unlink()
    with pytest.raises(UsageError, match=r"train.bin cannot be read \(No such file"):
        import_folder("cifar100", folder, spec)
    (folder / "fine_label_names.txt").write_text("apple\n")
    with pytest.raises(UsageError, match=r"fine_label_names.txt does not list the 100 classes"):
        import_folder("cifar100", folder, spec)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_pickles_are_opened_only_where_their_md5_is_official(tmp_path: Path, data_root: Path, name: str) -> None:
    folder = tmp_path / {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}[name]
    folder.mkdir()
    for file in ("train", "test", "meta", "data_batch_1", "batches.meta"):
        (folder / file).write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "hacked").encode() + b"'\ntR.")
    for where in (folder, tmp_path):
        with pytest.raises(UsageError, match=rf"{folder.name} is not the official folder: .* its md5 is another"):
            import_folder(name, where, plugins.load().datasets[name])
    assert not (tmp_path / "hacked").exists()


def test_another_folder_is_an_image_folder(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(UsageError, match="expected train/CLASS/IMAGE"):
        import_folder("cifar100", tmp_path, plugins.load().datasets["cifar100"])
