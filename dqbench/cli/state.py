"""What every command shares: the global options, two consoles and the plugins."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from dqbench.plugins import Registry

WIDE = 200
"""Columns of output that is no terminal, so that pipes and files get whole lines."""


@dataclass
class State:
    """Lives in ``ctx.obj``.

    Attributes:
        json: the answer is wanted as JSON on stdout, and nothing else there.
        debug: tracebacks are wanted.
        plugin_files: plugin files given with ``--plugin``.
    """

    json: bool = False
    debug: bool = False
    plugin_files: tuple[Path, ...] = ()

    @cached_property
    def console(self) -> Console:
        """Standard output, for results. Strings are shown as they are: no markup, no highlighting."""
        return _console(sys.stdout)

    @cached_property
    def messages(self) -> Console:
        """Standard error, for warnings and progress."""
        return _console(sys.stderr)

    def registry(self) -> Registry:
        """All plugins, loaded once; each broken one is named on standard error, once."""
        return self._registry

    @cached_property
    def _registry(self) -> Registry:
        from dqbench import plugins

        registry = plugins.load(self.plugin_files)
        for broken in registry.broken:
            self.warn(str(broken))
        return registry

    def warn(self, message: str) -> None:
        """One line on standard error."""
        self.messages.print(f"dqbench: warning: {message}", soft_wrap=True)

    def print_json(self, value: Any) -> None:
        """Write a JSON answer to standard output."""
        sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    width = None if stream.isatty() else WIDE
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)
