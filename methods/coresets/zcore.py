"""ZCore: samples that cover the embedding where no other is near, found without labels.

Again and again two dimensions of the embedding and a point there are drawn, each coordinate from the triangle of least,
median and greatest value; the nearest sample scores 1, and its nearest neighbours lose 1 between them, in proportion to
distance^−4; distances are sums of absolute differences (Griffin et al., Zero-Shot Coreset Selection via Iterative
Subspace Sampling, 2024). Scores start uniform in [0, 1); the highest are kept.

Checked against the authors' code, not against the paper's text: ``core/coreset/zcore.py`` and the defaults of
``zeroshot_coreset_selection.py`` of voxel51/zcore (5fe8048).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec, generator, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source


class ZCoreConfig(RankedConfig):
    """Options of zcore."""

    draws: int = Field(1_000_000, ge=1, description="points that are drawn")
    dimensions: int = Field(2, ge=1, description="dimensions of the embedding in which each point is drawn")
    neighbours: int = Field(1000, ge=1, description="neighbours that share the loss; all others where there are fewer")
    power: float = Field(4.0, ge=0, allow_inf_nan=False, description="the nearer a neighbour, the more it loses")


SPEC = MethodSpec(
    name="zcore",
    target=f"{__name__}:ZCore",
    config=ZCoreConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples that cover the embedding where no other is near",
    paper="Griffin et al., Zero-Shot Coreset Selection, 2024, arXiv:2411.15349",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    scaled={"smoke": {"draws": 20_000}, "proxy": {"draws": 100_000}, "quick": {"draws": 100_000}},
    keeps="the highest score: far from others and near to where the embedding reaches",
    cost="one pass of the observer; O(n) time for each point drawn (a million), O(n·d) memory",
    differs=(
        "The paper's embedding is that of foundation models, of two side by side; here it is the observer's, which saw "
        "labels unless it was pretrained without. Scores use no label, the budget of each class does; scope=dataset "
        "uses none. Authors' code leaves the first of the sorted neighbours out, which may be a copy of the sample; "
        "here it is the sample itself. Profiles below paper draw fewer points."
    ),
)


class ZCore(Ranked):
    """Coverage less redundancy."""

    config: ZCoreConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """Coverage less redundancy, after a uniform start."""
        rng = generator(seed, "zcore")
        start = rng.random(len(source))
        config = self.config
        features = select.finite_features(observed.features)
        return start + coverage(features, config.draws, config.dimensions, config.neighbours, config.power, rng)


def coverage(
    features: npt.NDArray[np.float64],
    draws: int,
    dimensions: int,
    neighbours: int,
    power: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """What each sample gains and loses over all draws, shape (n,).

    Args:
        features: shape (n, d).
        draws: points.
        dimensions: of each; d where that is less.
        neighbours: that share a loss of 1; n − 1 where that is less.
        power: a neighbour loses in proportion to distance to minus this, one that is a copy everything.
        rng: what draws.
    """
    from dqbench import report_step

    columns = np.ascontiguousarray(features.T)
    low, middle, high = columns.min(axis=1), np.median(columns, axis=1), columns.max(axis=1)
    some = min(dimensions, len(columns))
    scores = np.zeros(len(features))
    for draw in range(draws):
        where = rng.choice(len(columns), some, replace=False)
        # a triangle without width cannot be drawn from
        wide = high[where] > low[where]
        point = low[where]
        point[wide] = rng.triangular(low[where][wide], middle[where][wide], high[where][wide])
        plane = columns[where]
        pick = int(np.abs(plane - point[:, None]).sum(axis=0).argmin())
        scores[pick] += 1
        if len(scores) > 1:
            _lose(scores, np.abs(plane - plane[:, pick, None]).sum(axis=0), pick, neighbours, power)
        report_step("draw", draw + 1, draws)
    return scores


def _lose(
    scores: npt.NDArray[np.float64], distance: npt.NDArray[np.float64], pick: int, neighbours: int, power: float
) -> None:
    """Take 1 from the neighbours of ``pick``, in place."""
    distance[pick] = np.inf
    number = min(neighbours, len(distance) - 1)
    farthest = np.partition(distance, number - 1)[number - 1]
    near, last = np.flatnonzero(distance < farthest), np.flatnonzero(distance == farthest)
    near = np.concatenate([near, last[: number - len(near)]])
    closest = float(distance[near].min())
    if closest == 0:
        scores[int(distance.argmin())] -= 1
        return
    shares = (closest / distance[near]) ** power
    scores[near] -= shares / shares.sum()
