"""DD-Ranking's two scores, in fractions.

Li et al., DD-Ranking: Rethinking the Evaluation of Dataset Distillation, 2025, arXiv:2505.13300. Accuracies are in
[0, 1], so a weighted difference of them is in [-1, 1], and the score of it in [0, 1].
"""

from __future__ import annotations

import math

WEIGHT = 0.5
"""Of either part, as on DD-Ranking's own leaderboard."""


def label_robust(hard_label_recovery: float, improvement: float, weight: float = WEIGHT) -> float:
    """LRS, the score of α = w·IOR − (1 − w)·HLR.

    Args:
        hard_label_recovery: HLR, the accuracy with all real data − that with the compressed set, both with hard labels.
        improvement: IOR, the accuracy with the compressed set − that with a random one, both with the set's own labels.
        weight: w.
    """
    return _normalised(weight * improvement - (1 - weight) * hard_label_recovery)


def augmentation_robust(augmented: float, plain: float, weight: float = WEIGHT) -> float:
    """ARS, the score of β = γ·(improvement over random with augmentation) + (1 − γ)·(that without)."""
    return _normalised(weight * augmented + (1 - weight) * plain)


def _normalised(difference: float) -> float:
    return (math.exp(difference) - math.exp(-1)) / (math.e - math.exp(-1))
