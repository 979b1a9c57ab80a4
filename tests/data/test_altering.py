"""Replaced labels and unequal classes: exact shares, fair draws, of the training set alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqbench.alteration import Alteration
from dqbench.data import store
from dqbench.data.altering import altered, altered_hash
from dqbench.data.arrays import Arrays
from dqbench.errors import UsageError

LABELS = np.repeat(np.arange(4), [40, 30, 25, 5])


def test_the_share_of_each_class_is_replaced_by_labels_of_others() -> None:
    left, labels = altered(LABELS, 4, Alteration(noise=0.2))
    assert left.tolist() == list(range(100))
    replaced = labels != LABELS
    assert np.bincount(LABELS[replaced]).tolist() == [8, 6, 5, 1]


def test_every_other_class_is_as_likely() -> None:
    many = np.zeros(30_000, np.int64)
    _, labels = altered(many, 4, Alteration(noise=0.5))
    counts = np.bincount(labels, minlength=4)
    assert counts[0] == 15_000
    assert np.abs(counts[1:] - 5000).max() < 5 * (5000 * 2 / 3) ** 0.5


def test_more_noise_replaces_what_less_replaced_and_the_draw_decides() -> None:
    less, more = (altered(LABELS, 4, Alteration(noise=noise))[1] for noise in (0.2, 0.6))
    replaced = less != LABELS
    assert np.array_equal(more[replaced], less[replaced])
    assert np.array_equal(less, altered(LABELS, 4, Alteration(noise=0.2))[1])
    assert not np.array_equal(less, altered(LABELS, 4, Alteration(noise=0.2, draw=1))[1])


def test_classes_shrink_geometrically_and_keep_their_samples() -> None:
    even = np.tile(np.arange(3), 100)
    left, labels = altered(even, 3, Alteration(imbalance=100))
    assert np.bincount(labels).tolist() == [100, 10, 1]
    assert np.array_equal(labels, even[left])
    weaker = altered(even, 3, Alteration(imbalance=4))[0]
    assert set(left) <= set(weaker)
    assert np.bincount(altered(LABELS, 4, Alteration(imbalance=1000))[1], minlength=4).min() == 1


def test_noise_is_of_what_imbalance_leaves() -> None:
    even = np.tile(np.arange(2), 100)
    left, labels = altered(even, 2, Alteration(imbalance=10, noise=0.2))
    assert np.bincount(even[left]).tolist() == [100, 10]
    assert np.bincount(even[left][labels != even[left]]).tolist() == [20, 2]


def test_one_class_has_no_other_labels() -> None:
    with pytest.raises(UsageError, match="there is 1 class"):
        altered(np.zeros(5, np.int64), 1, Alteration(noise=0.2))


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arrays:
    monkeypatch.setenv("DQBENCH_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (100, 4, 4, 1), dtype=np.uint8)
    arrays = Arrays(images, LABELS, images[:20], LABELS[::5].copy(), ("a", "b", "c", "d"), "imported")
    store.put("toy", arrays)
    return arrays


def test_ids_images_and_hash_stay_those_of_the_data_set_and_the_test_set_is_left_alone(toy: Arrays) -> None:
    plain = store.open_train("toy")
    source = store.open_train("toy", None, Alteration(imbalance=5, noise=0.3))
    assert source.content_hash == plain.content_hash
    assert len(source) < len(plain)
    assert np.array_equal(source.images, toy.x_train[source.ids])
    assert (source.labels != LABELS[source.ids]).any()
    assert np.array_equal(np.load(store.data_root() / "toy" / "train_labels.npy"), LABELS)
    assert np.array_equal(np.load(store.data_root() / "toy" / "test_labels.npy"), toy.y_test)


def test_a_part_is_altered_as_a_part(toy: Arrays) -> None:
    source = store.open_train("toy", 20, Alteration(noise=0.5))
    assert source.ids.tolist() == store.open_train("toy", 20).ids.tolist()
    truth = LABELS[source.ids]
    assert np.bincount(truth[source.labels != truth]).tolist() == [10, 10, 10, 3]


def test_the_hash_is_of_ids_and_labels() -> None:
    ids, labels = np.arange(3), np.array([0, 1, 0])
    found = {altered_hash(ids, labels), altered_hash(ids + 1, labels), altered_hash(ids, labels[::-1] + 1)}
    assert len(found) == 3


def test_words_and_wrong_values() -> None:
    assert Alteration().words == Alteration(draw=3).words == ""
    assert "20 % of the training labels" in Alteration(noise=0.2).words
    for wrong in ({"noise": 1.0}, {"noise": -0.1}, {"imbalance": 0.5}, {"imbalance": float("inf")}, {"draw": -1}):
        with pytest.raises(ValueError):
            Alteration.model_validate(wrong)
