"""The kernels of selection beside their textbook forms and peers: ``selection_speed.py [--large] [--observed FOLDER]``.

All in one process and on made features, or those of an observer. Seconds are CPU time, which a loaded machine changes
less than the wall's; the ratios are what counts. A textbook loop that would take too long runs its first steps only,
and its time is scaled to the whole; ``same`` compares the picks that both have. A peer that is not here has a row that
says why. ``--guard`` names what fell by more than 30 % of what ``ratios.json`` has; ``--store`` writes that file.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import peers
import ratios
import textbook
from problems import Problem, made, observed

from dqbench.select.facility import facility_location_order
from dqbench.select.graphcut import graph_cut_bins
from dqbench.select.herding import herding_order
from dqbench.select.k_center import k_center_order
from dqbench.select.matching import matching_pursuit
from dqbench.select.neighbours import nearest_neighbours

Order = np.ndarray[Any, np.dtype[np.int64]]
MATCHED = 60


@dataclass(frozen=True)
class Case:
    """A kernel, its textbook form for so many of its steps, and its peers; steps of the whole, where they are not k."""

    name: str
    ours: Callable[[Problem], Order]
    textbook: Callable[[Problem, int], Order]
    steps: int
    peers: dict[str, peers.Peer] = field(default_factory=dict)
    whole: Callable[[Problem], int] = lambda problem: problem.k


def graph_cut(problem: Problem) -> Order:
    group = np.zeros(len(problem), dtype=np.int64)
    return graph_cut_bins(problem.h, problem.g, group, 1, stops={0: problem.k}).order[: problem.k]


def matched(problem: Problem) -> int:
    return min(problem.k, MATCHED)


def matching(problem: Problem) -> Order:
    return matching_pursuit(problem.vectors(), matched(problem), 0.5)[0]


def beside(apricot: str, submodlib: peers.Peer, deepcore: str) -> dict[str, peers.Peer]:
    return {"apricot": peers.apricot(apricot), "submodlib": submodlib, "DeepCore": peers.deepcore(deepcore)}


def cases(large: bool) -> list[Case]:
    """What is timed: loops with an n×n matrix, and peers that are given one, are for the small problem alone."""
    cut = peers.submodlib("GraphCutFunction", "ggsijs", lambdaVal=1.0)
    cut_peers = beside("GraphCutSelection", cut, "GraphCut")
    lazy = peers.submodlib("FacilityLocationFunction", "sijs")
    location_peers = beside("FacilityLocationSelection", lazy, "FacilityLocation")
    location: Callable[[Problem], Order] = lambda p: facility_location_order(p.vectors(), stop=p.k)  # noqa: E731
    if large:
        first = [
            Case("graph cut", graph_cut, textbook.graph_cut_without_matrix, 50),
            # one step goes through all candidates, of which a few are timed
            Case("facility location", location, textbook.facility_strip, 100, whole=lambda p: p.k * len(p)),
        ]
    else:
        first = [
            Case("graph cut", graph_cut, textbook.graph_cut, 500, cut_peers),
            Case("facility location", location, textbook.facility, 50, location_peers),
        ]
    return [
        *first,
        Case("k-center", lambda p: k_center_order(p.h, 0, p.k), textbook.k_center, 50),
        Case("herding", lambda p: herding_order(p.h, p.k), textbook.herding, 50),
        Case(
            "matching pursuit", matching, textbook.matching, 4 if large else MATCHED, whole=lambda p: min(p.k, MATCHED)
        ),
        Case(
            "ten neighbours",
            lambda p: nearest_neighbours(p.h.astype(np.float64), 10)[0],
            textbook.neighbours,
            50,
            whole=len,
        ),
    ]


def timed(run: Callable[[], Order]) -> tuple[float, float, Order]:
    """Seconds of CPU and of the wall, and the order."""
    wall, cpu = time.perf_counter(), time.process_time()
    order = run()
    return time.process_time() - cpu, time.perf_counter() - wall, order


def rows(problem: Problem, large: bool, found: dict[str, float]) -> Iterator[tuple[str, ...]]:
    """A line for each kernel, and one below it for each peer; ratios go to ``found``."""
    for case in cases(large):
        cpu, wall, ours = timed(lambda case=case: case.ours(problem))
        steps = min(case.steps, case.whole(problem))
        slow, _, theirs = timed(lambda case=case, steps=steps: case.textbook(problem, steps))
        ratio = slow * case.whole(problem) / steps / cpu
        found[f"{case.name}, {len(problem)} samples"] = ratio
        same = f"{np.mean(ours[: len(theirs)] == theirs):.1%} of {len(theirs)}" if len(theirs) else "not compared"
        yield case.name, f"{len(problem)}", f"{len(ours)}", f"{cpu:.2f}", f"{wall:.2f}", f"{ratio:.1f}x", same
        for name, ready in case.peers.items():
            yield peer_row(name, ready, problem, cpu, ours)


def peer_row(name: str, ready: peers.Peer, problem: Problem, cpu: float, ours: Order) -> tuple[str, ...]:
    """What a peer took, or why it took nothing."""
    try:
        slow, wall, theirs = timed(ready(problem))
    except Exception as error:  # a peer may fail in any way, and the rest goes on
        said = str(error).splitlines() or [""]
        return f"  beside {name}", "", "", "", "", "none", f"{type(error).__name__}: {said[0][:90]}"
    shared = f"{len(np.intersect1d(ours, theirs)) / len(ours):.1%} in common"
    return f"  beside {name}", "", "", f"{slow:.2f}", f"{wall:.2f}", f"{slow / cpu:.1f}x", shared


def table(problems: list[tuple[Problem, bool]]) -> dict[str, float]:
    """Print it, a line as soon as it is known; the ratios to the textbook forms, by case."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"\n{ratios.machine()}, {os.cpu_count()} cores, load {load}, NumPy {np.__version__}")
    heads = ("kernel", "n", "k", "CPU s", "wall s", "against", "same picks")
    form = "{:20s} {:>7s} {:>6s} {:>8s} {:>8s} {:>9s}  {}"
    print(form.format(*heads))
    found: dict[str, float] = {}
    for problem, large in problems:
        for row in rows(problem, large, found):
            print(form.format(*row), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also n = 50,000, k = 5,000 as one group (minutes)")
    parser.add_argument("--observed", type=Path, help="a folder with features.npy and logits.npy")
    parser.add_argument("--guard", action="store_true", help="name ratios that fell by more than 30 %%")
    parser.add_argument("--store", action="store_true", help="write ratios.json")
    asked = parser.parse_args()
    if asked.observed:
        problems = [(observed(asked.observed, 500, 0), False)]
        problems += [(observed(asked.observed, 5000, None), True)] if asked.large else []
    else:
        problems = [(made(5000, 500), False)] + ([(made(50_000, 5000), True)] if asked.large else [])
    found = table(problems)
    if asked.store:
        ratios.write(found)
    if asked.guard:
        lines = ratios.fallen(found, {k: v for k, v in ratios.read().items() if asked.large or "50000" not in k})
        print("\n" + ("\n".join(f"WARNING: {line}" for line in lines) or "no ratio fell by more than 30 %"))


if __name__ == "__main__":
    main()
