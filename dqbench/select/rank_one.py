"""Embeddings of rank one: the vectors left_i ⊗ right_i, never built, only their inner products.

The gradient of the loss in the last layer is g_i ⊗ [1, h_i], so <i, j> = (g_i·g_j)([1, h_i]·[1, h_j]): on CIFAR-10 two
vectors of 10 and 513 numbers stand for one of 5,130.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_STRIP = 512
"""Vectors for which what is as large as their factors is made at a time: it stays in the processor's cache."""


@dataclass(frozen=True)
class RankOne:
    """Factors of n vectors, float64.

    Attributes:
        left: shape (n, C).
        right: shape (n, D).
    """

    left: FloatArray
    right: FloatArray

    @classmethod
    def of(cls, features: npt.NDArray[Any], gradients: npt.NDArray[Any] | None, normalise: bool) -> RankOne:
        """The gradient embedding g ⊗ [1, h], or the features h alone.

        Args:
            features: h, shape (n, d).
            gradients: g, shape (n, C); None takes h alone.
            normalise: to unit vectors; what is zero stays zero.

        Raises:
            ValueError: a value is not finite.
        """
        if gradients is None:
            left, right = np.ones((len(features), 1)), np.array(features, dtype=np.float64)
        else:
            left, right = np.array(gradients, dtype=np.float64), _after_ones(np.asarray(features))
        for factor in (left, right):
            if not all(np.isfinite(factor[strip]).all() for strip in _strips(len(factor))):
                raise ValueError("features or gradients hold values that are not finite; the observer has diverged")
        return cls(unit(left, out=left), unit(right, out=right)) if normalise else cls(left, right)

    def __len__(self) -> int:
        return len(self.left)

    def at(self, places: npt.NDArray[np.int64]) -> RankOne:
        """Some of them."""
        return RankOne(self.left[places], self.right[places])

    def diagonal(self) -> FloatArray:
        """<i, i> of each vector, shape (n,)."""
        squares: FloatArray = np.einsum("ij,ij->i", self.left, self.left) * np.einsum(
            "ij,ij->i", self.right, self.right
        )
        return squares

    def sums(self) -> FloatArray:
        """Σ_j <i, j> of each vector, shape (n,), through T = Σ_j left_j ⊗ right_j and no n×n matrix."""
        return self.along(self.left.T @ self.right)

    def along(self, total: FloatArray) -> FloatArray:
        """<i, T> of each vector with T of shape (C, D), shape (n,)."""
        products = np.empty(len(self))
        for strip in _strips(len(products)):
            np.einsum("ij,ij->i", self.left[strip] @ total, self.right[strip], out=products[strip])
        return products


def unit(vectors: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Each row divided by its Euclidean norm, without underflow; zero rows stay zero. Shape (n, k).

    Args:
        vectors: shape (n, k).
        out: where the result is written, ``vectors`` itself or as large; None makes a new array.
    """
    result = np.empty(vectors.shape) if out is None else out
    for strip in _strips(len(vectors)):
        largest = np.abs(vectors[strip]).max(axis=1, keepdims=True, initial=0.0)
        scaled = vectors[strip] / np.where(largest > 0, largest, 1.0)
        norms = np.linalg.norm(scaled, axis=1, keepdims=True)
        np.divide(scaled, np.where(norms > 0, norms, 1.0), out=result[strip])
    return result


def _after_ones(features: npt.NDArray[Any]) -> FloatArray:
    """[1, h] of each row h."""
    wide = np.empty((features.shape[0], features.shape[1] + 1))
    wide[:, 0], wide[:, 1:] = 1, features
    return wide


def _strips(length: int) -> list[slice]:
    return [slice(first, first + _STRIP) for first in range(0, length, _STRIP)]
