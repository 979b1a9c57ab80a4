"""The live view of a run: a bar, each device with what runs on it, the last cells with their scores, failures."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dqbench.durations import clock
from dqbench.executors.devices import Devices
from dqbench.plurals import plural
from dqbench.progress.memory import MemoryWatch
from dqbench.progress.wording import first_line, name
from dqbench.runner.events import CellEnded, Event, Failed
from dqbench.runner.tally import Running, Tally

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table
    from rich.text import Text

_JOBS_SHOWN, _CELLS_SHOWN, _FAILURES_SHOWN = 8, 5, 3

STARTING = "loading PyTorch, which takes longest the first time"
"""What happens before the first job."""

WIDE_ENOUGH = 100
"""From so many columns on a job and its step are one line."""


@dataclass
class LiveView:
    """What is on the screen.

    Attributes:
        tally: what is done and left.
        devices: what jobs run on; None if that is not known.
        box_end: when the time box ends, by ``time.monotonic``; None if there is none.
    """

    tally: Tally
    devices: Devices | None = None
    box_end: float | None = None
    cells: deque[CellEnded] = field(default_factory=lambda: deque(maxlen=_CELLS_SHOWN))
    failures: deque[Failed] = field(default_factory=lambda: deque(maxlen=_FAILURES_SHOWN))
    memory: MemoryWatch = field(default_factory=MemoryWatch)

    def note(self, event: Event) -> None:
        """Take note of cells and failures; the tally is fed by its owner."""
        if isinstance(event, CellEnded) and event.scores:
            self.cells.append(event)
        elif isinstance(event, Failed):
            self.failures.append(event)

    def __call__(self) -> RenderableType:
        """The view as it is now, fitted to whatever it is shown on."""
        return _Fitted(self)

    def parts(self, width: int) -> Iterator[RenderableType]:
        """The view in so many columns: where they are few, long lines are two."""
        narrow = width < WIDE_ENOUGH
        yield self._bar(narrow)
        yield from self._now(narrow)
        yield from self._last(narrow)
        yield from self._failed(narrow)

    def _bar(self, narrow: bool) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        tally, left = self.tally, self.tally.seconds_left()
        words = [f"{tally.over} of {plural(tally.total, 'job')}"]
        words += [f"about {clock(left)} left"] if left is not None else []
        words += [] if self.box_end is None else [f"--for ends in {clock(self.box_end - time.monotonic())}"]
        apart = "\n" if narrow else "  "
        bar = _grid()
        bar.add_row(
            ProgressBar(total=max(tally.total, 1), completed=tally.over, width=10 if narrow else 30),
            Text.assemble(
                "  ".join(words),
                (f"{apart}{tally.failed} failed, {tally.skipped} skipped" if tally.failed else "", "red"),
                overflow="fold",
            ),
        )
        return bar

    def _now(self, narrow: bool) -> Iterator[RenderableType]:
        from rich.text import Text

        running = sorted(self.tally.running.values(), key=lambda run: (run.where, run.start))
        self.memory.look([run.pid for run in running if run.pid], gpus=bool(self.devices and self.devices.gpus))
        shown = running[:_JOBS_SHOWN]
        for where in self._places(running):
            here = [run for run in shown if run.where == where]
            about = "  ".join(filter(None, (self._about(where), "" if here else "idle")))
            yield Text.assemble((where, "bold"), f"  {about}", no_wrap=True, overflow="ellipsis")
            for run in here:
                since = f"  {clock(time.monotonic() - run.start):>11}"
                memory = f"  {used:>8}" if (used := self.memory.of_job(run.pid)) and not narrow else ""
                yield _one_line(f"{since}{memory}  {run.name}", "" if narrow else run.step)
                if narrow and run.step:
                    yield _one_line(" " * 15, run.step)
        if len(running) > len(shown):
            yield _dim(f"  and {len(running) - len(shown)} more")
        if not running and self.tally.to_do:
            yield _dim("  waiting" if self.tally.over else f"  {STARTING}")

    def _places(self, running: list[Running]) -> list[str]:
        known = [f"gpu {gpu}" for gpu in range(len(self.devices.gpus))] if self.devices else []
        return list(dict.fromkeys([*known, *(run.where for run in running)]))

    def _about(self, where: str) -> str:
        """The device's model and the memory in use on it."""
        if self.devices is None:
            return ""
        if where == "cpu":
            return f"{plural(self.devices.threads, 'thread')}, {self.memory.of_host()}"
        number = int(where.removeprefix("gpu ")) if where.startswith("gpu ") and where[4:].isdecimal() else -1
        if not 0 <= number < len(self.devices.gpus):
            return ""
        gpu = self.devices.gpus[number]
        return f"{gpu.model}, {self.memory.of_gpu(gpu.visible)} of {gpu.gib:.0f} GiB"

    def _last(self, narrow: bool) -> Iterator[RenderableType]:
        from rich.text import Text

        if self.cells:
            yield Text("last cells", style="bold")
        for cell in reversed(self.cells):
            mean = sum(cell.scores) / len(cell.scores)
            each = "" if narrow else "(" + ", ".join(f"{score:.2f}" for score in cell.scores[:5]) + ")"
            line = Text.assemble((f"  {mean:6.2f}", "green"), f"  {cell.cell}", no_wrap=True, overflow="ellipsis")
            yield line.append(f"  {each}" if each else "", style="dim")

    def _failed(self, narrow: bool) -> Iterator[RenderableType]:
        from rich.text import Text

        if self.failures:
            yield Text("failures", style="bold red")
        for event in self.failures:
            why = f"{event.failure.error}: {first_line(event.failure.message)}"
            yield _one_line(f"  {name(event.job)}" + ("" if narrow else f": {why}"))
            if narrow:
                yield _one_line(f"    {why}")


@dataclass
class _Fitted:
    """A view that asks what it is shown on for its width."""

    view: LiveView

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield from self.view.parts(options.max_width)


def _grid() -> Table:
    from rich.table import Table

    return Table.grid(padding=(0, 2, 0, 0))


def _dim(words: str) -> Text:
    from rich.text import Text

    return Text(words, style="dim")


def _one_line(words: str, more: str = "") -> Text:
    from rich.text import Text

    line = Text(words, overflow="ellipsis", no_wrap=True)
    return line.append(f"  {more}", style="dim") if more else line
