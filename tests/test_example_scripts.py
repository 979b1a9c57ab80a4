"""The example scripts run, and print what they promise."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("compress_digits", "dq keeps 180 of 1797 images"),
        ("train_on_a_kept_set", "herding: "),
        ("board_in_pandas", "points would be seen with"),
    ],
)
def test_the_example_runs(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert said in capsys.readouterr().out
