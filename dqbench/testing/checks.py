"""What every method must keep to, one function each, and ``checks``, which binds them to a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dqbench import plugins
from dqbench.errors import UsageError


@dataclass(frozen=True)
class Check:
    """One rule, bound to one method: call it; it raises AssertionError where the method breaks the rule."""

    name: str
    run: Callable[[], None]

    @property
    def __name__(self) -> str:  # pytest names parametrised cases by it
        return self.name

    def __call__(self) -> None:
        self.run()


def checks(
    method: str,
    *,
    options: Mapping[str, Any] | None = None,
    plugin_files: Sequence[Path] = (),
    registry: plugins.Registry | None = None,
) -> list[Check]:
    """The conformance checks of a registered method, each a callable of no arguments.

    Args:
        method: its name.
        options: options to set, e.g. fewer epochs; the others are at their defaults.
        plugin_files: plugin files to load besides the installed plugins.
        registry: loaded plugins, instead.

    Raises:
        UsageError: no such method, or a wrong option.
    """
    from dqbench.testing import rules
    from dqbench.testing.trials import Trial, binds_classes

    found = registry or plugins.load(plugin_files)
    spec = found.methods[method]
    try:
        config = spec.config.model_validate(dict(options or {}))
    except ValueError as error:
        raise UsageError(f"options of {method}: {error}") from error
    trial = Trial(found, spec, config, binds_classes(spec, config))
    return [Check(rule.__name__, partial(rule, trial)) for rule in rules.RULES]
