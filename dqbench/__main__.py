"""The ``dqbench`` command, also as ``python -m dqbench``; it loads the rest where a Ctrl-C is understood already."""

from __future__ import annotations

import sys
import threading

_PATIENCE_S = 1.0
"""After so long somebody at a terminal is told that the program is on its way: the first time it reads a cold disk."""


def main() -> int:
    """Run the command that ``sys.argv`` names; gives its exit code."""
    try:
        patience = threading.Timer(_PATIENCE_S, _say, ["dqbench is loading …"])
        patience.daemon = True
        if sys.stderr.isatty():
            patience.start()
        from dqbench.cli import main as command

        patience.cancel()
        return command()
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        _say("dqbench: interrupted")
        return 130


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether a Ctrl-C is behind an error: an interrupted import may come out as one of another type."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    sys.exit(main())
