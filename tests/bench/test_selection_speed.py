"""Prints the table of selection's kernels beside their textbook forms and peers; run by ``tox -e bench``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from selection_speed import cases, made, table

pytestmark = pytest.mark.bench


def test_the_table_is_printed() -> None:
    table([(made(5000, 500), False), (made(50_000, 5000), True)])


@pytest.mark.parametrize("large", [False, True])
def test_kernels_pick_what_their_textbook_forms_pick(large: bool) -> None:
    problem = made(600, 40, width=24)
    for case in cases(large):
        ours, theirs = case.ours(problem), case.textbook(problem, 40)
        assert np.array_equal(ours[:40], theirs[: len(ours)]), case.name
