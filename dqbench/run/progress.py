"""Live progress of a run on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from dqbench.jobs.job import Job
from dqbench.run.events import Event, Failed, Finished, Planned, Redone, Skipped, Started, Stopping, Waiting

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_SHOWN = 8
_LONG_S = 30.0


@dataclass
class Tally:
    """What is done and left, and how long the rest will take."""

    to_do: dict[str, Job] = field(default_factory=dict)
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    running: dict[str, tuple[Job, str, float]] = field(default_factory=dict)
    _guessed: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _measured: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _most_at_once: int = 1

    def note(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Planned):
            self.to_do = {job.key: job for job in event.to_do}
            self.total = len(event.to_do)
        elif isinstance(event, Started):
            self.running[event.job.key] = (event.job, event.where, time.monotonic())
            self._most_at_once = max(self._most_at_once, len(self.running))
        elif isinstance(event, Redone):
            self._again(event.job)
        elif isinstance(event, Finished):
            self._end(event.job)
            self.done += 1
            if event.here:
                self._guessed[event.job.kind] += event.job.needs.seconds
                self._measured[event.job.kind] += event.seconds
        elif isinstance(event, Failed):
            self._end(event.job)
            self.failed += 1
        elif isinstance(event, Skipped):
            self._end(event.job)
            self.skipped += 1

    @property
    def over(self) -> int:
        """Jobs that are no longer to do."""
        return self.done + self.failed + self.skipped

    def _end(self, job: Job) -> None:
        self.to_do.pop(job.key, None)
        self.running.pop(job.key, None)

    def _again(self, job: Job) -> None:
        self.running.pop(job.key, None)
        if job.key not in self.to_do:
            self.to_do[job.key] = job
            self.total += 1

    def seconds_left(self) -> float | None:
        """An estimate: guesses, corrected by how like jobs compared with theirs; None before the first is done."""
        if not self._measured or not self.to_do:
            return None
        now = time.monotonic()
        left = [self._expected(job) for job in list(self.to_do.values())]
        spent = [min(now - start, self._expected(job)) for job, _, start in list(self.running.values())]
        return (sum(left) - sum(spent)) / self._most_at_once

    def _expected(self, job: Job) -> float:
        kinds = [job.kind] if job.kind in self._measured else list(self._measured)
        guessed = sum(self._guessed[kind] for kind in kinds)
        return job.needs.seconds * sum(self._measured[kind] for kind in kinds) / max(guessed, 1e-9)


class Progress:
    """Shows a run: live where ``console`` is a terminal, else a line per event; nothing if ``quiet``.

    Enter it, and give it to :func:`dqbench.run.scheduler.run_jobs` as ``on_event``.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self.tally = Tally()
        self._quiet = quiet
        self._console = console
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._console is None and not self._quiet:
            from rich.console import Console

            self._console = Console(stderr=True, markup=False, highlight=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take note of what the scheduler tells, and show it."""
        self.tally.note(event)
        if self._quiet or self._console is None:
            return
        if self._live is None and self._console.is_terminal and isinstance(event, Planned) and event.to_do:
            self._go_live(self._console)
        line = self._urgent(event) if self._live else self._urgent(event) or self._plain(event)
        if line:
            self._console.print(line, soft_wrap=True)

    def _go_live(self, console: Console) -> None:
        from rich.live import Live

        self._live = Live(get_renderable=self._view, console=console, refresh_per_second=4, transient=True)
        self._live.start()

    def _urgent(self, event: Event) -> str:
        """What the user must not miss: it is printed above the live view, too."""
        if isinstance(event, Failed):
            failure = event.failure
            return f"{self._counter()} failed   {name(event.job)}: {failure.error}: {_first_line(failure.message)}"
        if isinstance(event, Redone):
            return f"{self._counter()} again    {name(event.job)}: {event.reason}"
        if isinstance(event, Stopping):
            running = _count(len(event.running), "job")
            return (
                f"stopping: {running} may go on for {event.grace_s:g} s; Ctrl-C again ends now" if event.running else ""
            )
        return ""

    def _plain(self, event: Event) -> str:
        if isinstance(event, Planned):
            return f"{_count(len(event.to_do), 'job')} to do, {event.already} done before"
        if isinstance(event, Finished):
            who = f"{event.seconds:.1f} s" if event.here else "by another runner"
            left = self.tally.seconds_left()
            return f"{self._counter()} done     {name(event.job)}, {who}" + (
                f"; about {clock(left)} left" if left else ""
            )
        if isinstance(event, Started):
            return f"{self._counter()} started  {name(event.job)}" if event.job.needs.seconds >= _LONG_S else ""
        if isinstance(event, Skipped):
            cause = event.failure.label or event.failure.kind
            return f"{self._counter()} skipped  {name(event.job)}: it needs {cause}, which failed"
        if isinstance(event, Waiting):
            return f"{self._counter()} waiting  {name(event.job)}: another runner does it"
        return ""

    def _counter(self) -> str:
        total = str(self.tally.total)
        return f"[{self.tally.over:>{len(total)}}/{total}]"

    def _view(self) -> RenderableType:
        from rich.console import Group

        return Group(self._bar(), self._now())

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally, left = self.tally, self.tally.seconds_left()
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(tally.total, 1), completed=tally.over, width=30),
            f"{tally.over} of {_count(tally.total, 'job')}",
            f"about {clock(left)} left" if left is not None else "",
            Text(f"{tally.failed} failed, {tally.skipped} skipped" if tally.failed else "", style="red"),
        )
        return bar

    def _now(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid(padding=(0, 1))
        running = sorted(self.tally.running.values(), key=lambda run: run[2])
        for job, where, start in running[:_SHOWN]:
            rows.add_row(
                " ", where, clock(time.monotonic() - start), Text(name(job), overflow="ellipsis", no_wrap=True)
            )
        if len(running) > _SHOWN:
            rows.add_row(" ", "", "", f"and {len(running) - _SHOWN} more")
        if not running and self.tally.to_do:
            rows.add_row(" ", "waiting" if self.tally.over else "starting")
        return rows


def quiet() -> Progress:
    """Progress that shows nothing."""
    return Progress(quiet=True)


def clock(seconds: float) -> str:
    """A duration in words: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def name(job: Job) -> str:
    """What a job is called."""
    return job.label or job.kind


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
