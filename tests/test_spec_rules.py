"""Specs that something later would stumble over are refused when plugins are loaded, each with its value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dqbench import plugins
from dqbench.errors import PluginError
from dqbench.recipe import Recipe
from dqbench.spec_rules import Spec, check_spec, faults
from dqbench.specs import ArchSpec, Config, DatasetSpec, MethodSpec, ObserverSpec, Profile, Stage, TaskSpec


class Plain(Config):
    size: int = Field(1, ge=1)


class Required(Config):
    size: int


class NotAConfig(BaseModel):
    size: int = 1


class Unstorable(Config):
    size: float = float("nan")


class OwnRecipe(Recipe):
    mine: int = 1


RECIPE = Recipe(name="r", epochs=1, batch_size=1, lr=0.1)
PROFILE = Profile(("digits-mlp",), (0.1,), {"*": RECIPE}, ObserverSpec("digits-mlp", RECIPE), 2)
METHOD = MethodSpec("mine", "a.b:C", Plain, "selection", 1, "words", compress_only=("size",))
TASK = TaskSpec("mine", 1, "digits", "words", "top1", {"smoke": PROFILE}, "none", "none", "nothing")
ARCH = ArchSpec("mine", "a.b:c", (8,), "words", "own")
DATASET = DatasetSpec("mine", "a:b", 2, (8, 8, 1), (0, 0), "bundled", "words", "none", "none")
STAGE = Stage("corrupt", "role", {}, False)


def test_good_specs_pass() -> None:
    assert [fault for spec in (METHOD, TASK, ARCH, DATASET) for fault in faults(spec)] == []


def test_every_built_in_spec_passes() -> None:
    registry = plugins.load()
    specs = [*registry.methods, *registry.tasks, *registry.archs, *registry.datasets]
    assert len(specs) > 30
    assert [f"{spec.name}: {fault}" for spec in specs for fault in faults(spec)] == []


@pytest.mark.parametrize(
    "name", ["../../../evil", "a/b", "", "A", "a b", "a--b", "-a", "a_b", ".", "a\n", "ä", "x" * 65, 3, None, "full"]
)
@pytest.mark.parametrize("spec", [METHOD, TASK, ARCH])
def test_names_are_checked(spec: Any, name: Any) -> None:
    with pytest.raises(PluginError, match="the name"):
        check_spec(replace(spec, name=name))


@pytest.mark.parametrize("name", ["../evil", "a/b", "A", "own"])
def test_names_of_data_sets_are_checked(name: str) -> None:
    with pytest.raises(PluginError, match="the name"):
        check_spec(replace(DATASET, name=name))


@pytest.mark.parametrize(
    ("spec", "changes", "words"),
    [
        (METHOD, {"config": dict}, "config='dict' is no subclass of dqbench.Config"),
        (METHOD, {"config": NotAConfig}, "config='NotAConfig' is no subclass"),
        (METHOD, {"config": Plain()}, "is no subclass of dqbench.Config"),
        (METHOD, {"config": Required, "compress_only": ()}, "option 'size' has no default"),
        (METHOD, {"config": Unstorable}, "its options do not work with the defaults"),
        (METHOD, {"kind": "sorcery"}, "kind='sorcery' is none of 'selection'"),
        (METHOD, {"labels": ()}, "labels is empty"),
        (METHOD, {"labels": "hard"}, "labels='hard' is no tuple"),
        (METHOD, {"labels": ("fuzzy",)}, "labels="),
        (METHOD, {"needs": ("oracle",)}, "needs="),
        (METHOD, {"needs": "observer"}, "needs='observer' is no tuple"),
        (METHOD, {"makes": "int8"}, "makes="),
        (METHOD, {"version": 0}, "version=0 is no whole number from 1 up"),
        (METHOD, {"version": True}, "version=True"),
        (METHOD, {"version": "1"}, "version='1'"),
        (METHOD, {"target": "a.b.C"}, "target='a.b.C' is not 'module:attribute'"),
        (METHOD, {"target": "a b:C"}, "target="),
        (METHOD, {"summary": None}, "summary=None is no text"),
        (METHOD, {"compress_only": ("colour",)}, "compress_only names 'colour'"),
        (METHOD, {"wraps": "colour"}, "wraps='colour' is no option"),
        (METHOD, {"keeps": 3}, "keeps=3 is no text"),
        (METHOD, {"builds_on": "../dq"}, "builds_on '../dq'"),
        (METHOD, {"scaled": {"smoke": {"size": 0}}}, "its options do not work with smoke: size=0: input should be gr"),
        (METHOD, {"gpu_gib": float("inf")}, "gpu_gib=inf"),
        (TASK, {"evaluator": "top1"}, "evaluator='top1' is not 'module:attribute'"),
        (TASK, {"metric": "a|b"}, "metric='a|b' is no plain word"),
        (TASK, {"profiles": {}}, "it has no profiles"),
        (TASK, {"profiles": {"../smoke": PROFILE}}, "the profile's name '../smoke'"),
        (TASK, {"profiles": {"smoke": None}}, "profile 'smoke': None is no dqbench.Profile"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, keeps=(1.5,))}}, "keep ratio 1.5 is not in"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, keeps=())}}, "it has neither keeps nor ipcs"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, keeps=0.1)}}, "profile 'smoke'"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, archs="digits-mlp")}}, "archs='digits-mlp' is no tuple"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, recipes={"x": RECIPE})}}, "recipes has none for digits-mlp"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, recipes={"*": {"epochs": 1}})}}, "is no dqbench.Recipe"),
        (
            TASK,
            {"profiles": {"smoke": replace(PROFILE, recipes={"*": OwnRecipe(**RECIPE.model_dump())})}},
            "is no dqbench.Recipe",
        ),
        (TASK, {"profiles": {"smoke": replace(PROFILE, train_per_class=0)}}, "train_per_class=0"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, time_limit_s=-1)}}, "time_limit_s=-1"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, precision="fp8")}}, "precision='fp8'"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, stages=(replace(STAGE, role="network"),))}}, "role 'network'"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, stages=(replace(STAGE, options={"a": {1}}),))}}, "no JSON"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, stages=(STAGE, STAGE))}}, "two stages have the role 'role'"),
        (TASK, {"profiles": {"smoke": replace(PROFILE, stages=STAGE)}}, "is no tuple of dqbench.Stage"),
        (TASK, {"dataset": "../x"}, "dataset '../x'"),
        (ARCH, {"sizes": ()}, "sizes=() is no tuple"),
        (ARCH, {"sizes": 8}, "sizes=8"),
        (ARCH, {"sizes": (8.0,)}, "sizes="),
        (ARCH, {"target": None}, "target=None"),
        (DATASET, {"shape": (8, 8)}, "shape="),
        (DATASET, {"shape": (8, 8, 4)}, "1 or 3 channels"),
        (DATASET, {"classes": 0}, "classes=0"),
        (DATASET, {"class_names": ("a",)}, "1 class names do not fit classes=2"),
        (DATASET, {"origin": "heaven"}, "origin='heaven'"),
        (DATASET, {"target": ""}, "target=''"),
        (DATASET, {"counts": (1,)}, "counts="),
    ],
)
def test_what_is_wrong_is_named_with_its_value(spec: Spec, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginError) as caught:
        check_spec(replace(spec, **changes))
    assert words in str(caught.value)


PLUGIN = """
from dqbench import Config, MethodSpec, hookimpl

@hookimpl
def dqbench_methods():
    yield MethodSpec("good", "a:B", Config, "selection", 1, "fine")
    yield MethodSpec(NAME, "a:B", CONFIG, "selection", 1, "not so")
"""


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("NAME, CONFIG = '../../../evil', Config", "method '../../../evil' of plugin 'odd' of odd.py"),
        ("NAME, CONFIG = 'bad', dict", "config='dict' is no subclass of dqbench.Config"),
        ("NAME, CONFIG = 3, Config", "method '3' of plugin 'odd'"),
        ("import sys; sys.exit(0)", "SystemExit: it ends the process (code 0) when it is imported"),
        ("raise SystemExit", "SystemExit"),
        ("@hookimpl\ndef dqbench_archs(x): return ()\nNAME, CONFIG = 'a', Config", "Argument(s) {'x'} are declared"),
    ],
)
def test_a_file_with_such_a_spec_is_an_error(tmp_path: Path, head: str, words: str) -> None:
    (tmp_path / "odd.py").write_text(PLUGIN.replace("\n\n@", f"\n{head}\n\n@"))
    with pytest.raises(PluginError) as caught:
        plugins.load([tmp_path / "odd.py"])
    assert words in str(caught.value)


def test_of_a_package_only_that_spec_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DQBENCH_STRICT_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "oddpackage.py").write_text(PLUGIN.replace("\n\n@", "\nNAME, CONFIG = '../evil', Config\n\n@"))
    info = tmp_path / "odd-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[dqbench]\nodd = oddpackage\n")
    registry = plugins.load()
    assert "good" in registry.methods
    assert [str(broken).partition(" is left out")[0] for broken in registry.broken] == [
        "method '../evil' of plugin 'odd' of odd 1"
    ]


def test_the_same_file_twice_is_one_plugin(tmp_path: Path) -> None:
    path = tmp_path / "once_only.py"
    path.write_text(PLUGIN.replace("\n\n@", "\nNAME, CONFIG = 'also-good', Config\n\n@"))
    assert "also-good" in plugins.load([path, path, tmp_path / "." / "once_only.py"]).methods
