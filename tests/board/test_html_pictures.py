"""Kept images in the page: the right ones, only where they may be shown, never too many."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dqbench import compressed, plugins
from dqbench.board import html_pictures
from dqbench.compressed import Distilled, Patches, Subset
from dqbench.data import store
from dqbench.data.arrays import Arrays
from dqbench.jobs.compress import content_hash
from dqbench.records import Record

MakeRecord = Callable[..., Record]
KEY = "ab" * 32
pytestmark = pytest.mark.usefixtures("data_root")


@pytest.fixture(scope="module")
def registry() -> plugins.Registry:
    return plugins.load()


def _record(make: MakeRecord, dataset: str, kept: compressed.Compressed, folder: Path, digest: str) -> Record:
    compressed.save(kept, folder / f"compress-{KEY[:24]}")
    record = make("dq", 0.1, [50.0], source={"dataset": dataset, "train_hash": digest})
    run = record.runs[0]
    jobs = {**run.jobs, "compress": [KEY]}
    return record.model_copy(update={"runs": [run.model_copy(update={"jobs": jobs, "kept_hash": content_hash(kept)})]})


def _images(pictures: html_pictures.Pictures, record: Record) -> list[list[Any]]:
    """By class, the images that the page cuts out of its pool."""
    shown = pictures.of(record)
    assert shown is not None
    pool = pictures.pools()["pools"][shown["pool"]]
    with Image.open(io.BytesIO(base64.b64decode(pool["png"].partition(",")[2]))) as image:
        sheet = np.asarray(image).reshape(image.height, image.width, -1)

    def cut(position: int) -> Any:
        row, column = divmod(position, pool["columns"])
        height, width = pool["height"], pool["width"]
        return sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]

    return [[cut(position) for position in found] for found in shown["classes"]]


def test_the_images_are_those_of_the_kept_ids(make: MakeRecord, tmp_path: Path, registry: plugins.Registry) -> None:
    info = store.info("digits", registry)
    source = store.open_train("digits")
    ids = np.random.default_rng(0).permutation(len(source))[:60].astype(np.int64)
    record = _record(make, "digits", Subset(ids), tmp_path, info.train_hash)
    pictures = html_pictures.gather([record], tmp_path, registry, closed=False)
    for label, found in enumerate(_images(pictures, record)):
        members = [i for i in sorted(ids) if source.labels[i] == label]
        assert len(found) == min(len(members), html_pictures.PER_CLASS[0])
        kept = {source.images[i].tobytes() for i in members}
        assert {image.tobytes() for image in found} <= kept
    pool = pictures.pools()["pools"]["digits"]
    assert "CC BY 4.0" in pool["credit"]
    assert pool["classes"] == tuple("0123456789")


def test_made_images_are_shown_too(make: MakeRecord, tmp_path: Path, registry: plugins.Registry) -> None:
    info = store.info("digits", registry)
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 1), dtype=np.uint8)
    normal = ((pixels / 255 - info.mean) / info.std).astype(np.float32)
    for images in (pixels, normal):
        made = Distilled(images, np.eye(10, dtype=np.float32))
        record = _record(make, "digits", made, tmp_path, info.train_hash)
        found = _images(html_pictures.gather([record], tmp_path, registry, closed=False), record)
        assert np.array_equal(np.stack([image for (image,) in found]), pixels)


def test_dropped_patches_are_grey(make: MakeRecord, tmp_path: Path, registry: plugins.Registry) -> None:
    info = store.info("digits", registry)
    source = store.open_train("digits")
    ids = np.arange(3, dtype=np.int64)
    masks = np.array([[0b10010000]] * 3, dtype=np.uint8)
    pieces = np.zeros((6, 4, 4, 1), np.uint8)
    kept = Patches(pieces, masks, source.labels[ids].astype(np.uint8), ids, (2, 2))
    record = _record(make, "digits", kept, tmp_path, info.train_hash)
    found = _images(html_pictures.gather([record], tmp_path, registry, closed=False), record)
    for i in ids:
        (image,) = [
            image for image in found[source.labels[i]] if np.array_equal(image[:4, :4], source.images[i][:4, :4])
        ]
        assert np.array_equal(image[4:, 4:], source.images[i][4:, 4:])
        assert (image[:4, 4:] == 127).all()
        assert (image[4:, :4] == 127).all()


def test_other_data_another_set_or_no_data_show_nothing(
    make: MakeRecord, tmp_path: Path, registry: plugins.Registry
) -> None:
    info = store.info("digits", registry)
    kept = Subset(np.arange(50))
    right = _record(make, "digits", kept, tmp_path, info.train_hash)
    run = right.runs[0]
    forged = right.model_copy(update={"runs": [run.model_copy(update={"kept_hash": "0" * 64})]})
    outside = right.model_copy(update={"runs": [run.model_copy(update={"jobs": {"compress": ["../" + KEY]}})]})
    other = _record(make, "digits", kept, tmp_path, "0" * 64)
    absent = _record(make, "cifar10", kept, tmp_path, "0" * 64)
    for record in (forged, outside, other, absent):
        pictures = html_pictures.gather([record], tmp_path, registry, closed=True)
        assert pictures.of(record) is None
        assert pictures.pools()["pools"] == {}
        assert pictures.why_none


def _photographs() -> Arrays:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8), np.arange(2000) % 10
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    return Arrays(images, labels, images[:100], labels[:100], names, "imported")


def test_closed_data_are_only_shown_where_asked_for_and_never_too_many(
    make: MakeRecord, tmp_path: Path, registry: plugins.Registry
) -> None:
    info = store.put("cifar10", _photographs())
    kept = Subset(np.arange(1000))
    record = _record(make, "cifar10", kept, tmp_path, info.train_hash)
    closed = html_pictures.gather([record], tmp_path, registry, closed=False)
    assert closed.of(record) is None
    assert "licence" in closed.why_none
    shown = html_pictures.gather([record], tmp_path, registry, closed=True)
    assert [len(found) for found in _images(shown, record)] == [html_pictures.PER_CLASS[0]] * 10
    many = [record]
    for number in range(12):
        key = f"{number:064x}"[::-1]
        own = Subset(np.arange(2000)[number::13])
        compressed.save(own, tmp_path / f"compress-{key[:24]}")
        run = record.runs[0].model_copy(update={"jobs": {"compress": [key]}, "kept_hash": content_hash(own)})
        many.append(record.model_copy(update={"runs": [run]}))
    pictures = html_pictures.gather(many, tmp_path, registry, closed=True)
    assert len(pictures.pools()["pools"]["cifar10"]["png"]) < 1.4 * html_pictures.MOST_BYTES
    counts = {len(found) for r in many for found in _images(pictures, r)}
    assert counts <= set(html_pictures.PER_CLASS)
