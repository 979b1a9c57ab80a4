"""The kernels of selection against the textbook forms that ``tox -e bench`` has beside them. Nothing here is timed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from selection_speed import cases, made, table


@pytest.mark.parametrize("large", [False, True])
def test_kernels_pick_what_their_textbook_forms_pick(large: bool) -> None:
    problem = made(600, 40, width=24)
    for case in cases(large):
        ours, theirs = case.ours(problem), case.textbook(problem, 40)
        assert np.array_equal(ours[: len(theirs)], theirs[: len(ours)]), case.name


def test_every_case_has_a_ratio_and_every_peer_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    found = table([(made(300, 20, width=8), False)])
    assert [name.partition(",")[0] for name in found] == [case.name for case in cases(False)]
    assert all(ratio > 0 for ratio in found.values())
    assert capsys.readouterr().out.count("beside") == sum(len(case.peers) for case in cases(False))
