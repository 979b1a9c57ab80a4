"""The seal on test sets: broken by evaluate jobs and by what makes test images from them; readings are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dqbench.errors import UsageError


@dataclass
class Reads:
    """The test sets that were opened while the seal was broken, one name for each time."""

    names: list[str] = field(default_factory=list)


_open: list[Reads] = []


@contextmanager
def broken() -> Iterator[Reads]:
    """Let test sets be opened, and count it. The jobs evaluate and corrupt do this, and no method may."""
    reads = Reads()
    _open.append(reads)
    try:
        yield reads
    finally:
        _open.remove(reads)


def note_read(name: str) -> None:
    """A test set is about to be opened.

    Raises:
        UsageError: the seal is not broken.
    """
    if not _open:
        raise UsageError(
            f"the test set of {name} is sealed: only evaluate jobs open it; methods see the training set alone"
        )
    for reads in _open:
        reads.names.append(name)
