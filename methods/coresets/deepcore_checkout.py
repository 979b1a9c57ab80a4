"""A user's checkout of the original DeepCore: found, hashed, and its methods loaded under today's torch and NumPy.

Nothing of it is installed or copied. Only the files of the method that is asked for are imported, under a name of their
own, so that neither its networks nor a package that happens to be called ``deepcore`` is in the way.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from dqbench import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench.deferred import numpy as np

VARIABLE = "DQBENCH_DEEPCORE"
_PACKAGE = "dqbench_deepcore_checkout"
_NEEDED = ("deepcore/methods/earlytrain.py", "deepcore/methods/methods_utils/__init__.py")


def checkout() -> Path:
    """The folder that ``DQBENCH_DEEPCORE`` names.

    Raises:
        UsageError: it names none, or one that is no checkout of DeepCore.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        raise UsageError(f"{VARIABLE} is not set; set it to a checkout of PatrickZH/DeepCore")
    folder = Path(named).expanduser()
    missing = [file for file in _NEEDED if not (folder / file).is_file()]
    if missing:
        raise UsageError(f"{VARIABLE}={named} is no checkout of PatrickZH/DeepCore: it has no {missing[0]}")
    return folder


def checkout_hash() -> str:
    """sha256 over names and contents of the checkout's methods; empty where there is none."""
    try:
        root = checkout() / "deepcore"
    except UsageError:
        return ""
    digest = hashlib.sha256()
    for path in sorted((root / "methods").rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load(module: str, name: str) -> Any:
    """A class of the checkout's ``deepcore/methods/MODULE.py``.

    Raises:
        UsageError: it cannot be imported here.
    """
    _packages(checkout() / "deepcore")
    try:
        return getattr(importlib.import_module(f"{_PACKAGE}.methods.{module}"), name)
    except Exception as error:  # a checkout may be anything
        raise UsageError(f"{name} of the checkout cannot be imported: {type(error).__name__}: {error}") from error


def _packages(root: Path) -> None:
    """Empty packages over the checkout's folders, and a stand-in for its networks, which are not used."""
    if _PACKAGE in sys.modules and sys.modules[_PACKAGE].__path__ == [str(root)]:
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
        del sys.modules[name]
    for name, folder in ((_PACKAGE, root), (f"{_PACKAGE}.methods", root / "methods")):
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    from torch import nn

    nets, inner = ModuleType(f"{_PACKAGE}.nets"), ModuleType(f"{_PACKAGE}.nets.nets_utils")
    inner.MyDataParallel = nn.DataParallel  # type: ignore[attr-defined]
    nets.nets_utils = inner  # type: ignore[attr-defined]
    nets.__path__ = []
    sys.modules[nets.__name__], sys.modules[inner.__name__] = nets, inner
    sys.modules[_PACKAGE].nets = nets  # type: ignore[attr-defined]


class Share(float):
    """The fraction to keep, which times the size of each class in turn gives that class's whole number of samples."""

    counts: list[int]

    def __mul__(self, other: Any) -> float:
        return float(self.counts.pop(0)) if self.counts else float(self) * other

    __rmul__ = __mul__


def share(fraction: float, counts: list[int]) -> Share:
    """``fraction``, for classes of which so many are kept, in their order."""
    made = Share(fraction)
    made.counts = list(counts)
    return made


class Samples:
    """The view of a data set that DeepCore's methods take: features and logits side by side, and labels."""

    def __init__(self, values: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], classes: int) -> None:
        self.values, self.targets, self.classes = values, labels.copy(), list(range(classes))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: Any) -> tuple[Any, int]:
        import torch

        return torch.from_numpy(self.values[int(place)]), int(self.targets[int(place)])


def network(width: int) -> Any:
    """What stands for the original's network: it records the first ``width`` numbers and answers with the rest."""
    from torch import nn

    class Recorder(nn.Module):
        record_embedding = False

        def __enter__(self) -> None:
            self.record_embedding = True

        def __exit__(self, *error: object) -> None:
            self.record_embedding = False

    class Recorded(nn.Module):
        no_grad = False

        def __init__(self) -> None:
            super().__init__()
            self.embedding_recorder = Recorder()

        def get_last_layer(self) -> SimpleNamespace:
            return SimpleNamespace(in_features=width)

        def forward(self, x: Any) -> Any:
            if self.embedding_recorder.record_embedding:
                self.embedding_recorder.embedding = x[:, :width]
            return x[:, width:].clone()

    return Recorded()


@contextlib.contextmanager
def quietly(seed: int) -> Iterator[None]:
    """Without what it prints, with names that left NumPy, and with the global generators as they were afterwards."""
    import numpy
    import torch

    state, inner = numpy.random.get_state(), torch.get_rng_state()
    gone = not hasattr(numpy, "in1d")
    if gone:
        setattr(numpy, "in1d", numpy.isin)  # noqa: B010 - as types have it, there is no such name
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        numpy.random.set_state(state)
        torch.set_rng_state(inner)
        if gone:
            delattr(numpy, "in1d")
