"""Job ``benchmark``: a fine-tuned language model on MMLU, BBH, DROP and, if its programs may be run, HumanEval."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.data.companion import reopen
from dqbench.jobs.job import Context
from dqbench.language import model
from dqbench.language.benchmark_scores import CODE, RESULTS
from dqbench.language.benchmarks import questions
from dqbench.language.checkpoint import read_tokenizer
from dqbench.language.checkpoint import reopen as reopen_model
from dqbench.language.harness import scores, version_words


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save the scores in percent, by benchmark.

    Raises:
        UsageError: a library or a file is not there, or programs cannot be shut in.
    """
    companion, options = reopen(spec["companion"]), spec["options"]
    asked = {
        name: questions(name, companion.folder / file)[: options.get("limit")]
        for name, file in companion.facts["files"].items()
        if name != CODE or options.get("code")
    }
    tokenizer = read_tokenizer(reopen_model(spec["model"]))
    found = scores(model.read(inputs["network"]), tokenizer, asked, context.device)
    counts = {name: len(each) for name, each in asked.items()}
    text = json.dumps({"scores": found, "questions": counts, "by": version_words()}, indent=1)
    (out / RESULTS).write_text(text + "\n", encoding="utf-8")
    return {"scores": found, "questions": counts, "notes": {"benchmarks_by": version_words(), "questions": counts}}
