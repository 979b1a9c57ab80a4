"""Job ``compress``: source + budget -> compressed set, checked against the budget before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench import compressed
from dqbench.budgets import ResolvedBudget, resolve
from dqbench.compressed import Compressed, Distilled, content_hash
from dqbench.compute import computing_on
from dqbench.data.source import Source
from dqbench.data.text_source import TextSource
from dqbench.jobs.admit import check
from dqbench.jobs.image_grid import save_grid
from dqbench.jobs.inputs import load_arrays, make_method, open_samples, registry
from dqbench.jobs.job import Context
from dqbench.jobs.token_budget import Compress, within_tokens
from dqbench.jobs.tokenize import read_tokens
from dqbench.specs import Budget


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Call the method's ``compress`` and save what it keeps."""
    source = open_samples(spec["source"])
    method, method_spec = make_method(spec, context), registry(context).methods[spec["method"]]
    prepared = load_arrays(inputs["prepared"]) if "prepared" in inputs else None
    seen = _seen(spec, inputs, source, context) if {"observe", "embed", "losses"} & set(inputs) else {}
    with computing_on(context.device, context.scratch):
        kept, budget = _kept(
            lambda budget: method.compress(source, prepared, budget, spec["seed"], **seen), spec, inputs, source
        )
    check(kept, source, budget, method_spec, method_spec.config.model_validate(spec["config"]))
    compressed.save(kept, out)
    if isinstance(kept, Distilled) and isinstance(source, Source):
        save_grid(kept, source.mean, source.std, out / "grid.png")
    return {"samples": len(kept), "kept_hash": content_hash(kept), "notes": kept.notes or {}}


def _kept(
    compress: Compress, spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source | TextSource
) -> tuple[Compressed, ResolvedBudget]:
    """What the method keeps, and the budget in samples."""
    asked = Budget(**spec["budget"])
    if asked.kind == "tokens" and isinstance(source, TextSource):
        return within_tokens(compress, asked, source, read_tokens(inputs["tokens"]).lengths)
    budget = resolve(asked, source.class_counts, spec["seed"])
    return compress(budget), budget


def _seen(
    spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source | TextSource, context: Context
) -> dict[str, Any]:
    from dqbench.jobs.prepare import observed, texts_observed

    if isinstance(source, TextSource):
        return {"observed": texts_observed(inputs, context)}
    return {"observed": observed(spec, inputs, source, context)}
