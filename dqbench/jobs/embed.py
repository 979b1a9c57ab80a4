"""Job ``embed``: an embedding of every training text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.jobs.inputs import open_texts, save_arrays
from dqbench.jobs.job import Context
from dqbench.language.embedding import Embedding, embed


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save ``features``, shape (n, d), float32, in the source's order."""
    features = embed(Embedding(**spec["embed"]), open_texts(spec["source"]), context.device)
    save_arrays({"features": features}, out)
    return {"feature_width": int(features.shape[1])}
