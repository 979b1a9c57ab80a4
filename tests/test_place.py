"""Where a method runs: set around it, forgotten after it, whatever happens inside."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dqbench.place import compute_device, placed, scratch_folder


def test_the_place_is_what_was_set_last() -> None:
    assert (compute_device(), scratch_folder()) == ("cpu", None)
    with placed("cuda", Path("a")):
        assert (compute_device(), scratch_folder()) == ("cuda", Path("a"))
        with placed("cpu"):
            assert (compute_device(), scratch_folder()) == ("cpu", None)
        assert (compute_device(), scratch_folder()) == ("cuda", Path("a"))
    with suppress(KeyError), placed("cuda"):
        raise KeyError
    assert (compute_device(), scratch_folder()) == ("cpu", None)
