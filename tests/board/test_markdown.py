"""What a reader sees: the same numbers everywhere, hostile names, what is missing, what may not be compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape as html_escape
from io import StringIO
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from dqbench.board import files, markdown, published
from dqbench.board.markup import escape
from dqbench.board.reading import entries_of
from dqbench.board.terminal import render
from dqbench.records import Record
from dqbench.specs import Recipe

MakeRecord = Callable[..., Record]
PAPER = {
    "profile": "paper",
    "recipe": Recipe(name="paper", epochs=200, batch_size=128, lr=0.1, augment=("crop4", "flip")),
    "observer_arch": "resnet18",
    "source": {"train_per_class": None, "test_per_class": None, "train_samples": 50000, "test_samples": 10000},
}


def _text(found: list[Record]) -> str:
    ((task, boards),) = files.boards(entries_of(found)).items()
    return markdown.document(task, boards, published.load())


def _table(text: str, heading: str) -> list[list[str]]:
    part = text.split(f"### {heading}\n")[1].split("\n### ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if "---" not in line]


def test_scores_and_differences_are_those_of_the_records(grid: list[Record]) -> None:
    text = _text(grid)
    by = {(r.cell.method, r.cell.arch, str(r.cell.budget)): [run.score for run in r.runs] for r in grid}
    for heading in ("Scores", "Difference to random"):
        header, *rows = _table(text, heading)
        for row in rows:
            method = row[0].split(" ")[0].replace("\\", "")
            for column, cell in zip(header[1:], row[1:], strict=True):
                arch, keep = column.split(", keep ")
                values = by[method, arch, "full" if method == "full" else keep]
                if heading != "Scores":
                    values = [a - b for a, b in zip(values, by["random", arch, keep], strict=True)]
                numbers = [sum(values) / 2, min(values), max(values)]
                found = [float(number) for number in re.findall(r"[-+]?\d+\.\d", cell)]
                assert found == pytest.approx(numbers, abs=0.0501)


def test_an_interval_takes_the_place_of_the_range(make: MakeRecord) -> None:
    rows = _table(_text([make("random", 0.1, [50.0, 51.0, 52.0])]), "Scores")
    assert rows[1][1] == "51.0 ± 2.5"


def test_the_title_tells_profile_and_provenance(make: MakeRecord) -> None:
    title = "## cifar10-xarch@1 · smoke · hard labels · fp32 · imported data a1b2c3d4e5f6\n"
    assert title in _text([make("full", 1.0, [1.0, 2.0])])
    bundled = {"dataset": "digits", "provenance": "bundled"}
    assert "data bundled with scikit-learn a1b2c3d4e5f6" in _text([make("full", 1.0, [1.0, 2.0], source=bundled)])
    assert "· verified data\n" in _text([make("full", 1.0, [1.0, 2.0], source={"provenance": "verified"})])


def test_one_seed_is_said(make: MakeRecord) -> None:
    assert "one seed there is no interval" in _text([make("full", 1.0, [50.0]), make("random", 0.1, [40.0])])


def test_fewer_seeds_are_said_in_the_cell(make: MakeRecord) -> None:
    text = _text([make("random", 0.1, [50.0, 51.0, 52.0]), make("dq", 0.1, [50.0, 52.0])])
    rows = _table(text, "Scores")
    assert (rows[1][1], rows[2][1]) == ("51.0 ± 2.5", "51.0 [50.0, 52.0] (2 seeds)")
    assert "mean over 3 seeds (0, 1, 2) unless a cell says fewer." in text


def test_differences_are_labelled_unadjusted(make: MakeRecord, grid: list[Record]) -> None:
    text = _text([make(m, 0.1, [50.0, 51.0, 53.0]) for m in ("random", "dq")])
    assert "of the paired difference, unadjusted; the marks are adjusted" in text
    assert "unadjusted" not in _text(grid)


def test_the_overview_ranks_over_tasks_or_says_why_not(make: MakeRecord) -> None:
    few = [make(m, 0.1, [1.0, 2.0, 3.0], profile="paper") for m in ("random", "dq")]
    assert "No critical-difference analysis: it needs 3 tasks" in files.overview(entries_of(few))
    lifts = {"random": 0.0, "dq": 1.0, "adq": 2.0}
    found = [
        make(m, 0.1, [50 + x + i for i in range(5)], task=t, profile="paper") for t in "abc" for m, x in lifts.items()
    ]  # fmt: skip
    text = files.overview(entries_of(found))
    assert "| adq | 1.00 |" in text
    assert "Ranks over a, b and c (profile paper)" in text
    assert "Not distinguishable: adq and dq; dq and random." in text


def test_missing_references_are_said(make: MakeRecord) -> None:
    text = _text([make("dq", 0.1, [1.0, 2.0])])
    assert "No random row at keep 0.1 on resnet10-slim" in text
    assert "No full-data row on resnet10-slim" in text
    assert "Difference to random" not in text


def test_failures_are_listed(make: MakeRecord) -> None:
    text = _text([make("random", 0.1, [1.0, 2.0]), make("dq", 0.1, [5.0, 6.0], status="failed")])
    assert _table(text, "Scores")[2] == ["dq", "failed"]
    assert "1 cell finished, 1 failed." in text
    assert "| dq | resnet10-slim | keep 0.1 | 0 | train | ValueError: it broke |" in text


@pytest.mark.parametrize(
    ("trust", "words"), [("claimed", "not redone here"), ("verified", "scores and costs measured here")]
)
def test_what_came_in_a_bundle_is_said(make: MakeRecord, trust: str, words: str) -> None:
    record = make("dq", 0.1, [1.0, 2.0]).model_copy(update={"trust": trust})
    text = _text([make("random", 0.1, [1.0, 2.0]), record])
    assert f"dq ({trust}): came in a bundle" in text
    assert words in text
    assert f"| dq ({trust}) |" in text
    assert "bundle" not in _text([make("dq", 0.1, [1.0, 2.0])])


def test_shared_observers_are_said(make: MakeRecord) -> None:
    record = make("dq", 0.1, [1.0, 2.0])
    runs = [run.model_copy(update={"jobs": {**run.jobs, "observer": ["observer-0"]}}) for run in record.runs]
    assert "conditional on one observer" in _text([record.model_copy(update={"runs": runs})])
    assert "conditional on one observer" not in _text([record])


def test_costs_are_means_over_seeds_and_blank_where_unknown(make: MakeRecord) -> None:
    record = make("dq", 0.1, [1.0, 2.0])
    slow = record.jobs["prepare-dq-1"].model_copy(update={"wall_s": 8.0})
    changed = record.model_copy(update={"jobs": {**record.jobs, "prepare-dq-1": slow}})
    kept, cost = (_line(_text([changed]), heading) for heading in ("What was kept", "What choosing it cost"))
    assert (cost["observe s"], cost["prepare s"], cost["compress s"]) == ("12.0", "5.50", "0.50")
    assert (kept["samples"], kept["bytes"], cost["host GiB"]) == ("250 (10.0%)", "768 kB", "0.75")
    jobs = {key: facts for key, facts in record.jobs.items() if key != "observe-1"}
    header, row = _table(_text([record.model_copy(update={"jobs": jobs})]), "What choosing it cost")[:2]
    assert "observe s" not in header
    assert row[header.index("prepare s")] == "3.00"


def _line(text: str, heading: str) -> dict[str, str]:
    header, row = _table(text, heading)[:2]
    return dict(zip(header, row, strict=True))


@pytest.mark.parametrize("name", ["a|b", "<script>alert(1)</script>", "two\nlines", "[x](http://y)", "*a* `b` _c_ \\"])
def test_hostile_names_stay_words_in_their_cell(make: MakeRecord, name: str) -> None:
    text = _text([make("random", 0.1, [1.0, 2.0]), make(name, 0.1, [1.0, 2.0], variant=name)])
    rows = _table(text, "Scores")
    assert {len(row) for row in rows} == {2}
    assert rows[2][0] == escape(f"{name}[{name}]")
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    assert not re.search(r"<(script|a |em|img)", html)
    plain = " ".join(name.split())
    assert f"<td>{html_escape(f'{plain}[{plain}]', quote=False)}</td>" in html


@pytest.mark.parametrize(("precision", "told"), [("bf16", True), ("fp32", False)])
def test_fine_tuning_is_not_said_to_be_in_the_backbones_precision(make: MakeRecord, precision: str, told: bool) -> None:
    record = make("random", 0.1, [50.0, 51.0], precision=precision)
    runs = [run.model_copy(update={"jobs": {**run.jobs, "finetune": ["f"]}}) for run in record.runs]
    assert ("fine-tuning is in fp32" in _text([record.model_copy(update={"runs": runs})])) == told


def _published(text: str) -> list[dict[str, str]]:
    header, *rows = _table(text, "Published")
    return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]


def _published_row(text: str, *names: str) -> dict[str, str]:
    header, *rows = _table(text, "Published")
    return next(dict(zip(header, row, strict=True)) for row in rows if row[:3] == list(names))


def test_a_paper_cell_has_a_difference_and_the_protocols(make: MakeRecord) -> None:
    text = _text([make("adq", 0.1, [86.0, 87.0, 88.0], "resnet18", **PAPER)])
    row = _published_row(text, "adq", "resnet18", "keep 0.1")
    assert (row["published"], row["measured"], row["measured − published"]) == ("86.2", "87.0", "+0.8")
    assert row["source"] == "adq-aaai2025 Table 1, Table 3"
    for words in ("samples × kept patches", "best epoch on the test set", "were imported"):
        assert words in text


def test_the_same_name_is_not_the_same_thing(make: MakeRecord) -> None:
    found = [
        make("adq", 0.1, [86.0, 87.0, 88.0], "resnet18", **PAPER),
        make("full", 1, [95.0] * 3, "resnet18", **PAPER),
    ]
    text = _text(found)
    reasons = dict(re.findall(r"^(\d+)\. (.*)$", text.split("How the protocols differ:")[1], re.M))
    adq, full = (_published_row(text, m, "resnet18", b) for m, b in (("adq", "keep 0.1"), ("full", "all")))
    barred = [[reasons[n] for n in re.findall(r"\d+", row["comparable"])] for row in (adq, full)]
    assert [len(reasons) for reasons in barred] == [3, 1]
    assert "samples × kept patches" in barred[0][0]
    assert "batch 16" in barred[0][2]
    assert "best epoch on the test set" in barred[1][0]
    assert 'Where "comparable" says no' in text


def test_best_epochs_are_held_against_best_epochs(make: MakeRecord) -> None:
    record = make("full", 1, [94.0, 95.0, 96.0], "resnet18", **PAPER)
    runs = [run.model_copy(update={"best_epoch_score": run.score + 0.6}) for run in record.runs]
    text = _text([record.model_copy(update={"runs": runs})])
    row = next(r for r in _published(text) if "dq-iccv2023" in r["source"])
    assert (row["published"], row["measured − published"], row["best epoch − published"]) == ("95.6", "-0.6", "0.0")
    assert row["comparable"] == "yes"
    assert "reports the best epoch" not in text


def test_z_by_hand(make: MakeRecord) -> None:
    text = _text([make("adq", 0.1, [86.0, 87.0, 88.0], "resnet18", **PAPER)])
    row = _published_row(text, "adq", "resnet18", "keep 0.1")
    assert row["z"] == f"{0.8 / (1 / 3 + 0.2**2) ** 0.5:+.1f}"  # ADQ's average error bar is 0.2
    two = _text([make("adq", 0.1, [86.0, 87.0], "resnet18", **PAPER)])
    assert "z" not in _published_row(two, "adq", "resnet18", "keep 0.1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"profile": "quick"}, "not comparable (quick: 200 epochs on 50,000 images)"),
        ({"source": {"train_per_class": 250}}, "not comparable (part of the data: 200 epochs on 2,500 images)"),
        ({"labels": "soft"}, "not comparable (labels hard there, soft here)"),
    ],
)
def test_others_are_not_comparable(make: MakeRecord, change: dict[str, Any], reason: str) -> None:
    text = _text([make("adq", 0.1, [86.0, 87.0, 88.0], "resnet18", **{**PAPER, **change})])
    row = _published_row(text, "adq", "resnet18", "keep 0.1")
    assert (row["published"], row["measured"], row["comparable"]) == ("86.2", "87.0", reason)
    assert not {"measured − published", "z"} & set(row)


def test_another_number_of_epochs_is_not_comparable(make: MakeRecord) -> None:
    change = {"recipe": Recipe(name="paper", epochs=100, batch_size=128, lr=0.1, augment=("crop4", "flip"))}
    text = _text([make("full", 1, [95.0] * 3, "resnet18", **{**PAPER, **change})])
    assert "200 epochs there, 100 here" in text
    assert _published(text)[0]["comparable"].startswith("no (")


def test_other_networks_are_shown_and_never_subtracted(grid: list[Record]) -> None:
    text = _text(grid)
    assert "did not measure; not comparable (smoke: 8 epochs on 2,500 images):" in text
    row = _published_row(text, "adq", "resnet18", "adq-aaai2025 Table 1, Table 3")
    assert (row["keep 0.1"], row["keep 0.3"]) == ("86.2", "94.2")
    assert "measured − published" not in text


def test_nothing_of_the_host_or_of_time_gets_in(grid: list[Record]) -> None:
    assert not re.search(r"20\d\d-\d\d-\d\d|/tmp|/home", _text(grid))


@pytest.mark.parametrize("width", [80, 200])
def test_the_terminal_shows_the_same_numbers(grid: list[Record], width: int) -> None:
    out = StringIO()
    Console(file=out, width=width).print(render(grid))
    shown = re.sub(r"\s+", " ", out.getvalue())
    for heading in ("Scores", "Difference to random"):
        for row in _table(_text(grid), heading)[1:]:
            assert all(cell.split(" [")[0] in shown for cell in row[1:])
    assert "…" not in shown


def test_the_terminal_splits_wide_boards_by_network(make: MakeRecord) -> None:
    keeps = (0.1, 0.2, 0.3, 0.4)
    out = StringIO()
    Console(file=out, width=80).print(render([make("random", k, [1.0, 2.0], a) for k in keeps for a in ("a", "b")]))
    tables = [line for line in out.getvalue().splitlines() if line.startswith("│ random")]
    assert [line.count("1.5 [1.0, 2.0]") for line in tables] == [4, 4]
