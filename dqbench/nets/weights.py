"""Where pretrained weights are: timm's on the hub by name, or a file or folder of safetensors. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dqbench.errors import UsageError

USUAL: Mapping[str, str] = MappingProxyType(
    {
        "resnet18": "resnet18.a1_in1k",
        "resnet50": "resnet50.a1_in1k",
        "resnet101": "resnet101.a1h_in1k",
        "vit": "vit_small_patch16_224.augreg_in1k",
        "vit-base": "vit_base_patch16_224.augreg_in1k",
        "swin": "swin_tiny_patch4_window7_224.ms_in1k",
        "convnext": "convnext_tiny.fb_in1k",
        "mobilenetv2": "mobilenetv2_100.ra_in1k",
        "efficientnet-b0": "efficientnet_b0.ra_in1k",
    }
)
"""timm's name of weights trained on ImageNet-1K alone, for each architecture that has a form made for ImageNet."""

TIMM = "timm"
"""Asks for the :data:`USUAL` weights."""

_WEIGHTS, _FACTS = "model.safetensors", ("config.json", "network.json")


@dataclass(frozen=True)
class Weights:
    """Weights that are there.

    Attributes:
        name: as they were asked for, ``timm`` spelled out.
        file: the safetensors file.
        facts: JSON beside it, or None.
        sha256: of the file and of the JSON.
    """

    name: str
    file: Path
    facts: Path | None
    sha256: str

    @property
    def words(self) -> str:
        """Name and identity, without what belongs to one machine."""
        return f"{Path(self.name).name} (sha256 {self.sha256[:12]})"

    def told(self) -> dict[str, Any]:
        """What the JSON says; empty where there is none.

        Raises:
            UsageError: it is no JSON object.
        """
        if self.facts is None:
            return {}
        try:
            told = json.loads(self.facts.read_text())
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.facts} cannot be read ({error}); take it away or bring it back") from error
        if not isinstance(told, dict):
            raise UsageError(f"{self.facts} holds no JSON object; take it away or bring it back")
        return told


@cache
def find(name: str, arch: str, expected: str | None = None) -> Weights:
    """The weights of this name for an architecture, fetched from the hub where they are not here.

    Args:
        name: ``timm``, a timm name such as ``resnet18.a1_in1k``, a safetensors file, or a folder with
            ``model.safetensors``.
        arch: the architecture, for ``timm``.
        expected: the sha256 that they must have.

    Raises:
        UsageError: they cannot be had, or are not what was expected.
    """
    if name == TIMM and arch not in USUAL:
        raise UsageError(f"timm has no usual weights for {arch}; archs with some: {', '.join(USUAL)}")
    name = USUAL[arch] if name == TIMM else name
    path = Path(name).expanduser()
    file, facts = _local(path) if path.exists() or _looks_local(name) else _from_hub(name)
    digest = hashlib.sha256()
    for part in (file, facts):
        if part is not None:
            digest.update(part.read_bytes())
    if expected not in (None, digest.hexdigest()):
        raise UsageError(f"weights {name} changed since this run was planned; run the command again")
    return Weights(name, file, facts, digest.hexdigest())


def _looks_local(name: str) -> bool:
    return "/" in name or name.endswith(".safetensors") or name.startswith(("~", "."))


def _local(path: Path) -> tuple[Path, Path | None]:
    file = path / _WEIGHTS if path.is_dir() else path
    if not file.is_file() or file.suffix != ".safetensors":
        raise UsageError(
            f"weights {path} are no safetensors file and no folder with {_WEIGHTS}; save them with "
            "safetensors.torch.save_file"
        )
    return file, next((file.parent / name for name in _FACTS if path.is_dir() and (path / name).is_file()), None)


def _from_hub(name: str) -> tuple[Path, Path]:
    from huggingface_hub import hf_hub_download, logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        weights, facts = (hf_hub_download(f"timm/{name}", file) for file in (_WEIGHTS, _FACTS[0]))
    except Exception as error:  # no network, no such name, no room: the hub raises all sorts of things
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"timm's weights {name} are not here and cannot be fetched ({reason}); where there is no network, copy "
            f"{_WEIGHTS} and config.json of timm/{name} into a folder and give that: --set observer.weights=FOLDER"
        ) from error
    return Path(weights), Path(facts)
