"""Fixtures of the tests with OpenMMLab's libraries: a backbone, small configs, and no net."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from dqbench.nets.cifar import resnet18
from dqbench.openmmlab.options import FinetuneOptions

_PLAIN: dict[str, Any] = {
    f"{loader}.{key}": value
    for loader in ("train_dataloader", "test_dataloader")
    for key, value in (("num_workers", 0), ("persistent_workers", False))
}

_NARROW: dict[str, Any] = {
    f"model.{path}": 32
    for path in (
        "neck.out_channels",
        "rpn_head.in_channels",
        "rpn_head.feat_channels",
        "roi_head.bbox_roi_extractor.out_channels",
        "roi_head.bbox_head.in_channels",
        "roi_head.bbox_head.fc_out_channels",
        "roi_head.mask_roi_extractor.out_channels",
        "roi_head.mask_head.in_channels",
        "roi_head.mask_head.conv_out_channels",
    )
}

TINY_DETECTION = FinetuneOptions(
    library="mmdet",
    config="mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py",
    changes={
        **_PLAIN,
        **_NARROW,
        "train_cfg": {"_delete_": True, "type": "IterBasedTrainLoop", "max_iters": 2},
        "train_dataloader.dataset.pipeline.2.scale": (133, 80),
        "test_dataloader.dataset.pipeline.1.scale": (133, 80),
        "test_dataloader.dataset.indices": 4,
        "model.train_cfg.rcnn.sampler.num": 16,
        "model.test_cfg.rpn.max_per_img": 20,
        "model.test_cfg.rcnn.score_thr": 0.001,
    },
)

TINY_SEGMENTATION = FinetuneOptions(
    library="mmseg",
    config="upernet/upernet_r50_4xb4-160k_ade20k-512x512.py",
    changes={
        **_PLAIN,
        "train_cfg.max_iters": 2,
        "param_scheduler.0.end": 2,
        "train_dataloader.batch_size": 2,
        "train_dataloader.dataset.pipeline.2.scale": (256, 64),
        "train_dataloader.dataset.pipeline.3.crop_size": (64, 64),
        "test_dataloader.dataset.pipeline.1.scale": (256, 64),
        "model.data_preprocessor.size": (64, 64),
        "model.decode_head.channels": 32,
    },
)


@pytest.fixture
def tiny_detection() -> FinetuneOptions:
    """Two iterations of Mask R-CNN at a tiny scale."""
    return TINY_DETECTION


@pytest.fixture
def tiny_segmentation() -> FinetuneOptions:
    """Two iterations of UPerNet at a tiny scale."""
    return TINY_SEGMENTATION


@pytest.fixture
def openmmlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real libraries; a test with them reaches no net."""
    for module in ("mmengine", "mmcv", "mmdet", "mmseg"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: THIS TEST WITH OPENMMLAB DID NOT RUN (tox run -e openmmlab)")

    def refuse(*_: object) -> None:
        raise AssertionError("a test with OpenMMLab's libraries reached for the net")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def trained() -> dict[str, Tensor]:
    """Weights of a ResNet-18 for 160 px, none of them as a fresh network has it, running statistics included."""
    torch.manual_seed(7)
    net = resnet18(num_classes=10, in_chans=3, image_size=160)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.9, 1.1)  # type: ignore[union-attr]
            module.num_batches_tracked.fill_(12)  # type: ignore[union-attr]
    return {name: value.clone() for name, value in net.state_dict().items()}
