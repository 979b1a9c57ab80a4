"""Plans on texts: what becomes a job, what keys hang on, and what is refused before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stub_texts import rows_file

from dqbench import plugins
from dqbench.data.text_import import import_texts
from dqbench.errors import UsageError
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan
from dqbench.plan.request import Request


@pytest.fixture
def alpaca(tmp_path: Path, data_root: Path) -> None:
    registry = plugins.load()
    import_texts("alpaca", [rows_file(tmp_path / "rows.jsonl")], registry.datasets["alpaca"])


def planned(*methods: str, profile: str = "smoke", seeds: int = 2, **more: Any) -> Plan:
    request = Request(tasks=("alpaca-instruct",), methods=methods, profile=profile, seeds=seeds, **more)
    return plan(request, plugins.load(), "cpu")


def keys(made: Plan) -> set[str]:
    return set(made.jobs)


def test_all_inputs_of_jobs_are_jobs_of_the_cells(alpaca: None) -> None:
    made = planned("dq", "ifd", "longest", keeps=(0.2,), token_budgets=(0.2,))
    for planned_cell in made.cells:
        for run in planned_cell.runs:
            named = set(run.keys)
            needed = {key for job in named for key in made.jobs[job].inputs.values()}
            assert needed <= named, planned_cell.cell.row


def test_seeds_share_the_tokens_and_the_embedding(alpaca: None) -> None:
    kinds = [job.kind for job in planned("dq", "k-center", seeds=3).jobs.values()]
    assert (kinds.count("tokenize"), kinds.count("embed"), kinds.count("losses")) == (1, 1, 0)
    assert kinds.count("trainlm") == 3 * 4  # full, random, dq, k-center


def test_a_language_model_reads_the_answers_where_a_method_needs_it(alpaca: None) -> None:
    made = planned("ifd", "perplexity", seeds=2)
    kinds = [job.kind for job in made.jobs.values()]
    assert (kinds.count("losses"), kinds.count("embed")) == (2, 0)
    cell = next(one.cell for one in made.cells if one.cell.method == "ifd")
    assert (cell.observer_arch, cell.observer_weights) == ("llama-mini", None)
    assert cell.observer_recipe is not None


def test_methods_start_from_their_options_on_texts_without_being_variants(alpaca: None) -> None:
    made = planned("dq", settings=("dq.bins=5",))
    cell = next(one.cell for one in made.cells if one.cell.method == "dq")
    assert (cell.config["embedding"], cell.config["metric"]) == ("feature", "dot")
    assert (cell.variant, cell.observer_arch, cell.observer_recipe) == ("bins=5", "tf-idf", None)
    other = planned("dq", settings=("dq.metric=cosine",))
    assert next(one.cell for one in other.cells if one.cell.method == "dq").variant == "metric=cosine"


def test_the_record_of_a_cell_says_there_are_no_classes(alpaca: None) -> None:
    made = planned("dq")
    assert {(one.source.classes, one.cell.metric) for one in made.cells} == {(0, "bits-per-byte")}
    measure = plugins.load().tasks["alpaca-instruct"].measure
    assert (measure.unit, measure.lower_is_better) == ("bits/byte", True)


def test_embeddings_are_in_the_key_by_what_they_hold(alpaca: None, tmp_path: Path) -> None:
    file = tmp_path / "rows.npy"
    found = []
    for value in (0.0, 1.0, 0.0):
        np.save(file, np.full((48, 2), value))
        found.append(planned("dq", settings=(f"observer.embed={file}",)))
    assert keys(found[0]) == keys(found[2]) != keys(found[1])
    cell = next(one.cell for one in found[0].cells if one.cell.method == "dq")
    assert cell.observer_arch == "file"
    assert cell.observer_weights is not None
    assert cell.observer_weights.startswith("rows.npy (sha256 ")


def test_a_replayed_list_is_in_the_key_by_what_it_holds_and_in_the_record_by_its_bare_name(
    alpaca: None, tmp_path: Path
) -> None:
    file = tmp_path / "lists.json"
    found = []
    for rows in ([1, 2], [1, 3], [1, 2]):
        file.write_text(json.dumps({"mine": rows}))
        found.append(planned("replay", settings=(f"replay.file={file}#mine",)))
    assert keys(found[0]) == keys(found[2]) != keys(found[1])
    cell = next(one.cell for one in found[0].cells if one.cell.method == "replay")
    assert cell.config["file"] == "lists.json#mine"
    assert str(tmp_path) not in cell.model_dump_json()


@pytest.mark.parametrize(
    ("methods", "more", "message"),
    [
        (("margin",), {}, "margin needs images or their classes, and alpaca-instruct has none; methods for texts: "),
        (("rded",), {}, "rded needs images"),
        (("dq",), {"settings": ("dq.drop=0.25",)}, "have no patches to drop; leave the option drop out"),
        (("dq",), {"ipcs": (10,)}, "--ipc is for images with classes"),
        (("dq",), {"byte_budgets": ("2MB",)}, "--bytes is for images"),
        (("dq",), {"labels": ("soft",)}, "--labels is for images"),
        (("dq",), {"best_epoch": True}, "--best-epoch is for images"),
        (("dq",), {"archs": ("resnet18",)}, "arch resnet18 learns from images, and alpaca holds texts; archs for them"),
        (("dq",), {"token_budgets": (1.5,)}, r"share of tokens 1.5 is not in \(0, 1\]"),
        (("dq",), {"settings": ("observer.embed=nowhere",)}, "embed=nowhere is neither tf-idf"),
        (("dq",), {"settings": ("observer.weights=x",)}, "observer.weights=x is for networks on images"),
        (("dq",), {"settings": ("model=/nowhere",)}, "model=/nowhere is no folder"),
        (("dq",), {"settings": ("data.noise=0.1",)}, "of classes; alpaca holds texts"),
        (("dq",), {"settings": ("recipe.window=4",)}, "recipe.*window"),
        (
            ("dq",),
            {"profile": "paper"},
            "lm-benchmarks is not there|fine-tunes a checkpoint of yours: give --set model=DIR",
        ),
    ],
)
def test_what_does_not_go_with_texts_is_refused(
    methods: tuple[str, ...], more: dict[str, Any], message: str, alpaca: None
) -> None:
    with pytest.raises(UsageError, match=message):
        planned(*methods, **more)


def test_what_a_method_starts_from_must_go_with_texts_too(alpaca: None) -> None:
    with pytest.raises(
        UsageError, match=r"dq\.base=margin needs images or their classes, and alpaca-instruct has none"
    ):
        planned("dq", settings=("dq.base=margin",))


def test_what_is_for_texts_is_refused_on_images(data_root: Path) -> None:
    def on_digits(*methods: str, **more: Any) -> None:
        plan(Request(tasks=("digits-xarch",), methods=methods, **more), plugins.load(), "cpu")

    with pytest.raises(UsageError, match="ifd needs texts, and digits-xarch has none"):
        on_digits("ifd")
    with pytest.raises(
        UsageError, match=r"dq\.base=ifd needs texts, and digits-xarch has none; methods for images: adq"
    ):
        on_digits("dq", settings=("dq.base=ifd",))
    with pytest.raises(UsageError, match="--tokens is for texts; digits of digits-xarch holds images"):
        on_digits("dq", token_budgets=(0.1,))
    with pytest.raises(UsageError, match=r"observer\.embed=x is for texts"):
        on_digits("dq", settings=("observer.embed=x",))
    with pytest.raises(UsageError, match="model=x is a language model; digits holds images"):
        on_digits("dq", settings=("model=x",))


def test_without_the_data_the_command_that_imports_it_is_named(data_root: Path) -> None:
    with pytest.raises(UsageError, match=r"run: dqbench data import alpaca FILE\.json"):
        planned("dq")
