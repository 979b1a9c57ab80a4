"""``--seeds``: how many seeds, or which; and how a profile plans them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from dqbench.errors import UsageError
from dqbench.records import SeedPlan
from dqbench.specs import Profile

MOST = 10_000
_RANGE = re.compile(r"(\d+)\s*:\s*(\d+)")


def seeds_of(asked: int | str) -> tuple[int, ...]:
    """The seeds that ``5`` (0 to 4), ``5:10`` (5 to 9) or ``0:5,10:15`` asks for, ascending.

    Raises:
        UsageError: none of these forms, a range that is empty or backwards, ranges that overlap, or more than 10,000.
    """
    text = str(asked).strip()
    if re.fullmatch(r"[+-]?\d+", text):
        if int(text) < 1:
            raise UsageError(f"--seeds {text} is below 1")
        ranges = [(0, int(text))]
    else:
        ranges = [_range(part.strip(), text) for part in text.split(",")]
    if (count := sum(stop - start for start, stop in ranges)) > MOST:
        raise UsageError(f"--seeds {text} asks for {count:,} seeds; {MOST:,} is the most")
    _check_apart(sorted(ranges), text)
    return tuple(seed for start, stop in sorted(ranges) for seed in range(start, stop))


def seeds_text(seeds: Iterable[int]) -> str:
    """The shortest text that :func:`seeds_of` takes for these seeds."""
    ranges = _ranges(seeds)
    if len(ranges) == 1 and ranges[0][0] == 0:
        return str(ranges[0][1])
    return ",".join(f"{start}:{stop}" for start, stop in ranges)


def seed_plan(profile: Profile) -> SeedPlan:
    """What records say of how many seeds a profile plans, and in how many blocks."""
    return SeedPlan(seeds=profile.seeds, blocks=profile.seed_blocks)


def _range(part: str, text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(part)
    if not found:
        raise UsageError(f"--seeds {text!r} is neither a number nor START:STOP; give e.g. 5 (seeds 0 to 4) or 5:10")
    start, stop = int(found[1]), int(found[2])
    if stop < start:
        raise UsageError(f"--seeds {part} goes backwards; give {stop}:{start} for seeds {stop} to {start - 1}")
    if stop == start:
        raise UsageError(f"--seeds {part} is empty, as STOP is not among the seeds; give e.g. {start}:{start + 5}")
    return start, stop


def _check_apart(ranges: Sequence[tuple[int, int]], text: str) -> None:
    for (_, stop), (start, _) in pairwise(ranges):
        if start < stop:
            once = seeds_text(seed for one, end in ranges for seed in range(one, end))
            raise UsageError(f"--seeds {text}: its ranges overlap in seed {start}; each seed once is --seeds {once}")


def seeds_words(seeds: Iterable[int]) -> str:
    """The seeds in words: ``seed 3``, ``seeds 0–4``, ``seeds 0–4 and 7``."""
    ranges = _ranges(seeds)
    listed = [f"{start}–{stop - 1}" if stop - start > 1 else str(start) for start, stop in ranges]
    alone = len(ranges) == 1 and ranges[0][1] - ranges[0][0] == 1
    return f"seed{'' if alone else 's'} " + " and ".join([", ".join(listed[:-1]), listed[-1]] if listed[1:] else listed)


def not_replaced(found: Sequence[Collection[int]]) -> list[int]:
    """Places of the seeds of one cell's records, but those that another record has all of, and more."""
    owned = [set(seeds) for seeds in found]
    return [place for place, seeds in enumerate(owned) if not any(seeds < other for other in owned)]


def overlaps(found: Sequence[Collection[int]]) -> Iterator[tuple[int, int, set[int]]]:
    """Records of one cell that cannot stand beside each other: pairs of places, and the seeds that both have."""
    for a, b in combinations(not_replaced(found), 2):
        if shared := set(found[a]) & set(found[b]):
            yield a, b, shared


def _ranges(seeds: Iterable[int]) -> list[tuple[int, int]]:
    """Seeds that follow each other, as (start, stop)."""
    ranges: list[tuple[int, int]] = []
    for seed in sorted(set(seeds)):
        if ranges and seed == ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], seed + 1)
        else:
            ranges.append((seed, seed + 1))
    return ranges
