"""Job ``scorelm``: opens the held-out texts, once, at the end: bits per byte of their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.data import seal
from dqbench.data.text_store import open_test_texts
from dqbench.errors import UsageError
from dqbench.jobs.job import Context
from dqbench.language import model
from dqbench.language.benchmark_scores import RESULTS
from dqbench.language.scoring import bits_per_byte, metrics
from dqbench.language.tokens import Tokenizer
from dqbench.specs import LanguageRecipe


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Score the network; the bits per byte of each item are kept as ``items.npy`` beside their row numbers.

    What a stage ``benchmarks`` measured of the same network comes beside it.
    """
    language = LanguageRecipe.model_validate(spec["language"])
    with seal.broken() as reads:
        test = open_test_texts(spec["source"]["dataset"], spec["test_per_class"])
        if test.content_hash != spec["test_hash"]:
            raise UsageError("the held-out texts changed since this run was planned; run the command again")
        tokens = Tokenizer.read(inputs["tokens"]).encode(test.texts, language.window, language.template)
        net = model.read(inputs["network"])
        per_item = bits_per_byte(model.summed_losses(net, tokens, context.device, spec["precision"]), tokens)
    np.save(out / "items.npy", np.stack([np.array(test.ids, dtype=np.float64), per_item]), allow_pickle=False)
    found = metrics(per_item, tokens)
    if "benchmarks" in inputs:
        found |= json.loads((inputs["benchmarks"] / RESULTS).read_text(encoding="utf-8"))["scores"]
    return {
        "score": found[spec["metric"]],
        "metrics": found,
        "best_epoch_score": None,
        "test_samples": len(test.texts),
        "test_reads": len(reads.names),
    }
