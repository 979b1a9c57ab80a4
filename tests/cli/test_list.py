"""``dqbench list``: complete, and without torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from dqbench.cli import main


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, list[dict[str, object]]]:
    assert main(["list", *words, "--json"]) == 0
    found: dict[str, list[dict[str, object]]] = json.loads(capsys.readouterr().out)
    return found


def test_all_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(capsys)
    assert list(found) == ["methods", "tasks", "archs", "datasets", "broken"]
    names = {kind: {row["name"] for row in found[kind]} for kind in ("methods", "tasks", "archs", "datasets")}
    assert {"random", "random-unbalanced", "graphcut", "dq", "adq", "adq-shuffled"} <= names["methods"]
    assert {"cifar10-xarch", "digits-xarch"} <= names["tasks"]
    assert {"resnet18", "resnet50", "vit", "swin", "convnext", "mobilenetv2"} <= names["archs"]
    assert {"cifar10", "digits"} <= names["datasets"]
    assert found["broken"] == []


@pytest.mark.parametrize("kind", ["methods", "tasks", "archs", "datasets"])
def test_one_kind_is_listed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(capsys, kind)
    assert list(found) == [kind, "broken"]
    assert main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    names = [start[1] for line in lines if (start := re.match(r"(?:  )?([a-z0-9][\w.-]*)  ", line))]
    assert names == [row["name"] for row in found[kind]]


def test_it_says_which_methods_look_through_an_observer(capsys: pytest.CaptureFixture[str]) -> None:
    needs = {str(row["name"]): row["needs"] for row in listed(capsys, "methods")["methods"]}
    assert needs["random"] == []
    assert needs["dq"] == needs["adq-shuffled"] == ["observer"]


def test_methods_are_grouped_by_family_with_paper_and_year(capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys, "methods")["methods"]
    families = [row["family"] for row in rows]
    assert {"coresets", "quantization", "distillation"} <= set(families)
    assert len(list(groupby(families))) == len(set(families))
    facts = {row["name"]: (row["family"], row["authors"], row["year"]) for row in rows}
    assert facts["herding"] == ("coresets", "Welling", 2009)
    assert facts["k-center"] == ("coresets", "Sener & Savarese", 2018)
    assert facts["margin"] == ("coresets", "Coleman et al.", 2020), "not a part of the number at arXiv"
    assert facts["random"] == ("coresets", "", None)
    years = [[row["year"] or 0 for row in rows if row["family"] == family] for family in set(families)]
    assert all(each == sorted(each) for each in years)


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dqbench.cli.state.WIDE", width)
    assert main(["list", "methods"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert ("Coleman et al., Selection via Proxy" in "\n".join(lines)) == (width == 140)
    assert any(line.startswith("  contextual-diversity  2020  Agarwal et al.") for line in lines)


def test_every_arch_and_task_names_something_registered(capsys: pytest.CaptureFixture[str]) -> None:
    from dqbench import plugins
    from dqbench.specs import OWN_DATA

    registry = plugins.load()
    for task in registry.tasks:
        assert task.dataset in registry.datasets or task.dataset == OWN_DATA
        for profile in task.profiles.values():
            assert profile.dataset is None or profile.dataset in registry.datasets
            assert all(arch in registry.archs for arch in (*profile.archs, profile.observer.arch))


def test_it_loads_neither_torch_nor_numpy(tmp_path: Path) -> None:
    code = (
        "import sys; from dqbench.cli import main; code = main(['list']);"
        "print(*({'torch', 'numpy', 'pandas', 'scipy'} & sys.modules.keys()), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=1800, check=True
    )
    assert done.stderr.strip() == ""
