"""Near-duplicates among texts: pairs whose runs of three words agree for the most part.

MinHash with banding (Broder, 1997; Leskovec et al., Mining of Massive Datasets, ch. 3) finds candidates, whose exact
Jaccard similarity then decides: nothing is reported that is not near, and a pair at the threshold is missed in fewer
than one of a thousand cases.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from dqbench.seeds import generator

NEAR = 0.8
"""Jaccard similarity of the sets of word runs from which on two texts are near-duplicates."""

WORDS = 3
_BANDS, _ROWS = 16, 4
_PRIME = (1 << 31) - 1
_LARGEST_BUCKET = 50
"""Texts of one bucket that are compared pair by pair; a larger bucket compares each with its first."""

_WORD = re.compile(r"\w+")


def near_pairs(texts: Sequence[str], near: float = NEAR) -> list[tuple[int, int]]:
    """Pairs of positions (i < j) whose sets of word runs have a Jaccard similarity of ``near`` or more, sorted.

    Words are compared without case and punctuation. Texts without a word are no one's duplicate.
    """
    runs = [word_runs(text) for text in texts]
    return sorted({pair for pair in _candidates(runs) if _similarity(runs[pair[0]], runs[pair[1]]) >= near})


def word_runs(text: str) -> frozenset[int]:
    """Hashes of the runs of three words; of a text with fewer words, that of all of them."""
    words = _WORD.findall(text.casefold())
    if not words:
        return frozenset()
    starts = range(max(1, len(words) - WORDS + 1))
    return frozenset(zlib.crc32(" ".join(words[start : start + WORDS]).encode()) % _PRIME for start in starts)


def _similarity(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def _candidates(runs: Sequence[frozenset[int]]) -> Iterator[tuple[int, int]]:
    filled = [place for place, each in enumerate(runs) if each]
    if len(filled) < 2:
        return
    signatures = _signatures([runs[place] for place in filled])
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for place, signature in zip(filled, signatures[:, band * _ROWS : (band + 1) * _ROWS], strict=True):
            buckets[signature.tobytes()].append(place)
        for members in buckets.values():
            if len(members) <= _LARGEST_BUCKET:
                yield from combinations(members, 2)
            else:
                yield from ((members[0], other) for other in members[1:])


def _signatures(runs: Sequence[frozenset[int]]) -> npt.NDArray[np.int64]:
    """MinHash signatures, shape (n, bands * rows): agreement of two is their Jaccard similarity in expectation."""
    draw = generator(0, "minhash")
    factors = draw.integers(1, _PRIME, size=_BANDS * _ROWS)
    shifts = draw.integers(0, _PRIME, size=_BANDS * _ROWS)
    found = np.empty((len(runs), _BANDS * _ROWS), dtype=np.int64)
    for place, each in enumerate(runs):
        values = np.fromiter(each, dtype=np.int64, count=len(each))
        found[place] = ((values[:, None] * factors + shifts) % _PRIME).min(axis=0)
    return found
