"""Hard labels beside soft ones: what each method scores, stores and gains over random in every regime, in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from dqbench import byte_sizes
from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.dd_ranking import augmentation_robust, label_robust
from dqbench.board.pairing import full_of, mean, paired, twin_of
from dqbench.board.sections import Column, Network, Row
from dqbench.board.statistics import Estimate, estimate
from dqbench.board.tables import Table, row_name
from dqbench.records import Record, Run
from dqbench.specs import REGIMES, Budget

Boards = Sequence[Board]


@dataclass(frozen=True)
class _Line:
    """A cell in one regime, beside what the same method and budget have with hard labels."""

    board: Board
    hard: Board | None
    row: Row
    network: Network
    budget: Budget

    @property
    def record(self) -> Record | None:
        return self.board.section.record(self.row, self.network, self.budget)

    def recovery(self) -> tuple[Record | None, Record | None]:
        """Full data and the method's own set, both with hard labels."""
        if self.hard is None or self.row.is_full or self.network in self.hard.unlearned:
            return None, None
        section = self.hard.section
        return full_of(section, self.network), section.record(self.row, self.network, self.budget)

    def improvement(self, network: Network | None = None) -> tuple[Record | None, Record | None]:
        """The method's set and random's, both with this regime's labels; for random itself twice the same."""
        section, where = self.board.section, network or self.network
        own = section.record(self.row, where, self.budget)
        if self.row.is_full or where in self.board.unlearned:
            return None, None
        return own, own if self.row.is_twin else twin_of(section, (self.row, where, self.budget))


def groups(boards: Boards) -> list[tuple[Board, ...]]:
    """Boards that differ in nothing but their labels and measured some method, network and budget in two regimes.

    Only those of shares in percent: DD-Ranking's scores are made of accuracies.
    """
    found: dict[object, list[Board]] = {}
    for board in (one for one in boards if one.measure.is_usual):
        found.setdefault(replace(board.section.setting, labels="", teacher=""), []).append(board)
    ordered = [tuple(sorted(group, key=_regime)) for group in found.values()]
    return [group for group in ordered if _places(group)]


def beside_table(group: Boards) -> Table:
    """A line for each network, budget, method and regime, the full data first.

    Methods that were measured in one regime only are left out, but for random and those that make images.
    """
    rows = tuple(_shown(line, several=_teachers(group) > 1) for line in _lines(group))
    names = ("architecture", "budget", "method", "labels")
    numbers = ("score", "Δ random", "samples", "bytes in all", "of it labels", "of it teacher")
    return Table((*names, *numbers, "HLR", "IOR", "LRS", "ARS"), rows, names=4).without_blanks()


def words(group: Boards) -> list[str]:
    """What the columns mean, and what is not there."""
    lines = list(_lines(group))
    said = [
        "Bytes in all are those of the set, its labels and the teacher that training needs.",
        "HLR: full data − the method, both with hard labels. IOR: the method − random, both with the labels of the "
        "line. LRS: (exp α − exp −1) / (exp 1 − exp −1) of α = IOR/2 − HLR/2. All are in fractions, not percent, and "
        "paired by seed: DD-Ranking (Li et al., 2025, arXiv:2505.13300).",
        "DD-Ranking's own numbers take the best epoch and the best of five learning rates, both by the test set; these "
        "are of the last epoch of one recipe. Do not set one beside the other.",
    ]
    if any(_plain(line) for line in lines):
        said.append("ARS: the same of β, the mean of IOR with the recipe's augmentation and without any.")
    else:
        said.append("No ARS: it needs the same recipe without augmentation as well (--set recipe.augment=[]).")
    if not any(line.recovery()[0] for line in lines):
        said.append("No HLR and LRS: they need the full-data row with hard labels.")
    if not any(board.section.twin for board in group):
        said.append("No IOR, LRS and ARS: they need the random row.")
    return said


def _regime(board: Board) -> tuple[int, str]:
    return [str(one) for one in REGIMES].index(board.section.setting.labels), board.section.setting.teacher


def _teachers(group: Boards) -> int:
    return len({board.section.setting.teacher for board in group} - {""})


def _places(group: Boards) -> list[Column]:
    """Networks and budgets at which two regimes or more kept something, in the order of the boards."""
    measured: Counter[Column] = Counter()
    for board in group:
        kept = ((network, budget) for row, network, budget in board.section.done if not row.is_full)
        measured.update(set(kept))
    networks = list(dict.fromkeys(network for board in group for network in board.section.networks))
    found = (place for place, regimes in measured.items() if regimes > 1)
    return sorted(found, key=lambda place: (networks.index(place[0]), place[1].kind, place[1].value))


def _lines(group: Boards) -> Iterator[_Line]:
    places = _places(group)
    hard = next((board for board in group if board.section.setting.labels == "hard"), None)
    whole = [(network, Budget.full()) for network in dict.fromkeys(network for network, _ in places)]
    for network, budget in [*whole, *places]:
        for row in _rows(group):
            lines = [_Line(board, hard, row, network, budget) for board in group]
            measured = [line for line in lines if line.record and row.is_full == (budget.kind == "full")]
            if len(measured) > 1 or row.is_full or row.is_twin or any(_makes_images(line) for line in measured):
                yield from measured


def _makes_images(line: _Line) -> bool:
    return line.record is not None and line.record.cell.method_kind == "distillation"


def _rows(group: Boards) -> list[Row]:
    rows = dict.fromkeys(row for board in group for row in board.section.rows)
    return sorted(rows, key=lambda row: (not row.is_full, not row.is_twin, row.control_of or row.method, row.label))


def _shown(line: _Line, several: bool) -> tuple[str, ...]:
    record, setting = line.record, line.board.section.setting
    cell = line.board.cell(line.row, line.network, line.budget)
    assert record
    assert cell
    teacher = f" of {setting.teacher}" if several and setting.teacher else ""
    return (
        line.network.label,
        text.budget(line.budget),
        row_name(line.row),
        setting.labels + teacher,
        text.score(cell.score),
        text.points(cell.delta),
        text.count(cell.samples),
        byte_sizes.rounded(cell.bytes),
        *(_part(record.runs, part) for part in ("labels", "teacher")),
        *(_fraction(value) for value in _scores(line)),
    )


def _part(runs: Sequence[Run], name: str) -> str:
    found = [run.bytes_parts.get(name, 0) for run in runs]
    return byte_sizes.rounded(mean(found)) if any(found) else ""


def _scores(line: _Line) -> list[Estimate | None]:
    """HLR, IOR, LRS and ARS."""
    full, hard = line.recovery()
    own, twin = line.improvement()
    plain = _plain(line)
    return [
        _by_seed(lambda f, h: f - h, full, hard),
        None if line.row.is_twin else _by_seed(lambda o, t: o - t, own, twin),
        _by_seed(lambda f, h, o, t: label_robust(f - h, o - t), full, hard, own, twin),
        _by_seed(lambda o, t, p, q: augmentation_robust(o - t, p - q), own, twin, *line.improvement(plain))
        if plain and not line.row.is_twin
        else None,
    ]


def _plain(line: _Line) -> Network | None:
    """The same network by the same recipe without augmentation, where the line's has one."""
    own = line.network.recipe
    if not (own.augment or own.cutmix):
        return None
    bare = own.model_copy(update={"augment": (), "cutmix": 0.0, "name": ""})
    for network in line.board.section.networks:
        if network.arch == line.network.arch and network.recipe.model_copy(update={"name": ""}) == bare:
            return network
    return None


def _by_seed(of: Callable[..., float], *records: Record | None) -> Estimate | None:
    """A function of accuracies as fractions, over the seeds that all records share; None where one is missing."""
    first, *others = records
    columns = paired(first, *others) if first else None
    return (
        estimate([of(*(score / 100 for score in found)) for found in zip(*columns, strict=True)]) if columns else None
    )


def _fraction(value: Estimate | None) -> str:
    """``0.312 ± 0.004``, without the ± below three seeds."""
    if value is None:
        return ""
    half = "" if value.half is None else f" ± {text.fixed(value.half, 3)}"
    shown = text.fixed(value.mean, 3)
    return ("0.000" if shown == "-0.000" else shown) + half
