"""Keep a part of one's own images: open them, compress, write what is kept."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.compressed import Compressed, Subset, content_hash
from dqbench.data.feature_files import read_features, read_labels
from dqbench.data.features import of_images, open_features, undecoded
from dqbench.data.folder import FolderSource
from dqbench.data.open_any import open_any
from dqbench.data.source import Source
from dqbench.errors import UsageError, check_whole
from dqbench.executors import devices
from dqbench.hashing import sha256_of
from dqbench.own_images.compressor import Compressor
from dqbench.own_images.patches import patch_facts
from dqbench.own_images.write import Images, check_out, check_outside, write
from dqbench.pixels.options import PixelOptions
from dqbench.plugins import Registry
from dqbench.specs import Budget, Config, MethodSpec, ObserverSpec
from dqbench.train.recipes import CIFAR_SGD

DEFAULT_OBSERVER = {"cpu": "resnet10-slim", "cuda": "resnet18"}


_NOTHING = "give --data DIR|FILE.npz, --features FILE.npy, or both for images with features of their own"


@dataclass(frozen=True)
class Order:
    """What to keep of which images, where; see ``dqbench compress --help``."""

    data: Path | None
    out: Path
    method: MethodSpec
    config: Config
    budget: Budget
    images: Images = "none"
    size: int | None = None
    observer: str | None = None
    epochs: int = 10
    seed: int = 0
    device: str = "auto"
    skip_unreadable: bool = False
    pixels: PixelOptions | None = None
    features: Path | None = None
    labels: Path | None = None


def keep_own_images(order: Order, registry: Registry, on_step: Callable[[str], None]) -> dict[str, Any]:
    """Carry out an order; gives the facts that ``manifest.json`` holds.

    Raises:
        UsageError: the images, the budget or the output folder are not usable; nothing is left half-made.
    """
    _check(order)
    opened, features = _opened(order, on_step)
    source = opened.source
    compressor = _compressor(order, registry, opened, features, on_step)
    started = time.perf_counter()
    made = compressor.make(source, order.budget)
    kept = made.kept
    if not isinstance(kept, Subset):
        raise UsageError(f"{order.method.name} chose no samples; dqbench compress writes chosen samples only")
    seconds = time.perf_counter() - started
    facts = _facts(order, compressor, opened, kept, made.patches or kept, seconds)
    if made.patches is None or order.pixels is None:
        write(kept, source, order.out, facts, order.images, opened.root)
        return facts
    with tempfile.TemporaryDirectory() as room:
        patched, about_patches = patch_facts(
            made.patches, source, order.pixels, order.seed, compressor.device, Path(room), on_step
        )
        facts |= about_patches
        write(kept, source, order.out, facts, order.images, opened.root, patched)
    return facts


def _check(order: Order) -> None:
    if order.method.kind == "distillation":
        raise UsageError(
            f"{order.method.name} makes images, and dqbench compress writes chosen samples only; use dqbench.compress "
            "in Python, or dqbench run on a task"
        )
    if order.pixels and order.images == "link":
        raise UsageError("--images link would link whole images; where patches are dropped use --images copy")
    _check_features(order)
    check_out(order.out)
    if order.data is not None:
        check_outside(order.out, order.data)


def _check_features(order: Order) -> None:
    if order.data is None and order.features is None:
        raise UsageError(_NOTHING)
    if order.labels is not None and order.data is not None:
        raise UsageError(f"--labels is for features alone; the classes of {order.data} are its labels: leave it out")
    if order.data is None and (order.images != "none" or order.size is not None):
        what = "--images" if order.images != "none" else "--size"
        raise UsageError(f"{what} has no effect on features alone; add --data with the images that they are of")
    if order.features and order.observer:
        raise UsageError("--features stand in for an observer; leave --observer out, or the features")


def _opened(order: Order, on_step: Callable[[str], None]) -> tuple[FolderSource, npt.NDArray[np.floating] | None]:
    """The samples, and the features that were given of them."""
    on_step(f"reading {' and '.join(str(path) for path in (order.features, order.data) if path)}")
    given = read_features(order.features) if order.features else None
    if order.data is None and given is not None:
        return open_features(given, read_labels(order.labels) if order.labels else None)
    if order.data is None:
        raise UsageError(_NOTHING)
    decodes = given is None or order.pixels is not None or not order.data.is_dir()
    opening = open_any if decodes else undecoded
    opened = opening(order.data, size=order.size, skip_unreadable=order.skip_unreadable)
    return opened, None if given is None else of_images(given, opened.source, len(opened.source) + len(opened.skipped))


def _compressor(
    order: Order,
    registry: Registry,
    opened: FolderSource,
    features: npt.NDArray[np.floating] | None,
    on_step: Callable[[str], None],
) -> Compressor:
    device = devices.find(order.device).kind
    recipe = observer_recipe(order.epochs, len(opened.source))
    return Compressor(
        registry,
        order.method,
        order.config,
        ObserverSpec(order.observer or DEFAULT_OBSERVER[device], recipe),
        order.seed,
        device,
        on_step,
        order.pixels,
        files=opened.root is not None,
        features=features,
    )


def _facts(
    order: Order, compressor: Compressor, opened: FolderSource, kept: Subset, stored: Compressed, seconds: float
) -> dict[str, Any]:
    source = opened.source
    return {
        "dqbench": version("dqbench"),
        "method": order.method.name,
        "method_version": order.method.version,
        "config": order.config.model_dump(mode="json"),
        "budget": str(order.budget),
        "seed": order.seed,
        "observer": observer_facts(compressor),
        **_features_facts(order, compressor),
        "size": source.images.shape[1],
        "source_hash": source.content_hash,
        "kept_hash": content_hash(stored),
        "samples": len(source),
        "kept": len(kept),
        "kept_per_class": _per_class(kept, source),
        "source_bytes": int(opened.file_sizes.sum()),
        "kept_bytes": int(opened.file_sizes[source.positions(kept.ids)].sum()),
        "skipped": list(opened.skipped),
        "device": compressor.device,
        "seconds": round(seconds, 3),
        "notes": kept.notes or {},
    }


def _features_facts(order: Order, compressor: Compressor) -> dict[str, Any]:
    """What the manifest says of features that were given; nothing where none were."""
    if order.features is None or compressor.features is None:
        return {}
    rows, width = compressor.features.shape
    facts = {"file": order.features.name, "sha256": sha256_of(order.features), "rows": rows, "width": width}
    return {"features": facts}


def observer_recipe(epochs: int, samples: int) -> Any:
    """The CIFAR recipe for so many epochs, with batches small enough for 20 steps an epoch (8 to 128 images).

    Raises:
        UsageError: epochs that are no whole number from 1 up.
    """
    check_whole("epochs", epochs, 1)
    batch = max(8, min(128, samples // 20))
    changes = {"name": f"observer-{epochs}", "epochs": epochs, "batch_size": batch, "lr": 0.1 * batch / 128}
    return CIFAR_SGD.model_copy(update=changes)


def observer_facts(compressor: Compressor) -> dict[str, Any] | None:
    """What a manifest says of the observer; None where there was none."""
    if not compressor.looks:
        return None
    observer = compressor.observer
    return {"arch": observer.arch, "recipe": observer.recipe.model_dump(mode="json")}


def _per_class(kept: Subset, source: Source) -> dict[str, int]:
    counts = np.bincount(source.labels[source.positions(kept.ids)], minlength=source.classes)
    return dict(zip(source.class_names, counts.tolist(), strict=True))
