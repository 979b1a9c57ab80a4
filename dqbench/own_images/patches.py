"""What ``dqbench compress`` writes where patches are dropped: the patches, what rebuilds images, and how well."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dqbench import compressed
from dqbench.compressed import Patches
from dqbench.data.lazy import in_memory
from dqbench.data.source import Source
from dqbench.jobs.rebuilding import rebuilding_notes
from dqbench.jobs.stored_bytes import stored_parts
from dqbench.own_images.rebuilt import MAE_FOLDER, rebuilt_images
from dqbench.own_images.write import Patched
from dqbench.pixels.options import PixelOptions, mae_recipe
from dqbench.plan import pixel_plan
from dqbench.plurals import plural


def patch_facts(
    patches: Patches,
    source: Source,
    options: PixelOptions,
    seed: int,
    device: str,
    room: Path,
    on_step: Callable[[str], None],
) -> tuple[Patched, dict[str, Any]]:
    """Save patches below ``room``, with the MAE that rebuilds them if one does, and rebuild the images.

    Returns:
        What is written, and what the manifest says of it: options, bytes part by part, and the PSNR of the images.

    Raises:
        UsageError: an MAE that cannot be had, or that is for other images.
    """
    side = int(patches.patches.shape[1])
    compressed.save(patches, room / "kept")
    if options.fill == "mae":
        _bring_mae(source, options, side, seed, device, room / MAE_FOLDER, on_step)
    on_step(f"rebuilding {plural(len(patches), 'image')}")
    mae = options.mae or room / MAE_FOLDER
    images = rebuilt_images(patches, None, options.fill, mae if options.fill == "mae" else None, device)
    parts = stored_parts(patches, room / "kept", images, patches.labels)
    facts = {
        "pixels": {**pixel_plan.shown(options), "patch_size": side},
        "kept_bytes": sum(parts.values()),
        "bytes_parts": {**parts, **_decoder_bytes(options, room / MAE_FOLDER)},
        "kept_pixels": len(patches.patches) * side**2 / (images[0, ..., 0].size * len(source)),
        **rebuilding_notes(patches, images, source),
    }
    return Patched(room, images), facts


def _bring_mae(
    source: Source,
    options: PixelOptions,
    side: int,
    seed: int,
    device: str,
    folder: Path,
    on_step: Callable[[str], None],
) -> None:
    """Train the MAE, or copy that of a folder; one that has a published name is loaded by it."""
    from dqbench.pixels import mae

    if options.mae:
        if Path(options.mae).is_dir():
            folder.mkdir()
            for path in Path(options.mae).iterdir():
                if path.suffix in (".json", ".safetensors"):
                    shutil.copy2(path, folder)
        return
    on_step(
        f"training the MAE that rebuilds images, {plural(options.mae_epochs, 'epoch')} on "
        f"{plural(len(source), 'image')}"
    )
    mae.pretrain(
        in_memory(source.images, "pretraining an MAE"), source.mean, source.std, side, mae_recipe(options.mae_epochs),
        folder, seed=seed, device=device, precision="bf16" if device == "cuda" else "fp32",
    )  # fmt: skip


def _decoder_bytes(options: PixelOptions, folder: Path) -> dict[str, int]:
    if options.fill != "mae":
        return {}
    from dqbench.pixels import mae

    return {"decoder": mae.weight_bytes(str(folder) if folder.is_dir() else options.mae)}
