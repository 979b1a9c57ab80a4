"""Real fine-tuning through OpenMMLab's libraries on real images: finite losses, metrics, no pickles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from dqbench.data.annotated import Annotated, annotated_of
from dqbench.data.annotated_import import import_annotated
from dqbench.errors import UsageError
from dqbench.openmmlab import detection, segmentation
from dqbench.openmmlab.options import FinetuneOptions

if TYPE_CHECKING:
    from dqbench.openmmlab.configs import Backbone
    from dqbench.openmmlab.running import Start

pytestmark = [pytest.mark.usefixtures("openmmlab", "data_root"), pytest.mark.filterwarnings("ignore")]

MEAN, STD = (0.4, 0.45, 0.5), (0.2, 0.25, 0.3)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def backbone() -> Backbone:
    from dqbench.openmmlab.configs import Backbone

    return Backbone("resnet18", MEAN, STD)


def start(trained: dict[str, Tensor], seed: int = 0) -> Start:
    from dqbench.openmmlab.running import Start

    return Start(trained, backbone(), seed)


def stored(test_data: Path, folder: str, name: str) -> Annotated:
    found = annotated_of(import_annotated(name, test_data / folder)[0])
    assert found is not None
    return found


def finite(curve: list[dict[str, float]]) -> bool:
    return all(math.isfinite(value) for step in curve for value in step.values())


def test_detection_on_coco128(
    test_data: Path, trained: dict[str, Tensor], tiny_detection: FinetuneOptions, out: Path
) -> None:
    from dqbench.openmmlab import running

    data = stored(test_data, "coco128", "coco128")
    curve = running.finetune(tiny_detection, start(trained), data, out)
    assert [step["iteration"] for step in curve] == [1, 2]
    assert {"loss", "loss_rpn_cls", "loss_cls", "loss_bbox", "loss_mask"} <= curve[0].keys()
    assert finite(curve)
    assert curve[0]["loss"] != curve[1]["loss"]
    assert sorted(path.name for path in out.iterdir()) == ["config.py", "model.safetensors"]

    tuned = load_file(out / "model.safetensors")
    frozen = [name for name in trained if name.startswith(("conv1.", "bn1.", "layer1."))]
    assert all(torch.equal(tuned[f"backbone.{name}"], trained[name]) for name in frozen)
    assert not torch.equal(tuned["backbone.layer4.0.conv1.weight"], trained["layer4.0.conv1.weight"])
    assert tuned["roi_head.bbox_head.fc_cls.weight"].shape[0] == 81

    found = running.test(tiny_detection, backbone(), data, out / "model.safetensors")
    metrics = detection.metrics_of(found, data.class_names)
    assert {"map", "map50", "map75", "map_small", "map_large", "mask_map", "mask_map50"} <= metrics.keys()
    assert 0 <= metrics["map"] <= 100
    assert len(metrics["map_per_class"]) == len(metrics["mask_map_per_class"]) == 80


@pytest.mark.parametrize(
    ("folder", "name", "classes"), [("camvid_mini", "camvid-mini", 11), ("ade20k_mini", "ade20k", 150)]
)
def test_segmentation(
    test_data: Path,
    trained: dict[str, Tensor],
    tiny_segmentation: FinetuneOptions,
    out: Path,
    folder: str,
    name: str,
    classes: int,
) -> None:
    from dqbench.openmmlab import running

    data = stored(test_data, folder, name)
    curve = running.finetune(tiny_segmentation, start(trained), data, out)
    assert finite(curve)
    assert {"decode.loss_ce", "aux.loss_ce"} <= curve[0].keys()
    tuned = load_file(out / "model.safetensors")
    assert tuned["decode_head.conv_seg.weight"].shape[0] == classes
    assert sorted(path.name for path in out.iterdir()) == ["config.py", "model.safetensors"]

    found = running.test(tiny_segmentation, backbone(), data, out / "model.safetensors")
    metrics = segmentation.metrics_of(found, data.class_names)
    known = [value for value in metrics["miou_per_class"] if value is not None]
    assert len(metrics["miou_per_class"]) == classes
    assert metrics["miou"] == pytest.approx(sum(known) / len(known), abs=0.01)
    assert 0 < metrics["aacc"] <= 100


def test_the_same_seed_gives_the_same_model(
    test_data: Path, trained: dict[str, Tensor], tiny_segmentation: FinetuneOptions, tmp_path: Path
) -> None:
    from dqbench.openmmlab import running

    data = stored(test_data, "ade20k_mini", "ade20k")
    curves = []
    for number, seed in enumerate((3, 3, 4)):
        folder = tmp_path / str(number)
        folder.mkdir()
        curves.append(running.finetune(tiny_segmentation, start(trained, seed), data, folder))
    assert curves[0] == curves[1] != curves[2]


def test_a_wrong_backbone_is_refused(
    test_data: Path, trained: dict[str, Tensor], tiny_segmentation: FinetuneOptions, out: Path
) -> None:
    from dqbench.openmmlab import running

    data = stored(test_data, "ade20k_mini", "ade20k")
    lacking = {name: value for name, value in trained.items() if not name.startswith("layer3.1.bn2")}
    with pytest.raises(UsageError, match=r"it lacks 5 weights \(layer3.1.bn2.bias"):
        running.finetune(tiny_segmentation, start(lacking), data, out)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("lost", ["all", "one"])
def test_weights_that_do_not_arrive_stop_the_training(
    test_data: Path,
    trained: dict[str, Tensor],
    tiny_segmentation: FinetuneOptions,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    from mmengine.runner import CheckpointLoader

    from dqbench.openmmlab import running
    from dqbench.openmmlab.configs import SCHEME

    def read(name: str, map_location: object = None) -> dict[str, Tensor]:
        weights = load_file(name.removeprefix(SCHEME))
        return {} if lost == "all" else {key: value for key, value in weights.items() if key != "bn1.running_mean"}

    monkeypatch.setitem(CheckpointLoader._schemes, SCHEME, read)
    data = stored(test_data, "ade20k_mini", "ade20k")
    with pytest.raises(RuntimeError, match=r"of the backbone's 120 weights did not arrive"):
        running.finetune(tiny_segmentation, start(trained), data, out)


def test_losses_must_be_finite(
    test_data: Path, trained: dict[str, Tensor], tiny_segmentation: FinetuneOptions, out: Path
) -> None:
    from dqbench.openmmlab import running

    data = stored(test_data, "ade20k_mini", "ade20k")
    broken = {**trained, "layer4.1.bn2.bias": torch.full_like(trained["layer4.1.bn2.bias"], math.nan)}
    # not a number equals nothing, so the check of arrivals sees it first
    with pytest.raises(RuntimeError, match="did not arrive"):
        running.finetune(tiny_segmentation, start(broken), data, out)
    wild = tiny_segmentation.model_copy(
        update={"changes": {**tiny_segmentation.changes, "optim_wrapper.optimizer.lr": 1e30, "train_cfg.max_iters": 4}}
    )
    with pytest.raises(RuntimeError, match=r"iteration \d: .*loss.* is (nan|inf); lower the learning rate"):
        running.finetune(wild, start(trained), data, out)


def test_images_are_normalised_as_the_backbones_were(
    test_data: Path, tmp_path: Path, tiny_detection: FinetuneOptions
) -> None:
    from mmengine.config import Config

    from dqbench.openmmlab.configs import load_config
    from dqbench.openmmlab.libraries import config_file

    data = stored(test_data, "coco128", "coco128")
    config = load_config(tiny_detection, backbone(), data, seed=5, folder=tmp_path)
    assert config.model.data_preprocessor.mean == [255 * value for value in MEAN]
    assert config.model.data_preprocessor.std == [255 * value for value in STD]
    assert config.randomness.seed == 5
    text = config.pretty_text
    assert "torchvision://" not in text
    assert "http" not in text
    theirs = Config.fromfile(config_file("mmdet", tiny_detection.config))
    assert config.optim_wrapper == theirs.optim_wrapper
    assert config.param_scheduler == theirs.param_scheduler
    assert config.model.train_cfg.rpn == theirs.model.train_cfg.rpn


def labels_of(dataset: Any) -> list[np.ndarray]:
    return [np.asarray(dataset[i]["data_samples"].gt_sem_seg.data[0]) for i in range(len(dataset))]


def built(options: FinetuneOptions, data: Annotated, folder: Path) -> Any:
    from mmengine.registry import init_default_scope
    from mmseg.registry import DATASETS

    from dqbench.openmmlab.configs import load_config

    config = load_config(options, backbone(), data, seed=0, folder=folder)
    init_default_scope("mmseg")
    return DATASETS.build(config.test_dataloader.dataset)


def test_plain_label_maps_mean_what_their_list_says(
    test_data: Path, tiny_segmentation: FinetuneOptions, tmp_path: Path
) -> None:
    data = stored(test_data, "camvid_mini", "camvid-mini")
    dataset = built(tiny_segmentation, data, tmp_path)
    assert dataset.metainfo["classes"] == data.class_names
    for found, path in zip(labels_of(dataset), sorted((data.root / data.test.annotations).glob("*.png")), strict=True):
        drawn = np.asarray(Image.open(path))
        assert np.array_equal(found, np.where(drawn == 11, 255, drawn))


def test_classes_after_one_that_is_left_out_move_up(
    test_data: Path, tiny_segmentation: FinetuneOptions, tmp_path: Path
) -> None:
    from dataclasses import replace

    data = replace(stored(test_data, "camvid_mini", "camvid-mini"), unlabelled=3)
    for found, path in zip(
        labels_of(built(tiny_segmentation, data, tmp_path)),
        sorted((data.root / data.test.annotations).glob("*.png")),
        strict=True,
    ):
        drawn = np.asarray(Image.open(path)).astype(int)
        assert np.array_equal(found, np.where(drawn == 3, 255, drawn - (drawn > 3)))


def test_ade20k_is_read_by_its_own_class(test_data: Path, tiny_segmentation: FinetuneOptions, tmp_path: Path) -> None:
    data = stored(test_data, "ade20k_mini", "ade20k")
    dataset = built(tiny_segmentation, data, tmp_path)
    assert type(dataset).__name__ == "ADE20KDataset"
    for found, path in zip(labels_of(dataset), sorted((data.root / data.test.annotations).glob("*.png")), strict=True):
        drawn = np.asarray(Image.open(path)).astype(int)
        assert np.array_equal(found, np.where(drawn == 0, 255, drawn - 1))
