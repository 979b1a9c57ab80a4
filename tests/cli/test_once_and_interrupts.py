"""Options given twice, Ctrl-C while the command is still loading, and signs of life while it plans."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from dqbench.cli import main
from dqbench.cli.state import State
from dqbench.cli.waiting import waiting

INTERRUPTED = """
import sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {what}
sys.meta_path.insert(0, Interrupts())
from dqbench.__main__ import main
sys.argv = ["dqbench", "list"]
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--seeds", "2", "--seeds", "3"], "--seeds is given twice"),
        (["plan", "--seeds=2", "--device", "cpu", "--seeds", "2"], "--seeds is given twice"),
        (["leaderboard", "--html", "--no-html"], "--html and --no-html are given together"),
        (["results", "export", "-o", "a", "--out", "b"], "--out and -o are given together"),
        (["workspace", "prune", "--workspace", "a", "--workspace", "b"], "--workspace is given twice"),
    ],
)
def test_an_option_with_one_value_is_refused_twice(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_lists_flags_and_values_that_look_like_options_are_taken(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "--task", "digits-xarch", "--method", "random", "--method", "random", "--keep", "0.1"]
    words += ["--keep", "0.2", "--best-epoch", "--best-epoch", "--device", "cpu", "--workspace", str(tmp_path)]
    assert main(words) == 0
    assert main(["leaderboard", "--records", "--out", "--out", str(tmp_path)]) == 2
    assert "twice" not in capsys.readouterr().err


@pytest.mark.parametrize("module", ["pydantic", "dqbench.cli", "dqbench.cli.run"])
@pytest.mark.parametrize("what", ["raise KeyboardInterrupt", "raise RuntimeError('in vain') from KeyboardInterrupt()"])
def test_ctrl_c_while_the_command_loads_is_one_line(module: str, what: str) -> None:
    code = INTERRUPTED.format(module=module, what=what)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "dqbench: interrupted\n")


def test_the_command_loads_next_to_nothing_before_it_can_be_interrupted() -> None:
    code = "import sys; before = set(sys.modules); import dqbench.__main__; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "pluggy", "typer", "importlib.metadata"} & set(done.stdout.split())


def test_other_errors_of_loading_are_not_hidden() -> None:
    code = INTERRUPTED.format(module="dqbench.cli", what="raise RuntimeError('broken')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: broken" in done.stderr


def test_what_takes_long_says_so_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dqbench.cli.waiting._PATIENCE_S", -1.0)
    with waiting(State(), "planning") as tell:
        tell("1 cell")
        tell("2 cells")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "planning: 1 cell so far\n")
    with waiting(State(json=True), "planning") as tell:
        tell("1 cell")
    assert capsys.readouterr().err == ""


def test_who_waits_at_a_terminal_sees_for_what() -> None:
    state, shown = State(), io.StringIO()
    state.messages = Console(file=shown, force_terminal=True)
    with waiting(state, "loading") as tell:
        tell("1 cell")
    assert "loading" in shown.getvalue()
