"""Detection and segmentation sets: annotated images that stay where the user has them, described by a companion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dqbench.data import seal
from dqbench.data.companion import Companion
from dqbench.data.info import damaged
from dqbench.errors import UsageError

Form = Literal["detection", "segmentation"]
Split = Literal["train", "test"]

ANNOTATIONS = "annotations"
"""The folder that makes a folder a detection or segmentation set."""

OFFICIAL: Mapping[str, tuple[Form, tuple[int, int]]] = {
    "coco": ("detection", (118_287, 5_000)), "ade20k": ("segmentation", (20_210, 2_000)),
}  # fmt: skip
"""Names that stand for official sets: their form, and how many training and test images they have."""


@dataclass(frozen=True)
class Part:
    """Where the training or the test part lies, relative to the root with ``/``.

    Attributes:
        images: the folder of the images.
        annotations: COCO's JSON file of a detection set; the folder of a segmentation set's label maps.
    """

    images: str
    annotations: str


@dataclass(frozen=True)
class Annotated:
    """A detection or segmentation set in its own files.

    Attributes:
        root: what the parts are relative to.
        train: what is fine-tuned on.
        test: what is scored on.
        values: what each value of a label map means, from 0 up, or each category of a detection set in its order.
        unlabelled: the value of a label map that means nothing and is not learned; None for none.
    """

    form: Form
    root: Path
    train: Part
    test: Part
    values: tuple[str, ...]
    unlabelled: int | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The values that are learned, in their order."""
        return tuple(name for value, name in enumerate(self.values) if value != self.unlabelled)

    def part(self, split: Split) -> Part:
        """The part of this name."""
        return self.train if split == "train" else self.test

    def facts(self) -> dict[str, Any]:
        """The same as JSON values; see :func:`annotated_of`."""
        return {**dataclasses.asdict(self), "root": str(self.root), "values": list(self.values)}


def annotated_of(companion: Companion) -> Annotated | None:
    """The detection or segmentation set that a companion describes; None where it is of another form.

    Raises:
        UsageError: the description is damaged.
    """
    facts = companion.facts
    if facts.get("form") not in ("detection", "segmentation"):
        return None
    try:
        return _parse(facts)
    except (TypeError, KeyError) as error:
        raise damaged(companion.name, f"{type(error).__name__}: {error}") from error


def _parse(facts: Mapping[str, Any]) -> Annotated:
    return Annotated(
        form=facts["form"],
        root=Path(facts["root"]),
        train=Part(**facts["train"]),
        test=Part(**facts["test"]),
        values=tuple(facts["values"]),
        unlabelled=facts["unlabelled"],
    )


def open_annotated(companion: Companion, form: Form, split: Split) -> Annotated:
    """A detection or segmentation set one part of which is about to be read.

    Raises:
        UsageError: it is of another form, its files have gone, or ``split`` is the test part and the seal is not broken
            (:mod:`dqbench.data.seal`).
    """
    found = annotated_of(companion)
    if found is None or found.form != form:
        raise UsageError(f"{companion.name} is no {form} set; run: dqbench data import {companion.name} DIR")
    if split == "test":
        seal.note_read(companion.name)
    part = found.part(split)
    for path in (found.root / part.images, found.root / part.annotations):
        if not path.exists():
            raise UsageError(f"{path} has gone; bring it back, or run: dqbench data import {companion.name} DIR")
    return found
