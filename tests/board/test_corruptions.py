"""Boards of corrupted images: the two tables, mCE against a loop, and what a title says of generated images."""

from __future__ import annotations

from typing import Any

import pytest

from dqbench.board import corruptions, html_payload, html_pictures, markdown, sentences
from dqbench.board.board import Board, build
from dqbench.board.published import load
from dqbench.board.reading import entries_of
from dqbench.board.sections import split
from dqbench.records import Record

GENERATED = {"name": "cifar10c", "provenance": "generated", "hash": "", "note": "made here, not the official arrays"}
IMPORTED = {"name": "cifar10c", "provenance": "imported", "hash": "ab" * 32, "note": ""}


@pytest.fixture
def scored(make: Any) -> Any:
    def made(method: str, scores: list[float], beside: dict[str, str] | None = None, **more: Any) -> Record:
        record = make(
            method, 0.1, scores, task="cifar10c-robust", metric="corruption_accuracy",
            source={"companions": (beside or GENERATED,)}, **more,
        )  # fmt: skip
        runs = [run.model_copy(update={"metrics": metrics(run.score)}) for run in record.runs]
        return record.model_copy(update={"runs": runs})

    return made


def metrics(score: float) -> dict[str, Any]:
    return {"clean": score + 9, "corruptions": {"fog": [score + 2, score - 6], "shot_noise": [score + 4, score]}}


def board_of(*records: Record) -> Board:
    (section,) = split(entries_of(records))
    return build(section)


def test_tables_hold_means_over_seeds(scored: Any) -> None:
    board = board_of(scored("full", [60, 62]), scored("random", [40, 44]), scored("dq", [50, 50]))
    by_severity, by_corruption = corruptions.severity_table(board), corruptions.corruption_table(board)
    assert by_severity.header == (
        "method", "network", "budget", "clean", "severity 1", "severity 2", "mean", "mCE",
    )  # fmt: skip
    rows = {row[0]: row for row in by_severity.rows}
    assert rows["random"][2:7] == ("keep 0.1", "51.0", "45.0", "39.0", "42.0")
    assert rows["full"][2] == "all"
    assert by_corruption.header[3:] == ("fog", "shot noise")
    assert {row[0]: row[3:] for row in by_corruption.rows}["random"] == ("40.0", "44.0")


def test_mce_against_a_loop(scored: Any) -> None:
    dq, full = scored("dq", [50, 54]), scored("full", [60, 66])
    ratios = []
    for name in ("fog", "shot_noise"):
        own, reference = 0.0, 0.0
        for record, seeds in ((dq, 2), (full, 2)):
            for run in record.runs:
                for value in run.metrics["corruptions"][name]:
                    if record is dq:
                        own += (100 - value) / seeds
                    else:
                        reference += (100 - value) / seeds
        ratios.append(own / reference)
    assert corruptions.mce(dq, full) == pytest.approx(100 * sum(ratios) / 2)
    assert corruptions.mce(full, full) == pytest.approx(100)


def test_the_reference_is_resnet18_where_it_is_on_the_board(scored: Any) -> None:
    others = [scored("full", [60]), scored("dq", [50])]
    board = board_of(*others)
    assert {row[0]: row[-1] for row in corruptions.severity_table(board).rows}["full"] == "100.0"
    assert "divided by those of resnet10-slim" in corruptions.words(board)[1]
    assert "as no resnet18 is on this board" in corruptions.words(board)[1]
    board = board_of(*others, scored("full", [80], arch="resnet18"), scored("dq", [70], arch="resnet18"))
    found = {row[:2]: float(row[-1]) for row in corruptions.severity_table(board).rows}
    assert found["full", "resnet18"] == 100
    assert found["full", "resnet10-slim"] > 150
    assert (
        "of resnet18 trained on the full data; mean over corruptions, in percent. Lower" in corruptions.words(board)[1]
    )


def test_without_the_reference_mce_is_blank_and_the_reason_is_told(scored: Any) -> None:
    board = board_of(scored("full", [60]), scored("dq", [50]), scored("dq", [70], arch="resnet18"))
    assert "mCE" not in corruptions.severity_table(board).header
    assert corruptions.words(board)[1].startswith("mCE is blank: it needs the full-data row of resnet18")


def test_titles_tell_generated_images_from_the_official_ones_and_never_mix_them(scored: Any) -> None:
    records = [scored("full", [60]), scored("full", [61], IMPORTED)]
    titles = sorted(sentences.title(section.setting) for section in split(entries_of(records)))
    assert titles[0].endswith("· generated cifar10c")
    assert titles[1].endswith("· imported cifar10c abababababab")
    words = sorted(sentences.data(section.setting) for section in split(entries_of(records)))
    assert words[0].endswith("Beside it cifar10c, imported, SHA-256 `" + "ab" * 32 + "`.")
    assert words[1].endswith("Beside it cifar10c, made here, not the official arrays.")


def test_the_document_has_both_tables_and_other_boards_have_none(scored: Any, make: Any) -> None:
    with_tables = markdown.document("cifar10c-robust", [board_of(scored("full", [60]), scored("dq", [50]))], load())
    assert with_tables.count("### Corruptions") == 1
    assert "| shot noise |" in with_tables
    without = markdown.document("cifar10-xarch", [board_of(make("full", 0.1, [60]))], load())
    assert "Corruptions" not in without


def test_the_page_has_the_same_tables_and_says_generated(scored: Any) -> None:
    board = board_of(scored("full", [60]), scored("dq", [50]))
    shown = html_payload.payload({"cifar10c-robust": [board]}, load(), html_pictures.none())["boards"][0]
    assert shown["data"] == "cifar10, imported; cifar10c, generated"
    assert [table["rows"] for table in shown["corruptions"]["tables"]] == [
        corruptions.severity_table(board).rows,
        corruptions.corruption_table(board).rows,
    ]
