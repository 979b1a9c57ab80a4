"""The kernels of selection as a textbook has them, in NumPy: their first steps, or a share of one if that is long."""

from __future__ import annotations

from typing import Any

import numpy as np
from problems import Problem
from scipy.optimize import nnls

Order = np.ndarray[Any, np.dtype[np.int64]]


def graph_cut(problem: Problem, steps: int) -> Order:
    """The n×n matrix; at each step the similarities to all picks are added up anew."""
    f = problem.built()
    similar = f @ f.T
    start, left, picks = similar.sum(1), np.ones(len(f), dtype=bool), []
    for _ in range(steps):
        gain = np.where(left, start - 2 * similar[:, picks].sum(1), -np.inf)
        picks.append(int(gain.argmax()))
        left[picks[-1]] = False
    return np.array(picks)


def graph_cut_without_matrix(problem: Problem, steps: int) -> Order:
    """A row of the matrix for each pick, taken from running sums."""
    v = problem.vectors()
    gain, picks = v.sums(), []
    for _ in range(steps):
        picks.append(int(gain.argmax()))
        gain -= 2 * (v.left @ v.left[picks[-1]]) * (v.right @ v.right[picks[-1]])
        gain[picks[-1]] = -np.inf
    return np.array(picks)


def k_center(problem: Problem, steps: int) -> Order:
    phi, picks = problem.h.astype(np.float64), [0]
    nearest = np.full(len(phi), np.inf)
    while len(picks) < steps:
        nearest = np.minimum(nearest, np.linalg.norm(phi - phi[picks[-1]], axis=1))
        picks.append(int(nearest.argmax()))
    return np.array(picks)


def herding(problem: Problem, steps: int) -> Order:
    phi = problem.h.astype(np.float64)
    mean, total, left, picks = phi.mean(axis=0), np.zeros(phi.shape[1]), np.ones(len(phi), dtype=bool), []
    for step in range(steps):
        missed = np.linalg.norm((step + 1) * mean - total - phi, axis=1)
        picks.append(int(np.where(left, missed, np.inf).argmin()))
        total += phi[picks[-1]]
        left[picks[-1]] = False
    return np.array(picks)


def facility(problem: Problem, steps: int) -> Order:
    f = problem.built()
    similar = f @ f.T
    covered, left, picks = np.full(len(f), -1.0), np.ones(len(f), dtype=bool), []
    for _ in range(steps):
        gain = np.where(left, np.maximum(similar, covered[:, None]).sum(axis=0), -np.inf)
        picks.append(int(gain.argmax()))
        left[picks[-1]] = False
        covered = np.maximum(covered, similar[picks[-1]])
    return np.array(picks)


def matching(problem: Problem, steps: int) -> Order:
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


def facility_strip(problem: Problem, steps: int) -> Order:
    """The gains of so many candidates in one step, for groups whose matrix would not fit; picks nothing."""
    vectors = problem.vectors()
    similar = (vectors.left[:steps] @ vectors.left.T) * (vectors.right[:steps] @ vectors.right.T)
    np.maximum(similar, -1.0).sum(axis=1)
    return np.empty(0, dtype=np.int64)


def neighbours(problem: Problem, steps: int) -> Order:
    """Distances of so many samples to all, and the ten nearest others, shape (steps, 10)."""
    phi, near = problem.h.astype(np.float64), []
    for place in range(steps):
        distance = np.linalg.norm(phi - phi[place], axis=1)
        distance[place] = np.inf
        near.append(np.argsort(distance)[:10])
    return np.array(near)
