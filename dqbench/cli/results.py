"""``dqbench results``: bundles of records, made here or taken in from others."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqbench.cli.leaderboard import default_records
from dqbench.cli.waiting import waiting
from dqbench.plurals import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dqbench.bundles.accept import Taken
    from dqbench.bundles.redo import Verification
    from dqbench.cli.state import State
    from dqbench.records import Record

Workspace = Annotated[Path, typer.Option(metavar="DIR", envvar="DQBENCH_WORKSPACE", help="The workspace.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    results = typer.Typer(help="Exchange results: bundles of records with checksums.", no_args_is_help=True)
    results.command("export")(export)
    results.command("import")(import_)
    results.command("check")(check)
    app.add_typer(results, name="results")


def export(
    ctx: typer.Context,
    task: Annotated[str, typer.Option(metavar="NAME", help="The task.")],
    method: Annotated[str, typer.Option(metavar="NAME", help="The method.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The bundle to write, a zip.")],
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="Records of this profile only.")] = None,
    workspace: Workspace = Path("dqbench-out"),
) -> None:
    """Bundle the finished records of a method on a task, with the ids that it kept."""
    from dqbench.bundles import export

    state: State = ctx.obj
    records = export.export(workspace, task, method, out, profile)
    if state.json:
        state.print_json({"bundle": str(out), "records": len(records), "bytes": out.stat().st_size})
    else:
        state.console.print(f"{out}: {plural(len(records), 'record')}, {out.stat().st_size:,} bytes", soft_wrap=True)


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    rerun: Annotated[int, typer.Option(min=0, metavar="K", help="Run K cells, drawn at random, again here.")] = 0,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the draw; without it a random one, which is printed.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of records; default leaderboards/records, else the workspace's."),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to run again: auto, cpu or cuda.")] = "auto",
    workspace: Workspace = Path("dqbench-out"),
) -> int:
    """Check a bundle and take its records in: as claimed, and as verified those cells that --rerun ran again here."""
    from dqbench.bundles import accept, check_record, redo, zip_file
    from dqbench.progress.progress import Progress
    from dqbench.runner.setup import Setup

    state: State = ctx.obj
    registry, target = state.registry(), records or default_records(workspace)
    with waiting(state, f"checking {file}"):
        contents = zip_file.read(file)
        found = check_record.check(contents, registry)
    seed = secrets.randbelow(2**31) if seed is None else seed
    answer: dict[str, Any] = {"bundle": contents.digest, "records": len(found), "seed": seed, "redone": []}
    verification = None

    def watch() -> Progress:
        return Progress(state.messages, quiet=state.json)

    if rerun:
        verification = redo.verify(found, rerun, seed, registry, Setup(device=device), state.messages.print, watch)
        answer |= _verification(verification)
    if verification and verification.findings:
        _report(state, {**answer, "trust": "refused", "written": []}, verification)
        return 1
    taken = accept.keep(found, verification.redone if verification else (), contents.digest, target, registry)
    _report(state, answer | _taken(taken), verification)
    return 0


def check(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Records that came from others, as in a pull request: they must say claimed, hold a checksum, and all "
            "that needs no training is recomputed.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT",
            help="Take all records that this branch added or changed since COMMIT (origin/main, say) as others', and "
            "name those that it deleted.",
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of records; default leaderboards/records, else the workspace's."),
    ] = None,
    workspace: Workspace = Path("dqbench-out"),
) -> int:
    """Check all records of a folder: their form, place and checksums, copies, and whatever can be recomputed."""
    from dqbench.bundles import changed_files, check_files

    state: State = ctx.obj
    folder = records or default_records(workspace)
    changed = changed_files.since(folder, since) if since else changed_files.Changed((), ())
    brought = [*(files or ()), *changed.brought]
    verdict = check_files.check(folder, state.registry(), brought, changed.deleted)
    if state.json:
        found = {str(path): words for path, words in sorted(verdict.findings.items())}
        verdict.counts["of others"] = len(brought)
        state.print_json({"records": str(folder), "findings": found, "counts": dict(verdict.counts)})
        return 1 if found else 0
    for path, words in sorted(verdict.findings.items()):
        state.console.print(f"{path}: {'; '.join(words)}", soft_wrap=True, markup=False)
    counts = [f"{count} {what}" for what, count in sorted(verdict.counts.items()) if what != "records"]
    wrong = len(verdict.findings) or "none"
    state.console.print(
        f"{plural(verdict.counts['records'], 'record')}, {len(brought) or 'none'} of others, {wrong} with findings: "
        f"{'; '.join(counts)}",
        soft_wrap=True,
    )
    state.console.print(check_files.UNSIGNED, soft_wrap=True)
    return 1 if verdict.findings else 0


def _verification(verification: Verification) -> dict[str, Any]:
    agreement = verification.agreement
    return {
        "redone": [
            {
                "cell": f"{one.claim.cell.row} {one.claim.cell.budget} {one.claim.cell.arch}",
                "claimed": _mean(one.claim),
                "here": _mean(one.again),
                "same_ids": one.same_kept,
            }
            for one in verification.redone
        ],
        "runs": agreement.runs,
        "unit": agreement.measure.differences,
        "difference": agreement.difference,
        "margin": agreement.margin,
        "findings": list(verification.findings),
    }


def _mean(record: Record) -> float:
    return sum(run.score for run in record.runs) / len(record.runs)


def _taken(taken: Taken) -> dict[str, Any]:
    return {
        "trust": "verified" if taken.verified else "claimed",
        "written": [str(path) for path in (*taken.verified, *taken.claimed)],
        "verified": len(taken.verified),
        "claimed": len(taken.claimed),
        "known": len(taken.known),
        "claimed_by_others": [str(path) for path in taken.others],
    }


def _report(state: State, answer: dict[str, Any], verification: Verification | None) -> None:
    if state.json:
        state.print_json(answer)
        return
    for line in _compared(answer) if verification else ():
        state.console.print(line, soft_wrap=True)
    if answer["trust"] == "refused":
        state.console.print("nothing was taken in")
        return
    place = f" in {Path(answer['written'][0]).parent}" if answer["written"] else ""
    counts = [f"{plural(answer[trust], 'record')} {trust}" for trust in ("verified", "claimed") if answer[trust]] or [
        "no record"
    ]
    known = f"; {answer['known']} left out, as the same cells were measured here before" if answer["known"] else ""
    state.console.print(f"{' and '.join(counts)}{place}{known}", soft_wrap=True)
    for path in answer["claimed_by_others"]:
        state.console.print(f"left out: another bundle claims the same cell in {path}; delete that to take this one in",
                            soft_wrap=True)  # fmt: skip


def _compared(answer: dict[str, Any]) -> Iterator[str]:
    for cell in answer["redone"]:
        ids = "the same samples kept" if cell["same_ids"] else "other samples kept"
        claimed, here = (f"{cell[name]:.4g}" for name in ("claimed", "here"))
        yield f"{cell['cell']}: claimed {claimed}, here {here}, {ids}"
    unit = f" {answer['unit']}" if answer["unit"] else ""
    yield (
        f"claimed − redone over {plural(answer['runs'], 'run')}: {answer['difference']:+.3g}{unit}; chance "
        f"makes up to ±{answer['margin']:.3g}: {'does NOT agree' if answer['findings'] else 'agrees'}"
    )
    yield from (f"finding: {finding}" for finding in answer["findings"])
    yield f"drawn with --seed {answer['seed']}"
