"""Trains and tests with OpenMMLab's runner. What it leaves and reads back are safetensors and JSON, nothing else."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner
from safetensors.torch import load_file, save_file
from torch import Tensor

from dqbench.data.annotated import Annotated
from dqbench.data.companion import Companion
from dqbench.openmmlab.backbone import convert
from dqbench.openmmlab.configs import SCHEME, Backbone, load_config, start_from
from dqbench.openmmlab.options import FinetuneOptions
from dqbench.openmmlab.watching import Watching

MODEL = "model.safetensors"
CONFIG = "config.py"
FACTS = "finetuned.json"


@dataclass(frozen=True)
class Start:
    """What a fine-tuning starts from, besides the data.

    Attributes:
        trained: weights and running statistics of a network that dqbench trained.
        backbone: what the config must know of it.
        seed: of the other weights, the order of images and their augmentation.
    """

    trained: Mapping[str, Tensor]
    backbone: Backbone
    seed: int


@CheckpointLoader.register_scheme(prefixes=SCHEME, force=True)  # type: ignore[untyped-decorator]
def _read_backbone(name: str, map_location: Any = None) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = load_file(name.removeprefix(SCHEME))
    return weights


def finetune(options: FinetuneOptions, start: Start, data: Annotated, out: Path) -> list[dict[str, float]]:
    """Train a model from the config; leaves its weights and its config in ``out``.

    Returns:
        Losses and learning rate of each iteration.

    Raises:
        UsageError: the network does not fit the backbone, or there is no such config.
        RuntimeError: a loss is not finite, or a weight of the backbone did not arrive.
    """
    with tempfile.TemporaryDirectory(prefix="finetune-") as room:
        folder = Path(room)
        config = load_config(options, start.backbone, data, seed=start.seed, folder=folder)
        for key in ("test_dataloader", "test_evaluator", "test_cfg"):
            config[key] = None
        start_from(config, folder / MODEL)
        runner = Runner.from_cfg(config)
        weights = convert(start.trained, runner.model.backbone.state_dict())
        save_file(_plain(weights), folder / MODEL)
        watching = Watching(weights)
        runner.register_hook(watching, priority="VERY_LOW")
        runner.train()
        save_file(_plain(runner.model.state_dict()), out / MODEL)
        _describe(config, folder, out)
    return watching.curve


def test(options: FinetuneOptions, backbone: Backbone, data: Annotated, model: Path) -> dict[str, Any]:
    """What the config's evaluators give for a model's weights on the test part, by their own names."""
    with tempfile.TemporaryDirectory(prefix="test-") as room:
        config = load_config(options, backbone, data, seed=0, folder=Path(room))
        for key in ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler"):
            config[key] = None
        runner = Runner.from_cfg(config)
        runner.model.load_state_dict(load_file(model))
        found: dict[str, Any] = runner.test()
    return found


def write_facts(options: FinetuneOptions, start: Start, companion: Companion, out: Path) -> None:
    """Note beside a model what it needs to be tested: see :func:`read_facts`."""
    facts = {
        "options": options.model_dump(mode="json"),
        "backbone": dataclasses.asdict(start.backbone),
        "companion": companion.words,
    }
    (out / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def read_facts(folder: Path) -> tuple[FinetuneOptions, Backbone, dict[str, str]]:
    """Options, backbone and the companion's words of the model in a folder."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    known = facts["backbone"]
    backbone = Backbone(known["arch"], tuple(known["mean"]), tuple(known["std"]))
    return FinetuneOptions.model_validate(facts["options"]), backbone, facts["companion"]


def _describe(config: Config, folder: Path, out: Path) -> None:
    """The whole config, for whoever wants to know; nothing reads it back."""
    text = config.pretty_text.replace(str(folder), "WORK")
    (out / CONFIG).write_text(text, encoding="utf-8")


def _plain(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
