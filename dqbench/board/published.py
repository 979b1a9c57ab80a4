"""The numbers that papers printed, as data: read from ``dqbench.published``, checked line by line."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from dqbench.errors import UsageError
from dqbench.specs import Budget

T = TypeVar("T")

_HEADERS = {
    "results.csv": "paper,table,task,method,observer,arch,budget_kind,budget,metric,value,std,labels,runs,note",
    "costs.csv": "paper,table,method,observer,dataset,budget,quantity,value,hardware,note",
    "error_bars.csv": "paper,table,method,runs,error_bar,note",
    "papers.csv": "paper,title,reference,arxiv,patch_ratio_methods,scored_epoch,epochs,batch_size",
    "caveats.csv": "paper,task,methods,archs,budget_kind,why",
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
        epochs: of training on CIFAR-10; None where it is not known.
    """

    paper: str
    title: str
    reference: str
    arxiv: str
    patch_ratio_methods: tuple[str, ...]
    scored_epoch: str
    epochs: int | None
    batch_size: int | None


@dataclass(frozen=True)
class Caveat:
    """Why some results of a paper must not be compared with others of the same name; an empty field fits all."""

    paper: str
    task: str
    methods: tuple[str, ...]
    archs: tuple[str, ...]
    budget_kind: str
    why: str

    def fits(self, result: Result) -> bool:
        """Whether it speaks of this result."""
        return (
            self.paper == result.paper
            and self.task in ("", result.task)
            and (not self.methods or result.method in self.methods)
            and (not self.archs or result.arch in self.archs)
            and self.budget_kind in ("", result.budget.kind)
        )


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
    papers = {paper.paper: paper for paper in _read(folder, "papers.csv", _paper)}
    loaded = Published(
        results=tuple(_read(folder, "results.csv", _result)),
        costs=tuple(_read(folder, "costs.csv", _cost)),
        error_bars=tuple(_read(folder, "error_bars.csv", _error_bar)),
        papers=papers,
        caveats=tuple(_read(folder, "caveats.csv", _caveat)),
    )
    tables = (loaded.results, loaded.costs, loaded.error_bars, loaded.caveats)
    named = {row.paper for rows in tables for row in rows}
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
        patch_ratio_methods=tuple(name for name in row["patch_ratio_methods"].split(";") if name),
        epochs=_whole(row["epochs"], "epochs") if row["epochs"] else None,
        batch_size=_whole(row["batch_size"], "batch_size") if row["batch_size"] else None,
    )


def _caveat(row: dict[str, str]) -> Caveat:
    kind = row["budget_kind"]
    _expect(bool(row["why"]), "why is empty")
    _expect(kind in ("", "ratio", "ipc", "full"), f"budget_kind {kind!r} is not ratio, ipc, full or empty")
    methods, archs = (tuple(name for name in row[column].split(";") if name) for column in ("methods", "archs"))
    return Caveat(row["paper"], row["task"], methods, archs, kind, row["why"])


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
