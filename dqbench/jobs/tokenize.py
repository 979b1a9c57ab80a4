"""Job ``tokenize``: a tokenizer of the training part, or a checkpoint's own, and every training text as tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.jobs.inputs import load_arrays, open_texts, save_arrays
from dqbench.jobs.job import Context
from dqbench.language import checkpoint
from dqbench.language.tokens import Tokenizer, Tokens
from dqbench.specs import LanguageRecipe


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save ``tokenizer.json`` and the tokens; the held-out texts are not opened."""
    source = open_texts(spec["source"])
    language = LanguageRecipe.model_validate(spec["language"])
    tokenizer = (
        Tokenizer.of_checkpoint(checkpoint.reopen(spec["model"]))
        if "model" in spec
        else Tokenizer.train(source.texts, language.vocabulary, language.template)
    )
    digest = tokenizer.save(out)
    tokens = tokenizer.encode(source.texts, language.window, language.template)
    save_arrays(tokens.arrays(), out)
    return {
        "tokenizer": {"tokens": len(tokenizer), "sha256": digest},
        "tokens": int(tokens.lengths.sum()),
        "longer_than_window": int(tokens.cut.sum()),
    }


def read_tokens(folder: Path) -> Tokens:
    """The training texts' tokens that this job left."""
    return Tokens(**{name: np.asarray(value) for name, value in load_arrays(folder).items()})
