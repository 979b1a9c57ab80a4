"""The batched greedy picks what the greedy of one group at a time picks; a CPU stands in for the GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dqbench.select.bins import bin_sizes
from dqbench.select.graphcut import MEMORY, GraphCut, graph_cut_bins
from dqbench.select.graphcut_device import greedy_batched
from dqbench.select.rank_one import RankOne


def problem(counts, seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    h = np.maximum(rng.standard_normal((len(group), 6)), 0)
    g = rng.standard_normal((len(group), 3))
    h[::7], g[::7] = h[0], g[0]
    g[:2] = 0
    return h, g, group


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
@pytest.mark.parametrize("bins", [1, 4, 30])
@pytest.mark.parametrize("memory", [MEMORY, 8 * 30**2 * 2, 100])
@pytest.mark.parametrize("lam", [1.0, 0.3])
def test_batches_pick_what_single_groups_pick(metric, bins, memory, lam):
    counts = [30, 1, 17, 30, 4]
    h, g, group = problem(counts, seed=bins)
    cut = GraphCut(metric, lam)
    one_by_one = graph_cut_bins(h, g, group, bins, cut)
    where = [np.flatnonzero(group == key) for key in range(len(counts))]
    vectors = [RankOne.of(h[w], g[w], metric == "cosine") for w in where]
    sizes = [bin_sizes(n, bins) for n in counts]
    batched = greedy_batched(iter(vectors), sizes, cut, device="cpu", memory=memory)
    for key, (w, order) in enumerate(zip(where, batched, strict=True)):
        expected = one_by_one.order[group[one_by_one.order] == key]
        assert w[order].tolist() == expected.tolist()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
def test_a_gpu_picks_what_the_cpu_picks(metric):
    h, g, group = problem([300, 211, 300], seed=1)
    cut = GraphCut(metric)
    on_cpu = graph_cut_bins(h, g, group, 10, cut)
    on_gpu = graph_cut_bins(h, g, group, 10, cut, device="cuda")
    assert on_cpu.order.tolist() == on_gpu.order.tolist()
