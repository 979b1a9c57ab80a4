"""Whether corrupted images can be made here. Imports nothing heavy by itself."""

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


def load() -> None:
    """Load OpenCV, which ``pip`` installs even where it cannot run.

    Raises:
        UsageError: a library of the system that it needs is missing.
    """
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"OpenCV is installed but cannot be loaded ({error}); install what is missing (libGL.so.1: apt-get install "
            "libgl1), or run: pip uninstall -y opencv-python && pip install --force-reinstall opencv-python-headless"
        ) from error
