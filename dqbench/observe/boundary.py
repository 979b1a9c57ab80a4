"""How far an image is from the boundary of what a network answers: DeepFool (Moosavi-Dezfooli et al., CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Answer = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class DeepFool:
    """The search for the least change of an image that changes the answer.

    Attributes:
        steps: linear steps at most.
        overshoot: how far beyond the boundary of the linear step it goes, as a share of the change.
        candidates: classes that may be answered instead: the likeliest so many.
    """

    steps: int = 50
    overshoot: float = 0.02
    candidates: int = 9

    def distance(self, answer: Answer, images: torch.Tensor) -> torch.Tensor:
        """|r| of each image, (b,), float32: the Euclidean norm of the change; 0 where one class is all there is.

        An image whose answer does not change in all the steps has the norm of the last change.

        Args:
            answer: a network in eval mode whose parameters need no gradients; it gives logits (b, classes).
            images: as the network takes them, (b, c, h, w).
        """
        with torch.no_grad():
            first = answer(images).float()
        order = first.argsort(dim=1, descending=True, stable=True)[:, : self.candidates + 1]
        change = torch.zeros_like(images)
        active = torch.arange(len(images), device=images.device)
        for _ in range(self.steps if order.shape[1] > 1 else 0):
            moved = images[active] + (1 + self.overshoot) * change[active]
            step, still = self._step(answer, moved, order[active])
            active = active[still]
            if not len(active):
                break
            change[active] += step[still]
        norms: torch.Tensor = change.flatten(1).norm(dim=1)
        return norms

    @staticmethod
    def _step(answer: Answer, images: torch.Tensor, order: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The linear step of each image to the nearest boundary, and whether the answer is still the first one."""
        images = images.detach().requires_grad_()
        logits = answer(images).float()
        still = logits.argmax(1) == order[:, 0]
        chosen = logits.gather(1, order)
        gradients = [
            torch.autograd.grad(chosen[:, number].sum(), images, retain_graph=True)[0]
            for number in range(order.shape[1])
        ]
        slopes = torch.stack([other - gradients[0] for other in gradients[1:]], dim=1)
        norms = slopes.flatten(2).norm(dim=2).clamp_min(torch.finfo(slopes.dtype).tiny)
        gaps = (chosen[:, 1:] - chosen[:, :1]).detach().abs()
        nearest = (gaps / norms).argmin(dim=1)
        rows = torch.arange(len(images), device=images.device)
        # a step of length 0 would never leave a tie
        length = ((gaps[rows, nearest] + 1e-4) / norms[rows, nearest] ** 2).view(-1, 1, 1, 1)
        return (length * slopes[rows, nearest]).detach(), still
