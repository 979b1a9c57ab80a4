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

    from dqbench.budgets import ResolvedBudget
    from dqbench.compressed import Arrays, Compressed
    from dqbench.data.source import Source

_ROUNDING = 1.5
"""A class differs by less than one sample from what was wanted, and what all rounding adds up to moves its share."""

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

    def labels(self, source: Source, seed: int) -> npt.NDArray[np.int64]:
        """The class of each sample, by index.

        Raises:
            UsageError: an id or a class that the source has not.
        """
        import numpy as np

        if self.classes is not None:
            index = {name: number for number, name in enumerate(source.class_names)}
            strange = [str(name) for name in dict.fromkeys(self.classes.tolist()) if name not in index]
            if strange:
                known = ", ".join(source.class_names[:10]) + (", …" if source.classes > 10 else "")
                raise UsageError(f"{self.file}: {strange[0]!r} is no class of {source.name}; its classes are {known}")
            return np.array([index[name] for name in self.classes.tolist()], dtype=np.int64)
        ids = self.of(seed).ids
        strange_ids = ids[~np.isin(ids, source.ids)].tolist()
        if strange_ids:
            raise UsageError(
                f"{self.file}: {given_ids.first(strange_ids)} {'is' if len(strange_ids) == 1 else 'are'} not among the "
                f"{len(source.ids):,} training samples that are used of {source.name}, whose ids go from "
                f"{source.ids[0]} to {source.ids[-1]}"
            )
        labels: npt.NDArray[np.int64] = source.labels[source.positions(ids)]
        return labels

    def pixels(self, source: Source) -> npt.NDArray[np.uint8]:
        """The images with as many channels as the source's.

        Raises:
            UsageError: another size, or colour where the source has none.
        """
        import numpy as np

        images = np.asarray(self.images)
        shape = source.images.shape[1:]
        if images.shape[3] == 1 and shape[2] == 3:
            images = np.repeat(images, 3, axis=3)
        if images.shape[1:] != shape:
            words = [f"{w} × {h} px {'in colour' if c == 3 else 'in gray'}" for h, w, c in (images.shape[1:], shape)]
            raise UsageError(f"{self.file}: images are {words[0]}, those of {source.name} {words[1]}")
        return images

    def check(self, source: Source, seed: int, scope: str) -> bool:
        """Hold the set for a seed against a source; gives whether all classes have as many samples.

        Raises:
            UsageError: ids, classes or images that are not the source's; with scope ``class``, a class whose samples
                are neither its share, rounded up or down, nor as many as those of all others.
        """
        import numpy as np

        labels = self.labels(source, seed)
        if self.images is not None:
            self.pixels(source)
        counts = np.bincount(labels, minlength=source.classes)
        equal = bool((counts == counts[0]).all())
        shares = len(labels) * source.class_counts / len(source)
        wrong = np.flatnonzero(np.abs(counts - shares) > _ROUNDING)
        if scope == "class" and len(wrong) and not equal:
            told = [
                f"{counts[i]} of class {source.class_names[i]!r}, whose share is {shares[i]:.1f}" for i in wrong[:3]
            ]
            more = f", and {len(wrong) - 3} classes more" if len(wrong) > 3 else ""
            raise UsageError(
                f"{self.file} is not balanced: it has {'; '.join(told)}{more}; balance it, or score it as it is with "
                f"--set {self.name}.scope=dataset"
            )
        return equal


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
        target=f"{__name__}:GivenSet",
        config=config,
        kind="distillation" if images else "selection",
        version=1,
        labels=("hard", "soft", "teacher"),
        makes="uint8" if images else "",
        weighs=any(each.weights is not None for each in given.lists.values()),
        summary=f"{given.total} {'images' if images else 'ids'} of {given.file}, content {given.content[:12]}",
    )


class GivenSet:
    """Gives what the user gave."""

    def __init__(self, config: GivenConfig) -> None:
        self.config = config

    def compress(self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int) -> Compressed:
        """The ids for this seed, or the images.

        Raises:
            UsageError: they are not of this source.
        """
        from dqbench.compressed import Distilled, Subset

        given = self.config.given
        labels, notes = given.labels(source, seed), {"given": given.file, "content": given.content}
        if given.images is not None:
            return Distilled(given.pixels(source), labels, notes)
        kept = given.of(seed)
        return Subset(kept.ids, weights=kept.weights, notes=notes)


def is_given(path: Path) -> bool:
    """Whether a file is read as a given set and not as Python."""
    return path.suffix.lower() in SUFFIXES


def given_of(spec: MethodSpec | None) -> Given | None:
    """The set that a method gives; None of any other method."""
    return spec.config.given if spec is not None and issubclass(spec.config, GivenConfig) else None
