"""Sets that users give, held against the source that they are of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dqbench import given_ids
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.given import Given

_ROUNDING = 1.5
"""A class differs by less than one sample from what was wanted, and what all rounding adds up to moves its share."""


def labels_of(given: Given, source: Source, seed: int) -> npt.NDArray[np.int64]:
    """The class of each sample, by index.

    Raises:
        UsageError: an id or a class that the source has not.
    """
    if given.classes is not None:
        index = {name: number for number, name in enumerate(source.class_names)}
        strange = [str(name) for name in dict.fromkeys(given.classes.tolist()) if name not in index]
        if strange:
            known = ", ".join(source.class_names[:10]) + (", …" if source.classes > 10 else "")
            raise UsageError(f"{given.file}: {strange[0]!r} is no class of {source.name}; its classes are {known}")
        return np.array([index[name] for name in given.classes.tolist()], dtype=np.int64)
    ids = given.of(seed).ids
    strange_ids = ids[~np.isin(ids, source.ids)].tolist()
    if strange_ids:
        raise UsageError(
            f"{given.file}: {given_ids.first(strange_ids)} {'is' if len(strange_ids) == 1 else 'are'} not among the "
            f"{len(source.ids):,} training samples that are used of {source.name}, whose ids go from "
            f"{source.ids[0]} to {source.ids[-1]}"
        )
    labels: npt.NDArray[np.int64] = source.labels[source.positions(ids)]
    return labels


def pixels_of(given: Given, source: Source) -> npt.NDArray[np.uint8]:
    """The images with as many channels as the source's.

    Raises:
        UsageError: another size, or colour where the source has none.
    """
    images = np.asarray(given.images)
    shape = source.images.shape[1:]
    if images.shape[3] == 1 and shape[2] == 3:
        images = np.repeat(images, 3, axis=3)
    if images.shape[1:] != shape:
        words = [f"{w} × {h} px {'in colour' if c == 3 else 'in gray'}" for h, w, c in (images.shape[1:], shape)]
        raise UsageError(f"{given.file}: images are {words[0]}, those of {source.name} {words[1]}")
    return images


def check(given: Given, source: Source, seed: int, scope: str) -> bool:
    """Hold the set for a seed against a source; gives whether all classes have as many samples.

    Raises:
        UsageError: ids, classes or images that are not the source's; with scope ``class``, a class whose samples
            are neither its share, rounded up or down, nor as many as those of all others.
    """
    labels = labels_of(given, source, seed)
    if given.images is not None:
        pixels_of(given, source)
    counts = np.bincount(labels, minlength=source.classes)
    equal = bool((counts == counts[0]).all())
    shares = len(labels) * source.class_counts / len(source)
    wrong = np.flatnonzero(np.abs(counts - shares) > _ROUNDING)
    if scope == "class" and len(wrong) and not equal:
        told = [f"{counts[i]} of class {source.class_names[i]!r}, whose share is {shares[i]:.1f}" for i in wrong[:3]]
        more = f", and {len(wrong) - 3} classes more" if len(wrong) > 3 else ""
        raise UsageError(
            f"{given.file} is not balanced: it has {'; '.join(told)}{more}; balance it, or score it as it is with "
            f"--set {given.name}.scope=dataset"
        )
    return equal
