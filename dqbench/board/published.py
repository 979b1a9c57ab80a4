"""The numbers that papers printed, as data: read from ``dqbench.published``, checked line by line."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from dqbench.board.caveats import Caveat, conditions
from dqbench.errors import UsageError
from dqbench.specs import Budget

T = TypeVar("T")

_HEADERS = {
    "results.csv": "paper,table,task,method,observer,arch,budget_kind,budget,metric,value,std,labels,runs,note",
    "costs.csv": "paper,table,method,observer,dataset,budget,quantity,value,hardware,note",
    "error_bars.csv": "paper,table,method,runs,error_bar,note",
    "papers.csv": "paper,title,reference,arxiv,patch_ratio_methods,scored_epoch,networks",
    "caveats.csv": "papers,tasks,methods,archs,budget_kind,budgets,unless,bars,why",
}


@dataclass(frozen=True)
class Result:
    """One printed result; ``printed`` has the digits as printed, ``labels`` is empty where the paper leaves it open."""

    paper: str
    table: str
    task: str
    method: str
    observer: str
    arch: str
    budget: Budget
    metric: str
    value: float
    printed: str
    std: float | None
    labels: str
    runs: int | None
    note: str


@dataclass(frozen=True)
class Cost:
    """One printed cost of making a compressed set."""

    paper: str
    table: str
    method: str
    observer: str
    dataset: str
    budget: str
    quantity: str
    value: float
    printed: str
    hardware: str
    note: str


@dataclass(frozen=True)
class ErrorBar:
    """A paper's one average error bar for a method."""

    paper: str
    table: str
    method: str
    runs: int
    printed: str
    note: str


@dataclass(frozen=True)
class Paper:
    """How a paper measured, as far as it says.

    Attributes:
        patch_ratio_methods: methods whose keep ratio counts samples x kept patches there.
        scored_epoch: ``best`` (on the test set), ``last``, or empty where it is not known.
        networks: dqbench's name of a network by the paper's, where they differ.
    """

    paper: str
    title: str
    reference: str
    arxiv: str
    patch_ratio_methods: tuple[str, ...]
    scored_epoch: str
    networks: Mapping[str, str]


@dataclass(frozen=True)
class Published:
    """All that is published."""

    results: tuple[Result, ...]
    costs: tuple[Cost, ...]
    error_bars: tuple[ErrorBar, ...]
    papers: Mapping[str, Paper]
    caveats: tuple[Caveat, ...] = ()


def load(folder: Path | None = None) -> Published:
    """Read the tables from ``folder``, by default those that ship with dqbench.

    Raises:
        UsageError: a file, column or value that is not what it should be; the message names file and line.
    """
    return _shipped() if folder is None else _load(folder)


@cache
def _shipped() -> Published:
    return _load(None)


def _load(folder: Path | None) -> Published:
    papers = {paper.paper: paper for paper in _read(folder, "papers.csv", _paper)}
    loaded = Published(
        results=tuple(_in_our_names(row, papers) for row in _read(folder, "results.csv", _result)),
        costs=tuple(_read(folder, "costs.csv", _cost)),
        error_bars=tuple(_read(folder, "error_bars.csv", _error_bar)),
        papers=papers,
        caveats=tuple(_read(folder, "caveats.csv", _caveat)),
    )
    named = {row.paper for rows in (loaded.results, loaded.costs, loaded.error_bars) for row in rows}
    named |= {paper for caveat in loaded.caveats for paper in caveat.papers}
    if named - set(papers):
        raise UsageError(f"published papers.csv lacks the paper {min(named - set(papers))!r}; add a line for it")
    return loaded


def _read(folder: Path | None, name: str, parse: Callable[[dict[str, str]], T]) -> Iterator[T]:
    try:
        place = folder / name if folder else files("dqbench.published") / name
        lines = place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"published {name} cannot be read: {error}") from error
    reader = csv.reader(lines, strict=True)
    columns = _HEADERS[name].split(",")
    try:
        for cells in reader:
            if reader.line_num == 1:
                _expect(cells == columns, f"its columns are {','.join(cells)}; they must be {_HEADERS[name]}")
                continue
            _expect(len(cells) == len(columns), f"it has {len(cells)} cells; it must have {len(columns)}")
            yield parse(dict(zip(columns, cells, strict=True)))
    except (ValueError, UsageError, csv.Error) as error:
        raise UsageError(f"published {name}, line {reader.line_num}: {error}") from None


def _result(row: dict[str, str]) -> Result:
    for name in ("paper", "table", "task", "method", "arch", "metric"):
        _expect(bool(row[name]), f"{name} is empty")
    _expect(row["labels"] in ("", "hard", "soft"), f"labels {row['labels']!r} is not hard, soft or empty")
    return Result(
        **{name: row[name] for name in ("paper", "table", "task", "method", "observer", "arch", "metric", "labels")},
        budget=_budget(row["budget_kind"], row["budget"]),
        value=_number(row["value"], "value"),
        printed=row["value"],
        std=_number(row["std"], "std") if row["std"] else None,
        runs=_whole(row["runs"], "runs") if row["runs"] else None,
        note=row["note"],
    )


def _cost(row: dict[str, str]) -> Cost:
    for name in ("paper", "table", "method", "dataset", "budget", "quantity"):
        _expect(bool(row[name]), f"{name} is empty")
    kind, _, size = row["budget"].partition("=")
    if kind in ("ipc", "batch"):
        _whole(size, "budget")
    elif row["budget"] not in ("per-image", "bin-creation", "total"):
        Budget.ratio(row["budget"])
    text = {name: cell for name, cell in row.items() if name != "value"}
    return Cost(**text, value=_number(row["value"], "value"), printed=row["value"])


def _error_bar(row: dict[str, str]) -> ErrorBar:
    _number(row["error_bar"], "error_bar")
    text = {name: row[name] for name in ("paper", "table", "method", "note")}
    return ErrorBar(**text, runs=_whole(row["runs"], "runs"), printed=row["error_bar"])


def _paper(row: dict[str, str]) -> Paper:
    _expect(row["scored_epoch"] in ("", "best", "last"), f"scored_epoch {row['scored_epoch']!r} is not best or last")
    return Paper(
        **{name: row[name] for name in ("paper", "title", "reference", "arxiv", "scored_epoch")},
        patch_ratio_methods=_listed(row["patch_ratio_methods"]),
        networks=dict(_renamed(pair) for pair in _listed(row["networks"])),
    )


def _renamed(pair: str) -> tuple[str, str]:
    theirs, _, ours = pair.partition("=")
    _expect(bool(theirs and ours), f"networks has {pair!r}; write THEIRS=OURS")
    return theirs, ours


def _in_our_names(result: Result, papers: Mapping[str, Paper]) -> Result:
    names = papers[result.paper].networks if result.paper in papers else {}
    return replace(
        result, arch=names.get(result.arch, result.arch), observer=names.get(result.observer, result.observer)
    )


def _caveat(row: dict[str, str]) -> Caveat:
    kind, bars = row["budget_kind"], row["bars"]
    papers, tasks, methods, archs = (_listed(row[column]) for column in ("papers", "tasks", "methods", "archs"))
    _expect(bool(papers), "papers is empty")
    _expect(bool(row["why"] or row["unless"]), "why and unless are both empty")
    _expect(bars in ("yes", "no"), f"bars {bars!r} is not yes or no")
    _expect(kind in ("", "ratio", "ipc", "full"), f"budget_kind {kind!r} is not ratio, ipc, full or empty")
    budgets = tuple(_budget(kind, value).value for value in _listed(row["budgets"]))
    unless = conditions(row["unless"])
    return Caveat(papers, tasks, methods, archs, kind, budgets, unless, bars == "yes", row["why"])


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(name for name in cell.split(";") if name)


def _budget(kind: str, value: str) -> Budget:
    if kind == "full":
        _expect(not value, f"a full budget has no value, not {value!r}")
        return Budget.full()
    if kind == "ratio":
        return Budget.ratio(value)
    _expect(kind == "ipc", f"budget_kind {kind!r} is not ratio, ipc or full")
    return Budget.ipc(value)


def _number(text: str, column: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{column} {text!r} is not a number") from None
    _expect(math.isfinite(number), f"{column} {text!r} is not finite")
    return number


def _whole(text: str, column: str) -> int:
    _expect(text.isdecimal() and int(text) > 0, f"{column} {text!r} is not a whole number above 0")
    return int(text)


def _expect(good: bool, message: str) -> None:
    if not good:
        raise ValueError(message)
