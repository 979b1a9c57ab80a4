"""Lists with commas, families, what a shell completes, the grouped help, and what a run of nothing says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dqbench import plugins
from dqbench.cli import PANELS, app, completion, main
from dqbench.cli.comma_lists import parts
from dqbench.errors import UsageError

PLUGIN = """
from dqbench import Config, MethodSpec, hookimpl

@hookimpl
def dqbench_methods():
    yield MethodSpec("mine", "list_test_plugin:Mine", Config, "selection", 1, "for a test")
"""


def planned(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, float, str]]:
    """(method, budget, architecture) of each planned cell."""
    assert main(["plan", "--json", "--task", "digits-xarch", "--device", "cpu", *words]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    return [(cell["method"], cell["budget_value"], cell["arch"]) for cell in cells]


def test_commas_and_repetition_mean_the_same(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--workspace", str(tmp_path))
    commas = ("--method", "herding,margin", "--keep", "0.1,0.2", "--arch", "digits-mlp,digits-cnn")
    repeated = ("--method", "herding", "--method", "margin", "--keep", "0.1", "--keep", "0.2")
    repeated += ("--arch", "digits-mlp", "--arch", "digits-cnn")
    assert planned(capsys, *place, *commas) == planned(capsys, *place, *repeated)
    config = tmp_path / "grid.yaml"
    config.write_text("method: herding,margin\nkeep: [0.1, 0.2]\narch: digits-mlp,digits-cnn\n")
    assert planned(capsys, *place, "--config", str(config)) == planned(capsys, *place, *commas)


def test_parts() -> None:
    assert parts("--keep", ["0.1, 0.2", "0.3"]) == ("0.1", "0.2", "0.3")
    assert parts("--keep", None) == ()
    for wrong in ("0.1,,0.2", ",0.1", "0.1,"):
        with pytest.raises(UsageError, match=r"--keep .* has an empty part"):
            parts("--keep", [wrong])


def test_a_family_is_all_of_its_methods(tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = plugins.load()
    families = registry.families()
    assert {"coresets", "quantization", "distillation"} <= set(families)
    assert {"herding", "margin", "random"} <= set(families["coresets"])
    assert sorted(name for names in families.values() for name in names) == [spec.name for spec in registry.methods]
    words = ("--workspace", str(tmp_path), "--keep", "0.1", "--arch", "digits-mlp", "--method")
    cells = planned(capsys, *words, "adq,family:quantization")
    assert {method for method, _, _ in cells} == {"full", "random", *families["quantization"]}
    assert main(["plan", "--task", "digits-xarch", *words, "family:coreset"]) == 2
    assert "unknown family of methods 'coreset'; did you mean coresets?" in capsys.readouterr().err


def test_a_plugin_file_is_of_no_family(tmp_path: Path) -> None:
    (tmp_path / "list_test_plugin.py").write_text(PLUGIN)
    assert plugins.load([tmp_path / "list_test_plugin.py"]).family("mine") == ""


def test_completion_goes_on_after_commas() -> None:
    names = [name for name, _ in completion.methods("dq,ad")]
    assert names == ["dq,adq", "dq,adq-shuffled"]
    assert "dq,dq" not in [name for name, _ in completion.methods("dq,d")]
    assert ("family:coresets",) in [(name,) for name, _ in completion.methods("fam")]
    assert [name for name, _ in completion.tasks("digits-x")] == ["digits-xarch"]
    assert all("\n" not in words and len(words) < 60 for _, words in completion.shown(""))


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("bash", {"COMP_WORDS": "dqbench run --task digits-x", "COMP_CWORD": "3"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "dqbench run --task digits-x"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "dqbench run --task digits-x", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_shells_are_answered(shell: str, environment: dict[str, str]) -> None:
    code = "import sys; from dqbench.__main__ import main; sys.argv = ['dqbench']; sys.exit(main())"
    asked = {**os.environ, **environment, "_DQBENCH_COMPLETE": f"complete_{shell}"}
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "digits-xarch" in done.stdout
    assert "cifar10" not in done.stdout


def test_every_command_is_in_a_panel(capsys: pytest.CaptureFixture[str]) -> None:
    commands = {str(info.name) for info in (*app.registered_commands, *app.registered_groups)}
    assert commands == {name for names in PANELS.values() for name in names}
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(panel in out for panel in PANELS)


def test_the_help_of_run_is_grouped_and_has_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["run", "--help"]) == 0
    out = capsys.readouterr().out
    for panel in ("What to run", "How networks learn", "Your own images", "Where it runs"):
        assert f"─ {panel}" in out
    assert "Example: dqbench run --method dq,adq --task digits-xarch" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_run_of_nothing_says_how_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("  dqbench run --method ") == 2
    assert main(["run", "--method", "dq"]) == 2
    assert "give --task" in capsys.readouterr().err
