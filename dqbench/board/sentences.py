"""The sentences of a board, each made from its records."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.board import grid_words, same_sets, seed_words, text
from dqbench.board.board import Board
from dqbench.board.chance import chance
from dqbench.board.known_leaks import leaks_of
from dqbench.board.pairing import twin_of
from dqbench.board.sections import CellKey, Section, Setting
from dqbench.board.statistics import LEAST
from dqbench.board.tables import row_name
from dqbench.data import leak_counts
from dqbench.records import Record
from dqbench.specs import Budget


def _origin(setting: Setting) -> str:
    package = "scikit-learn" if setting.dataset == "digits" else "the package that brings them"
    origins = {
        "verified": "from a verified download",
        "imported": "imported, not a verified download",
        "bundled": f"bundled with {package}",
    }
    return origins[setting.provenance]


def title(setting: Setting) -> str:
    """Task and version, profile, labels, precision, and where the data come from, with the hash if not verified."""
    named = "" if setting.task.startswith(setting.dataset) else f" {setting.dataset}"
    data = "data bundled with scikit-learn" if setting.dataset == "digits" else f"{setting.provenance} data{named}"
    parts = [
        f"{setting.task}@{setting.task_version}",
        setting.profile,
        f"{setting.labels} labels" + (f" of {setting.teacher}" if setting.teacher else ""),
        setting.precision,
        data + ("" if setting.provenance == "verified" else f" {setting.train_hash[:12]}"),
        *(f"{provenance} {name} {digest[:12]}".rstrip() for name, provenance, digest, _ in setting.companions),
        *filter(None, [setting.altered]),
    ]
    return " · ".join(parts)


def reading(board: Board) -> list[str]:
    """How to read the scores."""
    section = board.section
    counts = sorted({cell.score.count for cell in board.cells.values()})
    if not counts:
        return ["No cell is finished."]
    return [_what(section), *_spread(counts), *_marks(board, counts), *_controls(section), *_idle(section)]


def _idle(section: Section) -> list[str]:
    """Where a method's ranking chose nothing, as all that it could rank was used."""
    found = {
        (row_name(row), text.budget(budget)): record.runs[0].notes["ranks_nothing"]
        for (row, _, budget), record in section.done.items()
        if record.runs and "ranks_nothing" in record.runs[0].notes and not row.is_claimed
    }
    return [f"{row} at {budget} ranks nothing: {text.brief(why)}." for (row, budget), why in found.items()]


def _what(section: Section) -> str:
    setting = section.setting
    seeds = sorted({seed for record in section.done.values() for seed in record.cell.seeds})
    counts = {len(record.runs) for record in section.done.values()}
    fewer = " unless a cell says fewer" if len(counts) > 1 else ""
    measure = setting.measure
    scored = "at the last epoch" if section.trains else "read off the features of the observer"
    return (
        f"Score: {setting.metric}{measure.in_words}{measure.note and f'{measure.note},'} "
        f"on {setting.scored_on or f'{setting.test_samples:,} test {_kind(setting)}'} {scored}, mean over "
        f"{text.plural(len(seeds), 'seed')} ({', '.join(map(str, seeds))}){fewer}. "
        "Rows are in the order of their names."
        f"{measure.turned and f' {measure.turned}'}{'' if section.trains else f' {_PROBED}'}"
    )


_PROBED = (
    "No network is trained on what is kept: the score says how well it stands for the source in these features, not "
    "what a network would learn from it, and methods that select by the same features have an advantage."
)


def _spread(counts: list[int]) -> list[str]:
    said = []
    if counts[-1] >= LEAST:
        said.append("± is the half-width of the 95 % t-interval over the seeds, not adjusted for the number of rows.")
    if LEAST > counts[0] > 1 or (counts[0] == 1 and 2 in counts):
        said.append("[a, b] is the range over the seeds: two seeds allow no interval, mark, rank or lossless ratio.")
    if counts[0] == 1:
        said.append("Where there is one seed there is no interval and no range.")
    return said


def _marks(board: Board, counts: list[int]) -> list[str]:
    if not board.tests:
        return []
    above, below = ("better", "worse than") if board.measure.lower_is_better else ("above", "below")
    said = [
        f"▲ {above} and ▼ {below} random, after Holm over {text.plural(board.tests, 'test')} (every method, budget and "
        "architecture; controls left out). No mark means not distinguishable, which is not the same as equal."
    ]
    said += [*_pooled(board), *grid_words.ranks(board)]
    if len(board.section.tested.seeds) < 5 or board.section.setting.profile not in ("paper", "proxy"):
        said.append("A claim needs the profile paper or proxy and at least 5 seeds.")
    return said


def _pooled(board: Board) -> Iterable[str]:
    """One planned test for each method over all its cells, which finds what single cells have too few seeds for."""
    if not board.pooled:
        return
    shown = []
    for row, test in board.pooled.items():
        points = text.points(test.difference, board.decimals)
        shown.append(f"{row_name(row)} {points}{text.MARKS[test.mark]} ({text.plural(test.cells, 'cell')})")
    unit = f"in {board.measure.differences} " if board.measure.differences else ""
    yield (
        f"Over all budgets and architectures together, one test for each method, {unit}{board.measure.to_random}, Holm "
        f"over {text.plural(len(shown), 'method')}: {'; '.join(shown)}."
    )


def _controls(section: Section) -> list[str]:
    return [
        f"{row.label} is a control of {row.control_of}: it is neither marked nor ranked."
        for row in section.rows
        if row.control_of
    ]


def state(board: Board) -> list[str]:
    """How many cells there are, what is missing and what was left out."""
    section = board.section
    counts = f"{text.plural(len(section.done), 'cell')} finished, {len(section.failed)} failed."
    parts = (
        _trust,
        _missing,
        _observers,
        _shared_weights,
        seed_words.planned,
        seed_words.pooled,
        seed_words.left_out,
        same_sets.words,
        _leaks,
    )
    return [counts, *_unlearned(board), *(words for part in parts for words in part(section))]


def _leaks(section: Section) -> Iterable[str]:
    leaks = leaks_of(section)
    if leaks is not None:
        yield f"Leaks of {section.setting.dataset}, in the whole sets: {leak_counts.words(leaks)}."


def _unlearned(board: Board) -> Iterable[str]:
    section, guess = board.section, text.fixed(chance(board.section.setting), board.decimals)
    for network in board.unlearned:
        full = board.cell(section.full, network, Budget.full()) if section.full else None
        score = f", {text.score(full.score, board.decimals)}," if full else ""
        above = f"chance, {guess}" if float(guess) else "zero"
        yield (
            f"Nothing was learned at this scale on {network.label}: the full-data row{score} is not above {above}. So "
            "there are no differences, ranks or κ."
        )


def _trust(section: Section) -> Iterable[str]:
    words = {
        "claimed": "came in a bundle, and these cells were not redone here; it is neither marked nor ranked",
        "verified": "came in a bundle that agreed with cells redone here; shown are the scores and costs measured here",
    }
    for row in section.rows:
        if row.trust in words:
            yield f"{row_name(row)}: {words[row.trust]}."


def _missing(section: Section) -> Iterable[str]:
    twin, full = section.twin, section.full
    for network in section.networks:
        measured = {budget for row, n, budget in section.done if n == network and not (row.is_full or row.is_twin)}
        without = [b for b in section.budgets if b in measured and not (twin and section.record(twin, network, b))]
        if without:
            at = text.listing([text.budget(b) for b in without])
            yield f"No random row at {at} on {network.label}: differences, gain and κ are blank there."
        if not (full and section.record(full, network, Budget.full())):
            yield f"No full-data row on {network.label}: gain and lossless are blank there."
    unpaired = sorted({row_name(cell_key[0]) for cell_key in section.done if _lacks_seeds(section, cell_key)})
    if unpaired:
        yield (
            f"Not every seed of {text.listing(unpaired)} has its random twin: differences are over the seeds that both "
            "have, and blank where there are none."
        )


def _lacks_seeds(section: Section, cell_key: CellKey) -> bool:
    twin = twin_of(section, cell_key)
    return twin is not None and not set(section.done[cell_key].cell.seeds) <= set(twin.cell.seeds)


def _observers(section: Section) -> Iterable[str]:
    shared = sorted({row_name(row) for (row, _, _), record in section.done.items() if _one_observer(record)})
    if shared:
        yield f"{text.listing(shared)}: conditional on one observer, which all seeds share."


def _shared_weights(section: Section) -> Iterable[str]:
    """Records from before jobs had versions: their observers' initial weights were those of the seed's networks."""
    old = [record.cell for record in section.done.values() if record.versions.job_versions is None]
    shared = sorted({cell.arch for cell in old if cell.arch in (cell.observer_arch, cell.teacher_arch)})
    if shared:
        yield (
            "Records from before observers and teachers had initial weights of their own: on "
            f"{text.listing(shared)} they and the networks of a seed started from the same ones."
        )


def _one_observer(record: Record) -> bool:
    observers = {tuple(run.jobs["observer"]) for run in record.runs if run.jobs.get("observer")}
    return len(record.runs) > 1 and len(observers) == 1


def outcome(board: Board) -> list[str]:
    """How each method stands to random, in one sentence."""
    said = []
    for row in board.section.rows:
        cells = [cell for (r, _, _), cell in board.cells.items() if r == row and cell.delta]
        deltas = [cell.delta.mean for cell in cells if cell.delta]
        if not deltas:
            continue
        tested = all(cell.delta and cell.delta.half is not None for cell in cells)
        ups, downs = (sum(cell.mark == side for cell in cells) for side in ("above", "below"))
        measure, mean = board.measure, text.signed(sum(deltas) / len(deltas), board.decimals)
        average = f"{measure.amount(mean)} {measure.to_random} on average over {text.plural(len(deltas), 'cell')}"
        above = "better than it" if measure.lower_is_better else "above it"
        verdict = (
            f"better {ups} · worse {downs} · open {len(deltas) - ups - downs}"
            if tested
            else f"{above} in {sum(d > 0 for d in deltas)}, with too few seeds to tell from chance"
        )
        said.append(f"{row_name(row)}: {average}." if row.control_of else f"{row_name(row)}: {average}; {verdict}.")
    return said


def columns(board: Board) -> list[str]:
    """What the columns of the details mean, for those that are not blank, and why the others are."""
    cells = [cell for (row, _, _), cell in board.cells.items() if not (row.is_full or row.is_twin)]
    said = []
    if any(cell.gain for cell in cells):
        said.append("Gain: (score − random) / (full − random), with Fieller's 95 % interval.")
    elif cells and len(board.unlearned) < len(board.section.networks):
        said.append(
            "Gain is blank: it needs three seeds, and a distance from random to full data whose interval is above 0."
        )
    factors = [cell.kappa for cell in cells if cell.kappa]
    if factors:
        said.append(
            "κ: random samples that buy the same score, divided by the samples kept; read off the measured random "
            "curve (made monotone, linear in log samples, full data as its end), and blank where that curve does not "
            "reach."
        )
    if any(factor.low is not None or factor.high is not None for factor in factors):
        said.append("κ's 95 % interval: the factors that a paired t-test of method and random curve does not refute.")
    if any((factor.low is None) != (factor.high is None) for factor in factors):
        said.append("…: this end of κ's interval reaches the end of the random curve.")
    if any(cell.best is not None for cell in cells):
        said.append("Best epoch: mean of the best of the snapshots, chosen on the test set; never the score.")
    tuned = any("finetune" in run.jobs for record in board.section.done.values() for run in record.runs)
    if tuned and board.section.setting.precision != "fp32":
        said.append(f"{board.section.setting.precision} is the backbone's precision; fine-tuning is in fp32.")
    work = f"train{', fine-tune' if tuned else ''} and evaluate one network"
    said.append(f"Train s: mean seconds to {work if board.section.trains else 'score one kept set'}.")
    return said


def data(setting: Setting) -> str:
    """The data, their hashes, and which part was used."""
    part = []
    of_each = " of each class" if setting.classes else ""
    if setting.train_per_class:
        part.append(f"the first {setting.train_per_class:,} training {_kind(setting)}{of_each}")
    if setting.test_per_class:
        part.append(f"the first {setting.test_per_class:,} test {_kind(setting)}{of_each}")
    used = f"Used: {text.listing(part)}. " if part else "Used: all. "
    note = f" ({setting.note})" if setting.note else ""
    classes = f", {setting.classes} classes" if setting.classes else ""
    altered = f"Altered: {setting.altered}; the test set is as it was. " if setting.altered else ""
    return (
        f"{setting.dataset}, {_origin(setting)}{note}. {altered}{used}{setting.train_samples:,} training and "
        f"{setting.test_samples:,} test {_kind(setting)}{classes}. SHA-256 of the whole sets: train "
        f"`{setting.train_hash}`, test `{setting.test_hash}`.{_companions(setting)}"
    )


def _kind(setting: Setting) -> str:
    """What samples are: texts have no classes."""
    return "images" if setting.classes else "texts"


def _companions(setting: Setting) -> str:
    said = ""
    for name, provenance, digest, note in setting.companions:
        said += f" Beside it {name}, {note or provenance}" + (f", SHA-256 `{digest}`." if digest else ".")
    return said
