"""Test images in the training set: exact ones by brute force, near ones by the hash's definition and by known pairs."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dct

from dqbench import plugins
from dqbench.cli import main
from dqbench.data import leak_counts, store
from dqbench.data.arrays import Arrays
from dqbench.data.leak_counts import NEAR_BITS, Leaks
from dqbench.data.leaks import count_leaks, dct_hash, distances
from dqbench.errors import UsageError


def _photos(count: int, side: int = 32, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Smooth images, as photographs are: a few low frequencies with noise on them."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 220, (count, 6, 6, channels)).astype(np.uint8)
    grown = [[Image.fromarray(one[..., c]).resize((side, side), 3) for c in range(channels)] for one in coarse]
    images = np.stack([np.stack([np.asarray(c) for c in one], axis=-1) for one in grown]).astype(float)
    return np.clip(images + rng.normal(0, 3, images.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("side", "channels"), [(32, 3), (32, 1), (45, 3), (64, 3)])
def test_planted_copies_are_counted_and_nothing_else(side: int, channels: int) -> None:
    train, test = _photos(300, side, channels), _photos(60, side, channels, seed=1)
    assert count_leaks(train, test) == Leaks(0, 0)
    test[3] = test[7] = train[11]
    brighter = np.clip(train[20:25].astype(float) * 0.8 + 20, 0, 255).astype(np.uint8)
    test[20:25] = brighter
    assert count_leaks(train, test) == Leaks(2, 5)


def test_exact_ones_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 2, (count, 2, 2, 1), dtype=np.uint8) for count in (12, 30))
    expected = sum(any((one == other).all() for other in train) for one in test)
    assert 0 < expected < 30
    assert count_leaks(train, test) == Leaks(expected, None)


def test_the_hash_is_the_documented_one() -> None:
    images = _photos(20)
    luma = images @ np.array([0.299, 0.587, 0.114])
    for one, found in zip(luma, dct_hash(images), strict=True):
        low = dct(dct(one, axis=0), axis=1)[:8, :8].ravel()
        clear = np.abs(low - np.median(low)) > 1e-2
        assert (found[clear] == (low > np.median(low))[clear]).all()


def test_distances_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    some, others = (rng.integers(0, 2, (count, 64)).astype(np.bool_) for count in (40, 70))
    assert distances(some, others).tolist() == [int((others != one).sum(axis=1).min()) for one in some]


def test_the_hash_at_other_sizes_is_near_that_of_the_same_picture() -> None:
    large = _photos(30, 96)
    small = np.stack([np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BOX)) for one in large])
    assert (np.count_nonzero(dct_hash(large) != dct_hash(small), axis=1) <= NEAR_BITS).all()


def _stored(name: str) -> None:
    train, test = _photos(40), _photos(12, seed=1)
    test[0], labels = train[5], np.arange(40) % 2
    store.put(name, Arrays(train, labels, test, labels[:12], ("a", "b"), "imported"))


def test_an_import_counts_and_verify_counts_again(data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _stored("mine")
    assert store.read_info("mine").leaks == Leaks(1, 0)  # type: ignore[union-attr]
    assert main(["data", "verify", "mine"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 test image is in the training set pixel by pixel, none is near one there" in said
    path = data_root / "mine" / "dataset.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "leaks": {"exact": 0, "near": 0}}))
    with pytest.raises(UsageError, match="are not those of its images"):
        store.verify("mine")
    del facts["leaks"]  # as it was stored before they were counted
    path.write_text(json.dumps(facts))
    assert store.read_info("mine").leaks is None  # type: ignore[union-attr]
    assert store.verify("mine").leaks == Leaks(1, 0)
    assert store.read_info("mine").leaks == Leaks(1, 0)  # type: ignore[union-attr]


def test_what_is_known_of_the_bundled_digits_is_what_is_counted(data_root: Path) -> None:
    lines = csv.DictReader((files("dqbench.published") / "leaks.csv").read_text().splitlines())
    (known,) = [line for line in lines if line["dataset"] == "digits"]
    found = store.info("digits", plugins.load())
    assert (found.train_hash, found.test_hash) == (known["train_hash"], known["test_hash"])
    assert found.leaks == Leaks(int(known["exact"]), None)
    assert known["near"] == ""


@pytest.mark.parametrize(
    ("leaks", "expected"),
    [
        (Leaks(0, 102), "no test image is in the training set pixel by pixel, 102 are near one there"),
        (Leaks(1, 1), "1 test image is in the training set pixel by pixel, 1 is near one there"),
        (Leaks(2000, None), "2,000 test images are in the training set pixel by pixel (near ones are not counted"),
    ],
)
def test_words(leaks: Leaks, expected: str) -> None:
    assert leak_counts.words(leaks).startswith(expected)


def _folder(place: Path, name: bytes) -> None:
    folder = os.path.join(os.fsencode(place), name)
    os.makedirs(folder)
    for number, image in enumerate(_photos(6)):
        with open(os.path.join(folder, b"%d.png" % number), "wb") as file:
            Image.fromarray(image).save(file, "png")


@pytest.mark.parametrize("below", ["", "train"])
def test_a_class_folder_whose_name_is_not_utf8_is_refused_by_name(
    data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], below: str
) -> None:
    place = tmp_path / "images"
    try:
        _folder(place / below, b"caf\xe9")
    except OSError:
        pytest.skip("this file system knows UTF-8 alone: NOT TESTED")
    _folder(place / below, b"dog")
    imported = f"data import mine {place} --test-share 0.5"
    for words in (imported, f"compress --method random --data {place} --keep 0.5 --out {tmp_path / 'out'}"):
        assert main(words.split()) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "b'caf\\xe9', a name that is not UTF-8; rename it" in said


def test_an_argument_that_is_not_utf8_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "import", "mine", os.fsdecode(b"/x/caf\xe9")]) == 2
    assert r"b'/x/caf\xe9' is not UTF-8" in capsys.readouterr().err


def test_leaks_travel_to_the_record_and_are_no_setting(data_root: Path) -> None:
    from dqbench.plan.grid import plan
    from dqbench.plan.request import Request

    registry = plugins.load()
    request = Request(
        tasks=("digits-xarch",), methods=("random",), keeps=(0.1,), archs=("digits-mlp",), profile="smoke"
    )
    first = plan(request, registry, "cpu")
    assert {(cell.source.leaks.exact, cell.source.leaks.near) for cell in first.cells if cell.source.leaks} == {
        (0, None)
    }
    info = store.info("digits", registry)
    store.write_info(dataclasses.replace(info, leaks=None), data_root / "digits")
    again = plan(request, registry, "cpu")
    assert [cell.key for cell in again.cells] == [cell.key for cell in first.cells]
    assert "leaks" not in again.cells[0].source.model_dump()
