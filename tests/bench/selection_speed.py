"""The kernels of selection beside their textbook forms and peers: ``selection_speed.py [--large] [--observed FOLDER]``.

All in one process and on made features, or those of an observer. Seconds are CPU time, which a loaded machine changes
less than the wall's; the ratios are what counts. A textbook loop that would take too long runs its first steps only,
and its time is scaled to k; ``same`` compares the picks that both have. Peers are shown where they are installed:
``apricot-select`` (lazy) and ``submodlib-py``, each given its matrix of similarities.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from dqbench.observe.gradients import last_layer_gradient
from dqbench.select.facility import facility_location_order
from dqbench.select.graphcut import graph_cut_bins
from dqbench.select.herding import herding_order
from dqbench.select.k_center import k_center_order
from dqbench.select.matching import matching_pursuit
from dqbench.select.rank_one import RankOne

Order = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Problem:
    """One group of samples: features h, gradients g, and how many to keep."""

    h: np.ndarray[Any, Any]
    g: np.ndarray[Any, Any]
    k: int

    def __len__(self) -> int:
        return len(self.h)

    def vectors(self) -> RankOne:
        return RankOne.of(self.h, self.g, True)

    def built(self) -> np.ndarray[Any, Any]:
        """The unit vectors g ⊗ [1, h] as a reader of the paper would build them, shape (n, C·(d + 1))."""
        wide = np.hstack([np.ones((len(self.h), 1)), self.h])
        made = (self.g[:, :, None] * wide[:, None, :]).reshape(len(wide), -1)
        return made / np.linalg.norm(made, axis=1, keepdims=True)


@dataclass(frozen=True)
class Case:
    """A kernel, its textbook loop for so many steps, and its peers."""

    name: str
    ours: Callable[[Problem], Order]
    textbook: Callable[[Problem, int], Order]
    steps: int
    peers: dict[str, Callable[[Problem], Order]]


def made(samples: int, k: int, width: int = 512, classes: int = 10) -> Problem:
    """What a trained network shows of one class, for one seed: features around a mean, mostly right logits."""
    rng = np.random.default_rng(0)
    h = np.maximum(rng.standard_normal(width) + rng.standard_normal((samples, width)), 0).astype(np.float32)
    logits = 2 * rng.standard_normal((samples, classes))
    logits[:, 0] += 4
    return Problem(h, last_layer_gradient(logits, np.zeros(samples, dtype=np.int64)), k)


def observed(folder: Path, k: int, label: int | None) -> Problem:
    """The same of an observer's stored arrays: one class, or all samples as one group."""
    features, logits = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "logits"))
    labels = np.load(folder / "labels.npy") if (folder / "labels.npy").is_file() else logits.argmax(axis=1)
    where = np.arange(len(labels)) if label is None else np.flatnonzero(labels == label)
    return Problem(features[where], last_layer_gradient(logits[where], labels[where]), min(k, len(where)))


def graph_cut(problem: Problem) -> Order:
    group = np.zeros(len(problem), dtype=np.int64)
    return graph_cut_bins(problem.h, problem.g, group, 1, stops={0: problem.k}).order[: problem.k]


def textbook_graph_cut(problem: Problem, steps: int) -> Order:
    """The n×n matrix; at each step the similarities to all picks are added up anew."""
    f = problem.built()
    similar = f @ f.T
    start, left, picks = similar.sum(1), np.ones(len(f), dtype=bool), []
    for _ in range(steps):
        gain = np.where(left, start - 2 * similar[:, picks].sum(1), -np.inf)
        picks.append(int(gain.argmax()))
        left[picks[-1]] = False
    return np.array(picks)


def textbook_graph_cut_without_matrix(problem: Problem, steps: int) -> Order:
    """A row of the matrix for each pick, taken from running sums."""
    v = problem.vectors()
    gain, picks = v.sums(), []
    for _ in range(steps):
        picks.append(int(gain.argmax()))
        gain -= 2 * (v.left @ v.left[picks[-1]]) * (v.right @ v.right[picks[-1]])
        gain[picks[-1]] = -np.inf
    return np.array(picks)


def textbook_k_center(problem: Problem, steps: int) -> Order:
    phi, picks = problem.h.astype(np.float64), [0]
    nearest = np.full(len(phi), np.inf)
    while len(picks) < steps:
        nearest = np.minimum(nearest, np.linalg.norm(phi - phi[picks[-1]], axis=1))
        picks.append(int(nearest.argmax()))
    return np.array(picks)


def textbook_herding(problem: Problem, steps: int) -> Order:
    phi = problem.h.astype(np.float64)
    mean, total, left, picks = phi.mean(axis=0), np.zeros(phi.shape[1]), np.ones(len(phi), dtype=bool), []
    for step in range(steps):
        missed = np.linalg.norm((step + 1) * mean - total - phi, axis=1)
        picks.append(int(np.where(left, missed, np.inf).argmin()))
        total += phi[picks[-1]]
        left[picks[-1]] = False
    return np.array(picks)


def textbook_facility(problem: Problem, steps: int) -> Order:
    f = problem.built()
    similar = f @ f.T
    covered, left, picks = np.full(len(f), -1.0), np.ones(len(f), dtype=bool), []
    for _ in range(steps):
        gain = np.where(left, np.maximum(similar, covered[:, None]).sum(axis=0), -np.inf)
        picks.append(int(gain.argmax()))
        left[picks[-1]] = False
        covered = np.maximum(covered, similar[picks[-1]])
    return np.array(picks)


def matching(problem: Problem) -> Order:
    return matching_pursuit(problem.vectors(), min(problem.k, 60), 0.5)[0]


def textbook_matching(problem: Problem, steps: int) -> Order:
    """Built vectors, and all weights by scipy's solver at each step."""
    f = problem.built()
    target, picks, weights = f.sum(axis=0), [], np.empty(0)
    for _ in range(steps):
        reach = f @ (target - weights @ f[picks])
        reach[picks] = -np.inf
        picks.append(int(reach.argmax()))
        tall = np.vstack([f[picks].T, np.sqrt(0.5) * np.eye(len(picks))])
        weights = nnls(tall, np.append(target, np.zeros(len(picks))))[0]
    return np.array(picks)


def apricot(name: str) -> Callable[[Problem], Order]:
    def run(problem: Problem) -> Order:
        import apricot as library

        f = problem.built()
        chooser = getattr(library, name)(problem.k, metric="precomputed", optimizer="lazy")
        return np.asarray(chooser.fit(np.clip(f @ f.T, 0, None)).ranking)

    return run


def submodlib(name: str, **options: float) -> Callable[[Problem], Order]:
    def run(problem: Problem) -> Order:
        import submodlib as library

        f = problem.built()
        n = len(f)
        # its graph cut wants λ at the penalty and knows no gain below 0; facility location is its own
        function = getattr(library, name)(n=n, mode="dense", sijs=f @ f.T, separate_rep=False, **options)
        optimizer = "LazyGreedy"
        chosen = function.maximize(problem.k, optimizer=optimizer, stopIfZeroGain=False, stopIfNegativeGain=False)
        return np.array([place for place, _ in chosen])

    return run


def installed(peers: dict[str, Callable[[Problem], Order]]) -> dict[str, Callable[[Problem], Order]]:
    return {name: run for name, run in peers.items() if importlib.util.find_spec(name)}


def cases(large: bool) -> list[Case]:
    """What is timed: loops with an n×n matrix are for the small problem alone."""
    cut_peers = {"apricot": apricot("GraphCutSelection"), "submodlib": submodlib("GraphCutFunction", **{"lambda": 1.0})}
    fl_peers = {"apricot": apricot("FacilityLocationSelection"), "submodlib": submodlib("FacilityLocationFunction")}
    cut = Case("graph cut", graph_cut, textbook_graph_cut, 500, cut_peers)
    if large:
        cut = Case("graph cut", graph_cut, textbook_graph_cut_without_matrix, 100, {})
    both = [
        cut,
        Case("k-center", lambda p: k_center_order(p.h, 0, p.k), textbook_k_center, 50, {}),
        Case("herding", lambda p: herding_order(p.h, p.k), textbook_herding, 50, {}),
    ]
    if large:
        return both
    return [
        *both,
        Case(
            "facility location",
            lambda p: facility_location_order(p.vectors(), stop=p.k),
            textbook_facility,
            50,
            fl_peers,
        ),
        Case("matching pursuit", matching, textbook_matching, 60, {}),
    ]


def timed(run: Callable[[], Order]) -> tuple[float, float, Order]:
    """Seconds of CPU and of the wall, and the order."""
    wall, cpu = time.perf_counter(), time.process_time()
    order = run()
    return time.process_time() - cpu, time.perf_counter() - wall, order


def rows(problem: Problem, large: bool) -> Iterator[tuple[str, ...]]:
    """A line for each kernel, and one below it for each peer."""
    for case in cases(large):
        cpu, wall, ours = timed(lambda case=case: case.ours(problem))
        steps = min(case.steps, len(ours))
        slow, _, theirs = timed(lambda case=case, steps=steps: case.textbook(problem, steps))
        scaled = slow * len(ours) / steps
        same = f"{np.mean(ours[:steps] == theirs):.1%} of {steps}"
        yield case.name, f"{len(problem)}", f"{len(ours)}", f"{cpu:.2f}", f"{wall:.2f}", f"{scaled / cpu:.1f}x", same
        for name, run in installed(case.peers).items():
            try:
                slow, _, theirs = timed(lambda run=run: run(problem))
            except Exception as error:  # a peer that fails here is told of, and no more
                yield f"  beside {name}", "", "", "", "", "fails", str(error)[:40]
                continue
            shared = f"{len(np.intersect1d(ours, theirs)) / len(ours):.1%} in common"
            yield f"  beside {name}", "", "", f"{slow:.2f}", "", f"{slow / cpu:.1f}x", shared


def table(problems: list[tuple[Problem, bool]]) -> None:
    """Print it, a line as soon as it is known."""
    heads = ("kernel", "n", "k", "CPU s", "wall s", "against", "same picks")
    form = "{:20s} {:>7s} {:>6s} {:>8s} {:>8s} {:>9s}  {}"
    print("\n" + form.format(*heads))
    for problem, large in problems:
        for row in rows(problem, large):
            print(form.format(*row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also n = 50,000, k = 5,000 as one group (minutes)")
    parser.add_argument("--observed", type=Path, help="a folder with features.npy and logits.npy")
    asked = parser.parse_args()
    if asked.observed:
        problems = [(observed(asked.observed, 500, 0), False)]
        problems += [(observed(asked.observed, 5000, None), True)] if asked.large else []
    else:
        problems = [(made(5000, 500), False)] + ([(made(50_000, 5000), True)] if asked.large else [])
    table(problems)


if __name__ == "__main__":
    main()
