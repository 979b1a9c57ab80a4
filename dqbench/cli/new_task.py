"""The files of a new task's package: ``@NAME@``, ``@MODULE@`` and ``@CLASS@`` are replaced by its names."""

MODULE = '''"""@NAME@: say here what is measured, on which data, and why.

The sketch below scores the mean over the classes of their accuracies on scikit-learn's digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dqbench import ObserverSpec, Profile, Recipe, TaskSpec, hookimpl
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dqbench import Source
    from dqbench.data.store import TestSet

SHORT = Recipe(name="@NAME@-15", epochs=15, batch_size=16, optimizer="adamw", lr=5e-3, weight_decay=0.01)
LONG = SHORT.model_copy(update={"name": "@NAME@-60", "epochs": 60})


def profile(recipe: Recipe, keeps: tuple[float, ...], seeds: int) -> Profile:
    """How large a run is: every profile has its own boards."""
    return Profile(
        archs=("digits-cnn", "digits-mlp"),
        keeps=keeps,
        recipes={"*": recipe},
        observer=ObserverSpec("digits-cnn", recipe),
        seeds=seeds,
        time_limit_s=600.0,
    )


@hookimpl
def dqbench_tasks() -> Iterable[TaskSpec]:
    """Tell dqbench of the task."""
    yield TaskSpec(
        name="@NAME@",
        version=1,  # raise it whenever the numbers change
        dataset="digits",  # dqbench list datasets; "own" for the images of --data
        summary="balanced accuracy on handwritten digits of networks trained on what a method keeps",
        metric="balanced",  # in percent, higher is better; else say unit= and better=
        evaluator="@MODULE@:balanced",
        licence="CC BY 4.0 (UCI); the copy is the one shipped inside scikit-learn",
        citation="",
        smoke_leaves_out="3 of 5 seeds, and shorter training; the data are whole.",
        profiles={
            "smoke": profile(SHORT, (0.05, 0.1, 0.3), 2),
            "quick": profile(LONG, (0.05, 0.1, 0.3), 3),
            "paper": profile(LONG, (0.02, 0.05, 0.1, 0.2, 0.4), 5),
        },
    )


def balanced(net: nn.Module, test: TestSet, source: Source, device: str, precision: str) -> dict[str, Any]:
    """The mean over the classes of their accuracies in percent; ``predictions`` lets boards show accuracy by class."""
    from dqbench.train.predict import predict

    logits = predict(net, test.images, device=device, precision=precision, mean=source.mean, std=source.std)
    predicted = logits.argmax(axis=1)
    return {"balanced": balanced_accuracy(predicted, test.labels), "predictions": predicted}


def balanced_accuracy(predicted: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> float:
    """The mean over the classes of the share of each that is predicted right, in percent; both of shape (n,)."""
    right = [np.mean(predicted[labels == label] == label) for label in np.unique(labels)]
    return 100.0 * float(np.mean(right))
'''

TEST = '''"""@NAME@: its evaluator on answers that are known, and a small run from a method to a score."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from @MODULE@ import balanced_accuracy

import dqbench

INSTALLED = entry_points(group="dqbench", name="@NAME@")
FILES = () if INSTALLED else (Path(__file__).parents[1] / "@MODULE@.py",)


def test_classes_count_alike_however_few_samples_they_have() -> None:
    labels = np.array([0, 1, 1, 1])
    assert balanced_accuracy(np.array([0, 1, 1, 1]), labels) == 100.0
    assert balanced_accuracy(np.array([0, 0, 0, 0]), labels) == 50.0
    assert balanced_accuracy(np.array([1, 1, 1, 1]), labels) == 50.0


def test_a_small_run_gives_scores_in_percent(tmp_path: Path) -> None:
    records = dqbench.run(
        ["random"],
        ["@NAME@"],
        keeps=[0.1],
        archs=["digits-mlp"],
        seeds=1,
        profile="smoke",
        settings=["recipe.epochs=1"],
        device="cpu",
        workspace=tmp_path,
        plugin_files=FILES,
    )
    assert {record.status for record in records} == {"done"}
    assert all(0 <= run.score <= 100 for record in records for run in record.runs)
'''

NEXT = (
    "pip install pytest && pytest @FOLDER@                its tests: the evaluator, and a small run",
    "dqbench run --plugin @FOLDER@/@MODULE@.py --task @NAME@ --method dq",
    "pip install -e @FOLDER@                                   then it is there as --task @NAME@",
)
