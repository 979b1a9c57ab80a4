"""What a method returns is checked before it enters: its kind, its budget, its classes, its regime of labels.

The same checks stand before every way in: the compress job, ``dqbench compress`` on one's own images, and bundles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Compressed, Distilled, Subset
from dqbench.data.source import Source
from dqbench.data.text_source import TextSource
from dqbench.given import given_of
from dqbench.specs import Config, MethodSpec, load_target


def check(
    kept: Compressed, source: Source | TextSource, budget: ResolvedBudget, spec: MethodSpec, config: Config
) -> None:
    """Refuse a compressed set that is not of its method's kind, budget, classes or regime of labels.

    Args:
        kept: what the method returned.
        source: what it was chosen from.
        budget: what the method was given.
        spec: the method; what it says of kind, labels and scope is what is held against the set.
        config: its options.

    Raises:
        ValueError: one of these; the message says which, and what to return or to declare.
    """
    expected = Distilled if spec.kind == "distillation" else Subset
    if not isinstance(kept, expected):
        raise ValueError(
            f"method {spec.name} returned {type(kept).__name__}; with kind={spec.kind!r} return {expected.__name__}"
        )
    if len(kept) != budget.total:
        raise ValueError(f"method {spec.name} kept {len(kept)} samples; the budget {budget.asked} is {budget.total}")
    if isinstance(kept, Distilled):
        if isinstance(source, TextSource):
            raise ValueError(f"method {spec.name} made images of texts; of texts, samples are kept")
        labels = _made_labels(kept, source, spec)
    else:
        labels = _chosen_labels(kept, source)
    if binds_classes(spec, config):
        check_classes(np.bincount(labels, minlength=source.classes), budget, source, f"method {spec.name}")


def has_probabilities(kept: Compressed | None) -> bool:
    """Whether a set has labels of its own that are no classes: such a set is for soft labels alone."""
    return isinstance(kept, Distilled) and kept.labels.ndim == 2


def binds_classes(spec: MethodSpec, config: Config) -> bool:
    """Whether per-class budgets bind the method; one that looks past classes has ``scope="dataset"``.

    Sets that users give have their classes checked against their shares, not against a draw, when they are planned.
    """
    if given_of(spec) is not None:
        return False
    scope = getattr(config, "scope", None) or getattr(load_target(spec.target), "scope", "class")
    return bool(scope == "class")


def check_classes(counts: npt.NDArray[np.int64], budget: ResolvedBudget, source: Source | TextSource, who: str) -> None:
    """Hold the samples kept of each class against the budget.

    Raises:
        ValueError: a class has more or fewer.
    """
    wrong = np.flatnonzero(counts != budget.per_class)
    if len(wrong):
        first = int(wrong[0])
        raise ValueError(
            f"{who} kept {int(counts[first])} samples of class {source.class_names[first]!r}; of the budget "
            f"{budget.asked} {int(budget.per_class[first])} are of it ({len(wrong)} of {source.classes} classes differ)"
            '; keep to budget.per_class, or declare scope = "dataset" on the class or as an option'
        )


def _chosen_labels(kept: Subset, source: Source | TextSource) -> npt.NDArray[np.int64]:
    labels: npt.NDArray[np.int64] = source.labels[source.positions(kept.ids)]
    return labels


def _made_labels(kept: Distilled, source: Source, spec: MethodSpec) -> npt.NDArray[Any]:
    """The class of each image: its label, or the likeliest by its probabilities."""
    images, labels = kept.images, kept.labels
    if images.dtype not in (np.uint8, np.float32) or images.shape[1:] != source.images.shape[1:]:
        raise ValueError(
            f"method {spec.name} made images {images.dtype} of shape {images.shape[1:]}; make them uint8, or float32 "
            f"in normalised space, of shape {source.images.shape[1:]}"
        )
    if not np.isfinite(images).all():
        raise ValueError(f"method {spec.name} made images that are infinite or NaN")
    if labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer):
        if not ((labels >= 0) & (labels < source.classes)).all():
            raise ValueError(f"method {spec.name} made labels outside 0 to {source.classes - 1}")
        return labels
    _check_probabilities(labels, source, spec)
    likeliest: npt.NDArray[np.int64] = labels.argmax(axis=1)
    return likeliest


def _check_probabilities(labels: npt.NDArray[Any], source: Source, spec: MethodSpec) -> None:
    sums = labels.ndim == 2 and labels.shape[1] == source.classes and np.issubdtype(labels.dtype, np.floating)
    if not sums or not ((labels >= 0).all() and np.allclose(labels.sum(axis=1), 1, atol=1e-3)):
        raise ValueError(
            f"method {spec.name} made labels {labels.dtype} of shape {labels.shape}; make class indices, or a "
            f"probability for each of {source.classes} classes"
        )
    if "hard" in spec.labels:
        raise ValueError(
            f"method {spec.name} made a probability for each class, and says labels={spec.labels}; sets with "
            'probabilities are never trained on as hard labels: make class indices, or declare labels=("soft",)'
        )
