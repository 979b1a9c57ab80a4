"""Job ``losses``: what a language model that was trained on the source makes of every training answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.jobs.inputs import open_texts, save_arrays
from dqbench.jobs.job import Context
from dqbench.jobs.tokenize import read_tokens
from dqbench.language import model
from dqbench.steps import report_step

FLOPS_PER_WEIGHT = 2
"""Of a token that is only read."""


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save -ln p of each answer ``given`` its instruction and ``alone``, and its ``tokens``, shape (n,) each."""
    open_texts(spec["source"])
    tokens, net = read_tokens(inputs["tokens"]), model.read(inputs["network"])
    given, alone = (
        model.summed_losses(
            net, tokens, context.device, spec["precision"], without, lambda done, of: report_step("group", done, of)
        )
        for without in (False, True)
    )
    save_arrays({"given": given, "alone": alone, "tokens": tokens.answers}, out)
    weights = sum(parameter.numel() for parameter in net.parameters())
    read = int(tokens.lengths.sum() + tokens.answers.sum())
    return {"flops": FLOPS_PER_WEIGHT * weights * read, "mean_given": float(given.sum() / tokens.answers.sum())}
