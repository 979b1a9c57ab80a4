"""``dqbench data corrupt`` and ``compare``: CIFAR-10-C's images generated, into a folder or to compare them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from dqbench.cli.comma_lists import parts
from dqbench.cli.file_progress import file_progress
from dqbench.cli.state import State
from dqbench.errors import UsageError

NAME = "cifar10c"
SEVERITIES = (1, 2, 3, 4, 5)

Severity = Annotated[list[str] | None, typer.Option(metavar="N,…", help="Severities, 1 to 5; without it all.")]
PerClass = Annotated[int | None, typer.Option(help="Only the first so many test images of each class.", min=1)]
Workers = Annotated[int | None, typer.Option(help="Processes; without it all CPU threads.", min=1)]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.command()(corrupt)
    commands.command()(compare)


def _chosen(severity: list[str] | None) -> tuple[int, ...]:
    """The severities asked for, ascending; all where none is.

    Raises:
        UsageError: one that there is not.
    """
    known = {str(each): each for each in SEVERITIES}
    asked = parts("--severity", severity) or tuple(known)
    for word in asked:
        if word not in known:
            raise UsageError(f"--severity {word!r} is no whole number from 1 to 5")
    return tuple(sorted({known[word] for word in asked}))


def corrupt(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the arrays.")],
    severity: Severity = None,
    per_class: PerClass = None,
    workers: Workers = None,
    seed: Annotated[int, typer.Option(help="Seed of every draw.", min=0)] = 0,
) -> None:
    """Generate the corrupted test images of CIFAR-10 into a folder, laid out as CIFAR-10-C is.

    Runs of cifar10c-robust make and keep their own; this is for looking at them, and for other programs.
    """
    state: State = ctx.obj
    from dqbench.corrupt.generate_folder import write_folder

    chosen = _chosen(severity)
    with file_progress(state, f"generating corrupted images into {out}") as progress:
        hashes = write_folder(out, per_class, chosen, seed, workers or _threads(), progress)
    if state.json:
        state.print_json({"folder": str(out), "severities": chosen, "seed": seed, "sha256": hashes})
        return
    state.console.print(f"{len(hashes)} corruptions, severities {', '.join(map(str, chosen))}, seed {seed}: {out}")


def compare(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar=NAME, help="The imported arrays.")] = NAME,
    severity: Severity = None,
    per_class: PerClass = None,
    workers: Workers = None,
) -> None:
    """Generate CIFAR-10-C's images and hold them against the official arrays that were imported.

    Random corruptions differ pixel by pixel; what should agree is how far both are from the clean images.
    """
    state: State = ctx.obj
    if name != NAME:
        raise UsageError(f"{name} cannot be generated, so there is nothing to compare; give {NAME}")
    from dqbench.corrupt.official import compare as differences

    chosen = _chosen(severity)
    with file_progress(state, f"generating {name}") as progress:
        found = list(differences(per_class, chosen, workers or _threads(), progress))
    if state.json:
        state.print_json([dataclasses.asdict(one) for one in found])
        return
    from rich.table import Table

    heads = ("corruption", "severity", "difference", "PSNR", "official to clean", "generated to clean")
    table = Table(*heads, box=None, pad_edge=False)
    for one in found:
        psnr = "equal" if one.psnr is None else f"{one.psnr:.1f}"
        numbers = (f"{one.mean:.2f}", psnr, f"{one.official:.2f}", f"{one.generated:.2f}")
        table.add_row(one.corruption, str(one.severity), *numbers)
    state.console.print(table)
    state.console.print("Mean absolute differences of values up to 255; PSNR in dB.")


def _threads() -> int:
    from dqbench.executors.devices import available_threads

    return available_threads()
