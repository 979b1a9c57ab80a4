"""Finds another valid value for an option, to see what depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from dqbench.specs import Config


def another_value(config: Config, name: str) -> Config | None:
    """The config with another valid value for one option; None where none is found."""
    now = getattr(config, name)
    for value in _candidates(now, type(config).model_fields[name].annotation):
        try:
            changed = type(config).model_validate({**config.model_dump(), name: value})
        except ValueError:
            continue
        if getattr(changed, name) != now:
            return changed
    return None


def _candidates(now: Any, annotation: Any) -> Iterator[Any]:
    yield from (value for value in get_args(annotation) if isinstance(value, str | int | float))
    if isinstance(now, bool):
        yield not now
    elif isinstance(now, int | float):
        yield from (now + 1, now / 2, now - 1, 1, 0)
    yield None
