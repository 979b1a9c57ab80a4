"""Images decoded and augmented one by one, in worker processes, by timm's transforms.

What happens to an image depends on the training seed, the epoch and the image's place in the training set, not on who
decodes it: any number of workers gives the same batches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from timm.data.transforms_factory import create_transform
from torch.utils.data import DataLoader, Dataset

from dqbench.data.lazy import Images, LazyImages
from dqbench.errors import UsageError
from dqbench.seeds import derive
from dqbench.specs import TimmRecipe

Transform = Callable[[Image.Image], torch.Tensor]
Place = tuple[int, int]
"""Epoch and position in the training set."""


@contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """Inside, the global generators of Python, NumPy and torch's CPU draw from this seed; they come back as they were.

    timm and torchvision draw from all three.
    """
    before = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.random.set_rng_state(before[2])


def transform(recipe: TimmRecipe, side: int, mean: npt.NDArray[np.float64], std: npt.NDArray[np.float64]) -> Transform:
    """timm's training transform: RGB images of any size to normalised float32 (3, side, side).

    With ``splits`` to (splits, 3, side, side): views of one crop, the first of them clean.

    Raises:
        UsageError: an ``auto_augment`` that timm does not know.
    """
    jitter: Any = recipe.color_jitter or None
    made = partial(
        create_transform,
        input_size=side,
        is_training=True,
        scale=recipe.crop,
        hflip=recipe.flip,
        color_jitter=jitter,
        auto_augment=recipe.auto_augment,
        interpolation=recipe.interpolation,
        mean=tuple(np.asarray(mean).tolist()),
        std=tuple(np.asarray(std).tolist()),
        re_mode="pixel",
    )
    try:
        if recipe.splits == 1:
            return cast("Transform", made(re_prob=recipe.erase))
        crop, augment, erase = made(re_prob=recipe.erase, separate=True)
        return Split(crop, augment, erase, made(re_prob=0.0, separate=True)[2], recipe.splits)
    except (AssertionError, KeyError, ValueError, IndexError) as error:
        raise UsageError(
            f"timm knows no auto_augment {recipe.auto_augment!r} ({error}); write it as in rand-m9-mstd0.5-inc1"
        ) from error


@dataclass(frozen=True)
class Split:
    """Views of one crop: one clean, the others augmented and erased; the parts are timm's."""

    crop: Any
    augment: Any
    erase: Any
    clean: Any
    splits: int

    def __call__(self, image: Image.Image) -> torch.Tensor:
        base = self.crop(image)
        return torch.stack([self.clean(base), *(self.erase(self.augment(base)) for _ in range(self.splits - 1))])


class Views(Dataset[torch.Tensor]):
    """The augmented images of a training set, by epoch and position.

    Args:
        images: uint8 RGB, an array or files.
        transform: see :func:`transform`.
        seed: the training seed.

    Raises:
        UsageError: images that are not uint8 RGB.
    """

    def __init__(self, images: Images, transform: Transform, seed: int) -> None:
        if images.dtype != np.uint8 or images.shape[3] != 3:
            raise UsageError(
                f"recipes with timm take uint8 images in colour, not {images.dtype} with {images.shape[3]} channels; "
                "choose a recipe without timm (--recipe)"
            )
        self.images, self.transform, self.seed = images, transform, seed

    def __getitem__(self, place: Place) -> torch.Tensor:
        """The view of an image in an epoch, (3, side, side) float32, or its views."""
        epoch, position = place
        images = self.images
        image = images.open(position) if isinstance(images, LazyImages) else Image.fromarray(images[position])
        with drawing_from(derive(self.seed, "view", epoch, position)):
            return self.transform(image)


class _Listed(torch.utils.data.Sampler[list[Place]]):
    def __init__(self) -> None:
        self.batches: Sequence[list[Place]] = ()

    def __iter__(self) -> Iterator[list[Place]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class Reader:
    """Reads batches of views, ahead of their use where there are workers.

    Args:
        views: what to read.
        workers: processes that decode; 0 decodes in this one.
        pin: put batches where a GPU copies them from without waiting.
    """

    def __init__(self, views: Views, workers: int, pin: bool) -> None:
        self._listed = _Listed()
        self._loader: DataLoader[Any] = DataLoader(
            views, batch_sampler=self._listed, num_workers=workers, persistent_workers=workers > 0, pin_memory=pin
        )

    def read(self, batches: Sequence[list[Place]]) -> Iterator[torch.Tensor]:
        """The views of each batch, (b, 3, side, side) or (b, splits, 3, side, side), in order.

        Raises:
            UsageError: a file cannot be decoded.
        """
        self._listed.batches = batches
        try:
            yield from self._loader
        except UsageError as error:  # a worker puts its traceback before the message
            last = str(error).strip().splitlines()[-1]
            raise UsageError(last.removeprefix(f"{UsageError.__module__}.UsageError: ")) from None
