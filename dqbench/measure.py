"""How a metric is read: its unit, which end of it is better, its decimals, and how little is no loss."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from pydantic import ConfigDict

Better = Literal["higher", "lower"]

PERCENT = "%"

LONGEST = 24
"""Characters of a unit."""

MOST_DECIMALS = 4

LOSSLESS = 0.5
"""Points below the full-data score that still count as lossless where the unit is percent; fixed beforehand."""


@dataclass(frozen=True, order=True)
class Measure:
    """A metric's unit and direction.

    Differences are turned so that above 0 is better: this - that where higher is better, that - this where lower is.

    Attributes:
        unit: ``%``, or a word such as ``nats``; empty for a plain number.
        better: which end is better.
        decimals: that scores and differences are shown with.
        lossless: the largest loss against full data that still counts as none, in the unit; 0 where none is set, and
            then nothing is called lossless.

    Raises:
        ValueError: a unit that is no short printable word, or numbers out of range.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    unit: str = PERCENT
    better: Better = "higher"
    decimals: int = 1
    lossless: float = LOSSLESS

    def __post_init__(self) -> None:
        if not isinstance(self.unit, str) or not self.unit.isprintable() or len(self.unit) > LONGEST:
            raise ValueError(f"unit={self.unit!r} is no printable text of at most {LONGEST} characters")
        if self.better not in ("higher", "lower"):
            raise ValueError(f"better={self.better!r} is neither 'higher' nor 'lower'")
        if type(self.decimals) is not int or not 0 <= self.decimals <= MOST_DECIMALS:
            raise ValueError(f"decimals={self.decimals!r} is no whole number from 0 to {MOST_DECIMALS}")
        number = isinstance(self.lossless, int | float) and not isinstance(self.lossless, bool)
        if not number or not 0 <= self.lossless < float("inf"):
            raise ValueError(f"lossless={self.lossless!r} is no number from 0 up")

    @property
    def is_usual(self) -> bool:
        """Whether this is percent, the higher the better, as most metrics are."""
        return self == USUAL

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is the better one."""
        return self.better == "lower"

    @property
    def sign(self) -> float:
        """What turns a score or a difference so that higher is better."""
        return -1.0 if self.lower_is_better else 1.0

    @property
    def in_words(self) -> str:
        """`` in percent``, `` in nats``, or nothing, with the space before it."""
        return " in percent" if self.unit == PERCENT else f" in {self.unit}" if self.unit else ""

    @property
    def differences(self) -> str:
        """What differences are counted in: ``points`` where the unit is percent."""
        return "points" if self.unit == PERCENT else self.unit

    def amount(self, number: str) -> str:
        """A difference with what it is counted in: ``+1.2 points``, ``0.031 nats``."""
        return f"{number} {self.differences}" if self.differences else number

    @property
    def to_random(self) -> str:
        """Behind a difference in a sentence; with which sign is better, where lower scores are."""
        return "against random (+ is better)" if self.lower_is_better else "against random"

    @property
    def subtracted(self) -> str:
        """What stands above a table of differences: ``random − method`` where lower is better."""
        return "random − method" if self.lower_is_better else "difference to random"

    @property
    def heading(self) -> str:
        """The same with the unit: ``difference to random in points``."""
        return f"{self.subtracted} in {self.differences}" if self.differences else self.subtracted

    @property
    def against_random(self) -> str:
        """Before a table or picture: ``points against random``, ``random − method in nats``."""
        return self.heading if self.lower_is_better else f"{self.differences} against random".strip()

    @property
    def turned(self) -> str:
        """How differences are turned, as a sentence; nothing where they are score − score."""
        said = "Lower scores are better: differences are turned (random − method), so that above 0, + and ▲ are better."
        return said if self.lower_is_better else ""

    def axis(self, metric: str) -> str:
        """``top1 in %`` or ``nll in nats, lower is better``."""
        return f"{metric} in {self.unit}{self.note}" if self.unit else f"{metric}{self.note}"

    @property
    def note(self) -> str:
        """``, lower is better``, or nothing where higher is."""
        return ", lower is better" if self.lower_is_better else ""

    def stated(self) -> dict[str, object]:
        """Its fields by name; nothing where it is the usual one, as of all tasks before there were others."""
        return {} if self.is_usual else {field.name: getattr(self, field.name) for field in fields(self)}


USUAL = Measure()


def measure_of(unit: str, better: Better, decimals: int | None = None, lossless: float | None = None) -> Measure:
    """A measure with what its unit implies where nothing is said: a decimal and half a point of percent, else three
    decimals and no lossless ratio.

    Raises:
        ValueError: see :class:`Measure`.
    """
    percent = unit == PERCENT
    usual_decimals, usual_loss = (1, LOSSLESS) if percent else (3, 0.0)
    return Measure(
        unit, better, usual_decimals if decimals is None else decimals, usual_loss if lossless is None else lossless
    )
