"""Running cells of a checked bundle again, drawn at random, to hold the claims against what comes out here."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from dqbench.bundles.agreement import Agreement, agreement
from dqbench.bundles.check_record import Submission
from dqbench.errors import UsageError
from dqbench.measure import PERCENT, Measure
from dqbench.plugins import Registry
from dqbench.records import Record
from dqbench.runner.events import Event
from dqbench.runner.session import Session
from dqbench.runner.setup import Setup
from dqbench.seeds import derive

_TRAINED = ("observer", "observe", "dynamics")
"""Roles of jobs whose results differ a little from machine to machine, and with them what is chosen."""


@dataclass(frozen=True)
class Redone:
    """A cell that was run again: what was claimed, and the record measured here."""

    submission: Submission
    again: Record

    @property
    def claim(self) -> Record:
        """The record of the bundle."""
        return self.submission.record

    @property
    def same_kept(self) -> bool:
        """Whether every seed kept the same samples."""
        return all(a.kept_hash == b.kept_hash for a, b in zip(self.claim.runs, self.again.runs, strict=True))

    @property
    def finding(self) -> str:
        """What no honest bundle has, in words; empty where there is none."""
        differ = [a.seed for a, b in zip(self.claim.runs, self.again.runs, strict=True) if a.kept_hash != b.kept_hash]
        if not differ or any(role in run.jobs for run in self.again.runs for role in _TRAINED):
            return ""
        return (
            f"{self.claim.cell.row} looks through no trained network, so that a seed keeps the same samples "
            f"everywhere; of seed {differ[0]} the bundle has others"
        )


@dataclass(frozen=True)
class Verification:
    """What running cells again says of a bundle."""

    redone: tuple[Redone, ...]
    agreement: Agreement

    @property
    def findings(self) -> tuple[str, ...]:
        """Why nothing of the bundle is taken in, in words; empty where it agrees."""
        found = [finding for one in self.redone if (finding := one.finding)]
        if not self.agreement.agrees:
            side = "above" if self.agreement.difference > 0 else "below"
            found.append(f"the claimed scores are {side} those measured here by more than chance makes them")
        return tuple(dict.fromkeys(found))


def verify(
    submissions: Sequence[Submission],
    count: int,
    seed: int,
    registry: Registry,
    setup: Setup,
    tell: Callable[[str], None],
    watch: Callable[[], AbstractContextManager[Callable[[Event], None]]] = lambda: nullcontext(_unheard),
) -> Verification:
    """Run ``count`` cells again, drawn by ``seed``, in workspaces that are thrown away, and compare.

    ``tell`` is given a line for each cell before it is run, and ``watch`` makes what hears the events of its run.

    Raises:
        UsageError: no cell has two seeds, a cell needs another device or precision than the one here, or a job fails.
    """
    fitting = [s for s in submissions if len(s.record.runs) > 1]
    if not fitting:
        raise UsageError(
            "every cell of the bundle has one seed, which tells nothing from chance; import it without --rerun, as "
            "claimed"
        )
    drawn = random.Random(derive(seed, "rerun")).sample(fitting, min(count, len(fitting)))
    found = []
    for number, submission in enumerate(drawn, 1):
        cell = submission.record.cell
        tell(f"redoing {number} of {len(drawn)}: {cell.row} {cell.budget} {cell.arch}, {len(cell.seeds)} seeds")
        with tempfile.TemporaryDirectory(prefix="dqbench-rerun-") as folder, watch() as hear:
            found.append(Redone(submission, _again(submission, registry, setup, Path(folder), hear)))
    return Verification(tuple(found), compare(found))


def _unheard(event: Event) -> None:
    pass


def compare(redone: Sequence[Redone]) -> Agreement:
    """One test over all runs of all cells; one for each measure of metrics, of which the worst counts."""
    groups: dict[Measure, list[Redone]] = {}
    for one in redone:
        groups.setdefault(one.again.cell.measure, []).append(one)
    found = [_agreement(measure, group) for measure, group in groups.items()]
    return max(found, key=lambda one: abs(one.difference) / max(one.margin, 1e-12))


def _agreement(measure: Measure, redone: Sequence[Redone]) -> Agreement:
    claimed, again = [_scores(one.claim) for one in redone], [_scores(one.again) for one in redone]
    images = min(one.again.source.test_samples for one in redone)
    if measure.unit == PERCENT:
        return replace(agreement(claimed, again, 100 / images), measure=measure)
    size = max(abs(score) for scores in again for score in scores)  # an image's share of a mean, as 100 % is of a count
    return replace(agreement(claimed, again, size / images, math.inf), measure=measure)


def _scores(record: Record) -> list[float]:
    return [run.score for run in record.runs]


def _again(
    submission: Submission, registry: Registry, setup: Setup, folder: Path, hear: Callable[[Event], None]
) -> Record:
    session = Session.open(submission.request, registry, setup, folder)
    planned = [p for p in session.plan.cells if p.cell.method == submission.record.cell.method]
    if [p.key for p in planned] != [submission.record.key]:
        raise UsageError(
            f"{submission.record.cell.row} was run at {submission.record.cell.precision}, which this device does not: "
            "give another --device"
        )
    session.plan.cells[:] = planned
    session.work(hear)
    (record,) = session.records()
    if record.status != "done":
        raise UsageError(f"redoing {record.cell.row} failed: {record.failures[0].error}: {record.failures[0].message}")
    return record
