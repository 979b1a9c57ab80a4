"""Crops of many images at once, each from a box of its own, resized to one side with antialiasing."""

from __future__ import annotations

import torch


def resample(images: torch.Tensor, boxes: torch.Tensor, side: int) -> torch.Tensor:
    """Crop every image to its box and resize the crop, by the triangle filter (bilinear; wider where it shrinks).

    Args:
        images: (n, h, w, c), uint8 or float.
        boxes: top, left, height, width in whole pixels, inside the image, (n, 4).
        side: of the square result in pixels.

    Returns:
        (n, side, side, c) of the type of ``images``; uint8 is rounded.
    """
    values = images.float()
    top, left, height, width = boxes.double().unbind(1)
    values = torch.einsum("noi,niwc->nowc", _weights(top, height, images.shape[1], side), values)
    values = torch.einsum("noj,nhjc->nhoc", _weights(left, width, images.shape[2], side), values)
    return values if images.is_floating_point() else values.round().clamp(0, 255).to(images.dtype)


def _weights(start: torch.Tensor, length: torch.Tensor, size: int, side: int) -> torch.Tensor:
    """How much each of ``size`` pixels gives to each of ``side`` along one axis, (n, side, size), rows summing to 1."""
    scale = (length / side)[:, None, None]
    places = torch.arange(side, device=start.device, dtype=torch.float64)[None, :, None]
    pixels = torch.arange(size, device=start.device, dtype=torch.float64)[None, None, :]
    centre = start[:, None, None] + (places + 0.5) * scale - 0.5
    weights = (1 - (pixels - centre).abs() / scale.clamp_min(1)).clamp_min(0)
    weights = weights * ((pixels >= start[:, None, None]) & (pixels < (start + length)[:, None, None]))
    return (weights / weights.sum(2, keepdim=True)).float()
