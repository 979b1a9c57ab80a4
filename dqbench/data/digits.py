"""scikit-learn's handwritten digits, with a fixed class-balanced split."""

from __future__ import annotations

import numpy as np

from dqbench.data.arrays import Arrays
from dqbench.seeds import generator

TEST_PER_CLASS = 50


def load() -> Arrays:
    """All 1,797 digits: 1,297 to train on, shape (1297, 8, 8, 1), and 500 to test on, both in scikit-learn's order.

    Pixels 0 to 16 become ``round(x * 255 / 16)``. The test set is 50 images of each class, drawn once and for all.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.floor(digits.images * (255 / 16) + 0.5).astype(np.uint8)[..., np.newaxis]
    labels = digits.target.astype(np.int64)
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        members = np.flatnonzero(labels == label)
        test[generator(0, "digits-split", label).permutation(members)[:TEST_PER_CLASS]] = True
    names = tuple(str(label) for label in range(10))
    return Arrays(images[~test], labels[~test], images[test], labels[test], names, "bundled")
