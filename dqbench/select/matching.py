"""Non-negative orthogonal matching pursuit with a ridge: few vectors whose weighted sum is that of all."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from dqbench.select.cut import TIE, IntArray
from dqbench.select.finite import checked_stop
from dqbench.select.rank_one import FloatArray, RankOne
from dqbench.steps import report_step


def matching_pursuit(vectors: RankOne, stop: int, ridge: float = 0.0) -> tuple[IntArray, FloatArray]:
    """Vectors f_s and weights w ≥ 0 that make |Σ_s w_s f_s − Σ_i f_i|² + λ|w|² small; λ is the ridge.

    Each step takes the vector along which the residual reaches furthest and solves for all weights anew, by the active
    sets of Lawson & Hanson (1974, ch. 23) on a Cholesky factor that grows with the picks; what then has no weight is
    given back. O(n·C·D) time for a step and no n×n matrix, with factors of C and D numbers.

    Args:
        vectors: n of them.
        stop: the most that may have weights.
        ridge: λ, not negative.

    Returns:
        positions in the order of picking and their weights, all above 0, both of shape (m,), m ≤ stop: fewer where no
        other vector makes the objective smaller.

    Raises:
        ValueError: ``stop`` is above n.
    """
    stop = checked_stop(stop, len(vectors))
    target = vectors.left.T @ vectors.right
    fit = _Fit(vectors, vectors.along(target), ridge)
    open_ = np.ones(len(vectors), dtype=bool)
    least = TIE * len(vectors) * max(float(vectors.diagonal().max(initial=0.0)), np.finfo(np.float64).tiny)
    residual = target
    for _ in range(10 * stop):  # each solution is better than the last, but rounding might not see that
        if len(fit.picks) == stop:
            break
        reach = np.where(open_, vectors.along(residual), -np.inf)
        pick = int((reach >= reach.max() - least).argmax())
        if reach[pick] <= least:
            break
        open_[pick] = False
        if fit.add(pick):
            open_[fit.given_back] = True
            residual = target - fit.sum()
            report_step("pick", len(fit.picks), stop)
    return np.array(fit.picks, dtype=np.int64), fit.weights


class _Fit:
    """Weights of the picks that are the best there are, all above 0."""

    def __init__(self, vectors: RankOne, along_target: FloatArray, ridge: float) -> None:
        self._vectors, self._along, self._ridge = vectors, along_target, ridge
        self.picks: list[int] = []
        self.weights = np.empty(0)
        self.given_back: list[int] = []
        self._factor = np.empty((0, 0))

    def add(self, pick: int) -> bool:
        """Take a vector in and solve again; False where rounding hides what it would add, and nothing changes."""
        grown = self._grown(pick)
        if grown is None:
            return False
        before = self.picks, self.weights, self._factor
        self.picks, self.weights = [*self.picks, pick], np.append(self.weights, 0.0)
        self._factor, self.given_back = grown, []
        solved = self._solved()
        if solved[-1] <= 0:
            self.picks, self.weights, self._factor = before
            return False
        while (solved <= 0).any():
            self._give_back(solved)
            solved = self._solved()
        self.weights = solved
        return True

    def sum(self) -> FloatArray:
        """Σ_s w_s f_s, shape (C, D)."""
        some = self._vectors.at(np.array(self.picks))
        total: FloatArray = (some.left * self.weights[:, None]).T @ some.right
        return total

    def _give_back(self, solved: FloatArray) -> None:
        """Go towards ``solved`` until a weight is 0, and drop what has none."""
        falling = solved <= 0
        shares = np.where(falling, self.weights / np.where(falling, self.weights - solved, 1.0), np.inf)
        weights = self.weights + shares.min() * (solved - self.weights)
        stays = ~(falling & (shares <= shares.min()))
        self.given_back += [pick for pick, stay in zip(self.picks, stays, strict=True) if not stay]
        self.picks = [pick for pick, stay in zip(self.picks, stays, strict=True) if stay]
        self.weights = weights[stays]
        self._factor = cholesky(
            self._products(self.picks, self.picks) + self._ridge * np.eye(len(self.picks)), lower=True
        )

    def _solved(self) -> FloatArray:
        half = solve_triangular(self._factor, self._along[self.picks], lower=True)
        solved: FloatArray = solve_triangular(self._factor, half, lower=True, trans="T")
        return solved

    def _grown(self, pick: int) -> FloatArray | None:
        """The Cholesky factor with one more row, None where the vector depends on the picks."""
        own = float(self._products([pick], [pick])[0, 0]) + self._ridge
        k = len(self.picks)
        row = solve_triangular(self._factor, self._products(self.picks, [pick])[:, 0], lower=True) if k else np.empty(0)
        rest = own - float(row @ row)
        if rest <= 1e-12 * own:
            return None
        grown = np.zeros((k + 1, k + 1))
        grown[:k, :k], grown[k, :k], grown[k, k] = self._factor, row, np.sqrt(rest)
        return grown

    def _products(self, rows: list[int], columns: list[int]) -> FloatArray:
        one, other = (
            self._vectors.at(np.array(rows, dtype=np.int64)),
            self._vectors.at(np.array(columns, dtype=np.int64)),
        )
        products: FloatArray = (one.left @ other.left.T) * (one.right @ other.right.T)
        return products
