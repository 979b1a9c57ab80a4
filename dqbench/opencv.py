"""OpenCV, which ``pip`` installs even where it cannot run; two libraries of the extras bring one each."""

from __future__ import annotations

import importlib.util

from dqbench.errors import UsageError


def check() -> None:
    """Load OpenCV if it is installed.

    Raises:
        UsageError: a library of the system that it needs is missing.
    """
    if importlib.util.find_spec("cv2") is None:
        return
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"OpenCV is installed but cannot be loaded ({error}); install what is missing (libGL.so.1: apt-get install "
            "libgl1), or run: pip uninstall -y opencv-python && pip install --force-reinstall opencv-python-headless"
        ) from error
