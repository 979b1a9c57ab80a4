"""The nearest neighbours of each sample among the others."""

from __future__ import annotations

import numpy as np

from dqbench.select.cut import IntArray
from dqbench.select.rank_one import FloatArray


def nearest_neighbours(features: FloatArray, neighbours: int) -> tuple[IntArray, FloatArray]:
    """Positions and Euclidean distances of the nearest others of each sample, both of shape (n, neighbours).

    The search is exact: O(n²·d) time, O(n·(d + neighbours)) memory.

    Args:
        features: shape (n, d), finite.
        neighbours: at most n − 1.
    """
    if neighbours < 1:
        return np.empty((len(features), 0), dtype=np.int64), np.empty((len(features), 0))
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(features).kneighbors(return_distance=False)
    # anew, because the search's own are wrong by rounding where samples are alike
    distance = np.stack([np.linalg.norm(features[near[:, j]] - features, axis=1) for j in range(neighbours)], axis=1)
    return near, distance
