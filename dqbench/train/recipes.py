"""The training recipes of the built-in tasks, as data. Imports no torch.

``*_PAPER`` follow the papers, ``*_QUICK`` are for minutes on one GPU, ``*_SMOKE`` for minutes on two CPU cores. In each
mapping ``"*"`` serves the architectures that are not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dqbench.specs import Recipe
from dqbench.train import imagenet_recipes, proxy_recipes
from dqbench.train.imagenet_recipes import IMAGENET_PAPER as IMAGENET_PAPER
from dqbench.train.imagenet_recipes import IMAGENET_QUICK as IMAGENET_QUICK
from dqbench.train.imagenet_recipes import IMAGENET_SMOKE as IMAGENET_SMOKE
from dqbench.train.imagenet_recipes import OBSERVER_IMAGENET as OBSERVER_IMAGENET

CIFAR_SGD = Recipe(
    name="cifar-sgd-200",
    epochs=200,
    batch_size=128,
    optimizer="sgd",
    lr=0.1,
    momentum=0.9,
    weight_decay=5e-4,
    augment=("crop4", "flip"),
)
"""The recipe of the DQ and ADQ papers for convolutional nets on CIFAR-10. In their released code the rate falls once an
epoch, and at keep ratios up to 0.1 a batch has 16 images.
"""

CIFAR_ADAM = Recipe(
    name="cifar-adam-200",
    epochs=200,
    batch_size=512,
    optimizer="adam",
    lr=1e-4,
    weight_decay=0.0,
    augment=("randaugment-2-14", "crop4", "flip"),
)
"""For ViT and Swin at 32 px: no paper prints it; a public repository with these settings reports like accuracies."""

CIFAR_CONVNEXT = CIFAR_ADAM.model_copy(update={"name": "cifar-adam-200-our-choice"})
"""For ConvNeXt at 32 px, whose recipe is published nowhere: our choice is that of ViT and Swin."""

CIFAR_SGD_QUICK = CIFAR_SGD.model_copy(update={"name": "cifar-sgd-30", "epochs": 30, "warmup_epochs": 2.0})
CIFAR_ADAM_QUICK = CIFAR_ADAM.model_copy(
    update={"name": "cifar-adam-30", "epochs": 30, "batch_size": 128, "lr": 5e-4, "warmup_epochs": 2.0}
)

CIFAR_SMOKE_RECIPE = Recipe(
    name="cifar-smoke-8",
    epochs=8,
    batch_size=32,
    optimizer="adamw",
    lr=4e-3,
    weight_decay=0.05,
    warmup_epochs=1.0,
    augment=("flip",),
)

DIGITS_SMOKE_RECIPE = Recipe(
    name="digits-smoke-15",
    epochs=15,
    batch_size=16,
    optimizer="adamw",
    lr=5e-3,
    weight_decay=0.01,
    warmup_epochs=1.0,
)
DIGITS_PAPER_RECIPE = DIGITS_SMOKE_RECIPE.model_copy(update={"name": "digits-60", "epochs": 60})

CIFAR_PAPER: Mapping[str, Recipe] = MappingProxyType(
    {"vit": CIFAR_ADAM, "swin": CIFAR_ADAM, "convnext": CIFAR_CONVNEXT, "*": CIFAR_SGD}
)
CIFAR_QUICK: Mapping[str, Recipe] = MappingProxyType(
    {"vit": CIFAR_ADAM_QUICK, "swin": CIFAR_ADAM_QUICK, "convnext": CIFAR_ADAM_QUICK, "*": CIFAR_SGD_QUICK}
)
CIFAR_SMOKE: Mapping[str, Recipe] = MappingProxyType({"*": CIFAR_SMOKE_RECIPE})
DIGITS_SMOKE: Mapping[str, Recipe] = MappingProxyType({"*": DIGITS_SMOKE_RECIPE})
DIGITS_QUICK: Mapping[str, Recipe] = MappingProxyType({"*": DIGITS_PAPER_RECIPE})
DIGITS_PAPER: Mapping[str, Recipe] = MappingProxyType({"*": DIGITS_PAPER_RECIPE})

OBSERVER_CIFAR_PAPER = CIFAR_SGD.model_copy(update={"name": "cifar-observer-10", "epochs": 10})
"""The observer of the DQ paper: ten epochs on the full source."""

OBSERVER_CIFAR_QUICK = OBSERVER_CIFAR_PAPER
OBSERVER_CIFAR_SMOKE = CIFAR_SMOKE_RECIPE
OBSERVER_DIGITS_SMOKE = DIGITS_SMOKE_RECIPE
OBSERVER_DIGITS_QUICK = DIGITS_PAPER_RECIPE
OBSERVER_DIGITS_PAPER = DIGITS_PAPER_RECIPE

RDED_300 = Recipe(
    name="rded-300",
    epochs=300,
    batch_size=50,
    optimizer="adamw",
    lr=1e-3,
    weight_decay=0.01,
    decay_matrices_only=True,
    schedule="half-cosine",
    augment=("patches-2", "rrc-50", "flip"),
    cutmix=1.0,
    temperature=20.0,
)
"""RDED's students on images of 2 x 2 crops at 10 images per class; batches are 10 at 1 and 100 at 50 per class
(``--set recipe.batch_size=...``). The released schedule ends at half of the rate, ``--set recipe.schedule=cosine`` at
0. Released code takes other rates for other networks: 2e-3 for EfficientNet-B0, 2.5e-3 for MobileNetV2.
"""

RDED_300_N1 = RDED_300.model_copy(update={"name": "rded-300-n1", "augment": ("rrc-50", "flip")})
"""The same for images of one crop. Released code crops nothing there (``--set recipe.augment=["flip"]``)."""

RDED_300_B100 = RDED_300.model_copy(update={"name": "rded-300-b100", "batch_size": 100})
RDED_300_N1_B100 = RDED_300_N1.model_copy(update={"name": "rded-300-n1-b100", "batch_size": 100})
"""With 100 classes or more released code takes twice the batch: 100 at 10 images per class."""

RDED_SMOKE = RDED_300.model_copy(
    update={"name": "rded-smoke-60", "epochs": 60, "batch_size": 25, "lr": 4e-3, "schedule": "cosine"}
)
RDED_SMOKE_N1 = RDED_SMOKE.model_copy(update={"name": "rded-smoke-60-n1", "augment": RDED_300_N1.augment})

PHOTOS_SMOKE = CIFAR_SMOKE_RECIPE.model_copy(
    update={"name": "photos-smoke-14", "epochs": 14, "augment": ("crop8", "flip")}
)
"""For small networks on photographs of 64 px: our choice."""

PHOTOS_100 = CIFAR_SGD.model_copy(
    update={"name": "photos-sgd-100", "epochs": 100, "warmup_epochs": 5.0, "augment": ("rrc-8", "flip")}
)
"""For photographs: SGD as on CIFAR-10 for 100 epochs, with ImageNet's random-resized crops; our choice."""

PHOTOS_QUICK = PHOTOS_100.model_copy(
    update={"name": "photos-sgd-30", "epochs": 30, "warmup_epochs": 2.0, "augment": ("rrc-35", "flip")}
)

DM_1000 = Recipe(
    name="dm-1000",
    epochs=1000,
    batch_size=256,
    optimizer="sgd",
    lr=0.01,
    momentum=0.9,
    weight_decay=5e-4,
    schedule="step",
    step_factor=0.1,
    augment=("dsa",),
)
"""How DM and DSA train on made images: the rate falls once, at half of the training. Released code has 502 epochs
before and 499 after the fall, where it makes the optimiser anew, which forgets momentum; here it stays.
"""

DM_SMOKE = DM_1000.model_copy(update={"name": "dm-smoke-60", "epochs": 60, "batch_size": 25})
"""The same with fewer epochs of smaller batches, so that the full-data row takes minutes on a CPU: our choice."""

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            CIFAR_SGD,
            CIFAR_ADAM,
            CIFAR_SGD_QUICK,
            CIFAR_ADAM_QUICK,
            CIFAR_SMOKE_RECIPE,
            DIGITS_SMOKE_RECIPE,
            DIGITS_PAPER_RECIPE,
            RDED_300,
            RDED_300_N1,
            RDED_300_B100,
            RDED_300_N1_B100,
            RDED_SMOKE,
            RDED_SMOKE_N1,
            PHOTOS_SMOKE,
            PHOTOS_QUICK,
            PHOTOS_100,
            DM_1000,
            DM_SMOKE,
            *proxy_recipes.RECIPES,
            *imagenet_recipes.RECIPES,
        )
    }
)
"""The recipes that ``dqbench run --recipe`` knows."""
