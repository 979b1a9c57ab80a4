"""Near-duplicates against the pairs that comparing all with all finds."""

from __future__ import annotations

import random
from itertools import combinations

from dqbench.data.near_duplicates import NEAR, near_pairs, word_runs


def jaccard(one: str, other: str) -> float:
    a, b = word_runs(one), word_runs(other)
    return len(a & b) / len(a | b) if a and b else 0.0


def test_the_pairs_are_those_of_comparing_all_with_all() -> None:
    draw = random.Random(0)
    words = [f"w{i}" for i in range(300)]
    texts = [" ".join(draw.choices(words, k=40)) for _ in range(30)]
    for original in texts[:12]:  # copies with a few words changed at the end: from the same to far
        changed = original.split()
        changed[-draw.randrange(1, 16) :] = ["other"]
        texts.append(" ".join(changed))
    expected = [(i, j) for i, j in combinations(range(len(texts)), 2) if jaccard(texts[i], texts[j]) >= NEAR]
    assert expected
    assert near_pairs(texts) == expected
    assert len(expected) < 12


def test_case_and_punctuation_do_not_count_and_order_does() -> None:
    assert near_pairs(["Name a fruit, please!", "name A fruit please", "please fruit a name"]) == [(0, 1)]


def test_texts_without_a_word_are_nobodys_duplicate() -> None:
    assert near_pairs(["...", "???", "", "one"]) == []
    assert near_pairs([]) == []


def test_many_copies_are_all_found_again() -> None:
    pairs = near_pairs(["the same five words here"] * 80)
    assert {second for _, second in pairs} == set(range(1, 80))
