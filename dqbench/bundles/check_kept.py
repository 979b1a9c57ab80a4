"""What a bundle says was kept, held against the data here: ids, weights, masks of kept patches, hashes and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import resolve
from dqbench.compressed import Patches, Subset, content_hash
from dqbench.data import store
from dqbench.data.lazy import in_memory, take
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs.admit import binds_classes
from dqbench.pixels.options import PixelOptions, kept_patches, patch_side
from dqbench.pixels.packing import highest, pack, random_scores
from dqbench.plan.byte_budget import npy_bytes
from dqbench.plan.plan import Plan
from dqbench.plugins import Registry
from dqbench.records import Record, Run
from dqbench.specs import Budget


def check_kept(
    record: Record, made: Plan, files: Mapping[str, bytes], unread: dict[str, bytes], registry: Registry
) -> None:
    """The set of every seed: in the source, no repeats, the budget, the classes, the patches, the hash, the bytes.

    Args:
        record: a record that agrees with its plan.
        made: that plan.
        files: of the bundle, by name.
        unread: those that no record has spoken of yet; what is read is taken out.
        registry: where the method is, which says whether classes bind it.

    Raises:
        UsageError: the first thing that does not agree.
    """
    source = store.open_train(record.source.dataset, record.source.train_per_class, record.source.alteration)
    for run in record.runs:
        kept, where = _subset(run, source, files, unread)
        (key,) = run.jobs["compress"]
        budget, binds = Budget(**made.jobs[key].spec["budget"]), _binds(made.jobs[key].spec, registry)
        check_budget(kept, where, run, budget, record.cell.budget, source, binds)
        patches = _patches(kept, where, run, made, source, files, unread) if "pixels" in run.jobs else None
        hashed = content_hash(patches or kept)
        expect(run.kept_hash == hashed, f"seed {run.seed}: the hash of what was kept is not that of its ids")
        _check_bytes(kept, where, patches, run, record, source)


def _subset(
    run: Run, source: Source, files: Mapping[str, bytes], unread: dict[str, bytes]
) -> tuple[Subset, npt.NDArray[np.int64]]:
    """The kept samples, and their positions in the source."""
    (key,) = run.jobs["compress"]
    ids, weights = (
        _array(files.get(f"kept/{key}.{what}"), kind) for what, kind in (("ids", "<i8"), ("weights", "<f8"))
    )
    if ids is None:
        raise UsageError(f"the ids that seed {run.seed} kept are missing")
    for what in ("ids", "weights"):
        unread.pop(f"kept/{key}.{what}", None)
    try:
        kept = Subset(ids.astype(np.int64), weights=None if weights is None else weights.astype(np.float64))
        return kept, source.positions(kept.ids)
    except ValueError as error:
        raise UsageError(f"seed {run.seed}: {error}") from None


def _binds(spec: Mapping[str, Any], registry: Registry) -> bool:
    method = registry.methods[spec["method"]]
    return binds_classes(method, method.config.model_validate(spec["config"]))


def check_budget(
    kept: Subset,
    where: npt.NDArray[np.int64],
    run: Run,
    budget: Budget,
    asked: Budget,
    source: Source,
    binds: bool = True,
) -> None:
    """As many samples as the budget, of each class where classes bind the method.

    Args:
        kept: the samples.
        where: their positions in the source.
        run: the seed.
        budget: in samples.
        asked: as the record has it, perhaps in bytes or pixels.
        source: the training set.
        binds: whether the budget holds for each class.

    Raises:
        UsageError: other numbers.
    """
    seed, wanted = run.seed, resolve(budget, source.class_counts, run.seed)
    expect(len(kept) == wanted.total, f"seed {seed} kept {len(kept)} samples; the budget {asked} is {wanted.total}")
    counts = np.bincount(source.labels[where], minlength=source.classes)
    if binds:
        expect(bool((counts == wanted.per_class).all()), f"seed {seed} kept {counts.tolist()} of the classes")
    expect(run.samples == len(kept), f"seed {seed}: {run.samples} samples trained on, {len(kept)} kept")


def _patches(
    kept: Subset,
    where: npt.NDArray[np.int64],
    run: Run,
    made: Plan,
    source: Source,
    files: Mapping[str, bytes],
    unread: dict[str, bytes],
) -> Patches:
    """The patches that the masks of a bundle pick from the images here."""
    (key,) = run.jobs["pixels"]
    options = PixelOptions.model_validate(made.jobs[key].spec["pixels"])
    _, height, width, _ = source.images.shape
    side = patch_side(options, height, width)
    count = (height // side) * (width // side)
    data = files.get(f"kept/{key}.masks")
    unread.pop(f"kept/{key}.masks", None)
    if data is None:
        raise UsageError(f"the masks of the patches that seed {run.seed} kept are missing")
    expect(len(data) == len(kept) * -(-count // 8), "a file of kept numbers is cut")
    bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(len(kept), -1), axis=1).astype(np.bool_)
    mask, number = bits[:, :count], kept_patches(options.drop, count)
    right = bool((mask.sum(axis=1) == number).all()) and not bits[:, count:].any()
    expect(right, f"seed {run.seed}: a mask keeps other than {number} of {count} patches")
    if options.importance == "random":
        drawn = highest(random_scores(kept.ids, count, run.seed), kept.ids, number, run.seed)
        expect(bool((mask == drawn).all()), f"seed {run.seed}: the masks are not those that its seed draws")
    pixels = number * side**2 * len(kept) / (height * width * len(source))
    expect(run.kept_pixels is not None and abs(run.kept_pixels - pixels) < 1e-9, f"seed {run.seed}: wrong kept_pixels")
    images, labels = in_memory(take(source.images, where), "cutting a bundle's patches again"), source.labels[where]
    return pack(images, mask, side, labels, kept.ids, kept.weights, run.seed if options.shuffle else None)


def _check_bytes(
    kept: Subset, where: npt.NDArray[np.int64], patches: Patches | None, run: Run, record: Record, source: Source
) -> None:
    """Parts that add up, and where classes are the labels, the size of all but networks beside the set."""
    parts = run.bytes_parts or {"images": run.bytes}
    summed = sum(parts.values())
    expect(all(size >= 0 for size in parts.values()), f"seed {run.seed}: a part has fewer than no bytes")
    expect(run.bytes == summed, f"seed {run.seed}: {run.bytes} bytes, and parts that come to {summed}")
    if record.cell.labels != "hard":
        return
    stored = sum(size for part, size in parts.items() if part != "decoder")
    total = _patch_bytes(patches) if patches else _sample_bytes(kept, where, source)
    expect(stored == total, f"seed {run.seed}: {stored} bytes; what was kept takes {total}")
    expect(patches is not None or stored == run.bytes, f"seed {run.seed}: whole images need no decoder")


def _sample_bytes(kept: Subset, where: npt.NDArray[np.int64], source: Source) -> int:
    label = 1 if int(source.labels[where].max(initial=0)) < 256 else 2
    pixels = int(np.prod(source.images.shape[1:])) * len(kept)
    images = pixels if source.file_sizes is None else int(source.file_sizes[where].sum())
    return images + (label + (0 if kept.weights is None else 4)) * len(kept)


def _patch_bytes(patches: Patches) -> int:
    arrays = (patches.patches, patches.masks, patches.labels, patches.weights, patches.key)
    return sum(npy_bytes(array.shape, array.dtype) for array in arrays if array is not None)


def _array(data: bytes | None, kind: str) -> np.ndarray[Any, Any] | None:
    if data is None:
        return None
    expect(len(data) % 8 == 0 and len(data) > 0, "a file of kept numbers is cut")
    return np.frombuffer(data, dtype=kind)


def expect(good: bool, message: str) -> None:
    """Refuse what is not good.

    Raises:
        UsageError: with this message.
    """
    if not good:
        raise UsageError(message)
