"""Texts and a checkpoint for tests of language models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.data.text_source import Text, TextSource, content_hash
from dqbench.jobs.job import FUNCTIONS, Context
from dqbench.plan.plan import Plan
from dqbench.specs import load_target

FRUIT = ("apple", "pear", "plum", "cherry", "melon", "fig")


def texts(count: int = 48) -> tuple[Text, ...]:
    """Texts of a few words, some with an input of two lines, all with a letter of two bytes."""
    return tuple(
        Text(f"Name the fruit of day {i}.", "" if i % 3 else "Be\nbrief.", f"It is a {FRUIT[i % 6]}, né? {i // 6}")
        for i in range(count)
    )


def text_source(count: int = 48) -> TextSource:
    """A source of them whose ids are the even numbers."""
    found = texts(count)
    ids = np.arange(0, 2 * count, 2)
    return TextSource("fruit", found, ids, content_hash(found, ids.tolist()), 2 * count)


def rows_file(path: Path, count: int = 48) -> Path:
    """The texts as a jsonl file."""
    found = texts(count)
    rows = [{"instruction": one.instruction, "input": one.input, "output": one.output} for one in found]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def checkpoint(folder: Path) -> Path:
    """A tiny random model with a tokenizer, as transformers saves them; gives the folder."""
    import transformers

    from dqbench.language.tokens import END, Tokenizer

    inner = Tokenizer.train(texts(), 300, "short").inner
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END).save_pretrained(folder)
    config = transformers.LlamaConfig(
        vocab_size=300, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=2048,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


TOOK = {
    "wall_s": 1.0,
    "peak_host_gib": 0.1,
    "peak_device_gib": 0.0,
    "device": "cpu",
    "started": "2026-01-01T00:00:00+00:00",
    "ended": "2026-01-01T00:00:01+00:00",
}
"""What executors note of a job, for jobs that ran without one."""


def done(made: Plan, folder: Path) -> dict[str, dict[str, Any]]:
    """Run every job of a plan, those that it needs before it; gives results by key."""
    results: dict[str, dict[str, Any]] = {}

    def run(key: str) -> Path:
        job = made.jobs[key]
        place = folder / job.folder
        if key not in results:
            inputs = {role: run(each) for role, each in job.inputs.items()}
            place.mkdir(parents=True)
            facts = load_target(FUNCTIONS[job.kind])(job.spec, inputs, place, Context("cpu"))
            results[key] = {"facts": facts, **TOOK}
        return place

    for key in made.jobs:
        run(key)
    return results
