"""Altered training sets have sections of their own, and nothing that speaks of the data set itself reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dqbench.board import agreement, comparing, files, sentences
from dqbench.board.answer import strongest
from dqbench.board.board import Board, build
from dqbench.board.critical import compared_scores
from dqbench.board.html_payload import identity
from dqbench.board.published import load
from dqbench.board.reading import entries_of
from dqbench.board.sections import split
from dqbench.records import AlteredFacts, Record, SourceFacts

MakeRecord = Callable[..., Record]
NOISY = {"altered": AlteredFacts(noise=0.2, imbalance=1, draw=0, replaced=500, hash="9" * 64)}
SCORES = [50.0, 51.0, 49.5, 50.5, 50.2]


@pytest.fixture
def records(make: MakeRecord) -> list[Record]:
    cells = [("full", 1.0), ("random", 0.1), ("dq", 0.1), ("graphcut", 0.1)]
    return [
        make(method, keep, SCORES, "resnet18", profile="paper", source=source)
        for method, keep in cells
        for source in (None, NOISY)
    ]


@pytest.fixture
def boards(records: list[Record]) -> tuple[Board, Board]:
    plain, noisy = sorted((build(s) for s in split(entries_of(records))), key=lambda b: b.section.setting.altered)
    return plain, noisy


def test_they_are_sections_of_their_own_that_say_so(boards: tuple[Board, Board]) -> None:
    plain, noisy = boards
    assert [len(board.section.done) for board in boards] == [4, 4]
    assert "20 % of the training labels replaced" in sentences.title(noisy.section.setting)
    assert "the test set is as it was" in sentences.data(noisy.section.setting)
    assert "replaced" not in sentences.title(plain.section.setting) + sentences.data(plain.section.setting)
    assert identity(plain) != identity(noisy)


def test_no_published_value_stands_beside_them(boards: tuple[Board, Board]) -> None:
    known = load()
    assert comparing.compare(boards[0], known)
    assert not comparing.compare(boards[1], known)
    assert not comparing.elsewhere(boards[1], known)


@pytest.mark.parametrize("order", [1, -1])
def test_no_answer_comes_from_them(boards: tuple[Board, Board], order: int) -> None:
    assert strongest({"cifar10-xarch": boards[::order]}) == {"cifar10-xarch": boards[0]}
    assert strongest({"cifar10-xarch": boards[1:]}) == {}
    assert not compared_scores(boards[1:])
    assert compared_scores(boards[::order]) == compared_scores(boards[:1])


def test_a_proxy_is_held_against_the_same_data(boards: tuple[Board, Board], make: MakeRecord) -> None:
    proxies = [make(m, 0.1, SCORES, profile="proxy", source=NOISY) for m in ("random", "dq", "graphcut")]
    (proxy,) = (build(section) for section in split(entries_of(proxies)))
    assert agreement._counterpart(proxy, [boards[0]]) is None
    assert agreement._counterpart(proxy, boards) is boards[1]


def test_records_without_it_are_as_before(records: list[Record]) -> None:
    plain, noisy = records[0].source, records[1].source
    assert "altered" not in plain.model_dump()
    assert SourceFacts.model_validate_json(noisy.model_dump_json()) == noisy
    assert noisy.alteration is not None
    assert plain.alteration is None


def test_the_overview_names_both(records: list[Record]) -> None:
    assert "20 % of the training labels replaced" in files.overview(entries_of(records))
