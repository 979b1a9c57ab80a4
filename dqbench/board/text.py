"""Numbers and names as a reader sees them, the same in every kind of board."""

from __future__ import annotations

import re

from dqbench.board.board import Mark
from dqbench.board.statistics import Estimate, Ratio
from dqbench.plurals import plural as plural
from dqbench.specs import Budget

MARKS: dict[Mark, str] = {"above": " ▲", "below": " ▼", "": ""}


def budget(value: Budget) -> str:
    """``keep 0.1``, ``ipc 10``, ``2 MB`` or ``all``."""
    if value.kind == "full":
        return "all"
    if value.kind == "bytes":
        return re.sub(r"(?<=\d)(?=[A-Za-z])", " ", str(value))
    if value.kind == "tokens":
        return f"tokens {value.value:g}"
    return f"ipc {value.value:g}" if value.kind == "ipc" else f"keep {value.value:g}"


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals. It is settled to ten digits first, so that the last bit of a machine's sum never
    decides what is printed, and what other formats print can be rounded to it."""
    return f"{settled(value):.{decimals}f}"


def settled(value: float) -> float:
    """A number to ten significant digits, and no negative zero."""
    return float(f"{value:.10g}") + 0.0


def score(value: Estimate, decimals: int = 1) -> str:
    """``84.1 ± 0.5``, ``84.1 [83.9, 84.3]`` below three seeds, ``84.1`` for one."""
    if value.half is not None:
        return f"{fixed(value.mean, decimals)} ± {fixed(value.half, decimals)}"
    ends = f" [{fixed(value.least, decimals)}, {fixed(value.most, decimals)}]"
    return fixed(value.mean, decimals) + (ends if value.count > 1 else "")


def points(value: Estimate | None, decimals: int = 1) -> str:
    """A difference, with its sign; blank where it is undefined."""
    if value is None:
        return ""
    mean = signed(value.mean, decimals)
    if value.half is not None:
        return f"{mean} ± {fixed(value.half, decimals)}"
    ends = f" [{signed(value.least, decimals)}, {signed(value.most, decimals)}]"
    return mean + (ends if value.count > 1 else "")


def signed(value: float, decimals: int = 1) -> str:
    """So many decimals and a sign; what rounds to nothing has none."""
    rounded = f"{settled(value):+.{decimals}f}"
    return rounded if float(rounded) else rounded[1:]


def signed_or_blank(value: float | None, decimals: int = 1) -> str:
    """:func:`signed`; blank where it is undefined."""
    return "" if value is None else signed(value, decimals)


def ratio(value: Ratio | None) -> str:
    """``1.30 [0.90, 1.80]``; an open end is ``…``, and no end at all is no bracket."""
    if value is None:
        return ""
    if value.low is None and value.high is None:
        return _two(value.value)
    low, high = ("…" if end is None else _two(end) for end in (value.low, value.high))
    return f"{_two(value.value)} [{low}, {high}]"


def _two(value: float) -> str:
    rounded = fixed(value, 2)
    return "0.00" if rounded == "-0.00" else rounded


def count(value: float) -> str:
    """A mean of whole numbers: without decimals where it is whole."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def seconds(value: float | None) -> str:
    """Seconds: two decimals below 10, one below 100, none above; blank where unknown."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def listing(items: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def brief(words: object, most: int = 200) -> str:
    """What a record says, on one line of printable characters, and no more of it than a board has room for."""
    line = str(words)[: most + 1]
    if not line.isprintable():
        line = "".join(c if c.isprintable() else " " for c in line)
    return line if len(line) <= most else line[: most - 1] + "…"
