"""A source of texts: instructions and their answers, without classes, as methods see them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dqbench.errors import UsageError


@dataclass(frozen=True)
class Text:
    """One sample: what is asked, what it is asked about (perhaps nothing), and the answer."""

    instruction: str
    input: str
    output: str

    @property
    def line(self) -> str:
        """Instruction, input and answer on one line, as DQ's released code embeds them: each newline is a space."""
        asked = f"{self.instruction} {self.input}" if self.input else self.instruction
        return f"{asked} {self.output}".replace("\n", " ").strip()

    @property
    def size(self) -> int:
        """Bytes in UTF-8."""
        return sum(len(part.encode()) for part in (self.instruction, self.input, self.output))


@dataclass(frozen=True)
class TextSource:
    """A training set of texts, or a fixed part of one.

    It has no classes: to methods, all samples are of one group.

    Attributes:
        name: the data set.
        texts: shape (n,).
        ids: stable row number of each text in the imported files, from 0, shape (n,), int64, increasing; what a method
            returns. Rows that were held out for testing, or had no answer, leave gaps.
        content_hash: sha256 over the whole training set, whatever the part.
        rows: rows of the imported files, so that ids lie in 0 to ``rows`` - 1.

    Raises:
        UsageError: no texts, or ids that do not fit them.
    """

    name: str
    texts: tuple[Text, ...]
    ids: npt.NDArray[np.int64]
    content_hash: str
    rows: int

    def __post_init__(self) -> None:
        if not self.texts:
            raise UsageError(f"source {self.name!r} has no texts")
        if self.ids.shape != (len(self.texts),) or not (np.diff(self.ids) > 0).all():
            raise UsageError(f"source {self.name!r}: ids must increase, one for each of {len(self.texts)} texts")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def classes(self) -> int:
        """1: the group of all samples."""
        return 1

    @property
    def class_names(self) -> tuple[str, ...]:
        """What messages call the group of all samples."""
        return ("all texts",)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """0 for each sample, shape (n,), int64."""
        return np.zeros(len(self.texts), dtype=np.int64)

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """The number of samples, shape (1,), int64."""
        return np.array([len(self.texts)], dtype=np.int64)

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Bytes of each text in UTF-8, shape (n,), int64."""
        return np.array([text.size for text in self.texts], dtype=np.int64)

    def positions(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Positions in ``texts`` of the samples with these ids, shape of ``ids``.

        Raises:
            ValueError: an id is not in this source.
        """
        where = np.searchsorted(self.ids, ids)
        wrong = (where >= len(self.ids)) | (self.ids[np.minimum(where, len(self.ids) - 1)] != ids)
        if wrong.any():
            raise ValueError(f"id {np.asarray(ids)[wrong][0]} is not in {self.name}")
        return where


def content_hash(texts: Sequence[Text], ids: Sequence[int]) -> str:
    """sha256, in hexadecimal, of a line of JSON for each text: ``[id,instruction,input,output]``, ASCII, no spaces."""
    digest = hashlib.sha256()
    for line in lines(texts, ids):
        digest.update(line.encode("ascii"))
    return digest.hexdigest()


def lines(texts: Sequence[Text], ids: Sequence[int]) -> Iterator[str]:
    """Each text as it is stored and hashed, with its newline."""
    for identity, text in zip(ids, texts, strict=True):
        values = [int(identity), text.instruction, text.input, text.output]
        yield json.dumps(values, separators=(",", ":")) + "\n"
