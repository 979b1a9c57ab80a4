"""How a run ended, in words: what failed and where its log is, what is done, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dqbench.plurals import plural

if TYPE_CHECKING:
    from dqbench.cli.state import State
    from dqbench.runner.session import Session


def tell_outcome(state: State, session: Session, *, nothing_to_do: bool) -> None:
    """Say on standard error how the run ended."""
    failed = session.failed()
    for record in failed:
        failure = record.failures[0]
        state.messages.print(
            f"failed: {record.cell.row} {record.cell.budget} {record.cell.arch}: {failure.kind} job, "
            f"{failure.error}: {failure.message} (log: {session.log_of(failure.job)})",
            soft_wrap=True,
        )
    cells, left = len(session.plan.cells), len(session.unmade())
    done = cells - len(failed) - left
    every = "the cell" if cells == 1 else f"all {cells} cells"
    verdict = f"nothing to do: {every}" if nothing_to_do else f"{done} of {plural(cells, 'cell')}"
    for line in _compared(session):
        state.messages.print(line, soft_wrap=True)
    verb = "is" if done == 1 else "are"
    for line in (_time_is_up(session, verdict) if left else f"{verdict} {verb} done", *_next(session, done)):
        state.messages.print(line, soft_wrap=True)


def _time_is_up(session: Session, verdict: str) -> str:
    from dqbench.durations import clock

    box, rest = session.setup.box_s, session.forecast().seconds
    over = f"no further job is expected to end within --for {clock(box)}: " if box else ""
    same = "the same command without --rerun" if session.setup.rerun else "the same command"
    return f"{over}{verdict}; go on with {same} (the rest takes about {clock(rest)} on one device)"


def _compared(session: Session) -> Iterator[str]:
    """What came of cells that were done again."""
    for record in session.records():
        old, now = session.before.get(record.key), [run.score for run in record.runs]
        if old is not None and record.status == "done":
            was = [run.score for run in old.runs]
            each = ", ".join(f"{one:.2f} now {other:.2f}" for one, other in zip(was, now, strict=True) if one != other)
            cell = f"{record.cell.task} {record.cell.row} {record.cell.budget} {record.cell.arch}"
            yield f"done again: {cell}: {f'seeds that differ: {each}' if each else 'the same scores'}"


def _no_evidence(session: Session) -> list[str]:
    """What to run where all that was run is smoke."""
    tasks = {planned.cell.task for planned in session.plan.cells}
    if any(planned.cell.profile != "smoke" for planned in session.plan.cells):
        return []
    stronger = all("proxy" in session.registry.tasks[name].profiles for name in tasks)
    more = "; the same with --profile proxy is (dqbench plan says what it costs)" if stronger else ""
    return [f"smoke checks that the machinery works, and is no evidence on methods{more}"]


def _next(session: Session, done: int) -> list[str]:
    workspace = session.workspace
    place = f"--workspace {shlex.quote(str(workspace.path))}"
    lines = [f"board and page: dqbench leaderboard {place}"] if done else []
    lines += _no_evidence(session) if done else []
    return [*lines, f"records: {workspace.records}", f"logs: {workspace.logs}"]
