"""``dqbench new``: packages that pass their own tests as they are, by their file and installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dqbench.cli import main


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "DQBENCH_DATA": str(cwd / "data"), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=1800,
    )


@pytest.mark.parametrize("kind", ["method", "task"])
def test_a_new_package_passes_its_tests_at_once(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    assert main(["new", kind, "my-own-thing", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert f"pip install -e {folder}" in said
    assert "@" not in "".join(path.read_text() for path in folder.rglob("*") if path.suffix in (".toml", ".md"))
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout
    assert "skipped" not in tested.stdout


CHANGES = {
    "another name of the option": ("prefer", "ends"),
    "another default": ('Field("typical"', 'Field("rare"'),
    "another score": ("-distance if", "distance if"),
    "a look through an observer": ("needs=(),", 'needs=("observer",),'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_own_test_of_a_new_method_holds_for_what_is_changed_first(change: str, tmp_path: Path) -> None:
    folder, (was, now) = tmp_path / "mine", CHANGES[change]
    assert main(["new", "method", "my-own-thing", "--out", str(folder)]) == 0
    module = folder / "dqbench_my_own_thing.py"
    assert was in module.read_text()
    module.write_text(module.read_text().replace(was, now))
    own = "test_it_keeps_others_than_random_selection"
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), "-k", own, cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize("kind", ["method", "task"])
def test_a_new_package_can_be_installed(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("pip", reason="needs pip in this environment")
    assert main(["new", kind, "my-own-thing", "--out", str(tmp_path / "mine")]) == 0
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--no-warn-script-location")
    target = tmp_path / "site"
    done = python("-m", "pip", "install", *offline, "--target", str(target), str(tmp_path / "mine"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    listed = python("-m", "dqbench", "list", f"{kind}s", "--json", cwd=tmp_path, PYTHONPATH=str(target))
    rows = {row["name"]: row["from"] for row in json.loads(listed.stdout)[f"{kind}s"]}
    assert rows["my-own-thing"] == "dqbench-my-own-thing 0.1.0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method", "dq"], "the name dq is taken of dqbench"),
        (["task", "digits-xarch"], "the name digits-xarch is taken of dqbench"),
        (["method", "full"], "the name full is taken for something else"),
        (["method", "My_Method"], "a name has small letters, digits and hyphens"),
        (["task", "../evil"], "a name has small letters, digits and hyphens"),
        (["task", "x" * 41], "at most 40"),
    ],
)
def test_bad_names_are_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", *words, "--out", str(tmp_path / "new")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["new", "method", "my-own-thing", "--out", str(tmp_path)]) == 2
    assert "is there already and not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
