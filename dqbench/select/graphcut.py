"""Exact greedy graph cut, bin after bin (DQ, ICCV 2023, Eq. 1 and 4).

The gain of x is −2·Σ_{s∈S} sim(s, x) + λ·Σ_{i∈V} sim(i, x), where S are the picks of the current bin and V is what the
group had left when the bin began, the bin's own picks included. With ``metric="l2"`` the similarity is minus half the
squared distance of vectors that are not normalised, which up to a constant gives
2x·(λΣ_V v − 2Σ_S s) − (λ|V| − 2|S|)·|x|².
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.select.bins import Bins, bin_sizes, completed
from dqbench.select.cut import GraphCut, IntArray, Picks, tie_width
from dqbench.select.finite import checked_stop
from dqbench.select.rank_one import FloatArray, RankOne
from dqbench.select.rows import Rows, rows_held
from dqbench.steps import report_step

__all__ = ["MEMORY", "GraphCut", "graph_cut_bins", "greedy"]

MEMORY = 2 << 30
"""Bytes that the similarities of one group may take before they are made in blocks."""

_FEW = 8192
"""So many vectors are always followed closely."""


def graph_cut_bins(
    features: npt.NDArray[Any],
    gradients: npt.NDArray[Any] | None,
    group: IntArray,
    bins: int,
    cut: GraphCut | None = None,
    *,
    stops: Mapping[int, int] | None = None,
    device: str = "cpu",
    memory: int = MEMORY,
) -> Bins:
    """Order every group by greedy graph cut into ``bins`` bins whose sizes differ by at most 1.

    In float64 throughout; ties go to the lowest position.

    Args:
        features: penultimate features h, shape (n, d).
        gradients: g = softmax − one-hot, shape (n, C), for the gradient embedding g ⊗ [1, h]; None takes h alone.
        group: the group of each sample, shape (n,): its class, or 0 for all of them. Groups are independent.
        bins: bins of each group; a group with fewer samples gets as many as it has samples.
        cut: the metric and λ.
        stops: how many samples of each group are picked at all; the others follow in the order of their positions.
            None picks all.
        device: ``cpu``, or a GPU, on which the groups are batched.
        memory: bytes that similarities may take at a time; groups for which that is too little are slower.
    """
    cut = cut or GraphCut()
    group = np.asarray(group, dtype=np.int64)
    members = {int(key): np.flatnonzero(group == key) for key in np.unique(group)}
    sizes = {key: bin_sizes(len(where), bins) for key, where in members.items()}
    ends = [checked_stop(None if stops is None else stops[key], len(where)) for key, where in members.items()]
    vectors = (
        (RankOne.of(features[where], None if gradients is None else gradients[where], cut.metric == "cosine"))
        for where in members.values()
    )
    if device == "cpu":
        largest = max(map(len, members.values()))
        buffer = np.empty(largest * rows_held(largest, memory))
        picked = [greedy(v, s, cut, buffer, e) for v, s, e in zip(vectors, sizes.values(), ends, strict=True)]
    else:
        from dqbench.select.graphcut_device import greedy_batched

        picked = greedy_batched(vectors, list(sizes.values()), cut, ends, device=device, memory=memory)
    orders = {
        key: where[completed(local, len(where))] for (key, where), local in zip(members.items(), picked, strict=True)
    }
    return Bins.of(group, orders, sizes)


def greedy(
    vectors: RankOne, sizes: Sequence[int], cut: GraphCut, buffer: FloatArray, stop: int | None = None
) -> IntArray:
    """Vectors in the order of their picking, bins of ``sizes`` one after the other, shape (stop,).

    Args:
        vectors: n of them.
        sizes: of the bins; they sum to n.
        cut: the metric and λ.
        buffer: working memory, flat; its length over n is the number of similarity rows held at a time.
        stop: how many to pick; None for all.
    """
    stop = len(vectors) if stop is None else stop
    run = _Greedy(vectors, cut, buffer, stop)
    end = 0
    for size in sizes:
        start = run.gain.copy()
        end = min(end + size, stop)
        while run.picked < end:
            run.follow(end)
        if end == stop:
            break
        left = np.isfinite(run.gain)
        run.gain[left] = start[left] + cut.lam / 2 * (run.gain[left] - start[left])
    return run.order


class _Greedy:
    """Gains of all vectors, and the picks.

    Some vectors are followed closely: their gains are brought up to date with each pick, by rows of similarities. No
    gain of the others can have risen by more than the sum of the picks' vectors allows (Cauchy–Schwarz); while that
    leaves them below the best, only the sum is kept, and then one matrix product brings them up to date.
    """

    def __init__(self, vectors: RankOne, cut: GraphCut, buffer: FloatArray, stop: int) -> None:
        self.gain = cut.start(vectors)
        self.order = np.empty(stop, dtype=np.int64)
        self.picked = 0
        self._vectors, self._cut, self._buffer = vectors, cut, buffer
        self._tie = tie_width(vectors)
        self._longest = float(np.sqrt(vectors.diagonal().max(initial=0.0)))
        self._whole = len(buffer) >= len(vectors) ** 2 and 4 * stop >= len(vectors)
        self._close = _FEW

    def follow(self, end: int) -> None:
        """Pick up to place ``end``, or until a vector that is not followed closely may be the best."""
        close, others = self._divided()
        vectors, gain = self._vectors.at(close), self.gain[close]
        highest = float(self.gain[others].max(initial=-np.inf)) + self._tie
        # of vectors that are followed for a while few are picked, so that rows of all would be in vain
        asked = 0 if len(others) else end - self.picked
        rows = Rows(lambda at, out: self._cut.penalties(vectors, at, out), len(close), self._buffer, asked)
        picks, first = Picks(self._cut, vectors), self.picked
        near = np.empty(len(close), dtype=bool)
        while self.picked < end:
            best = gain.max()
            if self.picked > first and len(others) and best <= highest + picks.rise(self._longest):
                break
            pick = int(np.greater_equal(gain, best - self._tie, out=near).argmax())
            gain -= rows.of(pick, gain)
            gain[pick] = -np.inf
            picks.add(pick)
            self.order[self.picked] = close[pick]
            self.picked += 1
            report_step("pick", self.picked, len(self.order))
        self.gain[close] = gain
        if len(others):
            self.gain[others] -= picks.taken(self._vectors)[others]
            self._adapt(self.picked - first)

    def _divided(self) -> tuple[IntArray, IntArray]:
        """Positions that are followed closely, those with the highest gains, and the others; both rising.

        The next pick is among the first: of vectors that tie, the lowest.
        """
        left = np.flatnonzero(np.isfinite(self.gain))
        if self._whole or len(left) <= 2 * self._close:
            return (np.arange(len(self.gain)) if self._whole else left), left[:0]
        close = np.zeros(len(self.gain), dtype=bool)
        close[left[np.argpartition(-self.gain[left], self._close)[: self._close]]] = True
        close[np.greater_equal(self.gain, self.gain.max() - self._tie).argmax()] = True
        return np.flatnonzero(close), left[~close[left]]

    def _adapt(self, picks: int) -> None:
        """Follow more where bringing the others up to date costs more than the rows do, and fewer where less."""
        rows, others = picks * self._close, len(self.gain) * self._vectors.left.shape[1]
        if rows < others:
            self._close *= 2
        elif rows > 8 * others:
            self._close = max(_FEW, self._close // 2)
