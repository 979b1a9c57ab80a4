"""The libraries' own config files, with what a backbone, a data set and one process change in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from dqbench.data.annotated import Annotated
from dqbench.openmmlab import detection, segmentation
from dqbench.openmmlab.backbone import shape_of
from dqbench.openmmlab.libraries import config_file
from dqbench.openmmlab.options import FinetuneOptions

SCHEME = "dqbench-safetensors:"
"""Before the path of a backbone's weights in a config; see :mod:`dqbench.openmmlab.running`."""

_FITS: Mapping[str, Callable[[Config, Annotated], None]] = {
    "mmdet": detection.take_data, "mmseg": segmentation.take_data,
}  # fmt: skip


@dataclass(frozen=True)
class Backbone:
    """What a config must know of the network that it starts from.

    Attributes:
        arch: a key of :data:`dqbench.openmmlab.backbone.SHAPES`.
        mean: channel means that its images were normalised with, in [0, 1], RGB.
        std: channel standard deviations, likewise.
    """

    arch: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def load_config(options: FinetuneOptions, backbone: Backbone, data: Annotated, *, seed: int, folder: Path) -> Config:
    """The library's config for this backbone and data set, then the profile's changes.

    Nothing in it reads a checkpoint or the net: no pre-trained weights, no checkpoints written, no validation while
    training. Everything runs in one process, in which synchronised batch norm is plain batch norm. Images are
    normalised as the backbone's were.

    Args:
        seed: of the runner.
        folder: where the runner may write.

    Raises:
        UsageError: the library has no such config, or an architecture that cannot be a backbone.
    """
    config = Config.fromfile(config_file(options.library, options.config))
    _take_backbone(config.model, backbone)
    _FITS[options.library](config, data)
    for key in ("val_dataloader", "val_evaluator", "val_cfg"):
        config[key] = None
    config.default_hooks.checkpoint = None
    config.default_hooks.pop("visualization", None)
    config.visualizer.update({"vis_backends": [], "name": folder.name})
    config.load_from, config.resume = None, False
    config.launcher = "none"
    config.work_dir, config.experiment_name = str(folder), folder.name
    config.randomness = {"seed": seed}
    config.merge_from_dict({path: _with_tuples(value) for path, value in options.changes.items()})
    return config


def _with_tuples(value: Any) -> Any:
    """JSON's lists of numbers as tuples, which is how configs write sizes."""
    if isinstance(value, dict):
        return {key: _with_tuples(inner) for key, inner in value.items()}
    if isinstance(value, list) and all(isinstance(inner, int | float) for inner in value):
        return tuple(value)
    return value


def start_from(config: Config, weights: Path) -> None:
    """Let the backbone begin with these weights."""
    config.model.backbone.init_cfg = {"type": "Pretrained", "checkpoint": f"{SCHEME}{weights}"}


def _take_backbone(model: Any, backbone: Backbone) -> None:
    shape = shape_of(backbone.arch)
    model.pop("pretrained", None)
    model.backbone.update({"type": "ResNet", "depth": shape.depth, "init_cfg": None})
    model.data_preprocessor.mean = [255 * value for value in backbone.mean]
    model.data_preprocessor.std = [255 * value for value in backbone.std]
    for part in ("neck", "decode_head", "auxiliary_head"):
        if part in model:
            model[part].in_channels = _channels(model[part], shape.channels)
    for settings in _dicts(model):
        if settings.get("type") == "SyncBN":
            settings["type"] = "BN"


def _channels(part: Any, channels: tuple[int, ...]) -> Any:
    """The channels that a head takes of the stages that it looks at, in the form that its config has them."""
    if isinstance(part.in_channels, int):
        return channels[part.in_index]
    return list(channels)


def _dicts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _dicts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _dicts(inner)
