"""Benchmarks from local files, asked of a tiny random model: road, not score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stub_texts import checkpoint, done, rows_file

from dqbench import plugins
from dqbench.data.benchmarks import import_benchmarks, verify_benchmarks
from dqbench.data.companion import read_companion
from dqbench.data.text_import import import_texts
from dqbench.errors import UsageError
from dqbench.language import harness, sandbox
from dqbench.language.benchmarks import Question, matches, questions
from dqbench.plan.grid import plan
from dqbench.plan.request import Request
from dqbench.runner.record_of import run_of

COUNTS = {"mmlu": (14_042, 57), "bbh": (6_511, 27), "drop": (16, 1), "humaneval": (164, 1)}
FILES = {"mmlu": "mmlu.tar.gz", "bbh": "bbh.tar.gz", "drop": "drop_sample.tar.gz", "humaneval": "HumanEval.jsonl.gz"}


@pytest.fixture
def benchmarks(test_data: Path, data_root: Path) -> Path:
    import_benchmarks(test_data / "eval")
    return test_data / "eval"


@pytest.mark.real_data
@pytest.mark.parametrize("name", COUNTS)
def test_every_question_of_the_real_files_is_there_once(name: str, test_data: Path) -> None:
    found = questions(name, test_data / "eval" / FILES[name])
    assert (len(found), len({one["part"] for one in found})) == COUNTS[name]


@pytest.mark.real_data
def test_examples_are_not_among_what_is_asked(test_data: Path) -> None:
    """A prompt ends with its own question, which no other question of its part shows as an example."""
    for name in ("mmlu", "drop"):
        found = questions(name, test_data / "eval" / FILES[name])[:200]
        own = [one["prompt"].rpartition("\n\n")[2] for one in found]
        for one, last in zip(found, own, strict=True):
            assert one["prompt"].count("Answer:") == {"mmlu": 6, "drop": 4}[name]
            assert one["prompt"].count(last) == 1


@pytest.mark.real_data
def test_solutions_pass_human_eval_and_others_do_not(test_data: Path) -> None:
    import gzip
    import json

    if why := sandbox.unavailable():
        pytest.skip(f"{why}: HUMANEVAL'S SOLUTIONS WERE NOT RUN")
    path = test_data / "eval" / FILES["humaneval"]
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:3]
    for row, question in zip(rows, questions("humaneval", path), strict=False):
        right, wrong = (
            f"{row['prompt']}{body}\n{question['target']}" for body in (row["canonical_solution"], "    pass")
        )
        assert sandbox.passes(right)
        assert not sandbox.passes(wrong)


def test_answers_match_without_case_articles_and_punctuation() -> None:
    assert matches(" The  Dog. ", ["a dog"])
    assert not matches("dogs", ["dog"])


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name, file in FILES.items():
        (tmp_path / file).write_bytes(b"nothing")
        with pytest.raises(UsageError, match=f"is not the file of {name}"):
            questions(name, tmp_path / file)


@pytest.mark.real_data
def test_files_that_changed_are_noticed(benchmarks: Path) -> None:
    found = read_companion("lm-benchmarks")
    assert found is not None
    assert verify_benchmarks(found) == found
    (found.folder / "mmlu.tar.gz").write_bytes(b"x")
    with pytest.raises(UsageError, match="have changed"):
        verify_benchmarks(found)


def test_a_folder_without_benchmarks_is_refused(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(UsageError, match="holds none of mmlu"):
        import_benchmarks(tmp_path)


def test_the_harness_asks_local_questions_and_counts_right_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: THIS TEST DID NOT RUN")
    import transformers

    folder = checkpoint(tmp_path)
    asked: dict[str, list[Question]] = {
        "mmlu": [{"part": "x", "prompt": f"Question {i} {{{{}}}}\nAnswer:", "target": i % 4} for i in range(8)],
        "bbh": [{"part": "x", "prompt": "Q: 1\nA:", "target": "no model says this"}] * 2,
    }
    monkeypatch.setattr(harness, "_TOKENS", {**harness._TOKENS, "bbh": 4})
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = harness.scores(model, tokenizer, asked, "cpu")
    assert found["bbh"] == 0
    assert found["mmlu"] in {12.5 * right for right in range(9)}


@pytest.mark.real_data
@pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"
)  # peft asks transformers 5
@pytest.mark.parametrize("lora", [0, 2])
def test_the_profile_paper_end_to_end_with_a_tiny_checkpoint(
    lora: int, benchmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("lm_eval", "peft"):
        pytest.importorskip(module, reason=f"{module} is not installed: THIS TEST DID NOT RUN")
    from dqbench.jobs import benchmark

    registry = plugins.load()
    import_texts("alpaca", [rows_file(tmp_path / "rows.jsonl", 40)], registry.datasets["alpaca"], 0.2)
    few = {"mmlu": 2, "bbh": 1, "drop": 1, "humaneval": 1}
    monkeypatch.setattr(benchmark, "questions", lambda name, path: questions(name, path)[: few[name]])
    monkeypatch.setattr(harness, "_TOKENS", dict.fromkeys(harness._TOKENS, 4))
    (tmp_path / "model").mkdir()
    request = Request(
        tasks=("alpaca-instruct",),
        methods=("random",),
        profile="paper",
        seeds=1,
        keeps=(0.5,),
        precision="fp32",
        settings=(
            f"model={checkpoint(tmp_path / 'model')}",
            "recipe.epochs=1",
            "recipe.lr=0.01",
            f"recipe.lora={lora}",
        ),
        allow_code=not sandbox.unavailable(),
    )
    made = plan(request, registry, "cpu")
    results = done(made, tmp_path / "jobs")
    for cell in made.cells:
        run = run_of(cell.runs[0], results)
        assert set(run.metrics) >= {"bits-per-byte", "mmlu", "bbh", "drop"}
        assert ("humaneval" in run.metrics) == (not sandbox.unavailable())
        assert run.notes["benchmarks_by"].startswith("lm-eval ")
        assert cell.cell.recipe.language is not None
        assert cell.cell.recipe.language.model.startswith("model (sha256 ")
        assert str(tmp_path) not in cell.cell.model_dump_json()
    assert np.isfinite([results[cell.runs[0].evaluate]["facts"]["score"] for cell in made.cells]).all()
