"""Peers of the kernels of selection: ``apricot-select``, ``submodlib-py``, and the original DeepCore from a checkout.

``python tests/bench/peers.py`` installs the two from PyPI into this environment where they can be; what cannot is
said and stops nothing. Each of them is given its matrix of similarities, which is not timed.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from problems import Problem

Order = np.ndarray[Any, np.dtype[np.int64]]
Peer = Callable[[Problem], Callable[[], Order]]
"""Made ready for a problem, what is timed."""

ON_PYPI = {"apricot": "apricot-select", "submodlib": "submodlib-py"}
DEEPCORE = "DQBENCH_DEEPCORE"


def apricot(name: str) -> Peer:
    """A function of apricot-select, by its lazy optimiser."""

    def ready(problem: Problem) -> Callable[[], Order]:
        library = importlib.import_module("apricot")
        matrix = np.clip(similarities(problem), 0, None)
        chooser = getattr(library, name)(problem.k, metric="precomputed", optimizer="lazy")
        return lambda: np.asarray(chooser.fit(matrix).ranking)

    return ready


def submodlib(name: str, matrix: str, **options: float) -> Peer:
    """A function of submodlib-py, by its lazy optimiser; ``matrix`` is what it calls its similarities."""

    def ready(problem: Problem) -> Callable[[], Order]:
        library = importlib.import_module("submodlib")
        given = {matrix: similarities(problem), "separate_rep": False}
        function = getattr(library, name)(n=len(problem), mode="dense", **given, **options)
        said = {"stopIfZeroGain": False, "stopIfNegativeGain": False, "show_progress": False}
        return lambda: np.array(
            [place for place, _ in function.maximize(budget=problem.k, optimizer="LazyGreedy", **said)]
        )

    return ready


def deepcore(name: str) -> Peer:
    """A method of the original's checkout, of all samples as one group; it makes its similarities itself."""

    def ready(problem: Problem) -> Callable[[], Order]:
        if not os.environ.get(DEEPCORE):
            raise ImportError(f"{DEEPCORE} names no checkout")
        module = importlib.import_module("dqbench.methods.coresets.deepcore")
        method = getattr(module, name)(module.DeepCoreConfig(scope="dataset"))
        source = _Samples(problem)
        budget = SimpleNamespace(total=problem.k)
        observed = SimpleNamespace(features=problem.h, logits=source.logits)
        return lambda: np.asarray(method.compress(source, None, budget, 0, observed=observed).ids)

    return ready


def similarities(problem: Problem) -> np.ndarray[Any, Any]:
    """The cosines of all pairs, shape (n, n)."""
    f = problem.built()
    made: np.ndarray[Any, Any] = f @ f.T
    return made


class _Samples:
    """The view of a source that the adapter of the original takes."""

    def __init__(self, problem: Problem) -> None:
        self.ids, self.labels = np.arange(len(problem)), problem.g.argmin(axis=1)
        self.classes, self.images = problem.g.shape[1], np.empty((0, 1, 1, 1))
        likely = problem.g + np.eye(self.classes)[self.labels]
        self.logits = np.log(np.maximum(likely, np.finfo(np.float32).tiny))

    def __len__(self) -> int:
        return len(self.ids)


def install() -> None:
    """Install what PyPI has for this Python, and say of the rest why not."""
    for name in ON_PYPI.values():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip said nothing"]
            print(f"{name} cannot be installed here: {said[-1].strip()}", flush=True)


if __name__ == "__main__":
    install()
