"""Where scores of benchmarks lie that were run on a trained model, and whether they can be run. Imports no torch."""

from __future__ import annotations

from importlib.util import find_spec

from dqbench.data.companion import Companion
from dqbench.errors import UsageError

RESULTS = "benchmarks.json"
"""In the job's folder: ``{"scores": {name: number in percent}, ...}``."""

CODE = "humaneval"
"""The benchmark whose answers are programs, which are run only where the user allows it."""


def check_harness(companion: Companion | None) -> None:
    """Refuse what cannot be scored before anything is trained.

    Raises:
        UsageError: lm-eval is not installed.
    """
    if find_spec("lm_eval") is None:
        raise UsageError("benchmarks are asked by lm-eval, which is not here; run: pip install 'dqbench[text,lm-eval]'")
