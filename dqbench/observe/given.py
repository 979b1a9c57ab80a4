"""Features that were made elsewhere, in the place of an observer: what needs a trained network says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from dqbench.errors import UsageError

_WORDS = {
    "logits": "logits",
    "gradients": "last-layer gradients",
    "answer": "answers",
    "course": "the training dynamics",
    "dynamics": "the training dynamics",
    "pyramid": "intermediate features",
}
_NETWORK = "of a network that is trained on the images"


@dataclass(frozen=True)
class GivenFeatures:
    """The view that features alone give; it has what :class:`dqbench.observe.Observed` has, as far as they go.

    Attributes:
        features: (n, d), float32 or float64.
        labels: (n,), int64.
        device: ``cpu`` or ``cuda``.
        method: the method that looks, for messages.
        hint: what it can be told instead, for messages; may be empty.
        repeats: there are no further observers.
    """

    features: npt.NDArray[np.floating]
    labels: npt.NDArray[np.int64]
    device: str
    method: str
    hint: str = ""
    repeats: tuple[()] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        what = "the weights" if name in ("net", "network") else _WORDS.get(name, name.replace("_", " "))
        self.lacks(f"{what} {_NETWORK}")

    def gradients(self, double_softmax: bool = False) -> NoReturn:
        """Features have none.

        Raises:
            UsageError: always.
        """
        self.lacks(f"{_WORDS['gradients']} {_NETWORK}")

    def lacks(self, what: str) -> NoReturn:
        """Refuse a method that needs more.

        Raises:
            UsageError: always.
        """
        instead = f"{self.hint}, or leave" if self.hint else "leave"
        raise UsageError(
            f"{self.method} needs {what}, which given features lack; {instead} the features out and give the images"
        )
