"""Write a kept set: a manifest, the arrays behind it, and images on request."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dqbench import compressed
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.errors import UsageError

Images = Literal["none", "link", "copy"]

COLUMNS = ("position", "id", "file", "label", "class", "bin", "rank", "weight")


@dataclass(frozen=True)
class Patched:
    """Kept samples of which patches were dropped.

    Attributes:
        folder: where the patches are saved, below ``kept``, and what rebuilds them.
        images: the rebuilt images in the order of selection, (k, h, w, c) uint8.
    """

    folder: Path
    images: npt.NDArray[np.uint8]


def write(
    kept: Subset,
    source: Source,
    out: Path,
    facts: Mapping[str, Any],
    images: Images = "none",
    root: Path | None = None,
    patched: Patched | None = None,
) -> None:
    """Write ``manifest.csv``, ``manifest.json``, the set's arrays and, on request, the kept images.

    ``link`` makes symbolic links to the source's files and needs ``root``, the folder they are relative to; ``copy``
    copies them, or writes PNG files where the source is arrays or images were rebuilt. All of it appears at once, or
    nothing.

    Raises:
        UsageError: ``out`` is there and not empty, or cannot be written; links asked for where there are no files.
    """
    if images == "link" and source.files is None:
        raise UsageError("--images link needs an image folder; this source is arrays, use --images copy")
    check_out(out)
    with whole_folder(out) as temporary:
        if patched:
            shutil.copytree(patched.folder, temporary, dirs_exist_ok=True)
        else:
            compressed.save(kept, temporary / "kept")
        _write_manifest(kept, source, temporary / "manifest.csv")
        (temporary / "manifest.json").write_text(json.dumps(dict(facts), indent=1) + "\n", encoding="utf-8")
        if patched and images == "copy":
            _write_rebuilt(kept, source, temporary / "images", patched.images)
        elif images != "none" and not patched:
            _write_images(kept, source, temporary / "images", images, root)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write to that becomes ``out`` at the end; nothing is left of it where that fails.

    Raises:
        UsageError: it cannot be written.
    """
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if out.is_dir():
            out.rmdir()
        temporary.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; choose another --out") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_out(out: Path) -> None:
    """Refuse an output folder that holds something.

    Raises:
        UsageError: it is there and not an empty folder.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already and not empty; choose another --out or remove it")


def check_outside(out: Path, data: Path) -> None:
    """Refuse an output folder in the folder of the images, where it would be taken for a class of them.

    Raises:
        UsageError: it is that folder, or lies in it.
    """
    if data.is_dir() and (out.resolve() == data.resolve() or data.resolve() in out.resolve().parents):
        raise UsageError(f"{out} lies in {data}, where it would be taken for images of a class; choose another --out")


def rows(kept: Subset, source: Source) -> Iterator[dict[str, Any]]:
    """The manifest's rows in the order of selection; what a method does not say is empty."""
    where = source.positions(kept.ids)
    for i, (identity, place) in enumerate(zip(kept.ids.tolist(), where.tolist(), strict=True)):
        label = int(source.labels[place])
        yield {
            "position": i,
            "id": identity,
            "file": source.files[place] if source.files else "",
            "label": label,
            "class": source.class_names[label],
            "bin": "" if kept.bins is None else int(kept.bins[i]),
            "rank": "" if kept.ranks is None else int(kept.ranks[i]),
            "weight": 1.0 if kept.weights is None else float(kept.weights[i]),
        }


def _write_manifest(kept: Subset, source: Source, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows(kept, source))


def _write_images(kept: Subset, source: Source, folder: Path, images: Images, root: Path | None) -> None:
    for place in source.positions(kept.ids).tolist():
        if source.files is None:
            name = f"{int(source.ids[place]):06d}.png"
            target = folder / source.class_names[int(source.labels[place])] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _save_png(np.asarray(source.images[place]), target)
            continue
        original = (root or Path()) / source.files[place]
        target = folder / source.files[place]
        target.parent.mkdir(parents=True, exist_ok=True)
        if images == "link":
            target.symlink_to(original.resolve())
        else:
            shutil.copy2(original, target)


def _write_rebuilt(kept: Subset, source: Source, folder: Path, images: npt.NDArray[np.uint8]) -> None:
    for image, place in zip(images, source.positions(kept.ids).tolist(), strict=True):
        name = Path(source.files[place]).with_suffix(".png") if source.files else f"{int(source.ids[place]):06d}.png"
        target = folder / (name if source.files else Path(source.class_names[int(source.labels[place])]) / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _save_png(image, target)


def _save_png(image: np.ndarray[Any, Any], path: Path) -> None:
    from PIL import Image

    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path)
