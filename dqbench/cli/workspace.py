"""``dqbench workspace``: its size, what can go, and two made one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dqbench.cli.grid_options import Workspace
from dqbench.cli.state import State
from dqbench.cli.status import open_workspace
from dqbench.plurals import plural

_EPILOG = "All commands take --json, --plugin FILE and --debug; see: dqbench --help"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    text = "Show a workspace's size, prune it, merge another into it, check all that it holds."
    group = typer.Typer(help=text, invoke_without_command=True)
    group.callback()(workspace)
    group.command("prune", epilog=_EPILOG)(prune)
    group.command("merge", epilog=_EPILOG)(merge)
    group.command("verify", epilog=_EPILOG)(verify)
    app.add_typer(group, name="workspace", epilog=_EPILOG)


def workspace(ctx: typer.Context, workspace: Workspace = Path("dqbench-out")) -> None:
    """Show how large a workspace is, prune it, merge another into it, or check all that it holds."""
    if ctx.invoked_subcommand is not None:
        return
    from dqbench.byte_sizes import BINARY, rounded
    from dqbench.workspace.prune_and_merge import bytes_by_kind

    state: State = ctx.obj
    parts = bytes_by_kind(open_workspace(workspace))
    total = sum(held for _, held in parts.values())
    if state.json:
        rows = {part: {"count": number, "bytes": held} for part, (number, held) in parts.items()}
        state.print_json({"bytes": total, "parts": rows})
        return
    for part, (number, held) in sorted(parts.items(), key=lambda item: -item[1][1]):
        state.console.print(f"{part:22} {number:8,} {rounded(held, BINARY):>10}")
    state.console.print(f"{'all':22} {'':8} {rounded(total, BINARY):>10}")


def prune(
    ctx: typer.Context,
    workspace: Workspace = Path("dqbench-out"),
    days: Annotated[float, typer.Option(min=0, help="Artifacts that no record names go when they are older.")] = 1.0,
    arrays: Annotated[bool, typer.Option(help="Also delete observers' outputs and prepared arrays.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove what no record needs: checkpoints first, then artifacts that no record names."""
    from dqbench.byte_sizes import BINARY, rounded
    from dqbench.workspace import prune_and_merge

    state: State = ctx.obj
    opened = open_workspace(workspace)
    doomed = prune_and_merge.prunable(opened, days=days, arrays=arrays)
    if not dry_run:
        prune_and_merge.prune(opened, doomed)
    if state.json:
        rows = [{**asdict(one), "path": one.path.relative_to(opened.path).as_posix()} for one in doomed]
        state.print_json({"removed": not dry_run, "bytes": sum(one.bytes for one in doomed), "what": rows})
        return
    state.console.print(prune_and_merge.POLICY)
    verb = "would go" if dry_run else "gone"
    for why in ("checkpoint", "unnamed", "array"):
        found = [one.bytes for one in doomed if one.why == why]
        state.console.print(
            f"{why + 's' if why != 'unnamed' else why:12} {len(found):8,} {rounded(sum(found), BINARY):>10} {verb}"
        )


def merge(
    ctx: typer.Context,
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="The workspace to take over from; it is not changed.")],
    workspace: Workspace = Path("dqbench-out"),
) -> int:
    """Take over what another workspace has: artifacts, each checked by its hashes, and records."""
    from dqbench.workspace import prune_and_merge
    from dqbench.workspace.workspace import Workspace as Folder

    state: State = ctx.obj
    merged = prune_and_merge.merge(Folder(workspace), open_workspace(other))
    if state.json:
        state.print_json(asdict(merged))
    else:
        state.console.print(
            f"taken over: {plural(merged.artifacts, 'artifact')} and {plural(merged.records, 'record')}; "
            f"{plural(merged.there, 'artifact')} {'was' if merged.there == 1 else 'were'} there already"
        )
        for name in merged.damaged:
            state.warn(f"left out, as its hashes are wrong: {other / 'artifacts' / name}")
    return 1 if merged.damaged else 0


def verify(ctx: typer.Context, workspace: Workspace = Path("dqbench-out")) -> int:
    """Check every artifact and record: its own hashes, what it read, and that scores are those of its jobs."""
    from dqbench.runner.verify import verify as check

    state: State = ctx.obj
    opened = open_workspace(workspace)
    verdict = check(opened)
    if state.json:
        state.print_json({"wrong": verdict.wrong, "counts": dict(verdict.counts)})
    else:
        for path, found in verdict.wrong.items():
            for what in found:
                state.console.print(f"{path}: {what}", soft_wrap=True)
        for kind in ("artifacts", "records"):
            told = [f"{verdict.counts[kind]:,} {kind}"]
            remarks = ("wrong", "without a checksum", "pruned")
            told += [f"{n:,} {remark}" for remark in remarks if (n := verdict.counts[f"{kind} {remark}"])]
            state.console.print(", ".join(told))
    return 1 if verdict.wrong else 0
