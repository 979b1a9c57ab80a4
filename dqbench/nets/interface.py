"""Whether a network has all that training, observing and scoring ask of it: one batch of noise through everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from safetensors.torch import save
from torch import nn

from dqbench.errors import PLUGIN_FAULTS, UsageError, fault_of
from dqbench.nets.build import build, logits_and_features, pooled_intermediates
from dqbench.specs import ArchSpec

BATCH = 2
T = TypeVar("T")


def check_network(spec: ArchSpec, classes: int, channels: int, side: int) -> None:
    """Build a network on the CPU and put one batch of noise through every part of the interface that is used.

    That is: ``forward`` in training mode, with a graph for gradients; in eval mode the same logits, twice, from
    ``forward`` and from the classifier on ``forward_head(forward_features(x), pre_logits=True)``;
    ``forward_intermediates``; weights that safetensors stores.

    Args:
        spec: the architecture.
        classes: width of the classifier.
        channels: of the images, 1 or 3.
        side: of the images in pixels.

    Raises:
        UsageError: the first of these that fails, in words.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.rand(BATCH, channels, side, side)
        net = _try(spec, "it cannot be built", lambda: build(spec, classes, channels, side))
        if not isinstance(net, nn.Module):
            raise _fault(spec, f"{spec.target} gives a {type(net).__name__}, not a torch module")
        _check_training(spec, net.cpu().train(), x, classes)
        with torch.no_grad():
            _check_scoring(spec, net.eval(), x, classes)
    _try(spec, "safetensors cannot store its weights", lambda: save(_weights(net)))


def _check_training(spec: ArchSpec, net: nn.Module, x: torch.Tensor, classes: int) -> None:
    logits = _try(spec, "forward fails in training mode", lambda: net(x))
    _check_shape(spec, "forward", logits, classes)
    labels = torch.arange(len(x)) % classes
    loss = _try(spec, "its loss cannot be computed", lambda: nn.functional.cross_entropy(logits, labels))
    if not loss.requires_grad:
        raise _fault(spec, "its loss has no gradient, so that nothing can be trained")


def _check_scoring(spec: ArchSpec, net: nn.Module, x: torch.Tensor, classes: int) -> None:
    plain = _try(spec, "forward fails in eval mode", lambda: net(x))
    parts = "get_classifier()(forward_head(forward_features(x), pre_logits=True))"
    logits, features = _try(spec, f"{parts} fails", lambda: logits_and_features(net, x))
    _check_shape(spec, parts, logits, classes)
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or len(features) != len(x):
        raise _fault(spec, f"forward_head(…, pre_logits=True) gives {_form(features)}, not features ({len(x)}, width)")
    again, _ = logits_and_features(net, x)
    if not torch.allclose(again, logits, rtol=1e-4, atol=1e-6):
        raise _fault(spec, "two passes in eval mode give different logits; something is drawn at random there")
    if not torch.allclose(plain, logits, rtol=1e-3, atol=1e-4 * float(plain.abs().max() + 1)):
        raise _fault(spec, f"forward and {parts} give different logits, so that it would be scored as what it is not")
    pooled = _try(spec, "forward_intermediates(x, output_fmt='NCHW') fails", lambda: pooled_intermediates(net, x))
    if pooled.ndim != 2 or len(pooled) != len(x):
        raise _fault(spec, f"its intermediates are {_form(pooled)} when pooled, not ({len(x)}, width)")


def _check_shape(spec: ArchSpec, what: str, logits: object, classes: int) -> None:
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != (BATCH, classes):
        raise _fault(spec, f"{what} gives {_form(logits)}, not logits ({BATCH}, {classes})")
    if not torch.isfinite(logits).all():
        raise _fault(spec, f"{what} gives logits that are infinite or NaN")


def _form(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"


def _weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().contiguous() for name, value in net.state_dict().items()}


def _try(spec: ArchSpec, what: str, run: Callable[[], T]) -> T:
    try:
        return run()
    except UsageError:
        raise
    except PLUGIN_FAULTS as error:
        raise _fault(spec, f"{what}: {fault_of(error)}") from error


def _fault(spec: ArchSpec, what: str) -> UsageError:
    return UsageError(
        f"architecture {spec.name}: {what}; a network needs timm's forward_features, forward_head, "
        "forward_intermediates and get_classifier"
    )
