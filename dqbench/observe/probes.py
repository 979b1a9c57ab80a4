"""Probes: evaluators that train no network, but read classes off the observer's features of the kept set.

Each answers for its features alone: how well the kept samples, or made images, stand for the source as one network that
was trained on the whole source sees it. That network has seen every label, so that a probe scores far above what the
kept set could teach a network of its own, and it favours methods that select by the same features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import TestSet
from dqbench.data.kept import KeptImages
from dqbench.data.source import Source
from dqbench.observe.observed import Observed

Floats = npt.NDArray[np.float64]

STRENGTHS = np.logspace(-3, 5, 17)
"""Of the ridge, in units of the kept samples' mean squared feature; the best by leave-one-out error is taken."""

NEIGHBOURS = 5


def features(test: TestSet, precision: str, kept: KeptImages, observed: Observed) -> tuple[Floats, Floats]:
    """Penultimate features of the kept and of the test images, (k, d) and (n, d).

    Each feature is centred and scaled by its mean and standard deviation over the source. Those of kept samples of the
    source are the observer's own; of other images they are computed.
    """
    mean, std = observed.features.mean(axis=0, dtype=np.float64), observed.features.std(axis=0, dtype=np.float64)
    if kept.positions is None:
        own = observed.look(kept.images, precision)[1]
    else:
        own = np.asarray(observed.features[kept.positions])
    seen = observed.look(test.images, precision)[1]
    scale = np.where(std > 1e-6 * std.max(), std, np.inf)  # a feature that never changes says nothing
    return (own - mean) / scale, (seen - mean) / scale


def ridge(
    test: TestSet, source: Source, device: str, precision: str, *, kept: KeptImages, observed: Observed
) -> dict[str, Any]:
    """A linear probe in closed form: ridge regression from the features to one-hot classes.

    Its strength is the best of :data:`STRENGTHS` by the exact leave-one-out error on the kept set, so that no test
    image decides anything. Weights and class probabilities of the set are used where it has them.

    Returns:
        ``top1`` in percent, ``strength``, and ``predictions``, (n,).
    """
    from sklearn.linear_model import RidgeCV

    own, seen = features(test, precision, kept, observed)
    unit = max(float((own**2).mean()), 1e-12)
    targets = kept.targets(source.classes)
    if len(kept) == 1:  # nothing is left when it is left out
        return {**_scored(np.full(len(seen), targets.argmax()), test), "strength": None}
    model = RidgeCV(alphas=STRENGTHS * unit).fit(own, targets, sample_weight=kept.weights)
    return {**_scored(model.predict(seen).argmax(axis=1), test), "strength": float(model.alpha_ / unit)}


def nearest(
    test: TestSet, source: Source, device: str, precision: str, *, kept: KeptImages, observed: Observed
) -> dict[str, Any]:
    """The classes of the :data:`NEIGHBOURS` nearest kept samples, by cosine, each voting with its weight.

    Returns:
        ``top1`` in percent and ``predictions``, (n,).
    """
    from sklearn.neighbors import NearestNeighbors

    own, seen = features(test, precision, kept, observed)
    weights = np.ones(len(kept)) if kept.weights is None else kept.weights
    votes = kept.targets(source.classes) * weights[:, None]
    model = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(kept)), metric="cosine", algorithm="brute").fit(own)
    near = model.kneighbors(seen, return_distance=False)
    return _scored(votes[near].sum(axis=1).argmax(axis=1), test)


def _scored(predicted: npt.NDArray[Any], test: TestSet) -> dict[str, Any]:
    return {"top1": float(100 * (predicted == test.labels).mean()), "predictions": predicted}
