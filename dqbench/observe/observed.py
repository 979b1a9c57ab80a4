"""What methods see of a network that was trained on the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dqbench.data.lazy import Images
from dqbench.nets.build import layout, pooled_intermediates, to_device
from dqbench.observe.dynamics import Dynamics
from dqbench.observe.gradients import last_layer_gradient
from dqbench.train.batches import Normalise
from dqbench.train.predict import Floats, predict


@dataclass(frozen=True)
class Observed:
    """The observer's view of the source, sample by sample in the source's order.

    Attributes:
        features: penultimate features, (n, d), float32.
        logits: (n, classes), float32.
        labels: (n,), int64.
        device: ``cpu`` or ``cuda``.
        network: gives the trained network; called once, when it is first needed.
        mean: channel means that the network was trained with, (channels,).
        std: channel standard deviations, (channels,).
        dynamics: what it said after each epoch, for methods that need it; else None.
        repeats: further observers of the same kind, each with draws of its own, where a method asks for several.
    """

    features: npt.NDArray[np.float32]
    logits: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    device: str
    network: Callable[[], nn.Module]
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    dynamics: Dynamics | None = None
    repeats: tuple[Observed, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.logits) == len(self.labels):
            raise ValueError(
                f"{len(self.features)} features, {len(self.logits)} logits and {len(self.labels)} labels: "
                "one of each per sample is needed"
            )

    @cached_property
    def net(self) -> nn.Module:
        """The network in eval mode on the device, without gradients."""
        return to_device(self.network(), torch.device(self.device)).eval().requires_grad_(False)

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """What the network is given for images: float32, (b, channels, h, w), on the device.

        Args:
            images: uint8, (b, h, w, c), on any device.
        """
        return self._normalise(images.to(self.device))

    @cached_property
    def _normalise(self) -> Normalise:
        with torch.inference_mode(False):  # else whoever differentiates later could not, where answers came first
            return Normalise(self.mean, self.std, torch.device(self.device), layout(self.net))

    def course(self) -> Dynamics:
        """What it said after each epoch.

        Raises:
            ValueError: it was not watched as it trained.
        """
        if self.dynamics is None:
            raise ValueError("this observer was not watched as it trained; declare needs=('dynamics',)")
        return self.dynamics

    def gradients(self, double_softmax: bool = False) -> npt.NDArray[np.float64]:
        """Last-layer gradients g = softmax(z) - onehot(y), (n, classes); see :mod:`dqbench.observe.gradients`."""
        return last_layer_gradient(self.logits, self.labels, double_softmax)

    def answer(self, images: torch.Tensor, frame: int | None = None) -> torch.Tensor:
        """Logits (b, classes), float32.

        Args:
            images: uint8, (b, h, w, c), on any device.
            frame: a larger side in pixels: images are put in the middle of so large a square of zeros after they are
                normalised, which is the data set's mean colour.
        """
        with torch.inference_mode():
            normal = self.normalised(images)
            logits: torch.Tensor = self.net(normal if frame is None else _framed(normal, frame)).float()
        return logits

    def look(self, images: Images, precision: str = "fp32") -> tuple[Floats, Floats]:
        """Logits (n, classes) and penultimate features (n, d), float32, of images that may not be the source's.

        Args:
            images: uint8, or float32 that is normalised already, (n, h, w, c); an array or files.
            precision: ``fp32`` or ``bf16``.
        """
        return predict(
            self.net,
            images,
            device=self.device,
            precision=precision,
            mean=self.mean,
            std=self.std,
            features=True,
        )

    def pyramid(self, images: torch.Tensor) -> torch.Tensor:
        """Globally averaged intermediate features and the penultimate ones, (b, D) float32 (ADQ, Eq. 5's input).

        Args:
            images: uint8, (b, h, w, c), on any device.
        """
        with torch.no_grad():
            return pooled_intermediates(self.net, self.normalised(images)).float()


def _framed(images: torch.Tensor, side: int) -> torch.Tensor:
    high, wide = side - images.shape[2], side - images.shape[3]
    return torch.nn.functional.pad(images, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
