"""Plugins come in by one door, a broken one is named, and a clash names both sides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dqbench import plugins
from dqbench.errors import PluginError, UsageError

METHOD = """
from dqbench import Config, MethodSpec, hookimpl

@hookimpl
def dqbench_methods():
    yield MethodSpec(name="{name}", target="x:Y", config=Config, kind="selection", version=1, summary="for a test")
"""

Installer = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    """Puts a distribution with one plugin module into a folder on ``sys.path``."""
    monkeypatch.delenv("DQBENCH_STRICT_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(distribution: str, code: str) -> None:
        module = distribution.replace("-", "_") + "_module"
        sys.modules.pop(module, None)
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[dqbench]\n{distribution}-plugin = {module}\n")

    return installed


def test_the_built_ins_come_in_by_entry_points() -> None:
    registry = plugins.load()
    assert registry.broken == []
    assert {"random", "dq", "adq", "graphcut"} <= {spec.name for spec in registry.methods}
    assert {"digits-xarch", "cifar10-xarch"} <= {spec.name for spec in registry.tasks}
    assert registry.methods.origin("dq").distribution == "dqbench"
    assert registry.methods.origin("dq").plugin == "methods"


def test_a_strangers_method_comes_in_with_its_distribution(install: Installer) -> None:
    install("dq-stranger", METHOD.format(name="strange"))
    registry = plugins.load()
    assert str(registry.methods.origin("strange")) == "dq-stranger 1.2"
    assert registry.find("strange")[0] == "method"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def dqbench_methods(): return []", "implements none of dqbench_methods"),
        ("from dqbench import hookimpl\n@hookimpl\ndef dqbench_methods(): return [3]", "yields 3, which is no spec"),
        ("from dqbench import hookimpl\n@hookimpl\ndef dqbench_methods(): yield 1 / 0", "ZeroDivisionError"),
        ("from dqbench import hookimpl\n@hookimpl\ndef dqbench_method(): return []", "dqbench_method"),
        ("def (", "SyntaxError"),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_works(install: Installer, code: str, error: str) -> None:
    install("dq-broken", code)
    install("dq-stranger", METHOD.format(name="strange"))
    registry = plugins.load()
    assert len(registry.broken) == 1
    message = str(registry.broken[0])
    assert "'dq-broken-plugin' of dq-broken 1.2" in message
    assert error in message
    assert "\n" not in message
    assert "strange" in registry.methods
    assert "dq" in registry.methods


def test_strict_makes_a_broken_plugin_an_error(install: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    install("dq-broken", "1 / 0")
    monkeypatch.setenv("DQBENCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"dq-broken 1\.2.*ZeroDivisionError"):
        plugins.load()


def test_a_clash_names_both_distributions_and_the_built_in_stays(install: Installer) -> None:
    install("dq-thief", METHOD.format(name="dq"))
    registry = plugins.load()
    message = str(registry.broken[0])
    assert "two plugins bring the method 'dq'" in message
    assert "dqbench " in message
    assert "dq-thief 1.2" in message
    assert registry.methods.origin("dq").distribution == "dqbench"


def test_two_strangers_clash(install: Installer) -> None:
    install("dq-one", METHOD.format(name="strange"))
    install("dq-two", METHOD.format(name="strange"))
    registry = plugins.load()
    assert "dq-one 1.2 and dq-two 1.2" in str(registry.broken[0])
    assert str(registry.methods.origin("strange")) == "dq-one 1.2"


def test_a_file_is_a_plugin(tmp_path: Path) -> None:
    path = tmp_path / "my_method.py"
    path.write_text(METHOD.format(name="mine"))
    registry = plugins.load([path])
    assert "my_method.py (file " in str(registry.methods.origin("mine"))


@pytest.mark.parametrize("code", ["1 / 0", METHOD.format(name="dq"), "x = 1"])
def test_a_broken_file_is_an_error(tmp_path: Path, code: str) -> None:
    path = tmp_path / "my_method.py"
    path.write_text(code)
    with pytest.raises(PluginError, match="my_method"):
        plugins.load([path])


@pytest.mark.parametrize("name", ["random.py", "sys.py", "numpy.py"])
def test_a_file_does_not_hide_an_installed_module(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(METHOD.format(name="mine"))
    with pytest.raises(PluginError, match="rename the file"):
        plugins.load([tmp_path / name])


@pytest.mark.parametrize("name", ["absent.py", "folder", "notes.txt"])
def test_a_file_that_is_no_plugin_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("no code")
    with pytest.raises(UsageError, match=name):
        plugins.load([tmp_path / name])


@pytest.mark.parametrize(
    ("name", "hint"), [("adk", "did you mean adq"), ("random-unbalancd", "random-unbalanced"), ("zzzzz", "known: ")]
)
def test_an_unknown_name_gives_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        plugins.load().methods[name]
