"""A task's board as Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from dqbench.board import (
    agreement,
    corruptions,
    costs,
    grid_words,
    hard_beside_soft,
    recipe_sweeps,
    sentences,
    sweeps,
    tables,
    text,
)
from dqbench.board.answer import STRENGTH, Answer, answer, legend
from dqbench.board.board import Board
from dqbench.board.claim_words import counted, of_board
from dqbench.board.critical import CriticalDifference, NoCriticalDifference
from dqbench.board.markup import bullets, escape, table
from dqbench.board.provenance import making
from dqbench.board.published import Cost, Published
from dqbench.board.published_section import published_section
from dqbench.board.summary import Listed, Summary, answers, trust
from dqbench.board.tables import Table
from dqbench.board.verdicts import Judged

GENERATED = "<!-- Made by dqbench leaderboard from the records; do not edit."


def document(
    task: str,
    boards: Sequence[Board],
    published: Published,
    judged: Sequence[Judged] = (),
    picture: tuple[Board, str] | None = None,
) -> str:
    """The file of one task, all but its first line; ``picture`` is a board with the file that shows it."""
    titles = [sentences.title(board.section.setting) for board in boards]
    blocks = ["", f"# {escape(task)}"]
    if len(boards) > 1:
        blocks.append("Regimes are never mixed; each has its own section:")
        blocks.append("\n".join(f"{i}. {escape(words)}" for i, words in enumerate(titles, start=1)))
    parts: dict[bool, list[str]] = {False: [], True: []}
    for number, (words, board) in enumerate(zip(titles, boards, strict=True), start=1):
        heading = f"## {number}. " if len(boards) > 1 else "## "
        own = [one for one in judged if one.setting == board.section.setting]
        file = picture[1] if picture and picture[0] is board else ""
        section = _section(board, published, agreement.words(board, boards), own)
        parts[_is_smoke(board)] += [heading + escape(words), *_opening(board, file), *section]
    for is_smoke, part in parts.items():
        part += _hard_beside_soft([board for board in boards if _is_smoke(board) == is_smoke])
    blocks += [*parts[False], *_smoke(parts[True], alone=not parts[False])]
    return "\n\n".join(blocks).removeprefix("\n") + "\n"


def _is_smoke(board: Board) -> bool:
    return board.section.setting.profile not in STRENGTH[1:]


def _smoke(blocks: Sequence[str], alone: bool) -> list[str]:
    """What checks that the machinery works: folded, but where there is nothing else."""
    if not blocks:
        return []
    if alone:
        return [
            "Nothing but smoke was run: it checks that the machinery works, and is no evidence on methods.",
            *blocks,
        ]
    summary = "<details><summary>Smoke: checks that the machinery works, and no evidence on methods</summary>"
    return [summary, *blocks, "</details>"]


def _hard_beside_soft(boards: Sequence[Board]) -> list[str]:
    blocks = []
    for group in hard_beside_soft.groups(boards):
        setting = group[0].section.setting
        blocks += [
            "## Hard labels beside soft ones: " + escape(", ".join(filter(None, [setting.profile, setting.altered]))),
            table(hard_beside_soft.beside_table(group)),
            bullets(hard_beside_soft.words(group)),
        ]
    return blocks


def overview(
    summaries: Sequence[Summary],
    criticals: Iterable[CriticalDifference | NoCriticalDifference],
    judged: Sequence[Judged] = (),
    pictures: Collection[str] = (),
) -> str:
    """The answer, the list of all boards, and how the methods stand over all tasks; all but the first line."""
    strong, smoke = (
        {one.task: [s for s in one.sections if s.smoke == is_smoke] for one in summaries} for is_smoke in (False, True)
    )
    blocks = ["", "# Leaderboards", *_answers(answers(summaries), pictures)]
    if any(one.verdict != "not measured" for one in judged):
        blocks += ["## What papers claim", f"[{text.plural(len(judged), 'verdict')}](claims.md): {counted(judged)}."]
    if any(strong.values()):
        blocks += ["## Boards", _list(strong)]
    if any(smoke.values()):
        count = text.plural(sum(map(len, smoke.values())), "board")
        blocks += [
            f"<details><summary>Smoke: {count} to check that the machinery works, and no evidence on methods</summary>",
            _list(smoke),
            "</details>",
        ]
    if not summaries:
        blocks.append("No records yet.")
    for critical in criticals if summaries else ():
        blocks += [f"## Over all tasks, {critical.labels} labels", *_critical(critical)]
    if summaries:
        blocks += ["## Who vouches for it", trust(summaries)]
    return "\n\n".join(blocks).removeprefix("\n") + "\n"


def _answers(found: Sequence[Answer], pictures: Collection[str]) -> list[str]:
    blocks = ["## Which method?"] if found else []
    for one in found:
        blocks += [f"**[{escape(one.task)}]({one.task}.md)**: {escape(one.title)}", bullets(one.said), table(one.table)]
        if one is found[0]:
            blocks.append(legend(found))
        if (file := f"{one.task}.svg") in pictures:
            blocks.append(_picture(file))
    return blocks


def _list(sections: Mapping[str, Sequence[Listed]]) -> str:
    rows = []
    for task, found in sorted(sections.items()):
        link, data = f"[{escape(task)}]({task}.md)", f"[CSV]({task}.csv), [LaTeX]({task}.tex)"
        rows += [(link, escape(s.title), s.done, s.failed, data) for s in found]
    lines = ["| task | board | cells | failed | data |", "| --- | --- | ---: | ---: | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def _critical(found: CriticalDifference | NoCriticalDifference) -> list[str]:
    if isinstance(found, NoCriticalDifference):
        return [f"No critical-difference analysis: {escape(found.reason)}."]
    rows = tuple((name, text.fixed(rank, 2)) for name, rank in found.ranks)
    alike = "; ".join(text.listing(list(group)) for group in found.groups) or "none"
    return [
        table(Table(("method", "average rank"), rows)),
        bullets([
            f"Ranks over {text.listing(list(found.tasks))} (profile paper); Friedman's test that all are alike: "
            f"p = {text.fixed(found.p, 3)}.",
            f"Nemenyi's critical difference at 5 %: {text.fixed(found.difference, 2)}. Not distinguishable: {alike}.",
            *([f"Left out, as they are not in the largest grid of methods that share tasks: "
               f"{text.listing(list(found.left_out))}."] if found.left_out else []),
        ]),
    ]  # fmt: skip


def _opening(board: Board, picture: str) -> list[str]:
    """What the board shows: a sentence for each budget, one narrow table, one picture. ``smoke`` answers nothing."""
    found = None if _is_smoke(board) else answer(board)
    if found is None:
        return []
    blocks = [bullets(found.said)] if found.said else []
    what = board.measure.against_random
    blocks += [f"**{escape(found.network)}**, {what}:", table(found.table), found.legend]
    if picture:
        blocks.append(_picture(picture))
    return blocks


def _picture(file: str) -> str:
    return f"![Differences to random with their intervals]({file})"


def _section(board: Board, published: Published, more: Sequence[str], judged: Sequence[Judged]) -> list[str]:
    """Claims and whatever limits the board in sight, all other numbers folded."""
    return [
        bullets([*sentences.state(board), *more]),
        *of_board(judged),
        "<details><summary>All numbers: scores, ranks, gain, κ, costs, published values, versions</summary>",
        *_all_numbers(board, published),
        "</details>",
    ]


def _all_numbers(board: Board, published: Published) -> list[str]:
    return [
        bullets(sentences.outcome(board)),
        *_scores(board),
        *_corruptions(board),
        *_sweeps(board),
        *_details(board),
        *_costs(board, published),
        *published_section(board, published),
        *making(board.section),
    ]


def _scores(board: Board) -> list[str]:
    blocks = ["### Scores", table(tables.score_table(board)), bullets(sentences.reading(board))]
    deltas = tables.delta_table(board)
    shared = "initial weights and augmentation" if board.section.trains else "observer"
    if any(cell for row in deltas.rows for cell in row[1:]):
        blocks += [
            "### Difference to random",
            table(deltas),
            f"{_paired(board)}: the same seed gives a method and its random twin the same {shared}."
            f"{_delta_words(board)}",
        ]
    return blocks


def _paired(board: Board) -> str:
    """``Points, paired by seed``, with what is subtracted from what where that is not score − score."""
    measure = board.measure
    words = f"{measure.heading if measure.lower_is_better else measure.differences}, paired by seed".removeprefix(", ")
    return words[0].upper() + words[1:]


def _corruptions(board: Board) -> list[str]:
    if not corruptions.has_corruptions(board.section):
        return []
    tables_ = [table(corruptions.severity_table(board)), table(corruptions.corruption_table(board))]
    return ["### Corruptions", *tables_, bullets(corruptions.words(board))]


def _sweeps(board: Board) -> list[str]:
    blocks = []
    for sweep in sweeps.sweeps(board.section):
        blocks += [f"**{escape(sweep.title)}**", table(sweeps.sweep_table(board, sweep))]
    for training in recipe_sweeps.recipe_sweeps(board.section):
        shown = table(recipe_sweeps.sweep_table(board, training))
        blocks += [f"**{escape(training.title)}**", shown, bullets(recipe_sweeps.words(board, training))]
    return ["### Sweeps", *blocks] if blocks else []


def _delta_words(board: Board) -> str:
    if all(cell.delta is None or cell.delta.half is None for cell in board.cells.values()):
        return ""
    return " ± is the half-width of the 95 % t-interval of the paired difference, unadjusted; the marks are adjusted."


def _details(board: Board) -> list[str]:
    blocks = ["### Details"]
    for network in board.section.networks:
        recipe = network.recipe
        blocks.append(
            f"**{escape(network.label)}**, recipe {escape(recipe.name)}: {text.plural(recipe.epochs, 'epoch')}, "
            f"batch {recipe.batch_size}, {recipe.optimizer} at {recipe.lr:g}, {recipe.schedule}"
        )
        blocks.append(table(tables.detail_table(board, network)))
    blocks.append(bullets(sentences.columns(board)))
    across = tables.across_table(board)
    if across.rows:
        blocks += ["### Across architectures and budgets", table(across), bullets(_across_words(board))]
    return blocks


def _across_words(board: Board) -> list[str]:
    numbers, measure = list(board.rows.values()), board.measure
    unit = f", in {measure.differences}" if measure.differences else ""
    turned = ", turned so that above 0 is better" if measure.lower_is_better else ""
    said = []
    if any(row.transfer for row in numbers):
        said.append(
            f"Transfer: (mean over unseen architectures − score on the observer's) − the same for random{unit}{turned}."
        )
    if any(row.lossless for row in numbers):
        said.append(
            "Lossless: the smallest keep ratio from which on every measured one loses less than "
            f"{measure.amount(f'{measure.lossless:g}')} against full data (one-sided 95 % bound of the paired "
            "difference)."
        )
    return [*said, *grid_words.areas(board)]


def _costs(board: Board, published: Published) -> list[str]:
    blocks = ["### What was kept", table(costs.storage_table(board))]
    blocks.append(
        "Bytes are those of the stored set: images or patches, masks, labels, weights and keys, as measured; of kept "
        "samples those of their pixels and classes. A teacher or decoder that training needs stands beside it. Saved: "
        "against the whole source."
    )
    blocks += ["### What choosing it cost", table(costs.cost_table(board))]
    blocks.append(
        "Seconds are means over the seeds, of the work in each seed's path: work that several cells share is counted "
        "in each of them. Memory is the highest peak of that work; training on what was kept is not in it."
    )
    printed = costs.published_costs(board, published)
    if printed:
        blocks += ["Published costs, on other hardware:", table(_printed_costs(printed))]
    return blocks


def _printed_costs(found: Iterable[Cost]) -> Table:
    rows = [(c.paper, c.table, c.method, c.budget, c.quantity.replace("_", " "), c.printed) for c in found]
    return Table(("paper", "table", "method", "budget", "quantity", "value"), tuple(rows), names=5)
