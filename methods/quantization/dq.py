"""Dataset Quantization (DQ): bins by recursive graph cut, then a uniform sample of each bin.

Zhou et al., Dataset Quantization, ICCV 2023, §3.2: each class is cut into N bins by greedy graph cut, every bin chosen
from what the bins before it left (Eq. 4), and a share ρ of each bin is kept (Eq. 5). Early bins are typical and late
ones diverse, so the sample is both. That is the sample level; ``drop=0.25``, which every method that keeps samples
takes, adds the pixel level (§3.3, :mod:`dqbench.pixels`): patches of low Grad-CAM++ score are not stored.

DQ goes with most methods that select (§4.3). With ``base=NAME`` the bins of a class are N runs of as many samples in
the order in which that method picks them: its own order where it is greedy, the rank where it scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from dqbench import ADDED_LATER, MethodSpec, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.graphcut import GraphCutConfig, make_bins

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.observe import Trainer


class DQConfig(GraphCutConfig):
    """Options of DQ."""

    bins: int = Field(10, ge=1, description="N: bins of each class (at most as many as it has samples)")
    sampler: select.Sampler = Field(
        "uniform", description="draw uniformly from each bin, or take the first in its greedy order"
    )
    retrain_per_bin: bool = Field(
        False,
        description="train the observer anew for each bin, on what the bins before it left, as released code does",
        json_schema_extra=ADDED_LATER,
    )

    base: str = Field(
        "graphcut",
        description="the method whose order is cut into bins, greedy or by a score; graphcut starts anew in each bin",
        json_schema_extra=ADDED_LATER,
    )

    @model_validator(mode="after")
    def _retrains_for_graph_cut_alone(self) -> DQConfig:
        if self.retrain_per_bin and self.base != "graphcut":
            raise ValueError(f"retrain_per_bin=true goes with base=graphcut, not with {self.base}; leave one out")
        return self

    def trainings(self) -> float:
        """The first bin has the observer of the whole source; the last two share one, as what is left is the last."""
        return sum(1 - place / self.bins for place in range(1, self.bins - 1)) if self.retrain_per_bin else 0.0


SPEC = MethodSpec(
    name="dq",
    target=f"{__name__}:DQ",
    config=DQConfig,
    kind="quantization",
    version=2,
    labels=("hard", "soft", "teacher"),
    summary="bins by recursive graph cut, then a uniform sample of each bin",
    paper="Zhou et al., Dataset Quantization, ICCV 2023, arXiv:2308.10524",
    needs=("observer",),
    prepares=True,
    wraps="base",
    wraps_orders=True,
    own_base="graphcut",
    compress_only=("sampler",),
    gpu_gib=6,
    differs=(
        "Dropped patches (drop=0.25) are really not stored, and lie on a grid at native resolution; released code "
        "saves rebuilt images. The observer is trained once, on everything. Released code makes it anew for every bin "
        "and trains it on what is left, for 40 epochs by default (retrain_per_bin does so by the observer's recipe, "
        "with other initial weights for each bin, where released code repeats one seed); the commands of its README "
        "train it for none: an ImageNet network with a new last layer, on images enlarged to 224 px. "
        "Every bin has draws of its own, where released code draws the same places in all of them, and shares are "
        "rounded over classes and bins at once: budgets are met exactly and every bin gives its share. Released code "
        "rounds in each class of each bin. One softmax (double_softmax has two). The paper says that DQ goes with most "
        "coreset methods and prints none of it; base=NAME cuts that method's whole order into bins, where graph cut "
        "starts anew in each. Released code trains on CIFAR-10 at a rate that falls once an epoch (here every step), "
        "on pixels divided by 0.2023, 0.1994, 0.2010 (here by their deviation, 0.247, 0.243, 0.262), from convolutions "
        "that start uniform (here normal), and at keep ratios up to 0.1 with batches of 16."
    ),
    data=("images", "texts"),
    on_texts={"embedding": "feature", "metric": "dot"},
)


class DQ:
    """Dataset Quantization, sample level."""

    def __init__(self, config: DQConfig) -> None:
        self.config = config

    def prepare(
        self,
        source: Source,
        observed: Observed,
        seed: int,
        *,
        prior: Arrays | None = None,
        train: Trainer | None = None,
    ) -> Arrays:
        """The bins, which serve every budget: cut from the order of the base, ``prior``, where there is one."""
        group = select.groups(source, self.config.scope)
        if prior is not None:
            return select.order_of(prior, group).cut(self.config.bins).arrays()
        if train is None:
            return make_bins(observed, group, self.config, self.config.bins).arrays()
        return bins_by_new_observers(observed, group, self.config, train).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The same share of every bin."""
        bins = select.Bins.from_arrays(prepared)
        quotas = select.bin_quotas(bins.counts, select.group_budgets(budget, self.config.scope), seed)
        return select.subset(source, bins, quotas, seed, self.config.sampler)


def bins_by_new_observers(
    observed: Observed, group: npt.NDArray[np.int64], config: DQConfig, train: Trainer
) -> select.Bins:
    """Bins of which each is chosen through an observer that was trained on what the bins before it left.

    Args:
        observed: the observer of the whole source, through which the first bin is chosen.
        group: of each sample, shape (n,).
        config: options of DQ.
        train: trains an observer on some of the samples.
    """
    left, places = np.arange(len(group)), range(max(1, config.bins - 1))
    picked: dict[int, list[npt.NDArray[np.int64]]] = {int(key): [] for key in np.unique(group)}
    for place in places:
        if not len(left):  # more bins than the largest class has samples
            break
        if place:
            observed = train(left, "bin", place)
        taken = np.zeros(len(left), dtype=bool)
        for key, later, members in make_bins(observed, group[left], config, config.bins - place).cells():
            if later == 0 or place == places[-1]:  # what the last observer leaves is the last bin
                picked[key].append(left[members])
                taken[members] = True
        left = left[~taken]
    orders = {key: np.concatenate(bins) for key, bins in picked.items()}
    return select.Bins.of(group, orders, {key: [len(one) for one in bins] for key, bins in picked.items()})
