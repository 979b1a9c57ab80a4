"""Several views of each image in one pass: the first clean, the others augmented, each kind with its own batch norms.

AugMix (Hendrycks et al., ICLR 2020) holds the views together; split batch norms are AdvProp's (Xie et al., CVPR 2020).
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from timm.layers.norm_act import BatchNormAct2d
from timm.layers.split_batchnorm import convert_splitbn_model
from torch import nn

from dqbench.errors import UsageError
from dqbench.train.result import StateDict

WEIGHT = 12.0
"""Of the divergence in the loss, as in AugMix and timm."""


def split(net: nn.Module, splits: int) -> nn.Module:
    """A copy of the network whose batch norms keep the statistics of each kind of view apart; itself for one kind.

    Raises:
        UsageError: its batch norms hold activations, which timm's split ones may lose.
    """
    if splits == 1:
        return net
    if any(isinstance(module, BatchNormAct2d) for module in net.modules()):
        raise UsageError(
            "recipes with splits take networks whose batch norms stand alone, such as ResNets; set recipe.timm without "
            "splits"
        )
    return cast("nn.Module", convert_splitbn_model(copy.deepcopy(net), splits))  # type: ignore[no-untyped-call]


def joined(state: StateDict, net: nn.Module) -> StateDict:
    """What of a split network's state belongs to the network itself: the norms of the clean views."""
    return {name: state[name] for name in net.state_dict()}


def by_kind(views: torch.Tensor) -> torch.Tensor:
    """Views (b, splits, c, h, w) as one batch (splits * b, c, h, w), kind after kind; (b, c, h, w) stays."""
    return views if views.ndim == 4 else views.transpose(0, 1).flatten(0, 1)


def divergence(logits: torch.Tensor) -> torch.Tensor:
    """Jensen-Shannon divergence of the answers to an image's views, (b,), of logits (splits, b, classes).

    The mean over views of KL(p_view || mean of all p) (AugMix, Eq. 3).
    """
    probabilities = logits.softmax(2)
    mixture = probabilities.mean(0).clamp(1e-7, 1.0).log()
    return (torch.xlogy(probabilities, probabilities) - probabilities * mixture).sum(2).mean(0)
