"""What methods see of texts: embeddings, and the losses of a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from dqbench.errors import UsageError

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class ObservedTexts:
    """The view of a source of texts, sample by sample in the source's order.

    Attributes:
        embeddings: gives the embedding of each text, shape (n, d), float32; for methods that need an ``observer``.
        read: gives what :attr:`given`, :attr:`alone` and :attr:`tokens` are, by name; for those that need ``losses``.
        device: ``cpu`` or ``cuda``.
    """

    embeddings: Callable[[], npt.NDArray[np.float32]]
    read: Callable[[], Arrays]
    device: str

    @cached_property
    def features(self) -> npt.NDArray[np.float32]:
        """The embedding of each text, shape (n, d), float32."""
        return self.embeddings()

    @cached_property
    def _losses(self) -> Arrays:
        return self.read()

    @property
    def given(self) -> npt.NDArray[np.float64]:
        """-ln p of each answer given its instruction, summed over its tokens, shape (n,)."""
        return self._losses["given"]

    @property
    def alone(self) -> npt.NDArray[np.float64]:
        """-ln p of each answer with nothing before it, summed over its tokens, shape (n,)."""
        return self._losses["alone"]

    @property
    def tokens(self) -> npt.NDArray[np.int64]:
        """Tokens of each answer, shape (n,)."""
        return self._losses["tokens"]

    def gradients(self, double_softmax: bool = False) -> NoReturn:
        """Texts have no classes, so no last-layer gradients.

        Raises:
            UsageError: always.
        """
        raise UsageError("texts have no classes, so no last-layer gradients; set embedding=feature")
