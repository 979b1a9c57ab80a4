"""The published tables, and how a wrong line is refused."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from dqbench.board import published
from dqbench.errors import UsageError
from dqbench.specs import Budget


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped tables."""
    for name in ("results.csv", "costs.csv", "error_bars.csv", "papers.csv", "caveats.csv"):
        shutil.copy(str(files("dqbench.published") / name), tmp_path / name)
    return tmp_path


def test_the_shipped_tables_load() -> None:
    found = published.load()
    assert (len(found.results), len(found.costs), len(found.error_bars), len(found.papers)) == (684, 45, 3, 7)
    (cell,) = {
        r.printed
        for r in found.results
        if (r.paper, r.table, r.method, r.arch) == ("adq-aaai2025", "Table 1", "adq", "resnet18")
        and r.budget == Budget.ratio(0.1)
    }
    assert cell == "86.2"


def _break(folder: Path, name: str, line: int, old: str, new: str) -> None:
    lines = (folder / name).read_text().splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "line", "old", "new", "words"),
    [
        ("results.csv", 1, "budget_kind", "kind", "columns"),
        ("results.csv", 2, "74.0", "74.x", "value '74.x' is not a number"),
        ("results.csv", 2, "74.0", "nan", "not finite"),
        ("results.csv", 2, "0.10", "1.5", "keep ratio 1.5"),
        ("results.csv", 3, "ratio", "share", "budget_kind 'share'"),
        ("results.csv", 3, "ratio", "ipc", "ipc '0.10'"),
        ("results.csv", 3, "hard", "firm", "labels 'firm'"),
        ("results.csv", 3, ",dm,", ",,", "method is empty"),
        ("results.csv", 3, ",dm,", ",", "13 cells"),
        ("results.csv", 3, "dq-iccv2023", "dq-iccv2024", "dq-iccv2024"),
        ("costs.csv", 3, "0.10", "often", "often"),
        ("error_bars.csv", 2, ",5,", ",0,", "runs '0'"),
        ("papers.csv", 2, "best", "first", "scored_epoch 'first'"),
        ("papers.csv", 5, "convnet3=convnet3-bn", "convnet3", "write THEIRS=OURS"),
        ("caveats.csv", 2, ",ratio,", ",share,", "budget_kind 'share'"),
        ("caveats.csv", 2, ",0.01;", ",1.01;", "keep ratio 1.01"),
        ("caveats.csv", 2, ",yes,", ",perhaps,", "bars 'perhaps'"),
        ("caveats.csv", 4, "epochs=200", "epoch=200", "unless names 'epoch'"),
        ("caveats.csv", 4, "epochs=200", "", "both empty"),
        ("caveats.csv", 4, "adq-aaai2025", "adq-aaai2024", "adq-aaai2024"),
    ],
)
def test_a_wrong_line_is_named(folder: Path, name: str, line: int, old: str, new: str, words: str) -> None:
    _break(folder, name, line, old, new)
    with pytest.raises(UsageError) as caught:
        published.load(folder)
    assert words in str(caught.value)
    if "2024" not in new:
        assert f"{name}, line {line}" in str(caught.value)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "costs.csv").unlink()
    with pytest.raises(UsageError, match=r"costs\.csv cannot be read"):
        published.load(folder)
