"""What the page shows, as plain data: the boards' own numbers and texts, nothing computed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dqbench import byte_sizes
from dqbench.board import (
    agreement,
    answer,
    claim_words,
    comparing,
    corruptions,
    hard_beside_soft,
    recipe_sweeps,
    sentences,
    sweeps,
    tables,
    text,
)
from dqbench.board.answer import Answer
from dqbench.board.board import Board, CellNumbers
from dqbench.board.costs import ROLES
from dqbench.board.critical import CriticalDifference, NoCriticalDifference, critical_differences
from dqbench.board.html_classes import ClassViews
from dqbench.board.html_details import Facts, Room, details, pooled_part
from dqbench.board.html_pictures import Pictures
from dqbench.board.pairing import seconds
from dqbench.board.published import Published, Result
from dqbench.board.sections import CellKey, Row
from dqbench.board.statistics import Estimate
from dqbench.board.tables import Table
from dqbench.board.training_curves import TrainingCurves
from dqbench.board.verdicts import Judged, judge_all
from dqbench.claims import Claim
from dqbench.measure import USUAL
from dqbench.records import Record
from dqbench.specs import Budget

COLUMNS = ("score", "Δ random", "gain", "κ", "samples", "bytes", "updates", *ROLES, "train s", "best epoch")
"""What every cell has, in the order of its values and texts."""


@dataclass(frozen=True)
class Sources:
    """What a cell's dialog is made from besides its record: kept pictures, predictions, shared facts, room for more."""

    pictures: Pictures
    classes: ClassViews
    facts: Facts
    room: Room


def payload(
    boards: Mapping[str, Sequence[Board]],
    known: Published,
    pictures: Pictures,
    classes: ClassViews | None = None,
    claims: Sequence[Claim] = (),
) -> dict[str, Any]:
    """Everything the page knows, as JSON values; equal for equal records, byte by byte."""
    facts = Facts()
    found = [board for _, group in sorted(boards.items()) for board in group]
    room = Room.of([record for board in found for record in board.section.done.values()])
    sources = Sources(pictures, classes or ClassViews(), facts, room)
    judged = judge_all(claims, boards)
    best = answer.strongest(boards)
    answers = answer.answers(best)
    shown = [
        {**_board(board, boards[board.section.setting.task], known, sources), "claims": _claims(board, judged)}
        for board in found
    ]
    return {
        "answers": [_answer(one, best[one.task]) for one in answers],
        "legend": answer.legend(answers),
        "boards": shown,
        "columns": COLUMNS,
        "critical": [_critical(analysis) for analysis in critical_differences(boards)],
        "facts": facts.values,
        "pictures": pictures.pools(),
    }


def _answer(found: Answer, board: Board) -> dict[str, Any]:
    """An answer that the overview opens with, and the identity of the board that it is from."""
    return {
        "task": found.task,
        "title": found.title,
        "board": identity(board),
        "said": found.said,
        "table": _table(found.table),
    }


def _claims(board: Board, judged: Sequence[Judged]) -> list[list[str]]:
    """Verdict and sentence of each claim that the board decides or leaves open."""
    own = [one for one in judged if one.setting == board.section.setting and one.verdict != "not measured"]
    return [[one.verdict, claim_words.sentence(one)] for one in own]


def identity(board: Board) -> str:
    """The name of a board in the page's address."""
    setting = board.section.setting
    words = repr(setting)
    for later in (", companions=()", ", scored_on=''", ", altered=''", f", measure={USUAL!r}"):
        words = words.replace(later, "")  # so that addresses from before there were any stay
    digest = hashlib.sha256(words.encode()).hexdigest()[:6]
    return f"{setting.task}-{setting.task_version}-{setting.profile}-{setting.labels}-{digest}"


def _board(board: Board, boards: Sequence[Board], known: Published, sources: Sources) -> dict[str, Any]:
    section, setting = board.section, board.section.setting
    cell_keys = _cell_keys(board)
    index = {cell_key: number for number, cell_key in enumerate(cell_keys)}
    compared, curves = comparing.compare(board, known), TrainingCurves(section)
    return {
        "id": identity(board),
        "title": sentences.title(setting),
        "task": setting.task,
        "version": setting.task_version,
        "profile": setting.profile,
        "labels": setting.labels,
        "metric": setting.metric,
        "axis": board.measure.axis(setting.metric),
        "deltas": board.measure.heading,
        "lower": board.measure.lower_is_better,
        "decimals": board.decimals,
        "precision": setting.precision,
        "dataset": setting.dataset,
        "data": "; ".join(
            [f"{setting.dataset}, {setting.provenance}", *(f"{c[0]}, {c[1]}" for c in setting.companions)]
        ),
        "about": sentences.data(setting).replace("`", ""),
        "trainSamples": setting.train_samples,
        "state": sentences.state(board),
        "outcome": [*sentences.outcome(board), *agreement.words(board, boards)],
        "reading": sentences.reading(board),
        "columnWords": sentences.columns(board),
        "rows": [_row(board, row) for row in section.rows],
        "networks": [network.label for network in section.networks],
        "budgets": [{"text": text.budget(budget), "value": budget.value} for budget in section.budgets],
        "cells": [_cell(board, cell_key, curves, sources) for cell_key in cell_keys],
        "across": _table(tables.across_table(board)),
        "beside": _beside(board, boards),
        "corruptions": _corruptions(board),
        "sweeps": [_sweep(board, sweep) for sweep in sweeps.sweeps(section)],
        "trainings": [_training(board, sweep) for sweep in recipe_sweeps.recipe_sweeps(section)],
        "compared": [_comparison(c, index, sources.facts) for c in compared],
        "elsewhere": [_elsewhere(result) for result in comparing.elsewhere(board, known)],
    }


def _cell_keys(board: Board) -> list[CellKey]:
    section = board.section
    budgets = [*section.budgets, Budget.full()]
    found = [(row, network, budget) for row in section.rows for network in section.networks for budget in budgets]
    return [cell_key for cell_key in found if cell_key in section.done or cell_key in section.failed]


def _row(board: Board, row: Row) -> dict[str, Any]:
    kind = "full" if row.is_full else "twin" if row.is_twin else "control" if row.control_of else "method"
    rank = board.rows[row].rank
    return {"name": tables.row_name(row), "label": row.label, "kind": kind, "rank": rank}


def _cell(board: Board, cell_key: CellKey, curves: TrainingCurves, sources: Sources) -> dict[str, Any]:
    section, facts, room = board.section, sources.facts, sources.room
    row, network, budget = cell_key
    where = {
        "r": section.rows.index(row),
        "n": section.networks.index(network),
        "b": section.budgets.index(budget) if budget in section.budgets else -1,
    }
    record = section.done.get(cell_key)
    if record is None:
        return {**where, "more": details(curves.added_to(section.failed[cell_key], cell_key), facts, room)}
    numbers = board.cells[cell_key]
    values, texts = zip(*_columns(numbers, record, board.decimals), strict=True)
    return {
        **where,
        "score": _ends(numbers.score),
        "delta": _ends(numbers.delta),
        "v": values,
        "x": texts,
        "more": {
            **details(curves.added_to(record, cell_key), facts, room),
            "kept": sources.pictures.of(record),
            "classes": sources.classes.of(record, facts),
            "parts": [pooled_part(part.record, facts) for part in section.parts.get(cell_key, ())],
        },
    }


def _columns(cell: CellNumbers, record: Record, decimals: int) -> list[tuple[float | None, str]]:
    """Value and text of each of ``COLUMNS``."""
    mark = text.MARKS[cell.mark]
    delta, gain, kappa = cell.delta, cell.gain, cell.kappa
    costs = [_cost(record, roles) for roles in ROLES.values()]
    return [
        (_short(cell.score.mean), text.score(cell.score, decimals) + mark),
        (_short(delta.mean) if delta else None, text.points(delta, decimals) + mark),
        (_short(gain.value) if gain else None, text.ratio(gain)),
        (_short(kappa.value) if kappa else None, text.ratio(kappa)),
        (_short(cell.samples), text.count(cell.samples)),
        (_short(cell.bytes), byte_sizes.rounded(cell.bytes)),
        (_short(cell.updates), text.count(cell.updates)),
        *((None if s is None else _short(s), text.seconds(s)) for s in costs),
        (None if cell.train_s is None else _short(cell.train_s), text.seconds(cell.train_s)),
        (cell.best, "" if cell.best is None else text.fixed(cell.best, decimals)),
    ]


def _cost(record: Record, roles: Sequence[str]) -> float | None:
    """Mean seconds in these roles; None where the cell has no such work, or its facts are missing."""
    used = any(run.jobs.get(role) for run in record.runs for role in roles)
    return seconds(record, roles) if used else None


def _short(value: float) -> float:
    return round(text.settled(value), 4)


def _ends(value: Estimate | None) -> list[float] | None:
    """Mean and both ends: of the 95 % interval, or of the range below three seeds."""
    if value is None:
        return None
    low, high = value.interval or (value.least, value.most)
    return [_short(value.mean), _short(low), _short(high), int(value.half is not None)]


def _table(content: Table) -> dict[str, Any]:
    return {"header": content.header, "rows": content.rows, "names": content.names}


def _beside(board: Board, boards: Sequence[Board]) -> dict[str, Any] | None:
    """Hard labels beside soft ones, where the board is one of those that are compared."""
    for group in hard_beside_soft.groups(boards):
        if any(one is board for one in group):
            return {"table": _table(hard_beside_soft.beside_table(group)), "words": hard_beside_soft.words(group)}
    return None


def _corruptions(board: Board) -> dict[str, Any] | None:
    if not corruptions.has_corruptions(board.section):
        return None
    shown = [corruptions.severity_table(board), corruptions.corruption_table(board)]
    return {"tables": [_table(content) for content in shown], "words": corruptions.words(board)}


def _sweep(board: Board, sweep: sweeps.Sweep) -> dict[str, Any]:
    return {
        "title": sweep.title,
        "option": sweep.option,
        "values": [sweeps.show(value) for value in sweep.values],
        "rows": [board.section.rows.index(row) for row in sweep.rows],
        "table": _table(sweeps.sweep_table(board, sweep)),
    }


def _training(board: Board, sweep: recipe_sweeps.RecipeSweep) -> dict[str, Any]:
    shown = _table(recipe_sweeps.sweep_table(board, sweep))
    return {"title": sweep.title, "table": shown, "words": recipe_sweeps.words(board, sweep)}


def _comparison(c: comparing.Comparison, index: Mapping[CellKey, int], facts: Facts) -> dict[str, Any]:
    first = c.results[0]
    return {
        "cell": index[c.cell_key],
        "published": first.value,
        "printed": first.printed + (f" ± {first.std:g}" if first.std is not None else ""),
        "measured": _short(c.measured),
        "shown": text.fixed(c.measured, c.decimals),
        "difference": text.signed_or_blank(c.difference, c.decimals),
        "alike": _short(c.measured if c.best is None else c.best),
        "best": "" if c.best is None else text.fixed(c.best, c.decimals),
        "bestDifference": text.signed_or_blank(c.best_difference, c.decimals),
        "z": text.signed_or_blank(c.z),
        "comparable": c.comparable,
        "whyNot": c.why_not or "; ".join(c.bars),
        "differs": [facts.add(note) for note in c.differs],
        "sources": "; ".join(dict.fromkeys(f"{r.paper} {r.table}" for r in c.results)),
    }


def _critical(analysis: CriticalDifference | NoCriticalDifference) -> dict[str, Any]:
    if isinstance(analysis, NoCriticalDifference):
        return {"labels": analysis.labels, "why": analysis.reason}
    names = [name for name, _ in analysis.ranks]
    return {
        "labels": analysis.labels,
        "tasks": analysis.tasks,
        "ranks": [(name, _short(rank)) for name, rank in analysis.ranks],
        "cd": _short(analysis.difference),
        "p": _short(analysis.p),
        "groups": [(names.index(group[0]), names.index(group[-1])) for group in analysis.groups],
    }


def _elsewhere(r: Result) -> tuple[str, ...]:
    return (r.method, r.arch, text.budget(r.budget), r.printed, f"{r.paper} {r.table}")
