"""``dqbench doctor``: is everything here that a run needs?"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import typer

from dqbench.cli.state import State
from dqbench.plurals import plural

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    topic: str
    verdict: Literal["ok", "note", "bad"]
    text: str


def register(app: typer.Typer) -> None:
    """Add ``doctor`` to the command line."""
    app.command("doctor")(_doctor)


def _doctor(
    ctx: typer.Context,
    workspace: Annotated[Path | None, typer.Option(metavar="DIR", help="The workspace to check.")] = None,
) -> None:
    """Examine versions, devices, memory, workspace, data and plugins; exit code 1 if a run would fail."""
    state: State = ctx.obj
    findings = list(examine(state, workspace or Path(os.environ.get("DQBENCH_WORKSPACE") or "dqbench-out")))
    bad = [finding for finding in findings if finding.verdict == "bad"]
    if state.json:
        state.print_json({"ok": not bad, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(state, findings)
    raise typer.Exit(1 if bad else 0)


def examine(state: State, workspace: Path) -> Iterator[Finding]:
    """Every finding, in the order in which they are shown; no examination stops the others."""
    examinations: dict[str, Callable[[], Iterator[Finding]]] = {
        "versions": _versions,
        "devices": _devices,
        "memory": _memory,
        "workspace": lambda: _folder("workspace", workspace, "give another with --workspace DIR"),
        "data": lambda: _data(state),
        "seal": _seal,
        "plugins": lambda: _plugins(state),
    }
    for topic, examination in examinations.items():
        try:
            yield from examination()
        except Exception as error:  # a doctor reports what it trips over
            yield Finding(topic, "bad", f"{type(error).__name__}: {error}")


def _print(state: State, findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "note": "yellow", "bad": "bold red"}
    grid = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        grid.add_row(finding.topic, Text(finding.verdict, style=styles[finding.verdict]), finding.text)
    state.console.print(grid)
    bad = [finding for finding in findings if finding.verdict == "bad"]
    verdict = f"not ready; mend: {', '.join(dict.fromkeys(f.topic for f in bad))}" if bad else "ready to run"
    state.console.print(f"\n{verdict}", style=styles["bad" if bad else "ok"])


def _versions() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Finding("dqbench", "ok", version("dqbench"))
    for name in ("torch", "torchvision", "timm", "numpy"):
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "bad", f"not installed; run: {sys.executable} -m pip install {name}")


def _devices() -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        yield Finding("gpu", "note", "none that torch can use; --profile is smoke unless given")
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        yield Finding("gpu", "ok", f"cuda:{index} {facts.name}, {facts.total_memory / GIB:.0f} GiB")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding(
        "cpu",
        "ok",
        f"{usable} of {os.cpu_count()} cores usable, torch takes {plural(torch.get_num_threads(), 'thread')}",
    )


def _memory() -> Iterator[Finding]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and limit.read_text().strip().isdigit():
        total = min(total, int(limit.read_text()))
    yield Finding("memory", "ok" if total >= 4 * GIB else "note", f"{total / GIB:.1f} GiB")


def _folder(topic: str, folder: Path, otherwise: str) -> Iterator[Finding]:
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free / GIB
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        yield Finding(topic, "bad", f"{folder.absolute()} cannot be written; {otherwise}")
    else:
        yield Finding(topic, "ok" if free >= 1 else "note", f"{folder.absolute()}, {free:.0f} GiB free")


def _data(state: State) -> Iterator[Finding]:
    from dqbench.data.store import data_root

    root = data_root()
    yield from _folder("data", root, "set DQBENCH_DATA to a folder of yours")
    missing: dict[str, list[str]] = {"download": [], "import": []}
    for spec in state.registry().datasets:
        if (root / spec.name / "dataset.json").is_file():
            yield Finding("data", "ok", f"{spec.name} is there; dqbench data verify {spec.name} checks it")
        elif spec.origin == "bundled":
            yield Finding("data", "ok", f"{spec.name} is made on first use")
        else:
            missing[spec.origin].append(spec.name)
    for origin, command in (("download", "get NAME"), ("import", "import NAME DIR")):
        if missing[origin]:
            yield Finding("data", "note", f"not there: {', '.join(missing[origin])}; run: dqbench data {command}")


def _seal() -> Iterator[Finding]:
    from dqbench.executors import namespace

    reason = namespace.unavailable()
    if reason:
        text = f"jobs that must not read test images are refused them by Python alone; mount namespaces: {reason}"
        yield Finding("seal", "note", text)
    else:
        yield Finding("seal", "ok", "test images are hidden from all jobs that must not read them (mount namespace)")


def _plugins(state: State) -> Iterator[Finding]:
    registry = state.registry()
    counts = {kind: len(getattr(registry, kind)) for kind in ("methods", "tasks", "datasets", "archs")}
    verdict: Literal["ok", "bad"] = "ok" if counts["methods"] and counts["tasks"] else "bad"
    yield Finding("plugins", verdict, ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    for broken in registry.broken:
        yield Finding("plugins", "bad", str(broken))
