"""Libraries that are missing, built without operators or for another torch: said in words before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dqbench.data.companion import Companion
from dqbench.errors import UsageError
from dqbench.openmmlab import libraries
from dqbench.openmmlab.evaluators import check_detection, check_segmentation

MODULES = ("mmengine", "mmcv", "mmdet", "mmseg")
TORCH = """
class Tensor(list):
    def tolist(self):
        return list(self)

def tensor(values, device):
    return Tensor(values)
"""
WORKING = "import torch\ndef nms(boxes, scores, threshold):\n    return boxes, torch.tensor([0], 'cpu')\n"

Pretend = Callable[..., Path]


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Makes packages by the libraries' names; the operators' module has the given text."""

    def make(ops: str = WORKING, extension: bool = True, modules: tuple[str, ...] = MODULES) -> Path:
        for module in modules:
            (tmp_path / module / "ops").mkdir(parents=True)
            (tmp_path / module / "__init__.py").write_text("")
            (tmp_path / module / "ops" / "__init__.py").write_text(ops)
        (tmp_path / "torch.py").write_text(TORCH)
        if extension:
            (tmp_path / "mmcv" / "_ext.so").write_text("")
        monkeypatch.setattr(libraries, "_place", lambda name: tmp_path / name if name in modules else None)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return tmp_path

    return make


def test_missing_libraries_name_the_extra(pretend: Pretend) -> None:
    pretend(modules=("mmcv", "mmengine"))
    with pytest.raises(UsageError, match=r"onedl-mmdetection, onedl-mmsegmentation are not .*'dqbench\[openmmlab\]'"):
        libraries.require_installed()
    with pytest.raises(UsageError, match="not installed"):
        libraries.require_working("cpu")


def test_operators_that_were_not_built(pretend: Pretend) -> None:
    pretend(extension=False)
    with pytest.raises(UsageError, match=r"without its operators.*--no-build-isolation"):
        libraries.require_installed()


def test_what_works_passes(pretend: Pretend) -> None:
    pretend()
    libraries.require_working("cpu")


@pytest.mark.parametrize(
    ("ops", "last"),
    [
        ("raise ImportError('_ext.so: undefined symbol: _ZN3c104impl')", "undefined symbol"),
        ("import os\nos.abort()", "it ended with -6"),
        ("def nms(*_):\n    raise RuntimeError('nms: no device')", "no device"),
        ("def nms(boxes, scores, threshold):\n    return boxes, scores", "AssertionError"),
    ],
)
def test_another_torch_is_said_in_words(pretend: Pretend, ops: str, last: str) -> None:
    pretend(ops)
    with pytest.raises(UsageError, match=rf"does not work with torch [\d.]+.*another one.*{last}.*no-build-isolation"):
        libraries.require_working("cpu")


def test_operators_without_gpus(pretend: Pretend) -> None:
    pretend("import sys\nif sys.argv[1] != 'cpu':\n    raise RuntimeError('no cuda')\n" + WORKING)
    with pytest.raises(UsageError, match="has no operators for GPUs"):
        libraries.require_working("cuda")


def test_configs_that_are_not_there(pretend: Pretend) -> None:
    folder = pretend() / "mmdet" / ".mim" / "configs"
    folder.mkdir(parents=True)
    (folder / "one.py").write_text("")
    assert libraries.config_file("mmdet", "one.py") == folder / "one.py"
    with pytest.raises(UsageError, match=r"comes with no config two.py"):
        libraries.config_file("mmdet", "two.py")


def test_planning_checks_libraries_and_the_form_of_the_data(pretend: Pretend) -> None:
    part = {"images": "images", "annotations": "annotations"}
    facts = {"form": "detection", "root": "/", "train": part, "test": part, "values": ["a"], "unlabelled": None}
    found = Companion("things", "0" * 64, "imported", facts=facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libraries, "_place", lambda name: None)
        with pytest.raises(UsageError, match="not installed"):
            check_detection(found)
    pretend()
    check_detection(found)
    with pytest.raises(UsageError, match="things is no segmentation set"):
        check_segmentation(found)
    with pytest.raises(UsageError, match="things is no detection set"):
        check_detection(Companion("things", "0" * 64, "imported"))
