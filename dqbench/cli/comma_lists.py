"""Options that take lists: repeated, or with commas between, or both."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.errors import UsageError


def parts(option: str, values: Iterable[str] | None) -> tuple[str, ...]:
    """Each value: ``0.1,0.2`` and ``0.3`` are three.

    Args:
        option: what the list is of, e.g. ``--keep``, for the message.
        values: what was given; None is nothing.

    Raises:
        UsageError: there is nothing before, between or after commas.
    """
    found = [part.strip() for value in values or () for part in value.split(",")]
    if "" in found:
        given = ",".join(values or ())
        raise UsageError(f"{option} {given!r} has an empty part; give values with single commas between, e.g. a,b")
    return tuple(found)
