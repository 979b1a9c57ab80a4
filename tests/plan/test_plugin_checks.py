"""Plugins are tried before the work: what a run would stumble over hours later is an error of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dqbench import plugins
from dqbench.errors import UsageError
from dqbench.plan.grid import plan
from dqbench.plan.plugin_checks import check_plugins
from dqbench.plan.request import Request

Write = Callable[[Mapping[str, str]], None]

CLASS = "class First:\n    def __init__(self, config): pass\n"
COMPRESS = "    def compress(self, source, prepared, budget, seed, observed): pass\n"
SCORE = "def half(net, test, source, device, precision):\n    {}\n"
NET = """
import torch
from dqbench.nets.small import digits_mlp

def net(num_classes, in_chans, image_size):
    made = digits_mlp(num_classes=num_classes, in_chans=in_chans, image_size=image_size)
    made.forward_head = None
    return made
"""
WORKING = {
    "method.py": CLASS + COMPRESS,
    "score.py": SCORE.format("import numpy as np\n    return {'half': np.float32(len(test)), 'per': np.arange(2)}"),
}


def check() -> None:
    registry = plugins.load()
    made = plan(Request(tasks=("lab-task",), methods=("first",)), registry, "cpu")
    check_plugins(made.cells, registry)


def test_a_working_plugin_passes(write: Write) -> None:
    write(WORKING)
    check()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("method.py", "import no_such_module", "method first: target 'codelab.method:First' cannot be loaded"),
        ("method.py", "raise SystemExit(3)", "method first: codelab.method cannot be imported: SystemExit"),
        ("method.py", "1 / 0", "method first: codelab.method cannot be imported: ZeroDivisionError"),
        ("method.py", "First = 3", "is no class with a method compress"),
        ("method.py", CLASS, "is no class with a method compress"),
        ("method.py", COMPRESS.replace("    def", "def", 1), "cannot be loaded"),
        ("method.py", "class First:\n" + COMPRESS, "cannot be called with (config)"),
        (
            "method.py",
            CLASS + COMPRESS.replace(", observed", ""),
            "compress cannot be called with (source, prepared, b",
        ),
        ("method.py", CLASS + COMPRESS + "    def prepare(self): pass\n", "its spec says prepares=False, but"),
        ("score.py", "half = 3", "cannot be called"),
        ("score.py", "x = 1", "the evaluator of task lab-task: target 'codelab.score:half' cannot be loaded"),
        ("score.py", SCORE.replace(", precision", "").format("return {}"), "cannot be called with (net, test, source"),
        ("score.py", SCORE.format("return 'good'"), "returned a str; return a dict of metrics"),
        ("score.py", SCORE.format("return {'top1': 1.0}"), "returned no 'half', the task's metric; it returned top1"),
        ("score.py", SCORE.format("return {'half': 'much'}"), "returned half='much', which is no finite number"),
        ("score.py", SCORE.format("return {'half': float('nan')}"), "returned half=nan"),
        ("score.py", SCORE.format("return {'half': True}"), "returned half=True"),
        ("score.py", SCORE.format("return {'half': 1.0, 'net': net}"), "which no record can hold"),
        (
            "score.py",
            SCORE.format("return {'half': 1.0, 'predictions': [0.5]}"),
            "predictions of shape (1,) are not one",
        ),
        ("score.py", SCORE.format("raise SystemExit(0)"), "SystemExit: it ends the process (code 0); remove that"),
        ("net.py", "def net(**given):\n    raise SystemExit(0)", "cannot be built: SystemExit: it ends the process"),
        ("score.py", SCORE.format("return 1 / 0"), "fails on two training images of each class: ZeroDivisionError"),
        ("net.py", NET, "architecture lab-net: "),
        ("net.py", "x = 1", "architecture lab-net: target 'codelab.net:net' cannot be loaded"),
    ],
)
def test_what_is_wrong_is_an_error_of_the_plan(write: Write, name: str, text: str, words: str) -> None:
    write({**WORKING, name: text})
    with pytest.raises(UsageError) as caught:
        check()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("    labels", "    raise SystemExit(0)\n    labels", "failed: SystemExit: it ends the process (code 0)"),
        ("LIGHT", "import sys; sys.exit(0)\nLIGHT", "failed: SystemExit: it ends the process (code 0)"),
        ("20, 8, 8", "20, 9, 9", "gives shape (9, 9, 1), and its spec says (8, 8, 1); correct one of them"),
        ("20", "22", "gives counts (22, 4), and its spec says (20, 4)"),
        ("% 2", "% 3", "gives classes 3, and its spec says 2"),
    ],
)
def test_a_loader_gives_what_its_spec_says(
    write: Write, files: Mapping[str, str], before: str, after: str, words: str
) -> None:
    text = files["data.py"].replace(before, after, 1 if before == "LIGHT" else -1)
    write({**WORKING, "data.py": text.replace('"b")', '"b", "c")') if "%" in before else text})
    with pytest.raises(UsageError) as caught:
        check()
    assert words in str(caught.value)
    assert "the loader of lab-data, codelab.data:load, " in str(caught.value)


def test_only_what_is_to_be_run_is_tried(write: Write) -> None:
    write({**WORKING, "score.py": "1 / 0"})
    registry = plugins.load()
    made = plan(Request(tasks=("lab-task",), methods=("first",)), registry, "cpu")
    check_plugins([], registry)
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        check_plugins(made.cells, registry)
