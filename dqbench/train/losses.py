"""Losses of single samples, (b,): against classes, class probabilities, or a teacher's logits."""

from __future__ import annotations

import torch
from torch.nn import functional


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """-Σ_c y_c log softmax(logits)_c (RDED, Eq. 10, where y are probabilities).

    Args:
        logits: (b, classes).
        targets: classes, (b,), or probabilities, (b, classes).
        smoothing: share of the target that is spread over all classes.
    """
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")


def distillation(logits: torch.Tensor, teacher_logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """KL(softmax(teacher / T) || softmax(student / T)), without the factor T² that others put before it.

    As in RDED's released code.
    """
    student = functional.log_softmax(logits / temperature, dim=1)
    teacher = functional.log_softmax(teacher_logits / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)


def weighted_mean(losses: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """The mean of a batch, weighted where samples have weights."""
    if weights is None:
        return losses.mean()
    return (weights * losses).sum() / weights.sum().clamp_min(torch.finfo(torch.float32).tiny)
