"""lm-eval-harness through its Python API, on local questions: nothing is asked of a hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from dqbench.language.benchmarks import LETTERS, Question, matches
from dqbench.language.library import load
from dqbench.language.sandbox import passes

_STOPS = {
    "bbh": ["\n\n", "Q:"],
    "drop": ["\n\n", "Passage:"],
    "humaneval": ["\nclass", "\ndef", "\n#", "\nif", "\nprint"],
}
_TOKENS = {"bbh": 32, "drop": 32, "humaneval": 512}


def scores(
    model: Any, tokenizer: Any, asked: Mapping[str, Sequence[Question]], device: str, batch_size: int = 8
) -> dict[str, float]:
    """What a model gets right of each benchmark, in percent, by name.

    Args:
        model: a causal language model of transformers.
        tokenizer: its own, of transformers.
        asked: the questions of each benchmark; HumanEval runs what the model writes, shut in.
        device: ``cpu`` or ``cuda``.
        batch_size: questions at a time.

    Raises:
        UsageError: lm-eval is not installed.
    """
    evaluator, api = load("lm_eval.evaluator", "lm-eval"), load("lm_eval.api.task", "lm-eval")
    backend = load("lm_eval.models.huggingface", "lm-eval")
    asker = backend.HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size, device=device)
    tasks = [api.ConfigurableTask(config=_config(name, found)) for name, found in asked.items()]
    done = evaluator.simple_evaluate(
        model=asker, tasks=tasks, num_fewshot=0, bootstrap_iters=0, log_samples=False, verbosity="ERROR"
    )
    return {name: 100 * float(done["results"][name][f"{_metric(name)},none"]) for name in asked}


def version_words() -> str:
    """Which harness asked."""
    return f"lm-eval {version('lm-eval')}"


def _config(name: str, found: Sequence[Question]) -> dict[str, Any]:
    """A task of the harness whose documents are these questions, their examples in the prompt already."""
    datasets = load("datasets", "lm-eval")
    rows = [{"prompt": one["prompt"], "place": place} for place, one in enumerate(found)]
    shared = {
        "task": name,
        "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(rows)},
        "test_split": "test",
        "doc_to_text": lambda doc: doc["prompt"],
        "metric_list": [{"metric": _metric(name), "aggregation": "mean", "higher_is_better": True}],
    }
    if name == "mmlu":
        own: dict[str, Any] = {"output_type": "multiple_choice", "doc_to_choice": list(LETTERS)}
        return {**shared, **own, "doc_to_target": lambda doc: found[doc["place"]]["target"]}
    return {
        **shared,
        "output_type": "generate_until",
        "doc_to_target": lambda doc: "",
        "generation_kwargs": {"until": _STOPS[name], "max_gen_toks": _TOKENS[name], "do_sample": False},
        "process_results": lambda doc, said: {_metric(name): float(_RIGHT[name](found[doc["place"]], said[0]))},
    }


def _metric(name: str) -> str:
    return "acc" if name == "mmlu" else "exact_match"


_RIGHT: Mapping[str, Callable[[Question, str], bool]] = {
    "bbh": lambda question, said: said.strip() == question["target"],
    "drop": lambda question, said: matches(said, question["target"]),
    "humaneval": lambda question, said: passes(f"{question['prompt']}{said}\n{question['target']}"),
}
