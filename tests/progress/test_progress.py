"""Progress: plain lines, the live view, and the time left."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from stub_graph import stub

from dqbench.durations import clock
from dqbench.executors.devices import Devices
from dqbench.jobs.job import Needs
from dqbench.progress.progress import Progress, quiet
from dqbench.runner.events import (
    CellEnded,
    Event,
    Failed,
    Finished,
    Planned,
    Redone,
    Skipped,
    Started,
    Stepped,
    Stopping,
    Waiting,
)
from dqbench.runner.tally import Tally
from dqbench.workspace.failures import JobFailure
from dqbench.workspace.workspace import Workspace

pytestmark = pytest.mark.usefixtures("workspace")


def _events() -> list[Event]:
    a, b, c, d = (stub(name, needs=Needs(seconds=60)) for name in "abcd")
    failure = JobFailure(b.key, "stub", "b", "ValueError", "no such luck\nmore", (), 1, "")
    return [
        Planned((a, b, c, d), 2),
        Started(a, "cpu"),
        Finished(a, 2.0),
        Started(b, "cpu"),
        Failed(b, failure),
        Skipped(c, failure),
        Waiting(d),
        Redone(a, "damaged: value.json"),
        Stopping((a,), 5.0),
    ]


def _shown(console: Console, **options: bool) -> None:
    with Progress(console, **options) as progress:
        for event in _events():
            progress(event)


def test_plain_lines() -> None:
    console = Console(file=io.StringIO(), width=200)
    _shown(console)
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "4 jobs to do, 2 done before; loading PyTorch, which takes longest the first time",
        "[0/4] started  a",
        "[1/4] done     a, 2.0 s; about 6 s left",
        "[1/4] started  b",
        "[2/4] failed   b: ValueError: no such luck",
        "[3/4] skipped  c: it needs b, which failed",
        "[3/4] waiting  d: another runner does it",
        "[3/5] again    a: damaged: value.json",
        "stopping: 1 job may go on for 5 s; Ctrl-C again ends now",
    ]


def test_live_view() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Progress(console) as progress:
        for event in _events()[:4]:
            progress(event)
        with console.capture() as capture:
            console.print(progress.view())
    shown = capture.get()
    assert "1 of 4 jobs" in shown
    assert "about 6 s left" in shown
    assert "cpu" in shown.splitlines()[1]
    assert "b" in shown.splitlines()[2]


def test_the_step_of_a_job_stands_beside_it_and_no_plain_line_tells_of_it() -> None:
    job, lines = stub("a", needs=Needs(seconds=60)), Console(file=io.StringIO(), width=200)
    events = [Planned((job,), 0), Started(job, "cpu"), Stepped(job, "epoch 3 of 8, update 40 of 90")]
    with Progress(lines) as progress:
        for event in events:
            progress(event)
    assert "update" not in lines.file.getvalue()  # type: ignore[attr-defined]
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    with console.capture() as capture:
        console.print(progress.view())
    (line,) = [line for line in capture.get().splitlines() if "epoch 3 of 8, update 40 of 90" in line]
    assert "a  " in line
    progress(Finished(job, 1.0))
    progress(Stepped(job, "a late step"))
    assert not progress.tally.running


@pytest.mark.parametrize("width", [80, 140])
def test_the_live_view_fits_the_terminal_and_shows_seeds_steps_and_why_a_job_failed(width: int) -> None:
    label = "train resnet10-slim on adq[alpha=0.6, bins=10] 0.1, seed"
    jobs = tuple(stub(f"{label} {seed}") for seed in range(4))
    failure = JobFailure("k", "train", jobs[3].label, "OutOfMemoryError", "CUDA out of memory " * 20, (), 1, "")
    cell = CellEnded("cifar10-xarch adq[alpha=0.6, bins=10] 0.1 resnet10-slim", (78.25, 79.75))
    progress = Progress(Console(file=io.StringIO()), devices=Devices("cpu", 16), box_s=1500.0)
    for event in (
        Planned(jobs, 3),
        *(Started(job, "cpu") for job in jobs),
        Stepped(jobs[0], "epoch 14 of 200, update 40 of 390, loss 1.234"),
        Finished(jobs[2], 100.0),
        cell,
        Failed(jobs[3], failure),
    ):
        progress(event)
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=width)
    with console.capture() as capture:
        console.print(progress.view())
    shown = capture.get()
    assert max(map(len, shown.splitlines())) <= width
    for words in (f"{label} 0", f"{label} 1", "epoch 14 of 200, update 40 of 390, loss 1.234", f"79.00  {cell.cell}"):
        assert words in shown
    for words in (
        "2 of 4 jobs",
        "--for ends in 25 min 0 s",
        "1 failed, 0 skipped",
        "OutOfMemoryError: CUDA out of mem",
    ):
        assert words in shown
    assert ("(78.25, 79.75)" in shown) == (width == 140)


def test_quiet() -> None:
    console = Console(file=io.StringIO())
    _shown(console, quiet=True)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
    with quiet() as progress:
        progress(_events()[0])


def test_time_left_follows_what_was_measured() -> None:
    jobs = tuple(stub(str(i), needs=Needs(seconds=10)) for i in range(6))
    tally = Tally()
    tally.note(Planned(jobs, 0))
    assert tally.seconds_left() is None
    for job in jobs[:2]:
        tally.note(Started(job, "cpu"))
    for job in jobs[:2]:
        tally.note(Finished(job, 30.0))
    assert tally.seconds_left() == pytest.approx(4 * 30 / 2)


def test_wrong_guesses_of_images_do_not_touch_guesses_of_seconds() -> None:
    trained = stub("trained", needs=Needs(seconds=1, images=100))
    staged = replace(stub("staged", needs=Needs(seconds=60)), kind="corrupt")
    observed = replace(stub("observed", needs=Needs(seconds=2, images=200)), kind="observe")
    tally = Tally()
    tally.note(Planned((trained, staged, observed), 0))
    tally.note(Started(trained, "cpu"))
    tally.note(Finished(trained, 50.0))
    assert tally.seconds_left() == pytest.approx(60 + 2 * 50)


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_nothing_heavy_is_imported(tmp_path: Path, workspace: Workspace) -> None:
    import subprocess
    import sys

    rooms = {
        "workspace": "workspace failures artifacts",
        "runner": "scheduler graph events",
        "executors": "local executor devices",
        "progress": "progress",
    }
    names = [f"dqbench.{room}.{module}" for room, modules in rooms.items() for module in modules.split()]
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "pandas", "sklearn", "rich"} & set(loaded)
