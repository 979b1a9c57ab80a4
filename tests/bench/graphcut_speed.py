"""Speed and memory of greedy graph cut beside a plain NumPy textbook loop: python tests/bench/graphcut_speed.py

A script, not a test. The data are made: ReLU-like features of width 512 and last-layer gradients of 10 classes in the
size of CIFAR-10, or ``--observed DIR`` with features.npy, logits.npy and labels.npy. Every case runs in a process of
its own, so that peak memory is its own.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench.observe.gradients import last_layer_gradient
from dqbench.select.bins import bin_sizes
from dqbench.select.graphcut import MEMORY, graph_cut_bins

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Problem = tuple[FloatArray, FloatArray, IntArray]


def made(samples: int, classes: int = 10, width: int = 512) -> Problem:
    """Features, gradients and labels, made from one seed."""
    rng = np.random.default_rng(0)
    labels = np.arange(samples) % classes
    centres = rng.standard_normal((classes, width))
    features = np.maximum(centres[labels] + rng.standard_normal((samples, width)), 0)
    logits = 2 * rng.standard_normal((samples, classes))
    logits[np.arange(samples), labels] += 4
    return features, last_layer_gradient(logits, labels), labels


def observed(folder: Path) -> Problem:
    """The same from an observer's stored arrays."""
    features, logits, labels = (
        np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("features", "logits", "labels")
    )
    return features, last_layer_gradient(logits, labels), labels


def textbook(problem: Problem, bins: int, running: bool) -> IntArray:
    """Built vectors and an n×n matrix; at each step the n·k similarities to the k picks are added up anew.

    With ``running`` sums are kept instead, and each step takes one row of the matrix from them.
    """
    features, gradients, _ = problem
    wide = np.hstack([np.ones((len(features), 1)), features])
    vectors = (gradients[:, :, None] * wide[:, None, :]).reshape(len(wide), -1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = vectors @ vectors.T
    left, order = np.ones(len(wide), dtype=bool), []
    for size in bin_sizes(len(wide), bins):
        start, picks = similar[:, left].sum(1), []
        taken = np.zeros(len(wide))
        for _ in range(size):
            gain = start - 2 * (taken if running else similar[:, picks].sum(1))
            gain[~left] = -np.inf
            picks.append(int(gain.argmax()))
            left[picks[-1]] = False
            taken += similar[picks[-1]]
        order += picks
    return np.array(order)


def timed(case: Callable[[], IntArray]) -> tuple[float, float, IntArray]:
    """Seconds, GiB of memory at the peak above the start (Linux), and the order."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    start = time.perf_counter()
    order = case()
    return time.perf_counter() - start, resident("VmHWM") - before, order


def resident(what: str) -> float:
    """GiB of memory that this process has (``VmRSS``) or had at most (``VmHWM``); not a number where Linux is not."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 2**20 for line in lines if line.startswith(what))
    except (OSError, StopIteration):
        return float("nan")


def run(kind: str, folder: Path | None, samples: int, bins: int, memory: int) -> tuple[float, float, IntArray]:
    """One case, in a fresh process."""
    problem = observed(folder) if folder else made(samples)
    if kind.startswith("one"):
        where = np.flatnonzero(problem[2] == 0)
        problem = (problem[0][where], problem[1][where], np.zeros(len(where), dtype=np.int64))
    if kind == "set":
        problem = (problem[0], problem[1], np.zeros(len(problem[2]), dtype=np.int64))
    if "textbook" in kind:
        return timed(lambda: textbook(problem, bins, running="running" in kind))
    return timed(lambda: graph_cut_bins(*problem, bins, memory=memory).order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--observed", type=Path, help="a folder with features.npy, logits.npy, labels.npy")
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--bins", type=int, default=10)
    parser.add_argument("--whole-set", action="store_true", help="also scope=dataset (minutes)")
    asked = parser.parse_args()
    kinds = ["one-textbook", "one-textbook-running", "one", "all"] + (["set"] if asked.whole_set else [])
    names = {
        "one-textbook": "one class, textbook",
        "one-textbook-running": "one class, textbook, running sums",
        "one": "one class, dqbench",
        "all": "all classes, dqbench",
        "set": "whole set as one group, dqbench",
    }
    print(f"{asked.samples} samples, {asked.bins} bins; NumPy {np.__version__}")
    print(f"{'case':34s} {'seconds':>8s} {'peak GiB':>9s} {'ratio':>7s}")
    first: tuple[float, IntArray] | None = None
    for kind in kinds:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            seconds, peak, order = pool.submit(run, kind, asked.observed, asked.samples, asked.bins, MEMORY).result()
        first = first or (seconds, order)
        ratio = f"{first[0] / seconds:6.1f}x" if kind not in ("all", "set") else ""
        same = "  same picks" if ratio and np.array_equal(order, first[1]) else ""
        print(f"{names[kind]:34s} {seconds:8.2f} {peak:9.2f} {ratio:>7s}{same}", flush=True)


if __name__ == "__main__":
    main()
