"""The random numbers of augmentation: their generators, seeded by the training seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dqbench.seeds import derive


@dataclass(frozen=True)
class Draws:
    """The generators that augmentation draws from."""

    device: torch.Generator
    host: torch.Generator

    @classmethod
    def seeded(cls, seed: int, device: torch.device) -> Draws:
        """Generators for ``device`` and the host, seeded for augmentation by the training seed."""
        on_device = torch.Generator(device).manual_seed(derive(seed, "augment"))
        return cls(on_device, torch.Generator().manual_seed(derive(seed, "augment", "host")))
