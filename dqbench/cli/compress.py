"""``dqbench compress``: choose what to keep of one's own images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from dqbench import byte_sizes
from dqbench.cli import completion
from dqbench.cli.compress_shards import EPOCHS, WORKSPACE, ShardOptions, compress_shards, hold_shards
from dqbench.cli.compress_texts import TextOptions, are_texts, compress_texts
from dqbench.cli.grid_options import Device
from dqbench.cli.replayed import replayed
from dqbench.cli.state import State
from dqbench.cli.waiting import waiting
from dqbench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from dqbench.own_images.write import Images
    from dqbench.pixels.options import PixelOptions
    from dqbench.specs import Budget, Config, MethodSpec


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compress")(compress)


def compress(
    ctx: typer.Context,
    method: Annotated[str, typer.Option(autocompletion=completion.methods, help="The method that chooses.")],
    out: Annotated[Path, typer.Option(help="The folder to make: manifest.csv, manifest.json, and images on request.")],
    data: Annotated[
        Path | None,
        typer.Option(
            help="An image folder (one sub-folder per class), an .npz file, texts in .jsonl, .json or .parquet, or a "
            "folder of shards: .npy embeddings (n, d); with --executor, parquet or tars of images."
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy|FILE.npz",
            help="Features (n, d) of your own, e.g. CLIP's or DINO's, that stand in for an observer: of the images of "
            "--data in the order of their sorted paths (or by name: features and files in an .npz), or alone.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy|FILE.txt", help="With features alone: the class of each row; else all are of one."
        ),
    ] = None,
    keep: Annotated[str | None, typer.Option(help="Keep ratio in (0, 1].")] = None,
    ipc: Annotated[str | None, typer.Option(help="Images per class to keep.")] = None,
    bytes_: Annotated[
        str | None,
        typer.Option("--bytes", help="Bytes to keep, e.g. 2MB; of an .npz file, or where patches are dropped."),
    ] = None,
    images: Annotated[str, typer.Option(help="none, link or copy: a folder of the kept images.")] = "none",
    size: Annotated[
        int | None, typer.Option(min=1, help="Side in pixels at which the observer sees a folder's images; 64 without.")
    ] = None,
    observer: Annotated[str | None, typer.Option(help="Architecture of the observer; see: dqbench list archs.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs that the observer is trained for.")] = EPOCHS,
    seed: Annotated[int, typer.Option(help="Seed of the observer and the selection.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the method, e.g. adq.alpha=0.6.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="COLUMN,…", help="Of texts: the columns that are asked; instruction,input without."),
    ] = None,
    answer: Annotated[str | None, typer.Option(help="Of texts: the answer's column; output without, if there.")] = None,
    embed: Annotated[
        str | None,
        typer.Option(metavar="tf-idf|DIR|FILE", help="Of texts: what is compared; a model's folder, or embeddings."),
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Of texts: a share of all tokens to keep.")
    ] = None,
    device: Device = "auto",
    skip_unreadable: Annotated[bool, typer.Option(help="Leave out images that cannot be read, and say which.")] = False,
    workspace: Annotated[
        Path | None,
        typer.Option(
            envvar="DQBENCH_WORKSPACE", help="Of shards: where jobs and what they left are; dqbench-out without."
        ),
    ] = None,
    executor: Annotated[
        str | None, typer.Option(help="Of shards: what runs the jobs: local (the default), ray or slurm.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A running Ray cluster, or auto; default RAY_ADDRESS.")
    ] = None,
    slurm: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of sbatch, e.g. partition=gpu; repeatable.")
    ] = None,
    partition_rows: Annotated[
        int | None, typer.Option(min=1, help="Of shards: rows up to which shards are one partition; 50000 without.")
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(min=1, help="Of shards: candidates of each partition for the second round.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Of shards: say what it would take, and do nothing.")] = False,
) -> None:
    """Choose what to keep of your own images or features, and write a manifest of it."""
    state: State = ctx.obj
    if images not in ("none", "link", "copy"):
        raise unknown_name("--images choice", images, ["none", "link", "copy"])
    options = TextOptions(text, answer, embed, tokens)
    on_shards = ShardOptions(workspace, executor, ray_address, slurm, partition_rows, candidates, dry_run)
    shards = hold_shards(data, on_shards)
    on_texts = data is not None and not shards and are_texts(data, options)
    spec, set_ = _method(state, method, set_ or [])
    config, pixels = _config(state, spec, set_)
    if not on_texts and (unfit := state.registry().unfit(spec, config, "images")):
        raise UsageError(f"{unfit} needs texts; --data holds images")
    if data is not None and on_texts:
        for_images = {
            "--ipc": ipc, "--bytes": bytes_, "--size": size, "--observer": observer, "--epochs": epochs != EPOCHS,
            "--skip-unreadable": skip_unreadable, "--images": images != "none", f"{method}.drop": pixels,
            "--features": features, "--labels": labels,
        }  # fmt: skip
        started = _started_on_texts(spec, config)
        compress_texts(
            state, data, out, (spec, started), options, keep=keep, seed=seed, device=device, for_images=for_images,
            on_step=lambda text: _step(state, text),
        )  # fmt: skip
        return
    budget = _budget(keep, ipc, bytes_)
    if data is not None and shards:
        from dqbench.shards.choice import Order as ShardOrder

        others = {
            "--bytes": bytes_, "--skip-unreadable": skip_unreadable, "--images": images != "none",
            f"{method}.drop": pixels, "--features": features, "--labels": labels, **dict.fromkeys(options.given, True),
        }  # fmt: skip
        looks = {"--size": size, "--observer": observer, "--epochs": epochs if epochs != EPOCHS else None}
        shard_order = ShardOrder(
            data, out, workspace or WORKSPACE, spec, config, budget, seed, partition_rows, candidates
        )
        compress_shards(state, shard_order, on_shards, device, others, looks)
        return
    with waiting(state, "loading PyTorch, which takes longest the first time"):
        from dqbench.own_images.keep import Order, keep_own_images

    order = Order(
        data=data, out=out, method=spec, config=config, budget=budget, images=cast("Images", images), size=size,
        observer=observer, epochs=epochs, seed=seed, device=device, skip_unreadable=skip_unreadable,
        pixels=pixels, features=features, labels=labels,
    )  # fmt: skip
    facts = keep_own_images(order, state.registry(), on_step=lambda text: _step(state, text))
    _tell(state, facts, out, "images" if data else "samples")


def _method(state: State, name: str, texts: list[str]) -> tuple[MethodSpec, list[str]]:
    """The method and ``--set``; ``replay:FILE`` is the method replay with its option."""
    (name,), settings = replayed([name])
    return state.registry().methods[name], [*texts, *settings]


def _started_on_texts(spec: MethodSpec, config: Config) -> Config:
    """The options, with what the method starts from on texts where nothing else was set."""
    given = config.model_dump(include=config.model_fields_set)
    return spec.config.model_validate({**spec.on_texts, **given})


def _budget(keep: str | None, ipc: str | None, size: str | None) -> Budget:
    from dqbench.specs import Budget

    if sum(given is not None for given in (keep, ipc, size)) != 1:
        raise UsageError("give one of --keep RATIO, --ipc IMAGES_PER_CLASS and --bytes SIZE")
    if size is not None:
        return Budget.of_bytes(size)
    return Budget.ratio(keep) if keep is not None else Budget.ipc(ipc or "")


def _config(state: State, spec: MethodSpec, texts: list[str]) -> tuple[Config, PixelOptions | None]:
    from dqbench.plan.settings import parse, rows

    parsed = parse(texts, state.registry().methods)
    others = [*(set(parsed.methods) - {spec.name}), *(["observer"] if parsed.observer else [])]
    if others or parsed.recipe:
        raise UsageError(f"--set here takes options of {spec.name} only, e.g. {spec.name}.OPTION=VALUE")
    configs = list(rows(spec, parsed.methods.get(spec.name, {})))
    if len(configs) != 1:
        raise UsageError(f"--set spans {len(configs)} variants of {spec.name}; compress takes one")
    return configs[0]


def _step(state: State, text: str) -> None:
    if not state.json:
        state.messages.print(text, soft_wrap=True)


def _tell(state: State, facts: dict[str, Any], out: Path, what: str) -> None:
    if state.json:
        state.print_json(facts)
        return
    for skipped in facts["skipped"]:
        state.warn(f"skipped, unreadable: {skipped}")
    state.console.print(
        f"kept {facts['kept']} of {facts['samples']} {what} ({byte_sizes.rounded(facts['kept_bytes'])} of "
        f"{byte_sizes.rounded(facts['source_bytes'])}) with {facts['method']}{_dropped(facts)}; manifest: "
        f"{out / 'manifest.csv'}",
        soft_wrap=True,
    )


def _dropped(facts: dict[str, Any]) -> str:
    """What is printed of dropped patches, and of the images that are rebuilt from the rest."""
    if "pixels" not in facts:
        return ""
    near = "" if facts["psnr_db"] is None else f", PSNR {facts['psnr_db']:.1f} dB"
    decoder = facts["bytes_parts"].get("decoder")
    beside = f", beside an MAE of {byte_sizes.rounded(decoder)}" if decoder else ""
    return f" and {facts['kept_pixels']:.1%} of the pixels, rebuilt with {facts['pixels']['fill']}{near}{beside}"
