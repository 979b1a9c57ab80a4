"""What an observer said of every sample after each epoch of its training, and what notes it as it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, softmax

from dqbench.observe import scores
from dqbench.observe.gradients import last_layer_gradient

FloatArray = npt.NDArray[np.float64]
Look = Callable[[Any], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""Gives logits (n, classes) and penultimate features (n, d) of the network with these weights."""

MODE = "eval"
"""How the network was asked: in eval mode after each epoch, on the images as they are; not during its training pass."""


@dataclass(frozen=True)
class Dynamics:
    """The course of an observer's training, sample by sample in the source's order, T epochs long.

    The network is in eval mode after each epoch, the images are not augmented.

    Attributes:
        p_y: probability of the sample's class, (T, n), float64: 1 − p_y of an easy sample is lost in float32.
        margin: logit of the class minus the largest of the others, (T, n), float32.
        correct: whether the class had the largest logit, (T, n), bool.
        el2n: |p − onehot(y)|₂, (T, n), float32.
        grand: norm of the gradient of the loss in the last layer, |p − onehot(y)|₂·√(1 + |h|²), (T, n), float32.
        change: Σ_c |p'_c·log(p'_c / p_c)| from one epoch, p, to the next, p', (T − 1, n), float32.
    """

    p_y: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float32]
    correct: npt.NDArray[np.bool_]
    el2n: npt.NDArray[np.float32]
    grand: npt.NDArray[np.float32]
    change: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.p_y)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, as they are stored."""
        return {name: getattr(self, name) for name in NAMES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Dynamics:
        """The inverse of :meth:`arrays`; other arrays are left aside."""
        return cls(**{name: arrays[name] for name in NAMES})

    @classmethod
    def of_epochs(cls, epochs: list[dict[str, npt.NDArray[Any]]]) -> Dynamics:
        """From what :func:`of_epoch` gave for each epoch, in order."""
        found = {name: np.stack([rows[name] for rows in epochs]) for name in NAMES if name != "change"}
        change = np.zeros((0, found["p_y"].shape[1]), np.float32)
        later = [rows["change"] for rows in epochs[1:]]
        return cls(**found, change=np.stack(later) if later else change)

    def first(self, epochs: int | None) -> Dynamics:
        """The first so many epochs; all where there are fewer, and for None."""
        last = len(self) if epochs is None else min(epochs, len(self))
        found = {name: array[: last - (name == "change")] for name, array in self.arrays().items()}
        return Dynamics(**found)

    def at(self, positions: npt.NDArray[np.int64]) -> Dynamics:
        """The same of the samples at these positions."""
        return Dynamics(**{name: array[:, positions] for name, array in self.arrays().items()})


NAMES = tuple(field.name for field in fields(Dynamics))


def of_epoch(
    logits: npt.NDArray[Any],
    features: npt.NDArray[Any],
    labels: npt.NDArray[np.int64],
    before: npt.NDArray[Any] | None,
) -> dict[str, npt.NDArray[Any]]:
    """One epoch's row of each array of :class:`Dynamics`; ``change`` where the logits of the epoch before are given.

    Args:
        logits: (n, classes), finite.
        features: (n, d).
        labels: (n,).
        before: logits of the epoch before, or None.

    Raises:
        ValueError: a logit is not finite; the message says whose.
    """
    places = np.arange(len(labels))
    z = np.asarray(logits, np.float64)
    g = last_layer_gradient(z, labels)
    others = z.copy()
    others[places, labels] = -np.inf
    margin = z[places, labels] - others.max(axis=1, initial=-np.inf)
    rows = {
        "p_y": softmax(z, axis=1)[places, labels],
        "margin": margin.astype(np.float32),
        "correct": z.argmax(axis=1) == labels,
        "el2n": scores.el2n(g).astype(np.float32),
        "grand": scores.grand(g, features).astype(np.float32),
    }
    return rows if before is None else {**rows, "change": change(before, z).astype(np.float32)}


def change(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> FloatArray:
    """Σ_c |p'_c·log(p'_c / p_c)| of logits (n, classes) of two networks, shape (n,)."""
    log_p, log_q = (log_softmax(np.asarray(z, np.float64), axis=1) for z in (before, after))
    found: FloatArray = np.abs(np.exp(log_q) * (log_q - log_p)).sum(axis=1)
    return found


class Watch:
    """Notes what a network says after each epoch of its training; it is called with (epoch, weights).

    With a folder, a training that was killed and goes on has the epochs from before as well.

    Args:
        look: see :data:`Look`.
        labels: of the samples that are looked at, (n,).
        scratch: a folder of the training's own; None keeps all in memory.
    """

    def __init__(self, look: Look, labels: npt.NDArray[np.int64], scratch: Path | None = None) -> None:
        self._look, self._labels, self._scratch = look, labels, scratch
        self._rows: dict[int, dict[str, npt.NDArray[Any]]] = {}
        self._seen: tuple[int, npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None

    def __call__(self, epoch: int, weights: Any) -> None:
        """Note an epoch; one that was noted before a training was killed stays."""
        logits, features = self._look(weights)
        before = self._seen[1] if self._seen is not None and self._seen[0] == epoch - 1 else None
        self._seen = epoch, logits, features
        if epoch > 1 and before is None:
            self._rows |= {number: self._read(number) for number in range(1, epoch + 1)}
            return
        self._rows[epoch] = of_epoch(logits, features, self._labels, before)
        if self._scratch is not None:
            self._scratch.mkdir(parents=True, exist_ok=True)
            temporary = self._scratch / ".epoch.npz"
            np.savez(temporary, **self._rows[epoch])  # type: ignore[arg-type]
            temporary.replace(self._file(epoch))

    @property
    def last(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Logits and features of the last epoch."""
        if self._seen is None:
            raise ValueError("no epoch was noted")
        return self._seen[1:]

    def dynamics(self) -> Dynamics:
        """All epochs."""
        return Dynamics.of_epochs([self._rows[epoch] for epoch in sorted(self._rows)])

    def _file(self, epoch: int) -> Path:
        if self._scratch is None:
            raise ValueError(f"epoch {epoch} was not noted")
        return self._scratch / f"epoch-{epoch}.npz"

    def _read(self, epoch: int) -> dict[str, npt.NDArray[Any]]:
        with np.load(self._file(epoch), allow_pickle=False) as found:
            return dict(found)
