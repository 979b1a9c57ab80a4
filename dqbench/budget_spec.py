"""How much may be kept of a source, as a user or a profile says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dqbench import byte_sizes
from dqbench.errors import UsageError

BudgetKind = Literal["ratio", "ipc", "bytes", "tokens", "full"]


@dataclass(frozen=True, order=True)
class Budget:
    """How much may be kept: a share of the samples (``ratio``), images per class (``ipc``), ``bytes``, of texts a share
    of the ``tokens``, all (``full``).

    A budget in bytes covers what is stored of a set: images or patches, masks, labels, weights and keys; a teacher or
    decoder comes on top. Before a method sees it, it becomes the most images per class that fit; a share of the tokens
    becomes the most samples of the method's own choice that hold no more.
    """

    kind: BudgetKind
    value: float

    def __str__(self) -> str:
        if self.kind == "full":
            return "full"
        if self.kind == "bytes":
            return byte_sizes.text(int(self.value))
        if self.kind == "tokens":
            return f"tokens{self.value:g}"
        return f"ipc{int(self.value)}" if self.kind == "ipc" else f"{self.value:g}"

    @classmethod
    def ratio(cls, value: float | str) -> Budget:
        """A keep ratio in (0, 1].

        Raises:
            UsageError: not a number, or outside (0, 1].
        """
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            raise UsageError(f"keep ratio {value!r} is not a number; give one in (0, 1], e.g. 0.1") from None
        if not (math.isfinite(number) and 0 < number <= 1):
            raise UsageError(f"keep ratio {value} is not in (0, 1]")
        return cls("ratio", number)

    @classmethod
    def ipc(cls, value: int | str) -> Budget:
        """Images per class, a whole number from 1 up.

        Raises:
            UsageError: not a whole number, or below 1.
        """
        try:
            number = int(value)
            whole = not isinstance(value, bool) and (isinstance(value, str) or number == value)
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise UsageError(f"ipc {value!r} is not a whole number; give images per class, e.g. 10")
        if number < 1:
            raise UsageError(f"ipc {number} is below 1")
        return cls("ipc", float(number))

    @classmethod
    def of_bytes(cls, value: int | str) -> Budget:
        """Bytes, as a whole number or with a unit: ``500kB``, ``2MB``, ``1.5MiB``.

        Raises:
            UsageError: no such size, or below 1.
        """
        return cls("bytes", float(byte_sizes.parse(value)))

    @classmethod
    def tokens(cls, value: float | str) -> Budget:
        """A share of the tokens of texts, in (0, 1].

        Raises:
            UsageError: not a number, or outside (0, 1].
        """
        try:
            return cls("tokens", cls.ratio(value).value)
        except UsageError as error:
            raise UsageError(str(error).replace("keep ratio", "share of tokens")) from None

    @classmethod
    def full(cls) -> Budget:
        """The whole source: the 100 % row."""
        return cls("full", 1.0)
