"""The options of the pixel quantizer, which every method that keeps samples takes; imports neither torch nor NumPy."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Literal

from pydantic import Field

from dqbench.errors import UsageError
from dqbench.specs import Budget, Config, Recipe

TIE = 1e-9

Fill = Literal["mae", "mean", "zero"]
"""How dropped patches are filled in: by an MAE, with the mean of the kept pixels, or black."""


class PixelOptions(Config):
    """Options of the pixel quantizer (DQ, ICCV 2023, §3.3): with ``drop=0`` there is none, and no other has effect."""

    drop: float = Field(
        0.0, ge=0, lt=1, allow_inf_nan=False, description="θ: share of the patches dropped from each kept image"
    )
    patch_size: int | None = Field(
        None, ge=1, description="side of a patch in pixels, a divisor of the image's; none: at most 14 patches a side"
    )
    importance: Literal["gradcam", "random"] = Field(
        "gradcam", description="drop the patches of lowest Grad-CAM++ score, or any (control)"
    )
    cam_net: Literal["observer", "imagenet-resnet18"] = Field(
        "observer", description="network that Grad-CAM++ looks into: true class of the observer, top class of the other"
    )
    cam_weights: str = Field("", description="safetensors file of imagenet-resnet18 (timm's names); empty: timm's own")
    cam_layer: str = Field("", description="dotted name of the layer; empty: the last feature map")
    fill: Fill = Field(
        "mae", description="how training sees dropped patches: rebuilt, mean of the kept pixels, or black"
    )
    mae: str = Field(
        "", description="folder or published name (NAME@REVISION) of a ViTMAE; empty: one is trained on the source"
    )
    mae_epochs: int = Field(20, ge=1, description="passes over the source of the MAE that is trained on it")
    shuffle: bool = Field(False, description="mix the patches of several images; their order is stored as a key")
    budget_by: Literal["samples", "pixels"] = Field(
        "samples", description="what a keep ratio is a share of; by pixels, more images with fewer patches are kept"
    )

    def in_effect(self) -> PixelOptions:
        """The same with its default for every option that the others leave without effect."""
        idle = {"mae", "mae_epochs"} if self.fill != "mae" else {"mae_epochs"} if self.mae else set()
        if self.importance == "random":
            idle |= {"cam_net", "cam_weights", "cam_layer"}
        fields = type(self).model_fields
        return self.model_copy(update={name: fields[name].default for name in idle})

    def changed(self) -> dict[str, object]:
        """The options that differ from their defaults."""
        return {name: value for name, value in self if value != type(self).model_fields[name].default}


def patch_side(options: PixelOptions, height: int, width: int) -> int:
    """The side of a patch in pixels: as asked, or the smallest from 2 up that makes at most 14 patches a side.

    16 px at 224 (the papers' grid), 8 at 64 and 96, 4 at 32, 2 at 8 and 28.

    Raises:
        UsageError: it does not divide the image.
    """
    sides = [side for side in range(1, min(height, width) + 1) if height % side == 0 and width % side == 0]
    if options.patch_size is None:
        return next((side for side in sides if side > 1 and max(height, width) <= 14 * side), sides[-1])
    if options.patch_size not in sides:
        listed = ", ".join(map(str, sides))
        raise UsageError(
            f"patch_size {options.patch_size} does not divide the image of {height}×{width} px; sides that do: {listed}"
        )
    return options.patch_size


def kept_patches(drop: float, patches: int) -> int:
    """How many of an image's patches are kept: ⌊P(1 − θ)⌋, e.g. 147 of 196 at θ = 0.25.

    Raises:
        UsageError: none would be.
    """
    kept = math.floor(patches * (1 - drop) + TIE)
    if kept < 1:
        raise UsageError(f"drop {drop:g} leaves none of an image's {patches} patches; use less, or smaller patches")
    return kept


def sample_budget(options: PixelOptions, budget: Budget, patches: int) -> Budget:
    """The budget in samples: as asked, or with ``budget_by=pixels`` keep·P/p, so that the pixels come to the ratio.

    Raises:
        UsageError: the ratio is above the share of patches kept, or no ratio.
    """
    if options.budget_by == "samples" or budget.kind == "full":
        return budget
    if budget.kind != "ratio":
        raise UsageError(f"budget_by=pixels takes keep ratios, not {budget}; use --keep, or budget_by=samples")
    kept = kept_patches(options.drop, patches)
    if budget.value > kept / patches + TIE:
        raise UsageError(
            f"keep ratio {budget.value:g} of the pixels is above {kept / patches:.4g}, all that drop={options.drop:g} "
            f"leaves ({kept} of {patches} patches); keep less or drop less"
        )
    return Budget("ratio", min(1.0, budget.value * patches / kept))


def folder_hash(name: str, expected: str | None = None) -> str:
    """sha256 over the JSON and safetensors files of a folder, or of one file; empty for a name that is neither.

    Raises:
        UsageError: it is not what was ``expected``.
    """
    path = Path(name)
    files = sorted(p for p in path.iterdir() if p.suffix in (".json", ".safetensors")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    found = digest.hexdigest() if path.exists() else ""
    if expected is not None and found != expected:
        raise UsageError(f"{name} changed since this run was planned; run the command again")
    return found


def mae_recipe(epochs: int) -> Recipe:
    """How a small MAE is trained."""
    return Recipe(
        name="mae",
        epochs=epochs,
        batch_size=32,
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
        decay_matrices_only=True,
        warmup_epochs=min(2.0, epochs / 10),
    )
