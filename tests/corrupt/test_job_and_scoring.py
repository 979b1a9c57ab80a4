"""The corrupt job, and the evaluator that reads its folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dqbench import plugins
from dqbench.corrupt import official, stored
from dqbench.corrupt.scoring import corruption_accuracy
from dqbench.corrupt.strengths import CORRUPTIONS
from dqbench.data import seal, store
from dqbench.data.arrays import Arrays
from dqbench.errors import UsageError
from dqbench.jobs import corrupt
from dqbench.jobs.job import Context
from dqbench.nets.build import build
from dqbench.train.predict import predict


def spec_of(severity: int, per_class: int | None = None, **more: Any) -> dict[str, Any]:
    found = store.read_info("cifar10")
    assert found is not None
    options = {"severity": severity, "seed": 0}
    return {"dataset": "cifar10", "test_hash": found.test_hash, "test_per_class": per_class, "options": options, **more}


def do(spec: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    folder.mkdir()
    return corrupt.run(spec, {}, folder, Context("cpu"))


def test_generated_and_imported_images_are_read_alike(folder: Path, tmp_path: Path) -> None:
    imported = official.import_official(folder)
    facts = do(spec_of(3), tmp_path / "made")
    do(spec_of(3, companion=imported.words), tmp_path / "theirs")
    made, theirs = stored.Corrupted(tmp_path / "made"), stored.Corrupted(tmp_path / "theirs")
    assert (made.made, theirs.made) == ("generated", "imported")
    assert made.severity == theirs.severity == 3
    for name in CORRUPTIONS:
        assert (made.images(name) == theirs.images(name)).all()
    assert facts["test_reads"] == 1
    assert set(facts["sha256"]) == set(CORRUPTIONS)
    assert facts["notes"]["corrupted_3"] == stored.digest(facts["sha256"])


def test_a_part_is_the_same_images(folder: Path, tmp_path: Path, cifar10: Arrays, capfd: Any) -> None:
    imported = official.import_official(folder)
    do(spec_of(5, per_class=1), tmp_path / "made")
    do(spec_of(5, per_class=1, companion=imported.words), tmp_path / "theirs")
    for room in (tmp_path / "made", tmp_path / "theirs"):
        images = stored.Corrupted(room).images("shot_noise")
        assert (images == np.load(folder / "shot_noise.npy", allow_pickle=False)[80:90]).all()
    assert "severity 5: 150 of 150 images" in capfd.readouterr().out


def test_a_job_refuses_what_has_changed(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the test set of cifar10 changed"):
        do({**spec_of(1), "test_hash": "0" * 64}, tmp_path / "a")
    with pytest.raises(UsageError, match="cifar10c changed since"):
        do(spec_of(1, companion={"name": "cifar10c", "hash": "0" * 64}), tmp_path / "b")
    imported = official.import_official(folder)
    do(spec_of(1, companion=imported.words), tmp_path / "c")
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    np.save(folder / "speckle_noise.npy", labels, allow_pickle=False)
    fog = np.load(folder / "fog.npy", allow_pickle=False)
    np.save(folder / "fog.npy", 255 - fog, allow_pickle=False)
    official.import_official(folder)
    with pytest.raises(UsageError, match="cifar10c is no longer what it was"):
        stored.Corrupted(tmp_path / "c").images("fog")
    with pytest.raises(UsageError, match="holds no corrupted images"):
        stored.Corrupted(tmp_path)


def test_the_evaluator_scores_every_corruption_and_severity(cifar10: Arrays, tmp_path: Path) -> None:
    for severity in (4, 2):
        do(spec_of(severity), tmp_path / f"severity_{severity}")
    folders = {f"severity_{s}": tmp_path / f"severity_{s}" for s in (4, 2)}
    torch.manual_seed(0)
    net = build(plugins.load().archs["convnet3-slim"], 10, 3, 32).eval()
    source = store.open_train("cifar10")
    with seal.broken():
        test = store.open_test("cifar10")
    found = corruption_accuracy(net, test, source, "cpu", "fp32", folders)

    def accuracy(images: Any) -> float:
        logits = predict(net, images, device="cpu", precision="fp32", mean=source.mean, std=source.std)
        return 100 * sum(int(row.argmax() == label) for row, label in zip(logits, test.labels, strict=True)) / 20

    expected = {
        name: [accuracy(stored.Corrupted(folders[f"severity_{s}"]).images(name)) for s in (2, 4)]
        for name in CORRUPTIONS
    }
    assert {name: pytest.approx(values) for name, values in expected.items()} == found["corruptions"]
    assert found["severities"] == pytest.approx([sum(v[i] for v in expected.values()) / 15 for i in range(2)])
    assert found["corruption_accuracy"] == pytest.approx(sum(map(sum, expected.values())) / 30)
    assert found["clean"] == pytest.approx(accuracy(test.images))
    assert found["images"] == "generated"
