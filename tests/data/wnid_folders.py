"""Fabricated folders in ImageNet's layout: a few small JPEGs, linked under many names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def make(root: Path, wnids: Iterable[str], train: int = 3, val: int = 2) -> Path:
    """``root/train/WNID/*.JPEG`` and ``root/val/WNID/*.JPEG``; every class has a colour and sizes of its own."""
    for c, wnid in enumerate(wnids):
        for part, count in (("train", train), ("val", val)):
            (root / part / wnid).mkdir(parents=True)
            for i in range(count):
                name = f"{wnid}_{i}.JPEG" if part == "train" else f"ILSVRC2012_val_{c * val + i + 1:08d}.JPEG"
                photo(root / part / wnid / name, c, i, part == "val")
    return root


def photo(path: Path, label: int, number: int, held_out: bool = False) -> None:
    """One noisy JPEG in its class's colour."""
    rng = np.random.default_rng([label, number, held_out])
    height, width = (int(side) for side in rng.integers(20, 40, 2))
    colour = np.array([25 * label % 256, 255 - 25 * label % 256, 70 * label % 256])
    pixels = np.clip(colour + rng.normal(0, 40, (height, width, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=90)


def linked(root: Path, names: Iterable[str], folder: Path) -> None:
    """``root/NAME`` for each name, all hard links of the images in ``folder``, in turn."""
    originals = sorted(folder.iterdir())
    for i, name in enumerate(names):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(originals[i % len(originals)], target)
