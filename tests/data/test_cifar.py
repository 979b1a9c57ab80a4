"""CIFAR-10 comes through torchvision; without a network one line says what to do instead."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torchvision

from dqbench import plugins
from dqbench.data import store
from dqbench.errors import UsageError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (urllib.error.URLError(OSError(-2, "Name or service not known")), "Name or service not known"),
        (RuntimeError("File not found or corrupted."), "corrupted"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    used: list[Path] = []

    def fail(root: str, **_: Any) -> None:
        used.append(Path(root))
        (Path(root) / "half").write_text("")
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    with pytest.raises(UsageError, match="could not be downloaded") as caught:
        store.fetch(plugins.load().datasets["cifar10"])
    message = str(caught.value)
    assert reason in message
    assert "dqbench data import cifar10 FILE.npz" in message
    assert "\n" not in message
    assert not used[0].exists()
    assert store.present() == []
    assert [path.name for path in data_root.iterdir()] == [".cifar10.lock"]


def test_a_download_is_stored_as_verified(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = plugins.load().datasets["cifar10"]
    rng = np.random.default_rng(0)

    def official(root: str, train: bool, download: bool = False) -> Any:
        n = 20 if train else 10
        data = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        return SimpleNamespace(data=data, targets=[i % 10 for i in range(n)], classes=list(spec.class_names))

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", official)
    found = store.fetch(spec)
    assert (found.provenance, found.train_count, found.test_count) == ("verified", 20, 10)
    assert store.fetch(spec) == found
