"""From a trained network to metrics through the jobs: what they refuse, what they leave, what they open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file
from torch import Tensor

from dqbench.data import seal, store
from dqbench.data.annotated import annotated_of, open_annotated
from dqbench.data.annotated_import import import_annotated
from dqbench.data.store import Arrays
from dqbench.errors import UsageError
from dqbench.jobs import evaluate, finetune
from dqbench.jobs.job import Context, Job
from dqbench.openmmlab.options import FinetuneOptions

pytestmark = [pytest.mark.usefixtures("openmmlab", "data_root"), pytest.mark.filterwarnings("ignore")]

CPU = Context("cpu")


def photos() -> dict[str, Any]:
    """Ten classes of one small picture each, stored; what a job's spec says of them."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 160, 160, 3), dtype=np.uint8)
    labels = np.arange(10, dtype=np.int64)
    names = tuple(f"class{i}" for i in range(10))
    info = store.put("photos", Arrays(pixels[:10], labels, pixels[10:], labels, names, "imported"))
    return {"source": {"dataset": "photos", "hash": info.train_hash, "per_class": None}, "test_hash": info.test_hash}


@pytest.fixture
def network(tmp_path: Path, trained: dict[str, Tensor]) -> Path:
    folder = tmp_path / "network"
    folder.mkdir()
    save_file(trained, folder / "model.safetensors")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def spec_of(facts: dict[str, Any], options: FinetuneOptions, words: dict[str, str]) -> dict[str, Any]:
    spec = {
        "source": facts["source"],
        "arch": "resnet18",
        "seed": 0,
        "precision": "fp32",
        "options": options.model_dump(mode="json"),
        "companion": words,
    }
    return dict(json.loads(json.dumps(spec)))


@pytest.mark.parametrize(
    ("folder", "evaluator", "metric"),
    [("coco128", "box_and_mask_map", "mask_map50"), ("camvid_mini", "mean_iou", "miou")],
)
def test_from_a_network_to_metrics(
    test_data: Path,
    network: Path,
    out: Path,
    tiny_detection: FinetuneOptions,
    tiny_segmentation: FinetuneOptions,
    folder: str,
    evaluator: str,
    metric: str,
) -> None:
    facts = photos()
    companion, _ = import_annotated("things", test_data / folder)
    options = tiny_detection if folder == "coco128" else tiny_segmentation
    told = finetune.run(spec_of(facts, options, companion.words), {"network": network}, out, CPU)
    assert [step["iteration"] for step in told["curve"]] == [1, 2]
    assert told["notes"]["finetuned_with"]["onedl-mmengine"]
    assert {path.suffix for path in out.iterdir()} == {".py", ".json", ".safetensors"}

    spec = {
        **facts,
        "test_per_class": None,
        "arch": "resnet18",
        "precision": "fp32",
        "evaluator": f"dqbench.openmmlab.evaluators:{evaluator}",
        "metric": metric,
        "best_epoch": False,
    }
    scored = evaluate.run(spec, {"network": network, "finetune": out}, out, CPU)
    assert 0 <= scored["score"] <= 100
    assert scored["metrics"]["backbone_top1"] in {10.0 * right for right in range(11)}
    assert scored["test_reads"] == 2
    json.dumps(scored, allow_nan=False)


def test_fine_tuning_does_not_open_the_test_part(
    test_data: Path,
    network: Path,
    out: Path,
    tiny_segmentation: FinetuneOptions,
    tmp_path: Path,
) -> None:
    shutil.copytree(test_data / "ade20k_mini", tmp_path / "ade")
    companion, _ = import_annotated("ade20k", tmp_path / "ade")
    for folder in ("images", "annotations"):
        shutil.rmtree(tmp_path / "ade" / folder / "validation")
    spec = spec_of(photos(), tiny_segmentation, companion.words)
    assert finetune.run(spec, {"network": network}, out, CPU)["curve"]
    with seal.broken(), pytest.raises(UsageError, match="validation has gone"):
        open_annotated(companion, "segmentation", "test")


def test_data_that_changed_or_has_another_form_is_refused(
    test_data: Path, network: Path, out: Path, tiny_detection: FinetuneOptions
) -> None:
    facts = photos()
    companion, _ = import_annotated("things", test_data / "camvid_mini")
    assert annotated_of(companion) is not None
    with pytest.raises(UsageError, match="things is no detection set"):
        finetune.run(spec_of(facts, tiny_detection, companion.words), {"network": network}, out, CPU)
    with pytest.raises(UsageError, match="changed since this run was planned"):
        finetune.run(
            spec_of(facts, tiny_detection, {**companion.words, "hash": "0" * 64}), {"network": network}, out, CPU
        )


def test_options_are_in_the_key(tiny_segmentation: FinetuneOptions) -> None:
    def key(options: FinetuneOptions) -> str:
        return Job("finetune", {"options": options.model_dump(mode="json")}, {"network": "n"}).key

    other = tiny_segmentation.model_copy(update={"changes": {**tiny_segmentation.changes, "train_cfg.max_iters": 3}})
    assert key(tiny_segmentation) == key(FinetuneOptions.model_validate(tiny_segmentation.model_dump(mode="json")))
    assert key(tiny_segmentation) != key(other)
