"""``dqbench leaderboard``: boards from records, and the check that they agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqbench.cli import completion
from dqbench.plurals import plural

if TYPE_CHECKING:
    from dqbench.board.files import Difference
    from dqbench.cli.state import State

_REPOSITORY = Path("leaderboards")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("leaderboard")(leaderboard)


def leaderboard(
    ctx: typer.Context,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of records; default leaderboards/records, else the workspace's."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the boards go; default leaderboards, or boards beside the records."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="NAME", autocompletion=completion.tasks, help="This task's board only."),
    ] = None,
    workspace: Annotated[Path, typer.Option(metavar="DIR", envvar="DQBENCH_WORKSPACE", help="The workspace.")] = Path(
        "dqbench-out"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if a board and its records disagree.")
    ] = False,
    html: Annotated[
        bool | None, typer.Option("--html/--no-html", help="The page index.html; default: made where plotly is there.")
    ] = None,
    images: Annotated[
        bool | None,
        typer.Option(
            "--images/--no-images",
            help="Kept images in the page; default: all in a workspace, in leaderboards those of openly licensed data.",
        ),
    ] = None,
) -> None:
    """Make the leaderboards from the records, or check that they agree."""
    from dqbench.board import files
    from dqbench.board.index import Index, cache_folder
    from dqbench.board.reading import Survey
    from dqbench.cli.leaderboard_page import page
    from dqbench.plan.claimed_cells import known

    state: State = ctx.obj
    source = records or default_records(workspace)
    target = out or (source.parent if source.parent.name == _REPOSITORY.name else source.parent / "boards")
    claims = known(state.registry(), state.warn)
    index = None if check else Index.open(source, cache_folder())
    survey = Survey.of(source, task, index.known if index else None)
    wrong = survey.in_state("wrong")
    for path in wrong:
        state.warn(f"left out: {path} was changed after it was written; bring it back, or run its cell again")
    texts = files.generate(survey, task, None if check else target, claims, index)
    whole = task is None
    found = files.differences(texts, target, whole) if check else files.write(texts, target, whole)
    if whole:
        public = source.parent.name == _REPOSITORY.name
        found += page(state, survey, target, index, wanted=html, images=images, public=public, claims=claims)
        if index:
            index.save(survey)
    answer = {**_answer(source, target, texts, found, check), "left_out": [str(path) for path in wrong]}
    _report(state, {**answer, "without_checksum": len(survey.in_state("none"))}, target, len(texts), found, check)
    if check and (found or wrong):
        raise typer.Exit(1)


def default_records(workspace: Path) -> Path:
    """``leaderboards/records`` in a checkout, else the workspace's."""
    published = _REPOSITORY / "records"
    return published if published.is_dir() else workspace / "records"


def _answer(source: Path, target: Path, texts: dict[str, str], found: list[Difference], check: bool) -> dict[str, Any]:
    return {
        "records": str(source),
        "boards": [str(target / name) for name in sorted(texts)],
        "fresh": not found if check else True,
        "differences" if check else "changed": [{"board": str(target / d.name), "what": d.what} for d in found],
    }


def _report(
    state: State, answer: dict[str, Any], target: Path, total: int, found: list[Difference], check: bool
) -> None:
    if state.json:
        state.print_json(answer)
    else:
        _tell(state, target, total, found, check)
        if answer["without_checksum"]:
            count = answer["without_checksum"]
            they = "holds no checksum: it is" if count == 1 else "hold no checksum: they are"
            told = f"{plural(count, 'record')} {they} from before there was one"
            state.console.print(told, soft_wrap=True)


def _tell(state: State, target: Path, total: int, found: list[Difference], check: bool) -> None:
    done = {"stale": "updated", "missing": "written", "extra": "removed, no records"}
    words = {"stale": "stale", "missing": "missing", "extra": "has no records"} if check else done
    for difference in found:
        state.console.print(f"{target / difference.name}: {words[difference.what]}", soft_wrap=True)
    if not found:
        state.console.print(f"{total} board files in {target} are up to date", soft_wrap=True)
    elif check:
        state.console.print("Boards and records disagree; run: dqbench leaderboard", soft_wrap=True)
