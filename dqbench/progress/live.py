"""The live view of a run: a bar, each device with what runs on it, the last cells with their scores, failures."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dqbench.durations import clock
from dqbench.executors.devices import Devices
from dqbench.progress.memory import MemoryWatch
from dqbench.progress.wording import count, first_line, name
from dqbench.runner.events import CellEnded, Event, Failed
from dqbench.runner.tally import Running, Tally

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_JOBS_SHOWN, _CELLS_SHOWN, _FAILURES_SHOWN = 8, 5, 3


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
        """The view as it is now."""
        from rich.console import Group

        return Group(*(part for part in (self._bar(), self._now(), self._last(), self._failed()) if part is not None))

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        tally, left = self.tally, self.tally.seconds_left()
        bar = _grid()
        bar.add_row(
            ProgressBar(total=max(tally.total, 1), completed=tally.over, width=30),
            f"{tally.over} of {count(tally.total, 'job')}",
            f"about {clock(left)} left" if left is not None else "",
            "" if self.box_end is None else f"--for ends in {clock(self.box_end - time.monotonic())}",
            Text(f"{tally.failed} failed, {tally.skipped} skipped" if tally.failed else "", style="red"),
        )
        return bar

    def _now(self) -> RenderableType:
        from rich.text import Text

        rows = _grid()
        running = sorted(self.tally.running.values(), key=lambda run: (run.where, run.start))
        self.memory.look([run.pid for run in running if run.pid], gpus=bool(self.devices and self.devices.gpus))
        shown = running[:_JOBS_SHOWN]
        for where in self._places(running):
            here = [run for run in shown if run.where == where]
            rows.add_row(Text(where, style="bold"), self._about(where), "", _dim("" if here else "idle"))
            for run in here:
                since = clock(time.monotonic() - run.start)
                rows.add_row("", self.memory.of_job(run.pid), since, _one_line(run.name, run.step))
        if len(running) > len(shown):
            rows.add_row("", "", "", _dim(f"and {len(running) - len(shown)} more"))
        if not running and self.tally.to_do:
            rows.add_row("", "", "", _dim("waiting" if self.tally.over else "starting"))
        return rows

    def _places(self, running: list[Running]) -> list[str]:
        known = [f"gpu {gpu}" for gpu in range(len(self.devices.gpus))] if self.devices else []
        return list(dict.fromkeys([*known, *(run.where for run in running)]))

    def _about(self, where: str) -> str:
        """The device's model and the memory in use on it."""
        if self.devices is None:
            return ""
        if where == "cpu":
            return f"{count(self.devices.threads, 'thread')}, {self.memory.of_host()}"
        number = int(where.removeprefix("gpu ")) if where.startswith("gpu ") and where[4:].isdecimal() else -1
        if not 0 <= number < len(self.devices.gpus):
            return ""
        gpu = self.devices.gpus[number]
        return f"{gpu.model}, {self.memory.of_gpu(gpu.visible)} of {gpu.gib:.0f} GiB"

    def _last(self) -> RenderableType | None:
        from rich.text import Text

        if not self.cells:
            return None
        rows = _grid()
        rows.add_row(Text("last cells", style="bold"), "")
        for cell in reversed(self.cells):
            scores = sum(cell.scores) / len(cell.scores)
            each = ", ".join(f"{score:.{cell.decimals}f}" for score in cell.scores[:5])
            shown = (f"{scores:.{cell.decimals}f}", "green")
            rows.add_row(_one_line(f"  {cell.cell}"), Text.assemble(shown, _dim(f"  ({each})")))
        return rows

    def _failed(self) -> RenderableType | None:
        from rich.text import Text

        if not self.failures:
            return None
        rows = _grid()
        rows.add_row(Text("failures", style="bold red"))
        for event in self.failures:
            failure = event.failure
            rows.add_row(_one_line(f"  {name(event.job)}: {failure.error}: {first_line(failure.message)}"))
        return rows


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
