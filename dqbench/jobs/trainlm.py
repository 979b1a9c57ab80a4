"""Job ``trainlm``: a language model on what is kept of the texts, or on all of them; from scratch or a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dqbench import compressed
from dqbench.compressed import Subset
from dqbench.data.text_source import TextSource
from dqbench.errors import UsageError
from dqbench.hashing import sha256_of
from dqbench.jobs.inputs import open_texts
from dqbench.jobs.job import Context
from dqbench.jobs.tokenize import read_tokens
from dqbench.language import checkpoint, model
from dqbench.language.tokens import FILE as TOKENIZER
from dqbench.language.tokens import Tokenizer, Tokens
from dqbench.language.training import LanguageSetup, train
from dqbench.seeds import training_seed
from dqbench.specs import Recipe
from dqbench.train.loop import seeded_net

FLOPS_PER_WEIGHT = 6
"""Of a token that is trained on: two forwards, four backwards (Kaplan et al., 2020, §2.1)."""


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Train and save the last weights; the held-out texts are not opened."""
    source, tokens = open_texts(spec["source"]), read_tokens(inputs["tokens"])
    kept = _kept(inputs)
    places = np.arange(len(source)) if kept is None else source.positions(kept.ids)
    setup = LanguageSetup(
        Recipe(name="", **spec["recipe"]),
        training_seed(spec["seed"], spec.get("purpose", "")),
        context.device,
        spec["precision"],
    )
    tokenizer = Tokenizer.read(inputs["tokens"])
    net = _start(spec, tokenizer, setup)
    weights = None if kept is None else kept.weights
    learned = train(net, tokens, places, setup, weights, context.scratch)
    net = net.merge_and_unload() if setup.language.lora else net
    model.save(net, out)
    (out / "curve.json").write_text(json.dumps(learned.curve, indent=1) + "\n")
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return {
        "samples": len(places),
        "bytes": int(source.sizes[places].sum()),
        "bytes_parts": {"texts": int(source.sizes[places].sum())},
        "updates": learned.updates,
        "curve": learned.curve,
        "snapshots": [],
        "notes": {
            **_facts(source, tokens, places),
            "tokens_trained_on": learned.tokens,
            "training_flops": FLOPS_PER_WEIGHT * parameters * learned.tokens,
            "weights": parameters,
            "tokenizer_sha256": sha256_of(inputs["tokens"] / TOKENIZER),
        },
    }


def _kept(inputs: Mapping[str, Path]) -> Subset | None:
    if "kept" not in inputs:
        return None
    kept = compressed.load(inputs["kept"])
    if not isinstance(kept, Subset):
        raise UsageError("a language model is trained on kept texts; this set holds something else")
    return kept


def _start(spec: Mapping[str, Any], tokenizer: Tokenizer, setup: LanguageSetup) -> Any:
    window, rank = setup.language.window, setup.language.lora
    if "model" in spec:
        net = model.read(checkpoint.reopen(spec["model"]))
        return seeded_net(lambda: model.with_lora(net, rank), setup.seed) if rank else net
    if rank:
        raise UsageError(f"lora={rank} is for a checkpoint that is fine-tuned; a model from scratch learns all weights")
    return seeded_net(lambda: model.build(spec["arch"], len(tokenizer), window, tokenizer.end), setup.seed)


def _facts(source: TextSource, tokens: Tokens, places: Any) -> dict[str, Any]:
    """What of the source is kept, in tokens beside samples."""
    return {
        "tokens": int(tokens.lengths[places].sum()),
        "tokens_share": float(tokens.lengths[places].sum() / tokens.lengths.sum()),
        "longer_than_window": int(tokens.cut[places].sum()),
    }
