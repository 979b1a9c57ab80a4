"""CIFAR-10 through torchvision, which checks the official archive's md5 before anything in it is read."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dqbench.data.arrays import Arrays
from dqbench.errors import UsageError


def load_cifar10() -> Arrays:
    """Download CIFAR-10: 50,000 training and 10,000 test images of shape (32, 32, 3), in the official order.

    Raises:
        UsageError: it could not be downloaded, or what came was not the official archive.
    """
    from torchvision.datasets import CIFAR10

    folder = Path(tempfile.mkdtemp(prefix="dqbench-cifar10-"))
    try:
        with _progress_only_on_a_terminal():
            train, test = CIFAR10(str(folder), train=True, download=True), CIFAR10(str(folder), train=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise _not_downloaded(error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Arrays(
        x_train=np.ascontiguousarray(train.data),
        y_train=np.array(train.targets, dtype=np.int64),
        x_test=np.ascontiguousarray(test.data),
        y_test=np.array(test.targets, dtype=np.int64),
        class_names=tuple(train.classes),
        provenance="verified",
    )


def _not_downloaded(error: Exception) -> UsageError:
    cause = getattr(error, "reason", None) or error
    reason = (str(cause).strip() or type(error).__name__).splitlines()[0]
    return UsageError(
        f"cifar10 could not be downloaded ({reason}); with a network run it again, "
        "without one run: dqbench data import cifar10 FILE.npz"
    )


@contextlib.contextmanager
def _progress_only_on_a_terminal() -> Iterator[None]:
    if sys.stderr.isatty():
        yield
        return
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield
