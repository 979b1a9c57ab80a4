"""The command line as a whole: options anywhere, one line for an error, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from dqbench import __version__
from dqbench.cli import app, main
from dqbench.cli.state import State
from dqbench.errors import UsageError
from dqbench.executors.executor import ExecutorError

PLUGIN = """
from dqbench import Config, MethodSpec, hookimpl

@hookimpl
def dqbench_methods():
    yield MethodSpec(name="mine", target="x:Y", config=Config, kind="selection", version=1, summary="for a test")
"""


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> None:
    """``dqbench list`` raises what the test sets in ``ERROR``."""

    def registry(self: State) -> None:
        raise ERRORS[-1]

    monkeypatch.setattr(State, "registry", registry)


ERRORS: list[BaseException] = []


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dqbench {__version__}\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    commands = (
        "run",
        "plan",
        "status",
        "logs",
        "workspace",
        "compress",
        "list",
        "show",
        "data",
        "leaderboard",
        "doctor",
    )
    assert [command for command in commands if f"\n│ {command} " not in out] == []


@pytest.mark.parametrize(
    "words", [["--json", "list", "tasks"], ["list", "--json", "tasks"], ["list", "tasks", "--json"]]
)
def test_json_is_taken_before_and_after_the_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "digits-xarch" in {row["name"] for row in json.loads(capsys.readouterr().out)["tasks"]}


@pytest.mark.parametrize("form", ["before", "after", "equals"])
def test_plugin_files_are_taken_before_and_after_the_command(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "main_test_plugin.py"
    path.write_text(PLUGIN)
    option = [f"--plugin={path}"] if form == "equals" else ["--plugin", str(path)]
    words = [*option, "show", "mine"] if form == "before" else ["show", "mine", *option]
    assert main(words) == 0
    assert "main_test_plugin.py (file " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], "no such command 'lst'"),
        (["list", "method"], "unknown kind 'method'; did you mean methods?"),
        (["show"], "missing argument 'NAME'"),
        (["show", "adk"], "unknown name 'adk'; did you mean adq?"),
        (["show", "dq", "--jsn"], "no such option: --jsn"),
        (["doctor", "--workspce", "x"], "did you mean --workspace?"),
        (["--plugin", "no/such/file.py", "list"], "file.py cannot be read"),
        (["--plugin"], "--plugin"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("dqbench: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err.lower().replace("'name'", "'NAME'")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("keep ratio 1.4 is not\nin (0, 1]"), 2, "dqbench: error: keep ratio 1.4 is not in (0, 1]\n"),
        (ExecutorError("the fork server died"), 1, "dqbench: error: the fork server died\n"),
        (OSError(28, "No space left on device", "/x"), 1, "dqbench: error: the disk is full (/x); free some space and"),
        (KeyboardInterrupt(), 130, "dqbench: interrupted\n"),
        (RuntimeError("odd"), 1, "dqbench: error: unexpected RuntimeError: odd; run again with --debug for"),
        (typer.Exit(1), 1, ""),
        (SystemExit(3), 3, ""),
    ],
)
@pytest.mark.usefixtures("raising")
def test_what_a_command_raises(error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    ERRORS.append(error)
    assert main(["list"]) == code
    captured = capsys.readouterr()
    assert captured.err.startswith(line)
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("words", [["--debug", "list"], ["list", "--debug"]])
@pytest.mark.usefixtures("raising")
def test_debug_shows_the_traceback(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ERRORS.append(UsageError("wrong"))
    assert main(words) == 2
    captured = capsys.readouterr().err
    assert "Traceback" in captured
    assert captured.endswith("dqbench: error: wrong\n")


def test_what_is_in_brackets_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    State().console.print("adq[alpha=0.6] [bold]x[/bold] :smile:")
    assert capsys.readouterr().out == "adq[alpha=0.6] [bold]x[/bold] :smile:\n"


def test_lines_are_whole_where_the_output_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    State().console.print("x" * 150)
    assert capsys.readouterr().out == "x" * 150 + "\n"


def test_every_command_says_where_the_global_options_are() -> None:
    assert all("--plugin FILE" in str(command.epilog) for command in app.registered_commands)


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    code = "import sys; from dqbench.cli import main; sys.exit(main(['list', '--json']))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True, timeout=1800
    )
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


def test_python_m_dqbench_is_dqbench(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dqbench", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    assert done.stdout == f"dqbench {__version__}\n"
