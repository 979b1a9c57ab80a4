"""Live progress of a run on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from dqbench.durations import clock
from dqbench.executors.devices import Devices
from dqbench.plurals import plural
from dqbench.progress.live import STARTING, LiveView
from dqbench.progress.wording import first_line, name
from dqbench.runner.events import (
    CellEnded,
    Event,
    Failed,
    Finished,
    OutOfDate,
    Planned,
    Redone,
    Skipped,
    Started,
    Stopping,
    Waiting,
)
from dqbench.runner.tally import Tally

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

_LONG_S = 30.0


class Progress:
    """Shows a run: live where ``console`` is a terminal, else a line per event; nothing if ``quiet``.

    Enter it, and give it to :func:`dqbench.runner.scheduler.run_jobs` as ``on_event``.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        quiet: bool = False,
        devices: Devices | None = None,
        box_s: float | None = None,
    ) -> None:
        self.tally = Tally()
        self.view = LiveView(self.tally, devices, None if box_s is None else time.monotonic() + box_s)
        self._quiet = quiet
        self._console = console
        self._live: Live | None = None
        self._begun = False

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
        """Note an event of the scheduler, and show it."""
        self.tally.note(event)
        self.view.note(event)
        if self._quiet or self._console is None:
            return
        if self._live is None and self._console.is_terminal and isinstance(event, Planned) and event.to_do:
            self._go_live(self._console)
        line = self._urgent(event) or ("" if self._live else self._plain(event))
        if line:
            self._console.print(line, soft_wrap=True)

    def _go_live(self, console: Console) -> None:
        from rich.live import Live

        self._live = Live(get_renderable=self.view, console=console, refresh_per_second=4, transient=True)
        self._live.start()

    def _urgent(self, event: Event) -> str:
        """What the user must not miss: it is printed above the live view, too."""
        if isinstance(event, Failed):
            failure = event.failure
            return f"{self._counter()} failed   {name(event.job)}: {failure.error}: {first_line(failure.message)}"
        if isinstance(event, Redone):
            return f"{self._counter()} again    {name(event.job)}: {event.reason}"
        if isinstance(event, OutOfDate):
            return f"out of date: {event.record}: {event.reason}; delete it and run: {event.command}"
        if isinstance(event, Stopping):
            running = plural(len(event.running), "job")
            return (
                f"stopping: {running} may go on for {event.grace_s:g} s; Ctrl-C again ends now" if event.running else ""
            )
        return ""

    def _plain(self, event: Event) -> str:
        if isinstance(event, Planned):
            first = f"; {STARTING}" if event.to_do else ""
            return f"{plural(len(event.to_do), 'job')} to do, {event.already} done before{first}"
        if isinstance(event, Finished):
            who = f"{event.seconds:.1f} s" if event.here else "by another runner"
            left = self.tally.seconds_left()
            return f"{self._counter()} done     {name(event.job)}, {who}" + (
                f"; about {clock(left)} left" if left else ""
            )
        if isinstance(event, Started):
            is_first, self._begun = not self._begun, True
            told = is_first or event.job.needs.seconds >= _LONG_S
            return f"{self._counter()} started  {name(event.job)}" if told else ""
        if isinstance(event, Skipped):
            cause = event.failure.label or event.failure.kind
            return f"{self._counter()} skipped  {name(event.job)}: it needs {cause}, which failed"
        if isinstance(event, CellEnded) and event.scores:
            score = sum(event.scores) / len(event.scores)
            return f"{self._counter()} cell     {event.cell}: {score:.{event.decimals}f}"
        if isinstance(event, Waiting):
            return f"{self._counter()} waiting  {name(event.job)}: another runner does it"
        return ""

    def _counter(self) -> str:
        total = str(self.tally.total)
        return f"[{self.tally.over:>{len(total)}}/{total}]"


def quiet() -> Progress:
    """Progress that shows nothing."""
    return Progress(quiet=True)
