"""Sentences on seeds: how many were planned, which are tested, which cells are pooled and what was left out."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.board import text
from dqbench.board.sections import CellKey, Section
from dqbench.board.statistics import LEAST
from dqbench.board.tables import row_name
from dqbench.seed_ranges import seeds_words

_LONGEST = 160
"""Characters of what a record says that a sentence repeats."""


def planned(section: Section) -> Iterable[str]:
    """How many seeds the profile plans, and from which of them marks, ranks and claims come."""
    tested, there = section.tested, {seed for record in section.done.values() for seed in record.cell.seeds}
    if tested.planned and tested.block:
        blocks = tested.planned // tested.block
        cut = f" in {blocks} blocks of {tested.block}" if blocks > 1 else ""
        plans = f"The profile {section.setting.profile} plans {text.plural(tested.planned, 'seed')}{cut}"
        yield f"{plans}; {_tested(section)}{_beyond(section, there)}."
    elif there - set(tested.seeds):
        yield f"Not every row has every seed; {_tested(section)}."
    absent = [key for key in section.done if _could_be_tested(section, key) and not section.is_tested(key)]
    if tested.seeds and absent:
        yield f"Not tested, as they lack some of these seeds: {text.listing(sorted(map(_words, absent)))}."


def _tested(section: Section) -> str:
    tested = section.tested
    if not tested.seeds:
        block = f"whole block of {tested.block} seeds" if tested.block else "seed"
        return f"no {block} is there in all rows, so that nothing is marked, ranked or called lossless"
    words = f"all tested rows have {seeds_words(tested.seeds)}"
    if len(tested.seeds) < LEAST:
        return f"{words}, too few to mark, rank or call anything lossless"
    words += ", from which alone marks, ranks and lossless ratios come"
    if tested.planned and len(tested.seeds) < tested.planned:
        return f"{words}; what is planned and not there yet can change them"
    return words + (", more than planned" if tested.planned and len(tested.seeds) > tested.planned else "")


def _beyond(section: Section, there: Iterable[int]) -> str:
    """Seeds that count in means and intervals and in nothing else."""
    beyond = sorted(set(there) - set(section.tested.seeds))
    if not beyond or not section.tested.seeds:
        return ""
    count, make = ("counts", "it makes") if len(beyond) == 1 else ("count", "they make")
    why = f"as {make} no whole block of {section.tested.block} in all rows"
    return f"; {seeds_words(beyond)} {count} in scores and differences alone, {why}"


def _could_be_tested(section: Section, key: CellKey) -> bool:
    return key[0].is_contestant or key[0].is_twin


def pooled(section: Section) -> Iterable[str]:
    """Which rows come from several records, and what seeds each of these has."""
    alike: dict[tuple[str, ...], list[CellKey]] = {}
    for key, parts in section.parts.items():
        alike.setdefault(tuple(seeds_words(part.record.cell.seeds) for part in parts), []).append(key)
    for seeds, keys in sorted(alike.items()):
        rows = text.listing([row_name(row) for row in section.rows if any(key[0] == row for key in keys)])
        cells = text.plural(len(keys), "cell")
        yield f"Pooled from records of {text.listing(list(seeds))}, which agree in all else: {rows} ({cells})."


def left_out(section: Section) -> Iterable[str]:
    """Records whose seeds others have as well, and those that disagree with the others of their cell."""
    if section.replaced:
        yield f"Left out, as records with more seeds replace them: {text.listing(list(section.replaced))}."
    for key, apart in section.apart.items():
        for one in apart:
            own = seeds_words(one.entry.record.cell.seeds)
            yield (
                f"Not pooled: {_words(key)}, {own} ({one.entry.record.file_name}) differs from "
                f"{seeds_words(one.with_seeds)} in {one.why[:_LONGEST]}."
            )


def _words(key: CellKey) -> str:
    row, network, budget = key
    return f"{row_name(row)} at {text.budget(budget)} on {network.label}"
