"""How a network is trained, as data: frozen, import-light; see ``dqbench.specs``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from dqbench.errors import UsageError

AUGMENTATIONS = "flip, altflip, crop4, shift1, translate2, rrc-50, patches-2, randaugment-2-14, dsa"
"""Those on devices, by example."""

FORMS = {
    "flip": "",
    "altflip": "",
    "crop": r"(\d+)",
    "shift": r"(\d+)",
    "translate": r"(\d+)",
    "rrc": r"-0*(100|[1-9]\d?)",
    "patches": r"-0*([1-9]\d*)",
    "randaugment": r"-(\d+)-(\d+)",
    "dsa": "",
}
"""All kinds of augmentations, and how the numbers of each are written."""


def augmentation(name: str) -> tuple[str, tuple[int, ...]]:
    """The kind of an augmentation and its numbers: ``("crop", (4,))`` of ``crop4``.

    Raises:
        UsageError: a name that is no augmentation.
    """
    for kind, form in FORMS.items():
        if found := re.fullmatch(kind + form, name):
            return kind, tuple(int(number) for number in found.groups())
    raise UsageError(f"unknown augmentation {name!r}; known: {AUGMENTATIONS}")


def check_augment(names: Sequence[str]) -> None:
    """Refuse names of augmentations that cannot be applied.

    Raises:
        UsageError: a name that is no augmentation, or one after ``dsa``.
    """
    for name in names:
        augmentation(name)
    if "dsa" in names[:-1]:
        raise UsageError(f"augment={list(names)}: dsa works on normalised images; put it last")


class TimmRecipe(BaseModel):
    """What a recipe adds where images are decoded and augmented in worker processes by timm's transforms.

    A step's ``batch_size`` images go through the network in passes of ``pass_size``, whose gradients are summed; batch
    norm, mixing and dropout see one pass. Passes go in turn on one device or side by side on several, with the same
    result up to rounding. Random-resized crops, flips and all else are drawn for each image and epoch from the seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pass_size: int | None = Field(None, ge=1, description="images per pass; null takes the whole batch at once")
    crop: tuple[float, float] = Field((0.08, 1.0), description="least and most area of a random-resized crop")
    interpolation: Literal["random", "bilinear", "bicubic"] = Field("random", description="how crops are resized")
    flip: float = Field(0.5, ge=0, le=1, description="probability of mirroring left to right")
    color_jitter: float = Field(0.4, ge=0, description="strength, where auto_augment does not take its place")
    auto_augment: str | None = Field(None, description="timm's name of a policy, e.g. rand-m9-mstd0.5-inc1")
    erase: float = Field(0.0, ge=0, le=1, description="probability of erasing a box with noise")
    splits: int = Field(
        1, ge=1, description="views of each image, the first without auto_augment and erasing, held together (AugMix)"
    )
    mixup: float = Field(0.0, ge=0, allow_inf_nan=False, description="α of Mixup's Beta(α, α); 0 is off")
    cutmix: float = Field(0.0, ge=0, allow_inf_nan=False, description="α of CutMix's Beta(α, α); 0 is off")
    switch: float = Field(0.5, ge=0, le=1, description="share of passes with CutMix where both are on")
    epsilon: float | None = Field(None, gt=0, description="the optimiser's ε; null for its own")
    decay_rate: float = Field(0.97, gt=0, le=1, description="the factor of schedule=decay")
    decay_epochs: float = Field(2.4, gt=0, description="the epochs between two of its steps")
    clip: float | None = Field(None, gt=0, description="largest norm of a step's gradient; null for no limit")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the averaged weights that are kept; 0 keeps the last")

    @model_validator(mode="after")
    def _fits_together(self) -> TimmRecipe:
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError(f"crop {self.crop} is no range of shares of the area in (0, 1]")
        if self.splits > 1 and (self.mixup or self.cutmix):
            raise ValueError(f"splits={self.splits} goes with neither mixup nor cutmix; leave them at 0")
        return self


class LanguageRecipe(BaseModel):
    """What a recipe adds where a language model learns answers to instructions.

    A step's ``batch_size`` samples go through the model in passes of ``pass_size``; the loss is the mean over the
    tokens of their answers. Samples of like length share a batch, in an order that is drawn from the seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int = Field(256, ge=8, description="tokens of a sample at most, its prompt and answer together")
    vocabulary: int = Field(2048, ge=257, description="tokens of the tokenizer that is trained; no matter with a model")
    template: Literal["short", "alpaca"] = Field("short", description="how an instruction is put to the model")
    beta2: float = Field(0.999, gt=0, lt=1, description="the optimiser's β2")
    clip: float | None = Field(1.0, gt=0, description="largest norm of a step's gradient; null for no limit")
    pass_size: int | None = Field(None, ge=1, description="samples per pass; null takes the whole batch at once")
    lora: int = Field(0, ge=0, description="rank of the matrices that LoRA learns; 0 learns all weights")
    model: str = Field("", description="the checkpoint that is fine-tuned, by name and hash; empty trains from scratch")


class Recipe(BaseModel):
    """How a network is trained, all but its architecture and seed.

    The learning rate is per step: ``cosine`` falls from ``lr`` to ``lr * final_lr`` over the whole training, ``linear``
    does so in a line, ``step`` is multiplied by ``step_factor`` once at half of it, ``half-cosine`` is the first half
    of a cosine twice as long and ends at half of ``lr``. Weight decay is not applied to biases and norms if
    ``decay_matrices_only``. ``augment`` names on-device augmentations, applied in order: ``crop4`` (zero-padded by 4,
    random crop), ``shift1`` (the same with 1), ``translate2`` (the same with 2 and mirrored edges), ``flip``
    (left-right, p = 1/2), ``altflip`` (left-right in every other epoch, by a coin for each image from the first or the
    second), ``randaugment-N-M`` (N operations of strength M out of 30), ``rrc-A`` (a random crop of at least A % of the
    area, resized back), ``patches-G`` (rows and columns of a G x G grid of patches in random order), ``dsa`` (last; one
    of DSA's operations for a batch). With ``timm``, images are augmented by worker processes instead and ``augment``,
    ``cutmix`` and ``ema`` are empty; ``rmsproptf`` and the schedule ``decay`` are for such recipes alone. A dump leaves
    ``cutmix``, ``temperature``, ``bias_lr``, ``min_updates``, ``ema``, ``timm`` and ``language`` out where they are at
    their defaults, so that the keys of jobs made before there were any stay as they were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="what boards call this recipe")
    epochs: int = Field(ge=1, description="passes over the training data")
    batch_size: int = Field(ge=1, description="images per step; the last batch of an epoch may be smaller")
    optimizer: Literal["sgd", "adam", "adamw", "nesterov", "rmsproptf"] = Field("sgd", description="optimiser")
    lr: float = Field(gt=0, description="peak learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of SGD and RMSprop")
    weight_decay: float = Field(5e-4, ge=0, description="L2 penalty (decoupled for adamw)")
    decay_matrices_only: bool = Field(False, description="leave biases and norms undecayed")
    schedule: Literal["cosine", "half-cosine", "linear", "step", "decay", "constant"] = Field(
        "cosine", description="course of the learning rate"
    )
    warmup_epochs: float = Field(0.0, ge=0, description="linear warm-up from 0")
    final_lr: float = Field(0.0, ge=0, le=1, description="where cosine and linear end, as a share of lr")
    step_factor: float = Field(0.1, gt=0, le=1, description="the factor of schedule=step at half the training")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing")
    augment: tuple[str, ...] = Field((), description="on-device augmentations in order")
    cutmix: float = Field(0.0, ge=0, allow_inf_nan=False, description="α of CutMix's Beta(α, α); 0 is off")
    temperature: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="T that softens teacher and student under labels=teacher"
    )
    bias_lr: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="factor of the rate of biases and norms, and divisor of their decay"
    )
    min_updates: int = Field(0, ge=0, description="small sets get as many more epochs as make so many updates")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the averaged weights that are kept; 0 keeps the last")
    timm: TimmRecipe | None = Field(None, description="augmentation by timm in worker processes; null for none")
    language: LanguageRecipe | None = Field(None, description="of a language model; null for networks on images")

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Recipe:
        if self.timm is None and (self.optimizer == "rmsproptf" or self.schedule == "decay"):
            raise ValueError(f"optimizer {self.optimizer} with schedule {self.schedule} needs a recipe with timm")
        if self.timm is not None and (self.augment or self.cutmix or self.ema):
            raise ValueError("a recipe with timm has no augment, cutmix and ema of its own; set timm's")
        return self

    def for_samples(self, samples: int) -> Recipe:
        """This recipe as it trains on so many samples: with the epochs that ``min_updates`` asks for.

        Warm-up keeps its share of the training.
        """
        epochs = max(self.epochs, math.ceil(self.min_updates / math.ceil(samples / self.batch_size)))
        if epochs == self.epochs:
            return self
        return self.model_copy(update={"epochs": epochs, "warmup_epochs": self.warmup_epochs * epochs / self.epochs})

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        unused = {"cutmix": 0.0, "temperature": 1.0, "bias_lr": 1.0, "min_updates": 0, "ema": 0.0, "timm": None}
        unused["language"] = None
        return {name: value for name, value in dumped.items() if name not in unused or unused[name] != value}


def passes_per_step(recipe: Mapping[str, Any]) -> int:
    """How many passes a step of a dumped recipe has, which as many devices can share; 1 where it has none."""
    size = (recipe.get("timm") or {}).get("pass_size")
    return max(1, recipe["batch_size"] // size) if size else 1
