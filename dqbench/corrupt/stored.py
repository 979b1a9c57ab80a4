"""Corrupted images on disk: a job's folder, and the official arrays as a companion data set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.companion import Companion, read_companion
from dqbench.errors import UsageError

FILE = "corrupted.json"
Pixels = npt.NDArray[np.uint8]


def describe_generated(severity: int, hashes: Mapping[str, str], folder: Path) -> None:
    """Note beside ``NAME.npy`` what they are."""
    _write({"made": "generated", "severity": severity, "sha256": dict(hashes)}, folder)


def refer(official: Companion, severity: int, positions: npt.NDArray[np.int64], folder: Path) -> dict[str, str]:
    """Note which images of the official arrays are meant; gives the sha256 of the whole arrays."""
    np.save(folder / "positions.npy", positions, allow_pickle=False)
    hashes: dict[str, str] = dict(official.facts["sha256"])
    _write({"made": "imported", "severity": severity, "sha256": hashes, "companion": official.words}, folder)
    return hashes


def _write(told: Mapping[str, Any], folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def digest(hashes: Mapping[str, str]) -> str:
    """One sha256 over those of all corruptions."""
    return hashlib.sha256("".join(f"{name} {hashes[name]}\n" for name in sorted(hashes)).encode()).hexdigest()


class Corrupted:
    """The images that a job left in ``folder``.

    Attributes:
        made: ``generated`` or ``imported``.
        severity: 1 to 5.

    Raises:
        UsageError: they cannot be read, or the official arrays have changed since.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._told = json.loads((folder / FILE).read_text(encoding="utf-8"))
            self.made, self.severity = str(self._told["made"]), int(self._told["severity"])
        except (OSError, ValueError, KeyError) as error:
            raise UsageError(f"{folder} holds no corrupted images ({error}); delete it and run again") from error

    def images(self, name: str) -> Pixels:
        """The images of one corruption, shape (n, height, width, 3), uint8, in the test set's order."""
        if self.made == "generated":
            return _open(self._folder / f"{name}.npy")
        words = self._told["companion"]
        official = read_companion(words["name"])
        if official is None or official.hash != words["hash"]:
            raise UsageError(f"{words['name']} is no longer what it was; import it again, then run again")
        positions = np.load(self._folder / "positions.npy", allow_pickle=False)
        return np.asarray(of_severity(official, name, self.severity)[positions])


def of_severity(official: Companion, name: str, severity: int) -> Pixels:
    """The official images of one corruption at one severity, memory-mapped, in the order of the test set."""
    images = _open(official.folder / f"{name}.npy")
    count = len(images) // 5
    return images[(severity - 1) * count : severity * count]


def check_order(official: Companion, labels: npt.NDArray[np.int64]) -> None:
    """The official arrays must be of these test images, in their order.

    Raises:
        UsageError: their labels are others.
    """
    theirs = _open(official.folder / "labels.npy")
    count = len(labels)
    if len(theirs) != 5 * count or not np.array_equal(theirs[:count], labels):
        raise UsageError(
            f"labels.npy of {official.name} does not hold the {count:,} labels of the test set in its order; "
            "import the arrays that belong to it"
        )


def _open(path: Path) -> npt.NDArray[Any]:
    try:
        found: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} cannot be read ({error}); make or import it again") from error
    return found
