"""Sets that users give, ids of a task's training set or images of their own, as methods. Imports no torch.

``dqbench run --ids FILE`` loads such a file as a plugin is loaded; what it holds is the method's code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dqbench import given_ids
from dqbench.errors import UsageError
from dqbench.given_ids import IdList, Seed
from dqbench.specs import Config, MethodSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


SUFFIXES = (*given_ids.SUFFIXES, ".npz")


@dataclass(frozen=True)
class Given:
    """What a file holds.

    Attributes:
        name: what its method is called: ``ids-…`` or ``images-…``.
        file: the bare name of the file.
        content: sha256 of what it holds, whatever the format.
        lists: ids by seed; empty where it holds images.
        images: shape (k, height, width, channels), uint8; None where it holds ids.
        classes: the name of each image's class, shape (k,); None where it holds ids.
    """

    name: str
    file: str
    content: str
    lists: Mapping[Seed, IdList] = field(default_factory=dict)
    images: npt.NDArray[np.uint8] | None = None
    classes: npt.NDArray[np.str_] | None = None

    @property
    def total(self) -> int:
        """Samples of each set."""
        return len(next(iter(self.lists.values()))) if self.images is None else len(self.images)

    def of(self, seed: int) -> IdList:
        """The ids for a seed.

        Raises:
            UsageError: there are lists for other seeds only.
        """
        found = self.lists.get(None) or self.lists.get(seed)
        if found is None:
            seeds = ", ".join(str(each) for each in sorted(s for s in self.lists if s is not None))
            raise UsageError(f"{self.file} has no list for seed {seed}, but for {seeds}; choose from these by --seeds")
        return found


class GivenConfig(Config):
    """Whether the set must have the share of each class that the source has."""

    given: ClassVar[Given]

    scope: Literal["class", "dataset"] = Field(
        "class", description="class: each class has its share of the samples, or all have as many; dataset: any may"
    )


def read(path: Path) -> Given:
    """What a file holds.

    Raises:
        UsageError: it cannot be read, or holds no ids or images.
    """
    word = _word(path.stem)
    if path.suffix.lower() == ".npz":
        images, classes, word = _images(path, word)
        digest = hashlib.sha256(f"{images.shape}{classes.tolist()}".encode() + images.tobytes()).hexdigest()
        return Given(f"images-{word}", path.name, digest, images=images, classes=classes)
    lists, hashed = given_ids.read(path), hashlib.sha256()
    for seed, each in sorted(lists.items(), key=lambda item: -1 if item[0] is None else item[0]):
        hashed.update(f"{seed}:{each.ids.tolist()}:{None if each.weights is None else each.weights.tolist()}".encode())
    return Given(f"ids-{word}", path.name, hashed.hexdigest(), lists)


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "list"


def _images(path: Path, word: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.str_], str]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, classes = arrays["images"], arrays["classes"].astype(np.str_)
            word = _word(str(arrays["name"])) if "name" in arrays else word
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"--ids {path} holds no images and classes: {error}") from error
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(classes) or not len(images):
        raise UsageError(f"--ids {path}: images are {images.dtype} of shape {images.shape}, not uint8 of (k, h, w, c)")
    return images, classes, word


def method_of(given: Given) -> MethodSpec:
    """The method that keeps what is given."""
    config = type("GivenConfig", (GivenConfig,), {"given": given, "__module__": __name__, "__doc__": None})
    images = given.images is not None
    return MethodSpec(
        name=given.name,
        target="dqbench.jobs.given_set:GivenSet",
        config=config,
        kind="distillation" if images else "selection",
        version=1,
        labels=("hard", "soft", "teacher"),
        makes="uint8" if images else "",
        weighs=any(each.weights is not None for each in given.lists.values()),
        summary=f"{given.total} {'images' if images else 'ids'} of {given.file}, content {given.content[:12]}",
    )


def is_given(path: Path) -> bool:
    """Whether a file is read as a given set and not as Python."""
    return path.suffix.lower() in SUFFIXES


def given_of(spec: MethodSpec | None) -> Given | None:
    """The set that a method gives; None of any other method."""
    return spec.config.given if spec is not None and issubclass(spec.config, GivenConfig) else None
