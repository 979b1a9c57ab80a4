"""Records: the JSON of a finished or failed cell, with all that is needed to trust and redo it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import core_schema, from_json

from dqbench import checksums, whole_file
from dqbench.alteration import Alteration
from dqbench.checksums import ChangedError
from dqbench.errors import UsageError
from dqbench.measure import USUAL, Measure
from dqbench.specs import Budget, BudgetKind, Labels, MethodKind, Recipe

FORMAT = 1
_ABSENT = ("teacher_arch", "teacher_recipe", "observer_weights", "teacher_weights")
"""Fields of a cell that are left out where they are null, as they were before there were any."""

Trust = Literal["measured", "verified", "claimed"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CompanionFacts(_Part):
    """Data that a stage reads beside the source."""

    name: str
    provenance: Literal["verified", "imported", "bundled", "generated"]
    hash: str = Field(description="of its content; empty where a job generates it")
    note: str
    scored: int = Field(0, description="its images that the score is on; left out where that is the source's test set")

    @model_serializer(mode="wrap")
    def _without_none_scored(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        return {name: value for name, value in dumped.items() if name != "scored" or value}


class AlteredFacts(_Part):
    """What was done to the training set before anything learned from it; see :mod:`dqbench.data.altering`."""

    noise: float
    imbalance: float
    draw: int
    replaced: int = Field(description="training labels that are not the data set's own")
    hash: str = Field(description="sha256 of the ids and labels of what is left")

    @property
    def alteration(self) -> Alteration:
        """What was asked for."""
        return Alteration(noise=self.noise, imbalance=self.imbalance, draw=self.draw)


class LeakFacts(_Part):
    """Test images that are in the training set, of the whole sets: with every pixel, and near by a perceptual hash."""

    exact: int = Field(ge=0)
    near: int | None = Field(ge=0, description="null where images are too small for the hash to say anything")


class SourceFacts(_Part):
    """The data behind a cell."""

    dataset: str
    provenance: Literal["verified", "imported", "bundled"]
    train_hash: str = Field(description="content hash of the whole training set")
    test_hash: str = Field(description="content hash of the whole test set")
    train_per_class: int | None = Field(description="the fixed part used; null for all")
    test_per_class: int | None
    train_samples: int
    test_samples: int
    classes: int
    note: str = Field("", description="what must be known of how the data set was made; empty where nothing must")
    companions: tuple[CompanionFacts, ...] = Field((), description="what stages read besides; left out where nothing")
    altered: AlteredFacts | None = Field(None, description="what was done to the training set; left out where nothing")
    leaks: LeakFacts | None = Field(None, description="left out where they were not counted")

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        return {
            name: value for name, value in dumped.items() if name not in ("companions", "altered", "leaks") or value
        }

    @property
    def alteration(self) -> Alteration | None:
        """What was done to the training set, as it was asked for."""
        return self.altered.alteration if self.altered else None


class Cell(_Part):
    """One number of a board: task x method and config x budget x architecture x seeds x profile."""

    task: str
    task_version: int
    profile: str
    method: str = Field(description='a method\'s name, or "full" for the whole source')
    method_version: int
    method_kind: MethodKind
    config: dict[str, Any] = Field(description="the method's options, defaults filled in")
    variant: str = Field("", description="the options that differ from the defaults, as key=value, ...")
    control_of: str | None = None
    budget_kind: BudgetKind
    budget_value: float
    arch: str
    seeds: tuple[int, ...]
    recipe: Recipe
    observer_arch: str | None = Field(description="null where the method needs no observer")
    observer_recipe: Recipe | None = None
    labels: Labels = "hard"
    teacher_arch: str | None = Field(None, description="what soft labels come from; left out with hard labels")
    teacher_recipe: Recipe | None = None
    observer_weights: str | None = Field(None, description="pretrained weights instead of a recipe; else left out")
    teacher_weights: str | None = Field(None, description="the same of what soft labels come from")
    metric: str
    precision: str
    measure: Measure = Field(USUAL, description="of the metric; left out where percent, higher is better")

    @model_serializer(mode="wrap")
    def _without_no_teacher(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        absent = {name for name in _ABSENT if dumped.get(name) is None}
        absent |= {"measure"} if self.measure.is_usual else set()
        return {name: value for name, value in dumped.items() if name not in absent}

    @property
    def budget(self) -> Budget:
        """The budget as it was asked for."""
        return Budget(self.budget_kind, self.budget_value)

    def recipes(self) -> dict[str, Recipe | None]:
        """Its recipes by field."""
        return {
            "recipe": self.recipe, "observer_recipe": self.observer_recipe, "teacher_recipe": self.teacher_recipe,
        }  # fmt: skip

    @property
    def row(self) -> str:
        """The method with its variant, as a board names the row."""
        return f"{self.method}[{self.variant}]" if self.variant else self.method


class JobFacts(_Part):
    """What one job on a cell's path cost."""

    kind: str
    wall_s: float
    peak_host_gib: float = Field(
        description="of its main process: processes that decode images, and others, come on top"
    )
    peak_device_gib: float = Field(description="on the first of its GPUs")
    device: str
    started: str = Field(description="UTC, ISO 8601")
    ended: str


class Run(_Part):
    """One seed of a cell."""

    seed: int = Field(description="the observer's, the selection's and the training's")
    score: float = Field(description="the metric at the last epoch, in its unit, read once from the test set")
    metrics: dict[str, Any] = Field(description="all that the evaluator returned")
    best_epoch_score: float | None = Field(None, description="best of at most 20 snapshots on the test set; on request")
    test_reads: int | None = Field(None, description="how often its jobs opened the test set; null if not noted")
    curve: list[dict[str, float]] = Field(description="per epoch: epoch, loss, accuracy (as trained on), lr")
    samples: int = Field(description="samples trained on")
    bytes: int = Field(description="bytes of what must be stored: images, labels, weights, anything training needs")
    bytes_parts: dict[str, int] = Field(
        default_factory=dict, description="the same by part: images, labels, weights, ..., teacher; they sum to bytes"
    )
    kept_pixels: float | None = Field(
        None, description="share of the source's pixels that is kept; null where the images are whole"
    )
    updates: int = Field(description="optimiser updates")
    kept_hash: str | None = Field(description="content hash of the compressed set; null for the full source")
    notes: dict[str, Any] = Field(default_factory=dict, description="what the method wanted to be known")
    jobs: dict[str, list[str]] = Field(
        description="job keys by role: observer, observe, prepare, compress, relabel, ..."
    )


class Failure(_Part):
    """Why a job on a cell's path failed."""

    seed: int
    job: str
    kind: str = Field(description="the kind of job")
    error: str = Field(description="exception, signal, timeout, ...")
    message: str
    log_tail: list[str]


class Plugin(_Part):
    """Which code a method or task is."""

    distribution: str
    source_hash: str = Field(description="sha256 of the method's own source files, or of the task's spec")


class Versions(_Part):
    dqbench: str
    dqbench_hash: str = Field(description="sha256 over the Python files of the running dqbench")
    method: Plugin | None
    task: Plugin
    packages: dict[str, str] = Field(
        description="python, torch, torchvision, timm, numpy, scikit-learn, cuda, and what its jobs use of the extras"
    )
    git_commit: str | None = None
    git_dirty: bool | None = None
    code: dict[str, str] = Field(
        default_factory=dict,
        description="hash of the source code of each plugin's part that can change the score; left out where none is",
    )
    job_versions: dict[str, int] | None = Field(None, description="of the kinds of its jobs; left out where not noted")

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        return {name: value for name, value in dumped.items() if name not in ("code", "job_versions") or value}


class SeedPlan(_Part):
    """How many seeds the profile plans, and in how many blocks of as many each, one after the other from seed 0."""

    seeds: int = Field(ge=1)
    blocks: int = Field(ge=1)


class Machine(_Part):
    device: str
    cpu: str
    cores: int
    threads: int


class Record(_Part):
    """A cell's result. A failure is a record too; it is never read as a result."""

    format: int = FORMAT
    key: str = Field(description="hash of the cell and of the keys of its evaluate jobs")
    status: Literal["done", "failed"]
    cell: Cell
    source: SourceFacts
    runs: list[Run] = Field(default_factory=list)
    failures: list[Failure] = Field(default_factory=list)
    jobs: dict[str, JobFacts] = Field(default_factory=dict, description="by job key, shared by the runs")
    versions: Versions
    machine: Machine
    started: str
    ended: str
    command: str
    trust: Trust = Field(
        "measured",
        description="measured: by this record's keeper; claimed: by a bundle; verified: a cell of a bundle that its "
        "keeper redid, with the scores and costs measured then",
    )
    bundle: str = Field("", description="sha256 of the bundle it came in; empty where it was measured")
    planned: SeedPlan | None = Field(None, description="the profile's seeds; left out of records from before it was")

    @model_serializer(mode="wrap")
    def _without_no_plan(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        return {name: value for name, value in dumped.items() if name != "planned" or value is not None}

    @cached_property
    def scores(self) -> Mapping[int, float]:
        """Score by seed, seeds ascending."""
        return {run.seed: run.score for run in sorted(self.runs, key=lambda run: run.seed)}

    @cached_property
    def merits(self) -> Mapping[int, float]:
        """Score by seed, turned so that higher is better: what differences, tests and ranks are made of."""
        sign = self.cell.measure.sign
        return self.scores if sign == 1 else {seed: sign * score for seed, score in self.scores.items()}

    def __copy__(self) -> Record:
        copied = super().__copy__()
        for name in ("scores", "merits"):  # a copy may get other runs
            copied.__dict__.pop(name, None)
        return copied

    @property
    def file_name(self) -> str:
        """Where the record lies below ``records/``: readable, and unique by its key."""
        name = file_name(self.cell, self.key)
        return name if self.trust == "measured" else name.replace(".json", f"_{self.trust}.json")


class _Unread:
    """Of any value None, without making it."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_default_schema(core_schema.none_schema(), default=None, on_error="default")


class _RunWithoutCurve(Run):
    curve: Annotated[None, _Unread] = None  # type: ignore[assignment]


class _RecordWithoutCurves(Record):
    format: Literal[1] = 1
    runs: list[_RunWithoutCurve] = Field(default_factory=list)  # type: ignore[assignment]


def file_name(cell: Cell, key: str) -> str:
    """Where the record of a cell with this key lies below ``records/``."""
    parts = [cell.profile, cell.method.replace(":", "-"), str(cell.budget), cell.arch, key[:10]]
    return f"{cell.task}/{'_'.join(parts)}.json"


def write(record: Record, folder: Path) -> Path:
    """Write a record with a checksum of itself below ``folder``, whole or not at all; gives its path."""
    path = folder / record.file_name
    whole_file.write(path, checksums.with_checksum(record.model_dump_json(indent=1) + "\n"))
    return path


def plain_bytes(path: str | Path) -> bytes:
    """What a plain file holds; a FIFO or device, which might never end, is not waited for.

    Raises:
        OSError: it is no plain file or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is no plain file")
        return file.read()


def read(path: Path) -> Record:
    """Read one record. Those from before there were checksums hold none.

    Raises:
        ChangedError: it does not have the checksum that it holds.
        UsageError: damaged, or of another format.
    """
    try:
        return parse(plain_bytes(path), path)
    except OSError as error:
        raise _unreadable(path, error) from error


def parse(text: bytes, path: Path) -> Record:
    """The record that a file holds; ``path`` is for errors, which are those of :func:`read`."""
    try:
        if checksums.state(text) == "wrong":
            raise ChangedError(
                f"{path} was changed after it was written: it does not have the checksum that it holds; bring it back, "
                "or delete it and run its cell again"
            )
        data = from_json(text)
        if isinstance(data, dict):
            data.pop(checksums.FIELD, None)
        if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
            raise UsageError(f"{path}: record format {data['format']} is not {FORMAT}; use the dqbench that wrote it")
        return Record.model_validate(data)
    except ValueError as error:
        raise _unreadable(path, error) from error


def parse_without_curves(text: bytes, path: Path) -> Record:
    """The same without training curves, which are most of a record: in a quarter of the memory and half of the time.

    The curves of its runs are None. The checksum is not held against the text here.
    """
    try:
        return _RecordWithoutCurves.model_validate_json(_without_curves(checksums.without(text)))
    except ValidationError:
        return parse(text, path)  # which has the words for what is wrong


def _without_curves(text: bytes) -> bytes:
    """A record's text with empty curves, where it is laid out as :func:`write` does: half of it need not be parsed."""
    parts, start = [], 0
    while (curve := text.find(_CURVE, start)) >= 0 and (end := text.find(_CURVE_END, curve)) >= 0:
        parts += [text[start:curve], _CURVE]
        start = end
    return b"".join([*parts, text[start:]]) if parts else text


_CURVE, _CURVE_END = b'\n   "curve": [', b"\n   ]"
"""Lines that no string can hold, as those of JSON have no line's end in them, at the depth of a run's fields."""


def _unreadable(path: Path, error: Exception) -> UsageError:
    reason = str(error).splitlines()[0]
    return UsageError(f"{path} is no readable record ({reason}); delete it and run its cell again")


def read_all(folder: Path) -> Iterator[Record]:
    """Every record below ``folder``, in the order of their paths."""
    for path in sorted(folder.glob("*/*.json")):
        if not path.name.startswith("."):
            yield read(path)


def state_of(path: Path) -> tuple[str, str]:
    """Key and status of the record in a file, from its first lines: cheap enough for thousands.

    Raises:
        UsageError: damaged.
    """
    try:
        with path.open("rb") as file:
            found = _HEAD.match(file.read(400))
    except OSError:
        found = None
    if found is None:
        record = read(path)
        return record.key, record.status
    return found["key"].decode(), found["status"].decode()


def read_plain(folder: Path) -> Iterator[dict[str, Any]]:
    """Every record below ``folder`` as parsed JSON, unchecked and in no order; what is damaged is left out.

    Three times as fast as :func:`read_all`, for listings of many thousands.
    """
    for path in folder.glob("*/*.json"):
        if not path.name.startswith("."):
            try:
                data = from_json(plain_bytes(path))
            except (OSError, ValueError):
                continue
            if isinstance(data, dict) and data.get("format") == FORMAT:
                yield data


_HEAD = re.compile(
    rb'\s*\{\s*"format":\s*%d,\s*"key":\s*"(?P<key>[0-9a-f]{64})",\s*"status":\s*"(?P<status>done|failed)",' % FORMAT
)
