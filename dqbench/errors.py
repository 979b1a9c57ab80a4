"""Errors whose message says what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

PLUGIN_FAULTS = (Exception, SystemExit)
"""What a call of a plugin's code may raise: anything, also an end of the process, which must not end this one."""


class UsageError(Exception):
    """Wrong use or wrong input: one line for the user, no traceback, exit code 2."""

    exit_code = 2


class PluginError(UsageError):
    """A plugin cannot be loaded or clashes with another; the message names its distribution."""


def fault_of(error: BaseException) -> str:
    """What a plugin's code raised, in one line."""
    if isinstance(error, SystemExit):
        return f"SystemExit: it ends the process (code {error.code}); remove that"
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


def explain(error: ValidationError, prefix: str) -> str:
    """A pydantic error in one line: which option, which value, what is right."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{prefix}{name}={first['input']!r}: {message[:1].lower()}{message[1:]}" if name else f"{prefix}: {message}"


def unknown_name(what: str, name: str, known: Iterable[str], otherwise: str = "") -> UsageError:
    """The error for a name that is not registered, with the nearest one that is, and what else may be amiss."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return UsageError(
            f"unknown {what} {name!r}; did you mean {near[0]}?" + (f" ({otherwise})" if otherwise else "")
        )
    first = f"{otherwise}; " if otherwise else ""  # the list may be long
    return UsageError(f"unknown {what} {name!r}; {first}known: {', '.join(names) or 'none'}")


def check_whole(name: str, value: object, least: int | None = None) -> None:
    """Refuse what is no whole number, or is below the least one.

    Raises:
        UsageError: see above; numbers of NumPy pass, booleans do not.
    """
    whole = not isinstance(value, bool) and hasattr(value, "__index__")
    if not whole or (least is not None and value.__index__() < least):  # type: ignore[attr-defined]
        raise UsageError(f"{name}={value!r} is no whole number{'' if least is None else f' from {least} up'}")
