"""Bits per byte of held-out answers, given their instructions: comparable across tokenizers, the lower the better."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.language.tokens import Tokens

METRIC = "bits-per-byte"


def bits_per_byte(losses: npt.NDArray[np.float64], tokens: Tokens) -> npt.NDArray[np.float64]:
    """Bits of each answer, its end mark among them, over the bytes of its text, shape (n,), float64.

    Args:
        losses: -ln p of each answer, shape (n,).
        tokens: the answers; of one that was cut, bits and bytes are those of what is left.

    Raises:
        ValueError: an answer without a byte.
    """
    if (tokens.answer_bytes <= 0).any():
        raise ValueError(f"answer {int((tokens.answer_bytes <= 0).argmax())} has no byte to divide by")
    return losses / math.log(2) / tokens.answer_bytes


def metrics(per_item: npt.NDArray[np.float64], tokens: Tokens) -> dict[str, Any]:
    """The mean over items, and what is to be known of them."""
    return {
        METRIC: float(per_item.mean()),
        "items": len(per_item),
        "item_sd": float(per_item.std(ddof=1)) if len(per_item) > 1 else 0.0,
        "cut_items": int(tokens.cut.sum()),
    }
