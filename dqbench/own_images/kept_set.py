"""A kept set as a torch ``Dataset``: whole images of its source, or images rebuilt from patches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dqbench import compressed
from dqbench.compressed import Distilled, Patches, Subset
from dqbench.data.folder import FolderSource
from dqbench.data.open_any import open_any, takes_size
from dqbench.data.source import Source
from dqbench.errors import UsageError


class KeptDataset:
    """A kept set as a map-style torch ``Dataset``: ``(image, label, weight)`` in the order of selection.

    Args:
        source: the images it was chosen from: the path of the image folder or ``.npz`` file, what
            ``dqbench.data.folder.open_user_data`` gives for it, or a ``Source``. None where patches were dropped: then
            the images are in the kept set.
        kept: the subset or patches, or the folder that ``dqbench compress`` wrote, which must be of this source: its
            manifest holds the source's hash.
        transform: applied to each image, an (h, w, c) uint8 array; without one it comes as a (c, h, w) float tensor
            in [0, 1].
        size: side in pixels to which a folder of images is decoded, where ``source`` is its path; by default that at
            which the set was chosen.
        fill: how dropped patches are filled in, ``mae``, ``mean`` or ``zero``; by default as the folder says.
        mae: the folder or published name of an MAE that rebuilds them instead of the folder's own.
        device: on which it does.

    Raises:
        UsageError: no kept set there, images that cannot be had, or those of another source.
    """

    def __init__(
        self,
        source: Source | FolderSource | Path | str | None,
        kept: Subset | Patches | Path | str,
        transform: Callable[[np.ndarray[Any, Any]], Any] | None = None,
        *,
        size: int | None = None,
        fill: str | None = None,
        mae: str | Path | None = None,
        device: str = "cpu",
    ) -> None:
        folder = None if isinstance(kept, Subset | Patches) else Path(kept)
        found = kept if isinstance(kept, Subset | Patches) else compressed.load(Path(kept) / "kept")
        if isinstance(found, Distilled):
            raise UsageError(f"{kept} holds distilled images, not a subset; load them with dqbench.compressed.load")
        if size is not None and not isinstance(source, Path | str):
            raise UsageError(f"size={size} is for a source that is given by its path")
        opened = None if source is None else _opened(source, folder, size)
        self.source, self.kept, self.transform = opened, found, transform
        if isinstance(found, Patches):
            from dqbench.own_images.rebuilt import rebuilt_images

            self._images: Any = rebuilt_images(found, folder, fill, mae, device)
            self._labels, self._where = found.labels, np.arange(len(found))
            return
        if opened is None or fill or mae:
            raise UsageError(f"{kept} keeps whole images of a source; give that source, and neither fill nor mae")
        self._images, self._labels, self._where = opened.images, opened.labels, opened.positions(found.ids)

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> tuple[Any, int, float]:
        import torch

        place = self._where[index]
        image = np.array(self._images[place])
        weight = 1.0 if self.kept.weights is None else float(self.kept.weights[index])
        shown = self.transform(image) if self.transform else torch.from_numpy(image).permute(2, 0, 1).float() / 255
        return shown, int(self._labels[place]), weight


def _opened(source: Source | FolderSource | Path | str, folder: Path | None, size: int | None) -> Source:
    """The source, held against the manifest of the kept set's folder, where there is one."""
    manifest = _manifest(folder) if folder else {}
    if isinstance(source, Path | str):
        path = Path(source)
        side = size or manifest.get("size") if takes_size(path) else size
        source = open_any(path, size=side, skip_unreadable=path.is_dir() and bool(manifest.get("skipped")))
    plain = source.source if isinstance(source, FolderSource) else source
    if not isinstance(plain, Source):
        raise UsageError(f"source={type(source).__name__} is none; give a path, what open_user_data gives, or a Source")
    if folder is None or plain.content_hash == manifest["source_hash"]:
        return plain
    if isinstance(source, FolderSource) and source.hash_at(int(manifest["size"])) == manifest["source_hash"]:
        return plain
    raise UsageError(
        f"{folder} was chosen from another source than {plain.name}: the manifest has the hash "
        f"{manifest['source_hash'][:12]}, and {plain.name}, {len(plain)} images of {plain.images.shape[1]} px, has "
        f"{plain.content_hash[:12]}; give the images that it was chosen from, by their path where at another size"
    )


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        known = isinstance(manifest["source_hash"], str) and int(manifest["size"]) > 0
    except (OSError, ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise UsageError(
            f"{folder} has no manifest.json that says which source it was chosen from; run dqbench compress again"
        )
    return manifest
