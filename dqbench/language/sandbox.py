"""Programs that a model wrote, run where they can do no harm: see :mod:`dqbench.language.jail`."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from dqbench.errors import UsageError
from dqbench.language import jail

SECONDS, MEMORY = 10, 1 << 30


@cache
def unavailable() -> str:
    """Why programs cannot be shut in here, in words; empty where they can. It is tried once, with an empty program."""
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    status, said = _run("", SECONDS, MEMORY)
    return "" if status == 0 else said.strip() or f"the trial ended with status {status}"


def passes(program: str, seconds: int = SECONDS, memory: int = MEMORY) -> bool:
    """Whether a program runs to its end without an error, in so many seconds and bytes.

    It may read files, but has no network, can change or start nothing outside, and leaves nothing. A program that ends
    itself early has not passed.

    Raises:
        UsageError: the system does not allow programs to be shut in; then nothing is run.
    """
    if why := unavailable():
        raise UsageError(f"programs cannot be shut in here ({why}); leave --allow-code out")
    word = secrets.token_hex(16)
    status, said = _run(f"{program}\n\nprint({word!r})\n", seconds, memory)
    return status == 0 and said.rstrip().endswith(word)


def _run(program: str, seconds: int, memory: int) -> tuple[int, str]:
    """The status of a program, and what it wrote last, up to a megabyte."""
    command = [sys.executable, "-I", str(Path(jail.__file__)), str(seconds), str(memory)]
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command, input=program.encode(), stdout=output, stderr=subprocess.STDOUT, timeout=seconds + 60, env={}
            )
        except subprocess.TimeoutExpired:
            return jail.TIMED_OUT, ""
        output.seek(0)
        return done.returncode, output.read().decode(errors="replace")
