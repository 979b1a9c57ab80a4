"""``import dqbench``: what its users call, before and after anything else was imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dqbench
from dqbench.data.folder import open_user_data
from dqbench.errors import UsageError


def test_run_can_be_called_again_and_again(data_root: Path, tmp_path: Path) -> None:
    settings = ["recipe.epochs=1"]
    options = {"keeps": [0.05], "archs": ["digits-mlp"], "seeds": 1, "settings": settings, "workspace": tmp_path / "w"}
    first = dqbench.run(["random"], ["digits-xarch"], **options)  # type: ignore[arg-type]
    again = dqbench.run(["random"], ["digits-xarch"], **options)  # type: ignore[arg-type]
    assert [record.key for record in again] == [record.key for record in first]
    assert [record.cell.method for record in first] == ["full", "random"]
    assert importlib.util.find_spec("dqbench.run") is None, "a package of this name would take the function's place"


def test_compress_gives_native_ids_within_the_budget(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8), y_train=np.arange(40) % 4)
    kept = dqbench.compress(path, "dq", keep=0.25, config={"bins": 2}, epochs=1)
    assert isinstance(kept, dqbench.Subset)
    assert len(kept) == 10
    assert sorted(np.bincount(kept.ids % 4).tolist()) == [2, 2, 3, 3]


def test_compress_stops_greedy_methods_at_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, stops = tmp_path / "mine.npz", []
    np.savez(path, x_train=np.zeros((12, 28, 28, 1), dtype=np.uint8), y_train=np.arange(12) % 3)

    def order(features: np.ndarray, first: int, stop: int) -> np.ndarray:
        stops.append((len(features), stop))
        return np.arange(stop)

    monkeypatch.setattr("dqbench.select.k_center.k_center_order", order)
    dqbench.compress(path, "k-center", ipc=3, epochs=1)
    assert stops == [(4, 3)] * 3


@pytest.mark.parametrize("budget", [{}, {"keep": 0.1, "ipc": 3}])
def test_compress_wants_one_budget(tmp_path: Path, budget: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="give one of keep=RATIO, ipc=IMAGES_PER_CLASS and max_bytes=SIZE"):
        dqbench.compress(tmp_path, "dq", **budget)  # type: ignore[arg-type]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=np.arange(12) % 3)
    return tmp_path / "mine.npz"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ipc": 2.5}, "ipc 2.5 is not a whole number"),
        ({"ipc": True}, "ipc True is not a whole number"),
        ({"ipc": float("inf")}, "ipc inf is not a whole number"),
        ({"keep": True}, "keep ratio True is not in"),
        ({"keep": float("nan")}, "keep ratio nan"),
        ({"ipc": 1, "seed": 1.5}, "seed=1.5 is no whole number"),
        ({"ipc": 1, "seed": None}, "seed=None"),
        ({"ipc": 1, "size": 0}, "size=0 is no whole number from 1 up"),
        ({"ipc": 1, "epochs": 0}, "epochs=0 is no whole number from 1 up"),
        ({"ipc": 1, "epochs": -1}, "epochs=-1"),
        ({"ipc": 1, "epochs": 2.5}, "epochs=2.5"),
        ({"ipc": 1, "device": "tpu"}, "tpu"),
        ({"ipc": 1, "config": {"droop": 0.2}}, "unknown option of method random 'droop'; did you mean drop?"),
    ],
)
def test_compress_refuses_what_makes_no_sense(mine: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        dqbench.compress(mine, "random", **options)
    assert words in str(caught.value)


def test_compress_takes_a_path_a_text_and_what_is_open(mine: Path) -> None:
    opened = open_user_data(mine)
    kept = [dqbench.compress(given, "random", ipc=2, seed=1) for given in (mine, str(mine), opened, opened.source)]
    assert len({tuple(each.ids.tolist()) for each in kept if isinstance(each, dqbench.Subset)}) == 1
    for given in (opened, opened.source):
        with pytest.raises(UsageError, match="size=4 is for images in files; what was given is open already"):
            dqbench.compress(given, "random", ipc=2, size=4)
    assert dqbench.compress(mine, "random", ipc=np.int64(2), seed=np.int64(1)).ids.tolist() == kept[0].ids.tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"workspace": ""}, "workspace is empty; give a folder"), ({"size": 2.5}, "size=2.5 is no whole number")],
)
def test_run_refuses_what_makes_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        dqbench.run(["random"], ["digits-xarch"], **options)


@pytest.mark.parametrize("name", ["methods", "tasks"])
def test_run_wants_lists_of_names(name: str) -> None:
    names: dict[str, Any] = {"methods": ["random"], "tasks": ["digits-xarch"]}
    with pytest.raises(UsageError, match=rf"{name}='random' is one text; give a list, e.g. {name}=\['random'\]"):
        dqbench.run(**{**names, name: "random"})


@pytest.mark.parametrize(("side", "words"), [(8, "observers that do: digits-cnn"), (16, "resize them to one of these")])
def test_compress_says_which_observers_take_images_of_a_size(side: int, words: str) -> None:
    images = np.zeros((12, side, side, 3), dtype=np.uint8)
    with pytest.raises(UsageError, match=f"not of {side} px; {words}"):
        dqbench.compress((images, np.arange(12) % 3), "herding", keep=0.5, epochs=1)
