"""From whatever a command raised to a line for the user and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import Any

from dqbench.errors import UsageError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


def report(error: BaseException, debug: bool) -> int:
    """Write one line (with ``debug`` the traceback before it) to standard error; gives the exit code."""
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it at exit
        return FAILED
    if debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return _say("interrupted", INTERRUPTED)
    if isinstance(error, UsageError):
        return _say(f"error: {error}", error.exit_code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" ({error.filename})" if error.filename else ""
        return _say(f"error: the disk is full{where}; free some space and run the same command again", FAILED)
    if hasattr(error, "format_message"):
        return _wrong_command_line(error)
    again = "" if debug else "; run again with --debug for the traceback"
    return _say(f"error: unexpected {type(error).__name__}: {error}{again}", FAILED)


def _wrong_command_line(error: Any) -> int:
    """Typer's own complaints, from its parser; recognised by shape because old typers raise click's classes."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return WRONG_USE
    near = getattr(error, "possibilities", None)
    message = str(error.message if near else error.format_message()).rstrip(".")
    hint = f"; did you mean {' or '.join(sorted(near))}?" if near else ""
    context = getattr(error, "ctx", None)
    see = f"; see: {context.command_path} --help" if context else ""
    return _say(f"error: {message[:1].lower()}{message[1:]}{hint}{see}", WRONG_USE)


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"dqbench: {' '.join(message.split())}\n")
    return code
