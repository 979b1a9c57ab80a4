"""``dqbench data``: get, import, list and verify data sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqbench.cli import completion, data_companions, data_corrupted, data_texts
from dqbench.cli.file_progress import file_progress
from dqbench.cli.state import State
from dqbench.data import leak_counts, store
from dqbench.data.companion import present_companions
from dqbench.data.leak_counts import Leaks
from dqbench.data.store import DatasetInfo
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.specs import DatasetSpec

HASH_DIGITS = 12

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", autocompletion=completion.datasets, help="The data set; see: dqbench data list"),
]

commands = typer.Typer(
    help="Get, import, list and verify data sets.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)
data_corrupted.register(commands)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(commands, name="data")


@commands.command()
def get(ctx: typer.Context, name: Name) -> None:
    """Download a data set, or make one that ships inside a dependency."""
    state: State = ctx.obj
    data_companions.refuse_get(name)
    registry = state.registry()
    found = store.current(name, registry) if name in store.present() else None
    if found is not None:
        _report(state, found, ["it was there already"])
        return
    spec = registry.datasets[name]
    if spec.origin == "import":
        raise UsageError(f"{name} cannot be downloaded; run: {store.import_command(spec)}")
    state.messages.print(f"getting {name} into {store.data_root()}", soft_wrap=True)
    _report(state, store.fetch(spec, registry.code(spec)))


@commands.command("import")
def import_(
    ctx: typer.Context,
    name: Name,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR|FILE.npz|FILE.json…",
            help="A folder with train/CLASS/IMAGE and val/CLASS/IMAGE, arrays x_train (uint8 NHWC), y_train, …, a .csv "
            "of paths and labels, parquet with image bytes, WebDataset's .tar, MNIST's or CIFAR's own files, or "
            "files of texts (jsonl, json, parquet) with instruction, input and output.",
        ),
    ],
    size: Annotated[
        int | None, typer.Option(help="Side in pixels of a folder's images; by default the data set's own, or 64.")
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Draw this share of each class where there is no test folder; of texts, 0.05 without."
        ),
    ] = None,
    test_seed: Annotated[int, typer.Option(metavar="SEED", help="Of the draw of --test-share.")] = 0,
    skip_unreadable: Annotated[bool, typer.Option(help="Leave out images that cannot be read, and say which.")] = False,
    lazy: Annotated[
        bool, typer.Option(help="Leave the images in their files and decode them when they are read; ImageNet always.")
    ] = False,
    hash_: Annotated[
        bool, typer.Option("--hash", help="With images left in place, hash what the files hold, not names and sizes.")
    ] = False,
) -> None:
    """Take a data set from a folder, an .npz file with x_train, y_train, x_test, y_test (and class_names), or texts."""
    state: State = ctx.obj
    known = state.registry().datasets
    if size is not None and name not in known and f"{name}-{size}" in known:
        name = f"{name}-{size}"
    spec = {one.name: one for one in known}.get(name)
    replaced = [f"took the place of the {name} that was there"] if name in store.present() else []
    if data_texts.are_texts(spec, sources):
        unfit = {"--size": size, "--skip-unreadable": skip_unreadable, "--lazy": lazy, "--hash": hash_}
        found, notes = data_texts.import_texts(state, name, sources, spec, test_share, unfit)
        _report(state, found, notes + replaced)
        return
    source = data_texts.one_source(sources)
    companion = data_companions.import_companion(state, name, source)
    if companion:
        data_companions.report(state, *companion)
        return
    from dqbench.data.forms import is_form

    form = is_form(source) and not (spec is not None and source.is_dir())
    unfit = {"--skip-unreadable": skip_unreadable, "--lazy": lazy, "--hash": hash_}
    if form or not source.is_dir():
        _refuse_for_folders(source, unfit if form else {"--size": size, "--test-share": test_share, **unfit})
    if form:
        found, notes = _import_form(state, name, source, spec, size, test_share, test_seed)
    elif source.is_dir():
        options = {"skip_unreadable": skip_unreadable, "in_place": lazy, "contents": hash_}
        found, notes = _import_folder(state, name, source, spec, size, test_share, test_seed, options)
    else:
        found, notes = _import_npz(state, name, source, spec)
    _report(state, found, notes + replaced)


def _refuse_for_folders(source: Path, given: Mapping[str, Any]) -> None:
    """Refuse options for image folders where the source is none."""
    if any(value not in (None, False) for value in given.values()):
        *most, last = given
        raise UsageError(f"{', '.join(most)} and {last} are for image folders; {source} is none")


def _import_folder(
    state: State,
    name: str,
    folder: Path,
    spec: DatasetSpec | None,
    size: int | None,
    share: float | None,
    seed: int,
    options: Mapping[str, bool],
) -> tuple[DatasetInfo, list[str]]:
    from dqbench.data.importing import import_folder, siblings

    registry = state.registry()
    near = siblings(spec, registry.datasets)
    with file_progress(state, f"importing {folder}") as progress:
        found, notes = import_folder(
            name, folder, spec,
            size=size, test_share=share, test_seed=seed, siblings=near, progress=progress, **options,
        )  # fmt: skip
    return (store.read_by(found, registry.code(spec)) if spec else found), notes


def _import_form(
    state: State, name: str, path: Path, spec: DatasetSpec | None, size: int | None, share: float | None, seed: int
) -> tuple[DatasetInfo, list[str]]:
    from dqbench.data.forms import form_arrays

    with state.messages.status(f"importing {path}"):
        arrays = form_arrays(path, size, share, seed)
        if spec and (
            arrays.x_train.shape[1:] != spec.shape or (spec.class_names or arrays.class_names) != arrays.class_names
        ):
            raise UsageError(f"{path} has other images or classes than {spec.name}; import it under another name")
        found = store.put(name, arrays)
        return found, [found.note]


def _import_npz(state: State, name: str, file: Path, spec: DatasetSpec | None) -> tuple[DatasetInfo, list[str]]:
    from dqbench.data.npz import read_for, read_npz

    with state.messages.status(f"importing {file}"):
        arrays, notes = read_for(spec, file) if spec else (read_npz(file), [])
        return store.put(name, arrays), notes


@commands.command("list")
def list_(ctx: typer.Context) -> None:
    """Show every data set that is known or on disk."""
    state: State = ctx.obj
    rows = sorted((*(_row(name, state) for name in _all_names(state)), *data_companions.rows()), key=_name)
    if state.json:
        state.print_json(rows)
        return
    from rich.table import Table

    table = Table("name", "origin", "state", "train", "test", "image", "train hash", "folder", box=None, pad_edge=False)
    for row in rows:
        found = row["dataset"] or {}
        counts = [f"{found[key]:,}" if found else "-" for key in ("train_count", "test_count")]
        shape = "×".join(str(side) for side in found["shape"] if side) or "text" if found else "-"
        digest = found.get("train_hash") or (row.get("companion") or {}).get("hash")
        digits = digest[:HASH_DIGITS] if digest else "-"
        table.add_row(row["name"], row["origin"], row["state"], *counts, shape, digits, row["folder"])
    state.console.print(table)


@commands.command()
def verify(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Without it, all that are on disk.")] = None,
) -> None:
    """Compute the content hashes anew and compare them with those of the day the data came."""
    state: State = ctx.obj
    names = sorted((*store.present(), *present_companions())) if name is None else [name]
    results = []
    for one in names:
        with state.messages.status(f"verifying {one}"):
            results.append(_verified(one))
        if not state.json and not results[-1]["error"]:
            state.console.print(f"{one}: intact, {_hashes(results[-1])}")
    if state.json:
        state.print_json(results)
    elif not names:
        state.console.print(f"no data set in {store.data_root()}")
    errors = [result["error"] for result in results if result["error"]]
    if errors:
        raise UsageError("; ".join(errors))


def _hashes(result: dict[str, Any]) -> str:
    found = result.get("dataset")
    if found:
        leaks = leak_counts.words(Leaks(**found["leaks"])) if found["leaks"] else "leaks are not counted"
        return f"train {found['train_hash']}, test {found['test_hash']}; {leaks}"
    return f"hash {result['companion']['hash']}"


def _name(row: dict[str, Any]) -> str:
    return str(row["name"])


def _report(state: State, found: DatasetInfo, notes: Sequence[str] = ()) -> None:
    if state.json:
        state.print_json({**dataclasses.asdict(found), "folder": str(store.data_root() / found.name), "notes": notes})
        return
    counts = f"{found.train_count:,} training and {found.test_count:,} test"
    lines = [
        f"{found.name}: {counts} {_kind(found)}, {found.provenance}",
        *(f"note: {note}" for note in notes),
        *([f"leaks: {leak_counts.words(found.leaks)}"] if found.leaks else []),
        f"train hash {found.train_hash}",
        f"test hash  {found.test_hash}",
        f"in {store.data_root() / found.name}",
    ]
    state.console.print("\n".join(lines), soft_wrap=True)


def _kind(found: DatasetInfo) -> str:
    if found.form == "texts":
        return "texts"
    return f"images, {'×'.join(str(side) for side in found.shape)}, {found.classes} classes"


def _all_names(state: State) -> list[str]:
    return sorted({*store.present(), *(spec.name for spec in state.registry().datasets)})


def _row(name: str, state: State) -> dict[str, Any]:
    known = state.registry().datasets
    origin = known[name].origin if name in known else "import"
    row = {"name": name, "origin": origin, "folder": str(store.data_root() / name), "dataset": None, "error": None}
    try:
        found = store.read_info(name)
    except UsageError as error:
        return {**row, "state": "damaged", "error": str(error)}
    if found is None:
        return {**row, "state": "made on first use" if origin == "bundled" else "not here"}
    return {**row, "state": found.provenance, "dataset": dataclasses.asdict(found)}


def _verified(name: str) -> dict[str, Any]:
    companion = data_companions.verify_companion(name)
    if companion:
        return companion
    try:
        return {"name": name, "error": None, "dataset": dataclasses.asdict(store.verify(name))}
    except UsageError as error:
        return {"name": name, "error": str(error), "dataset": None}
