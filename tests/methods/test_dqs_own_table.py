"""The other methods of DQ's comparison: contextual diversity, CAL, DeepFool and log-determinant, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dqbench import plugins
from dqbench.budgets import resolve
from dqbench.methods.coresets.cal import contrast
from dqbench.methods.coresets.contextual_diversity import farthest_first
from dqbench.observe.boundary import DeepFool
from dqbench.specs import Budget, load_target
from dqbench.testing import problems

REGISTRY = plugins.load()
torch.set_num_threads(1)


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    return float((p * np.log(p / q)).sum())


@pytest.mark.parametrize("seed", range(4))
def test_contextual_diversity_is_k_center_of_symmetric_divergences(seed: int) -> None:
    z = np.random.default_rng(seed).normal(0, 2, (14, 3))
    p = softmax(z)
    order = [5]
    while len(order) < 14:
        left = [x for x in range(14) if x not in order]
        order.append(max(left, key=lambda x: min((divergence(p[x], p[s]) + divergence(p[s], p[x])) / 2 for s in order)))
    assert farthest_first(z, 5, 14).tolist() == order
    assert farthest_first(z, 5, 4).tolist() == order[:4]


def test_contextual_diversity_takes_no_copy_before_all_else_and_bears_certainty() -> None:
    z = np.array([[0.0, 0.0], [0.0, 0.0], [900.0, 0.0], [0.0, 900.0], [3.0, 0.0]])
    assert farthest_first(z, 0, 5).tolist()[-1] == 1


@pytest.mark.parametrize("k", [1, 3, 99])
def test_cal_is_the_mean_divergence_of_the_neighbours_from_the_sample(k: int) -> None:
    rng = np.random.default_rng(1)
    h, z = rng.normal(size=(12, 2)), rng.normal(0, 2, (12, 3))
    p = softmax(z)
    found = contrast(h, z, k)
    for x in range(12):
        near = sorted((i for i in range(12) if i != x), key=lambda i: np.linalg.norm(h[i] - h[x]))[:k]
        assert found[x] == pytest.approx(np.mean([divergence(p[i], p[x]) for i in near]))


def test_cal_keeps_the_one_that_is_predicted_otherwise_than_those_around_it() -> None:
    h = np.concatenate([np.zeros((6, 1)), np.full((6, 1), 9.0)]) + np.arange(12)[:, None] * 0.01
    z = np.tile([[4.0, 0.0]], (12, 1))
    z[3] = [0.0, 4.0]
    assert int(contrast(h, z, 3).argmax()) == 3
    assert contrast(h[:1], z[:1], 10).tolist() == [0.0]


def linear(weights: torch.Tensor, bias: torch.Tensor):
    return lambda images: images.flatten(1) @ weights.T + bias


def test_deepfool_finds_the_distance_to_the_nearest_hyperplane() -> None:
    torch.manual_seed(0)
    weights, bias, images = torch.randn(5, 12), torch.randn(5), torch.randn(20, 3, 2, 2)
    answer = linear(weights, bias)
    found = DeepFool().distance(answer, images)
    for image, distance in zip(images, found, strict=True):
        z = answer(image[None])[0]
        first = int(z.argmax())
        planes = [float((z[first] - z[c]) / (weights[first] - weights[c]).norm()) for c in range(5) if c != first]
        assert float(distance) == pytest.approx(min(planes), rel=1e-3, abs=1e-3)
    few = DeepFool(candidates=1).distance(answer, images)
    assert (few >= found - 1e-4).all()


def test_deepfool_crosses_bent_boundaries_and_leaves_ties() -> None:
    def bent(images: torch.Tensor) -> torch.Tensor:
        radius = images.flatten(1).norm(dim=1)
        return torch.stack([radius**2, torch.full_like(radius, 4.0)], dim=1)

    images = torch.tensor([[3.0, 0.0], [1.9, 0.0], [0.0, 2.0]]).view(3, 1, 1, 2)
    found = DeepFool().distance(bent, images)
    assert found[0] == pytest.approx(1.0, abs=0.05)
    assert found[1] == pytest.approx(0.1, abs=0.01)
    assert 0 < float(found[2]) < 0.01
    assert DeepFool().distance(lambda images: images.flatten(1)[:, :1], images).tolist() == [0, 0, 0]


def test_deepfool_is_of_each_image_alone() -> None:
    seen, made = problems.observed("even"), problems.source("even")
    images = seen.normalised(torch.from_numpy(np.array(made.images[:9])))
    whole = DeepFool(steps=5).distance(seen.net, images)
    alone = torch.cat([DeepFool(steps=5).distance(seen.net, images[i : i + 1]) for i in range(9)])
    assert torch.allclose(whole, alone, rtol=1e-2, atol=1e-3)
    assert all(parameter.grad is None for parameter in seen.net.parameters())


@pytest.mark.parametrize("name", ["contextual-diversity", "log-determinant"])
def test_stopping_at_a_budget_keeps_what_the_whole_order_keeps(name: str) -> None:
    made, seen, spec = problems.source("unequal"), problems.observed("unequal"), REGISTRY.methods[name]
    budget = resolve(Budget.ratio(0.3), made.class_counts, 0)
    method = load_target(spec.target)(spec.config())
    whole, stopped = method.prepare(made, seen, 0), method.prepare(made, seen, 0, largest=budget)
    kept = [method.compress(made, arrays, budget, 0).ids.tolist() for arrays in (whole, stopped)]
    assert kept[0] == kept[1]
