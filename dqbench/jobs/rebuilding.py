"""Images of a patch-quantized set, as training and relabelling see them: rebuilt when they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.compressed import Compressed, Patches
from dqbench.data.lazy import LazyImages, batches, take
from dqbench.data.source import Source
from dqbench.jobs.job import Context
from dqbench.pixels.options import folder_hash
from dqbench.pixels.rebuild import psnr, rebuild

Rebuilder = Callable[[Patches], npt.NDArray[np.uint8]]


def rebuilder(spec: Mapping[str, Any], inputs: Mapping[str, Path], context: Context) -> Rebuilder:
    """What makes images of patches, as the job's ``fill``, ``mae`` and ``decoder`` say.

    Raises:
        UsageError: (when it is called) the MAE changed since the job was planned, or does not fit.
    """

    def images(kept: Patches) -> npt.NDArray[np.uint8]:
        if spec["fill"] != "mae":
            return rebuild(kept, spec["fill"])
        from dqbench.pixels import mae

        where = inputs.get("decoder", spec.get("mae", {}).get("name", ""))
        if "mae" in spec:
            folder_hash(str(where), expected=spec["mae"]["sha256"])
        return rebuild(kept, "mae", mae.load(str(where), context.device, spec["precision"]))

    return images


def decoder_bytes(spec: Mapping[str, Any], inputs: Mapping[str, Path]) -> dict[str, int]:
    """Bytes of the weights of the MAE that rebuilds the images; nothing where there is none."""
    if spec.get("fill") != "mae":
        return {}
    from dqbench.pixels import mae

    return {"decoder": mae.weight_bytes(str(inputs.get("decoder") or spec["mae"]["name"]))}


def rebuilding_notes(kept: Compressed | None, images: npt.NDArray[Any] | LazyImages, source: Source) -> dict[str, Any]:
    """How near the rebuilt images are to the originals; nothing where whole images are kept."""
    if not isinstance(kept, Patches):
        return {}
    originals = chain.from_iterable(batches(take(source.images, source.positions(kept.ids))))
    ratio = psnr(np.asarray(images), originals)
    return {"psnr_db": None if ratio is None else round(ratio, 3)}
