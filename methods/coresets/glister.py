"""GLISTER: samples whose gradient step lowers the loss on samples held out.

Each pick maximises ∇L_V(θ_S)·∇ℓ_e(θ) with θ_S = θ − η·Σ_{s∈S} ∇ℓ_s(θ), the first-order gain of a step on e in the loss
of the held-out samples V, whose gradient is renewed after each pick (Killamsetty et al., GLISTER, AAAI 2021).
Gradients are those of the last layer, g ⊗ [1, h], in which θ_S changes the logits of V exactly.

Checked against the authors' code, not against the paper's text: ``glisterstrategy.py`` of decile-team/cords (8d10c7f;
``greedy="Naive"``, ``linear_layer=True`` is this gain and this step) and ``dss_deep.py`` of dssresearch/GLISTER
(7b70e18; a tenth of the training set is held out, η is the learning rate, 0.05).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec, generator, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class GlisterConfig(select.ScopeConfig):
    """Options of glister."""

    validation: float = Field(0.1, gt=0, lt=1, description="share of each class that is held out of the choice")
    eta: float = Field(0.05, gt=0, allow_inf_nan=False, description="η: how far a pick moves the last layer")


SPEC = MethodSpec(
    name="glister",
    target=f"{__name__}:Glister",
    config=GlisterConfig,
    kind="selection",
    version=2,
    labels=("hard", "soft", "teacher"),
    summary="samples whose gradient step lowers the loss on samples that are held out",
    paper="Killamsetty et al., GLISTER, AAAI 2021, arXiv:2012.10630",
    needs=("observer",),
    keeps="what lowers the held-out loss most, given the picks before",
    cost="one pass of the observer; for each budget k O(n·k·C·d) time, O(n·(C + d)) memory",
    differs=(
        "The held-out samples are a drawn share of the training set, which the observer was trained on too; they are "
        "chosen last, where a budget leaves nothing else. One greedy runs over all classes and stops in each at its "
        "budget. Authors' code looks at a random share of the samples for each pick, or renews the gradient in 15 "
        "rounds only, and on CIFAR-10 takes gradients of the biases alone; here all samples, each pick and all of the "
        "last layer. A widely used library never calls the update after a pick."
    ),
)


class Glister:
    """Greedy by the gradient of a held-out loss."""

    def __init__(self, config: GlisterConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Subset:
        """The picks of all groups in their order."""
        from dqbench import Subset

        group = select.groups(source, self.config.scope)
        left = select.group_budgets(budget, self.config.scope).copy()
        held = _held_out(source.labels, self.config.validation, seed)
        vectors = select.RankOne.of(select.finite_features(observed.features), observed.gradients(), normalise=False)
        loss = _HeldOut(vectors, np.asarray(observed.logits, np.float64)[held], source.labels[held], held)
        open_, spare = np.ones(len(source), dtype=bool), np.zeros(len(source), dtype=bool)
        spare[held] = True
        picks = np.empty(budget.total, dtype=np.int64)
        for step in range(budget.total):
            allowed = open_ & (left[group] > 0)
            first = allowed & ~spare
            picks[step] = pick = loss.best(first if first.any() else allowed)
            open_[pick] = False
            left[group[pick]] -= 1
            loss.step(pick, self.config.eta)
        return Subset(ids=source.ids[picks])


class _HeldOut:
    """The loss of the held-out samples, as the last layer changes."""

    def __init__(
        self,
        vectors: select.RankOne,
        logits: npt.NDArray[np.float64],
        labels: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
    ) -> None:
        self._vectors, self._logits, self._labels = vectors, logits, labels
        self._inputs = vectors.right[places]

    def best(self, allowed: npt.NDArray[np.bool_]) -> int:
        """The allowed sample whose step lowers the mean loss most; ties go to the lowest position."""
        from dqbench.observe.gradients import last_layer_gradient

        gradients = last_layer_gradient(self._logits, self._labels)
        gain = np.where(allowed, self._vectors.along(gradients.T @ self._inputs / len(gradients)), -np.inf)
        width = 1e-12 * float(np.abs(gain[allowed]).max())
        return int((gain >= gain.max() - width).argmax())

    def step(self, pick: int, eta: float) -> None:
        """Move the last layer against the gradient of ``pick``."""
        along = self._inputs @ self._vectors.right[pick]
        self._logits = self._logits - eta * along[:, None] * self._vectors.left[pick]


def _held_out(labels: npt.NDArray[np.int64], share: float, seed: int) -> npt.NDArray[np.int64]:
    """Positions of a drawn share of each class, at least one sample and never the last one of a class, rising.

    All samples where no class has two.
    """
    held = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        number = min(len(members) - 1, max(1, int(share * len(members))))
        held.append(generator(seed, "held-out", int(label)).permutation(members)[:number])
    found = np.sort(np.concatenate(held))
    return found if len(found) else np.arange(len(labels))
