"""Whether corrupted images can be made here. Imports nothing heavy."""

from __future__ import annotations

import importlib.util

from dqbench.data.companion import Companion
from dqbench.errors import UsageError

MODULES = ("imagecorruptions", "skimage", "cv2")


def check(official: Companion | None) -> None:
    """Refuse early where neither the official arrays are there nor the libraries that make others; imports none.

    Raises:
        UsageError: the extra ``robustness`` is not installed.
    """
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing and official is None:
        raise UsageError(
            f"making corrupted images needs {', '.join(missing)}; run: pip install 'dqbench[robustness]', "
            "or import the official arrays: dqbench data import cifar10c DIR"
        )
