"""Fixtures that all tests share: real data, and a data folder of their own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dqbench.executors import local as local_module
from dqbench.executors.devices import Devices
from dqbench.executors.local import LocalExecutor
from dqbench.jobs import job as job_module
from dqbench.workspace.workspace import Workspace

sys.path.append(str(Path(__file__).parent / "stubs"))  # stub jobs and graphs, which the fork server finds by name, too

pytest_plugins = ["own_process"]

MOSAIC_ROWS, SIDE = 50, 32


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Tests that interrupt also work where pytest runs in the background, which leaves SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests run outside the checkout: processes that they start import the installed package, not the folder here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield


@pytest.fixture(scope="session", autouse=True)
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Indexes of records lie in a folder of the tests, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("indexes")
        patch.setattr("dqbench.board.index.cache_folder", lambda: folder)
        yield


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data that ``DQBENCH_TEST_DATA`` names; without it the test is skipped."""
    named = os.environ.get("DQBENCH_TEST_DATA")
    if not named:
        pytest.skip("DQBENCH_TEST_DATA is not set: THIS TEST ON REAL DATA DID NOT RUN")
    folder = Path(named).resolve()
    assert folder.is_dir(), f"DQBENCH_TEST_DATA={named} is no folder"
    return folder


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder for this test, not made yet."""
    root = tmp_path / "data-root"
    monkeypatch.setenv("DQBENCH_DATA", str(root))
    return root


@pytest.fixture(scope="session")
def cifar10_npz(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 2,500 training and test images of CIFAR-10 as an ``.npz`` file, decoded once per session."""
    folder = test_data / "cifar10"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: THIS TEST ON REAL DATA DID NOT RUN")
    path = tmp_path_factory.mktemp("cifar10") / "part.npz"
    with np.load(folder / "labels.npz", allow_pickle=False) as labels:
        y_train, y_test = labels["y_train"], labels["y_test"]
    x_train, x_test = mosaic(folder / "train-00.webp"), mosaic(folder / "test-00.webp")
    np.savez(path, x_train=x_train, y_train=y_train[: len(x_train)], x_test=x_test, y_test=y_test[: len(x_test)])
    return path


def mosaic(path: Path) -> np.ndarray:
    """The tiles of one mosaic in row-major order, shape (2500, 32, 32, 3), uint8."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    tiles = pixels.reshape(MOSAIC_ROWS, SIDE, MOSAIC_ROWS, SIDE, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, SIDE, SIDE, 3))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(job_module, "VERSIONS", {**job_module.VERSIONS, "stub": 1})
    monkeypatch.setattr(local_module, "FUNCTIONS", {**job_module.FUNCTIONS, "stub": "stub_jobs:run"})
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(Devices("cpu", 2), preload=()) as local:
        yield local
