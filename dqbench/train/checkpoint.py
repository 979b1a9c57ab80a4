"""A checkpoint: named tensors and a count, written whole or not at all, read without pickles."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

_COUNT = "count"


def write(path: Path, count: int, tensors: Mapping[str, torch.Tensor]) -> None:
    """Replace the checkpoint at ``path``; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")
    save_file(_apart(tensors), temporary, metadata={_COUNT: str(count)})
    os.replace(temporary, path)


def _apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """On the host, each in memory of its own: safetensors refuses tied weights."""
    found: dict[str, torch.Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        found[name] = plain.clone() if plain.data_ptr() in taken else plain
        taken.add(plain.data_ptr())
    return found


def read(path: Path, device: torch.device) -> tuple[int, dict[str, torch.Tensor]] | None:
    """Count and tensors of the checkpoint; None where there is none that can be read."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
            return int(file.metadata()[_COUNT]), tensors
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
