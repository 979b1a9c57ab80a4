"""The ``dqbench`` command, also as ``python -m dqbench``; it loads the rest where a Ctrl-C is understood already."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command that ``sys.argv`` names; gives its exit code."""
    try:
        from dqbench.cli import main as command

        return command()
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        sys.stderr.write("dqbench: interrupted\n")
        return 130


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether a Ctrl-C is behind an error: an interrupted import may come out as one of another type."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    sys.exit(main())
