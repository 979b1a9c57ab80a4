"""Training sets with replaced labels and unequal classes, drawn from a seed of their own.

Symmetric label noise: of each class the same share of samples gets the label of another class, each of the others with
the same probability. Imbalance: class c of C keeps the share ρ^(−c/(C − 1)) of its samples (Cui et al., Class-Balanced
Loss, CVPR 2019). More noise replaces what less noise replaced, and a stronger imbalance keeps a part of a weaker one.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

from dqbench.alteration import Alteration
from dqbench.errors import UsageError
from dqbench.seeds import generator

IntArray = npt.NDArray[np.int64]


def altered(labels: IntArray, classes: int, alteration: Alteration) -> tuple[IntArray, IntArray]:
    """Positions of the samples that are left, increasing, and the labels that they have then, both of shape (m,).

    Imbalance comes first, so that the noise is of what is left.

    Raises:
        UsageError: noise needs two classes.
    """
    left = _unequal(labels, classes, alteration)
    return left, _noisy(labels[left], classes, alteration)


def altered_hash(ids: IntArray, labels: IntArray) -> str:
    """sha256, in hexadecimal, of the ids and labels of an altered training set, as little-endian 64-bit integers."""
    digest = hashlib.sha256(np.ascontiguousarray(ids, dtype="<i8").data)
    digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return digest.hexdigest()


def _unequal(labels: IntArray, classes: int, alteration: Alteration) -> IntArray:
    kept = np.ones(len(labels), dtype=bool)
    for label in range(classes):
        members = np.flatnonzero(labels == label)
        share = alteration.imbalance ** (-label / max(1, classes - 1))
        drawn = generator(alteration.draw, "imbalance", label).permutation(members)
        kept[drawn[max(1, _half_up(share * len(members))) :]] = False
    return np.flatnonzero(kept)


def _noisy(labels: IntArray, classes: int, alteration: Alteration) -> IntArray:
    if alteration.noise and classes < 2:
        raise UsageError("data.noise replaces labels by those of other classes, and there is 1 class; leave it out")
    noisy: IntArray = labels.copy()
    for label in range(classes) if alteration.noise else ():
        members = np.flatnonzero(labels == label)
        random = generator(alteration.draw, "label-noise", label)
        replaced = random.permutation(members)[: _half_up(alteration.noise * len(members))]
        others = random.integers(1, classes, len(members))
        noisy[replaced] = (label + others[: len(replaced)]) % classes
    return noisy


def _half_up(number: float) -> int:
    return math.floor(number + 0.5 + 1e-9)
