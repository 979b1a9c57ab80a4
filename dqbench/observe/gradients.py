"""Last-layer gradients, from logits and labels alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import softmax


def last_layer_gradient(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64], double_softmax: bool = False
) -> npt.NDArray[np.float64]:
    """The gradient g of each sample's cross-entropy with respect to its logits, shape (n, classes).

    g = p - onehot(y) with p = softmax(z), in float64 from the start. The entry at y is computed as minus the sum of
    the others: p_y rounds to 1 long before they vanish, and 1 - p_y would lose them. With two softmaxes,
    g_i = p_i (u_i - sum_j p_j u_j) with u = softmax(p) - onehot(y); its entries sum to 0 too, and the one that could
    vanish is the largest p's.

    Args:
        logits: z, (n, classes).
        labels: y, (n,).
        double_softmax: the loss applies softmax to probabilities once more, as DQ's released code does.

    Raises:
        ValueError: shapes that do not fit, labels outside the classes, or a logit that is not finite; the message
            says whose.
    """
    _check(logits, labels)
    p = np.asarray(softmax(np.asarray(logits, np.float64), axis=1), np.float64)
    if not double_softmax:
        return _closed(p, labels)
    u = _closed(np.asarray(softmax(p, axis=1), np.float64), labels)
    return _closed(p * (u - (p * u).sum(axis=1, keepdims=True)), p.argmax(axis=1))


def _closed(g: npt.NDArray[np.float64], columns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """``g`` with the entry of each row at its column set to minus the sum of the others."""
    rows = np.arange(len(g))
    g[rows, columns] = 0.0
    g[rows, columns] = -g.sum(axis=1)
    return g


def _check(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> None:
    if logits.ndim != 2 or labels.shape != (len(logits),):
        raise ValueError(f"logits must be (n, classes) with n labels, not {logits.shape} with {labels.shape}")
    if len(labels) and not (labels.min() >= 0 and labels.max() < logits.shape[1]):
        raise ValueError(f"labels must lie in 0..{logits.shape[1] - 1}, not {labels.min()}..{labels.max()}")
    wrong = ~np.isfinite(logits).all(axis=1)
    if wrong.any():
        raise ValueError(f"the logits of sample {int(wrong.argmax())} are not finite; the observer has diverged")
