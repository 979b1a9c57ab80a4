"""Distribution Matching (DM): images are made whose mean embedding under random networks is that of real images.

Zhao, Bilen, Dataset Condensation with Distribution Matching, WACV 2023: for every new random network φ, the loss
Σ_c |mean φ(A_c(real images of c)) − mean φ(A_c(synthetic images of c))|² takes one SGD step on the synthetic images,
where A_c is one draw of the Siamese augmentation for class c (Zhao, Bilen, ICML 2021). Images start as the real ones
that ``random`` keeps, and stay float32 in normalised space, unclipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from dqbench import Config, MethodSpec, UsageError, compute_device, scratch_folder, select
from dqbench.deferred import numpy as np
from dqbench.deferred import torch

if TYPE_CHECKING:
    from dqbench import Arrays, Distilled, ResolvedBudget, Source
    from dqbench.methods.distillation.dm.distil import Settings

_DEPTH, _WIDTH = 3, 128
_MANY, _LR, _LR_OF_MANY = 100, 1.0, 10.0


class DMConfig(Config):
    """Options of Distribution Matching."""

    iterations: int = Field(20_000, ge=0, description="updates of the images, each with a new random network")
    lr: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="learning rate on the images; none: 1, or 10 from 100 per class up"
    )
    momentum: float = Field(0.5, ge=0, lt=1, description="momentum on the images")
    batch: int = Field(256, ge=1, description="real images of each class per iteration (all of a smaller class)")
    net: Literal["convnet3-in", "convnet3-bn", "resnet18"] = Field("convnet3-in", description="the random networks")
    width: int | None = Field(None, ge=1, description="channels of a ConvNet's blocks; none: 128")
    init: Literal["real", "noise"] = Field(
        "real", description="start from the images that random keeps, or from normal noise"
    )
    augment: Literal["dsa", "none"] = Field("dsa", description="Siamese augmentation, or none")
    images_per_pass: int | None = Field(
        None, ge=1, description="images at once through a net with instance norm; none: 4096 on a GPU, 128 on a CPU"
    )
    checkpoint_every: int = Field(500, ge=1, description="iterations between checkpoints of a job that may be killed")

    @model_validator(mode="after")
    def _width_is_a_convnets(self) -> DMConfig:
        if self.net == "resnet18" and self.width is not None:
            raise ValueError("width is for ConvNets; leave it out with net=resnet18")
        return self


SPEC = MethodSpec(
    name="dm",
    target=f"{__name__}:DM",
    config=DMConfig,
    kind="distillation",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="images made so that random networks' mean embedding of each class is that of real images",
    paper="Zhao & Bilen, Dataset Condensation with Distribution Matching, WACV 2023, arXiv:2110.04181",
    makes="float32",
    scaled={"smoke": {"iterations": 500, "batch": 64, "width": 32}},
    gpu_gib=10,
    differs=(
        "All classes go through the network in one pass, which gives the same sum with instance norm; released "
        "code does so for batch norm alone. Draws come from the seed, where released code takes the clock, and "
        "images are updated exactly as often as asked, where it does once more. Ratio budgets and classes smaller "
        "than the batch work. Images are normalised by the data set's own deviation (CIFAR-10: .247, .243, .262); "
        "released code has .2023, .1994, .2010, so that here a learning rate moves pixels 1.5 to 1.7 times as far. "
        "Its networks train for 502 epochs and 499 at a tenth of the rate, with momentum forgotten at the fall; "
        "dm-1000 has 500 and 500, and momentum stays."
    ),
)


class DM:
    """Distribution Matching."""

    def __init__(self, config: DMConfig) -> None:
        self.config = config

    def compress(self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int) -> Distilled:
        """``budget.per_class`` made images of each class, float32 in normalised space, with hard labels.

        Raises:
            UsageError: images too small for the network.
        """
        from dqbench.methods.distillation.dm.distil import distil

        bins, quotas = select.Bins.single(select.groups(source, "class")), select.group_budgets(budget, "class")
        start = select.sample(bins, quotas[:, None], seed, "uniform")
        settings = self._settings(budget.total / source.classes)
        made = distil(
            source,
            start,
            lambda: self._network(source),
            settings,
            seed=seed,
            device=compute_device(),
            scratch=scratch_folder(),
        )
        notes = {"lr": settings.lr, "losses": made.losses, **self._nothing_made(source, budget)}
        from dqbench import Distilled

        return Distilled(made.images, made.labels, notes)

    def _nothing_made(self, source: Source, budget: ResolvedBudget) -> dict[str, str]:
        """A note where every sample of a class is kept: made images that start as all real ones match them already."""
        if self.config.init != "real":
            return {}
        idle: list[int] = np.flatnonzero(budget.per_class == source.class_counts).tolist()
        names = ", ".join(source.class_names[label] for label in idle[:5])
        return {"nothing_made": f"every sample is kept as it is in {len(idle)} classes: {names}"} if idle else {}

    def _settings(self, images_per_class: float) -> Settings:
        from dqbench.methods.distillation.dm.distil import Settings

        config = self.config
        return Settings(
            iterations=config.iterations,
            lr=config.lr or (_LR_OF_MANY if images_per_class >= _MANY else _LR),
            momentum=config.momentum,
            batch=config.batch,
            augment=config.augment == "dsa",
            noise=config.init == "noise",
            images_per_pass=config.images_per_pass,
            checkpoint_every=config.checkpoint_every,
        )

    def _network(self, source: Source) -> torch.nn.Module:
        from dqbench.nets.cifar import resnet18
        from dqbench.nets.convnet import ConvNet, instance_norm

        _, side, _, channels = source.images.shape
        if side < 2**_DEPTH:
            raise UsageError(f"dm's networks take images of {2**_DEPTH} px or more, not {side}")
        if self.config.net == "resnet18":
            return resnet18(source.classes, channels, side)
        norm = instance_norm if self.config.net == "convnet3-in" else torch.nn.BatchNorm2d
        return ConvNet(source.classes, channels, side, _DEPTH, self.config.width or _WIDTH, norm)
