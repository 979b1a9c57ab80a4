"""Herding: samples whose mean feature follows that of their class.

Step k picks argmin_x |(k+1)·μ − Σ_{s∈S} φ(s) − φ(x)|, the *nearest* to what is still missing from the mean μ of the
class (Welling, Herding dynamical weights to learn, ICML 2009; on features of a network as in Rebuffi et al., iCaRL,
CVPR 2017, Alg. 4). φ are penultimate features as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, select

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.deferred import numpy as np


class HerdingConfig(select.ScopeConfig):
    """Options of herding."""


SPEC = MethodSpec(
    name="herding",
    target=f"{__name__}:Herding",
    config=HerdingConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose mean feature follows the mean of their class",
    paper="Welling, Herding dynamical weights to learn, ICML 2009",
    needs=("observer",),
    prepares=True,
    orders=True,
    stops=True,
    keeps="the nearest to what the picks still lack of the mean",
    cost="one pass of the observer; O(n·k·d) time in a class to keep k, O(n·d) memory",
    differs=(
        "A widely used library picks the farthest where the paper picks the nearest. No sample is picked twice. iCaRL "
        "normalises features to unit length; here they are as they come."
    ),
)


class Herding:
    """Herding."""

    def __init__(self, config: HerdingConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, largest: ResolvedBudget | None = None) -> Arrays:
        """The order up to the largest budget; the whole one, which serves every budget, by default."""
        group = select.groups(source, self.config.scope)
        stops = select.group_stops(largest, self.config.scope)
        features = select.finite_features(observed.features)
        return select.Bins.greedy(group, lambda m, stop: select.herding_order(features[m], stop), stops).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)

    def objective(self, rows: npt.NDArray[np.floating], kept: npt.NDArray[np.floating], count: int) -> float:
        """Minus the distance of the means of features (k, d) that were kept and of a draw (m, d) of all rows."""
        return select.mean_value(rows, kept)
