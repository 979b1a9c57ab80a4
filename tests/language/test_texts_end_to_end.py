"""A whole grid on texts, job by job in this process: from rows in a file to the score of what was kept."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from stub_texts import done, rows_file

from dqbench import compressed, plugins
from dqbench.compressed import Subset
from dqbench.data.text_import import import_texts
from dqbench.data.text_store import open_texts
from dqbench.jobs.tokenize import read_tokens
from dqbench.language import model
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.plan.request import Request
from dqbench.records import Record
from dqbench.runner.record_of import done_record, run_of

TINY = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
QUICK = ("recipe.min_updates=0", "recipe.vocabulary=300", "observer.min_updates=0", "observer.vocabulary=300")


@pytest.fixture
def alpaca(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tokenizers", "transformers"):
        pytest.importorskip(module, reason=f"{module} is not installed: A GRID ON TEXTS DID NOT RUN")
    monkeypatch.setattr(model, "SHAPES", {"llama-mini": TINY})
    import_texts("alpaca", [rows_file(tmp_path / "rows.jsonl", 60)], plugins.load().datasets["alpaca"], 0.2)


def kept_of(cell: PlannedCell, made: Plan, folder: Path) -> Subset:
    kept = compressed.load(folder / made.jobs[cell.runs[0].jobs["compress"][0]].folder)
    assert isinstance(kept, Subset)
    return kept


def test_a_grid_on_texts(alpaca: None, tmp_path: Path) -> None:
    request = Request(
        tasks=("alpaca-instruct",),
        methods=("dq", "ifd", "longest"),
        profile="smoke",
        seeds=1,
        keeps=(0.25,),
        token_budgets=(0.25,),
        settings=QUICK,
        precision="fp32",
    )
    registry = plugins.load()
    made = plan(request, registry, "cpu")
    results = done(made, tmp_path / "jobs")
    source = open_texts("alpaca")
    tokens = read_tokens(next((tmp_path / "jobs").glob("tokenize-*")))
    assert len(made.cells) == 1 + 2 * 4
    for cell in made.cells:
        run = run_of(cell.runs[0], results)
        assert 0 < run.score < 20
        assert run.metrics["items"] == 12
        assert run.test_reads == 1
        assert run.notes["tokens"] > 0
        assert ("selection_flops" in run.notes) == (cell.cell.method == "ifd")
        if cell.cell.method == "full":
            assert (run.samples, run.bytes) == (48, int(source.sizes.sum()))
            continue
        kept = kept_of(cell, made, tmp_path / "jobs")
        lengths = tokens.lengths[source.positions(kept.ids)]
        assert run.samples == len(kept)
        assert run.notes["tokens"] == lengths.sum()
        if cell.cell.budget_kind == "ratio":
            assert len(kept) == 12
        else:
            assert lengths.sum() <= 0.25 * tokens.lengths.sum() < lengths.sum() + tokens.lengths.max()
        record = done_record(cell, made, results, registry, "dqbench run")
        assert Record.model_validate_json(record.model_dump_json()).runs == [run]
        assert record.versions.packages["transformers"] == version("transformers")
        assert "imagecorruptions-imaug" not in record.versions.packages


def test_scores_of_items_are_kept_and_average_to_the_score(alpaca: None, tmp_path: Path) -> None:
    request = Request(
        tasks=("alpaca-instruct",), methods=("random",), profile="smoke", seeds=1, settings=QUICK, precision="fp32"
    )
    made = plan(request, plugins.load(), "cpu")
    results = done(made, tmp_path / "jobs")
    for cell in made.cells:
        folder = tmp_path / "jobs" / made.jobs[cell.runs[0].evaluate].folder
        ids, items = np.load(folder / "items.npy", allow_pickle=False)
        assert run_of(cell.runs[0], results).score == pytest.approx(items.mean())
        assert not set(ids.astype(int)) & set(open_texts("alpaca").ids.tolist())
