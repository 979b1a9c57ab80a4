"""dqbench from Python: ``compress`` your own images, ``run`` a grid, its ``results``, a ``KeptDataset`` to train on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench import plugins
from dqbench.compressed import Compressed
from dqbench.errors import UsageError, check_whole
from dqbench.own_images.kept_set import KeptDataset
from dqbench.specs import Budget, ObserverSpec

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from dqbench.records import Record

__all__ = ["KeptDataset", "compress", "load_kept", "results", "run"]


def compress(
    source: Any,
    method: str,
    *,
    features: npt.ArrayLike | Path | str | None = None,
    labels: npt.ArrayLike | None = None,
    keep: float | None = None,
    ipc: int | None = None,
    max_bytes: int | str | None = None,
    config: Mapping[str, Any] | None = None,
    observer: str | None = None,
    epochs: int = 10,
    seed: int = 0,
    device: str = "auto",
    size: int | None = None,
) -> Compressed:
    """Choose what to keep of a source; what ``dqbench compress`` does, without writing anything.

    Args:
        source: the path of an image folder or ``.npz`` file; ``(images, labels)`` as arrays, images uint8 of shape
            (n, h, w, 1 or 3) or (n, h, w); a map-style torch or torchvision ``Dataset``, read without torchvision's
            transforms; a Hugging Face ``datasets.Dataset``; features of shape (n, d), alone or as
            ``(features, labels)``, or the path of a ``.npy`` file of them; or one that is open: what
            ``dqbench.data.folder.open_user_data`` gives, or a ``Source``.
        method: a registered method's name.
        features: of the images, shape (n, d), or the path of a ``.npy`` or ``.npz`` file of them, in the place of an
            observer; in the order of what was given, of a folder in that of its sorted paths.
        labels: of images or features that came as an array without any, shape (n,); features without labels are all of
            one class.
        keep: keep ratio in (0, 1]; or
        ipc: images per class; or
        max_bytes: bytes of what is stored, e.g. ``"2MB"``; see ``dqbench compress --bytes``.
        config: options of the method, the rest as by default; for methods that keep samples also ``drop`` and what
            decides which patches that is.
        observer: architecture of the observer; by default ``resnet10-slim`` on a CPU, ``resnet18`` on a GPU.
        epochs: the observer's.
        seed: of the observer and the selection.
        device: ``auto``, ``cpu`` or ``cuda``.
        size: side in pixels at which the images of a folder are seen, or of a data set in which they differ in size;
            by default 64.

    Returns:
        A ``Subset`` whose ids index what was given, in the order of selection: a folder's files by their sorted paths;
        ``Patches`` of it where some are
        dropped, which ``KeptDataset`` rebuilds; or ``Distilled`` images.

    Raises:
        UsageError: an unknown name, a wrong option, unusable data or a budget that cannot be met.
    """
    from dqbench.executors import devices
    from dqbench.own_images.compressor import Compressor
    from dqbench.own_images.given import open_samples
    from dqbench.own_images.keep import DEFAULT_OBSERVER, observer_recipe
    from dqbench.plan.settings import known_options, rows

    budget = _budget(keep, ipc, max_bytes)
    check_whole("seed", seed)
    if size is not None:
        check_whole("size", size, 1)
    registry = plugins.load()
    spec = registry.methods[method]
    filling = sorted({"fill", "mae", "mae_epochs"} & set(config or {}) - set(spec.config.model_fields))
    if spec.kind != "distillation" and filling:
        raise UsageError(f"{filling[0]} is an option of KeptDataset, which fills in dropped patches")
    known_options(spec, config or {})
    ((chosen, pixels),) = rows(spec, {name: [value] for name, value in (config or {}).items()})
    opened, seen = open_samples(source, features, labels, size, decode=pixels is not None)
    resolved = devices.find(device).kind
    watching = ObserverSpec(observer or DEFAULT_OBSERVER[resolved], observer_recipe(epochs, len(opened)))
    compressor = Compressor(
        registry, spec, chosen, watching, seed, resolved, pixels=pixels, files=bool(opened.files), features=seen
    )
    return compressor.compress(opened, budget)


def load_kept(
    method: str,
    data: str,
    *,
    keep: float | None = None,
    ipc: int | None = None,
    max_bytes: int | str | None = None,
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
    profile: str | None = None,
    workspace: Path | str | None = None,
) -> Compressed:
    """The set behind a row of a board, from records and artifacts at hand: ``load_kept("adq", "cifar10", keep=0.1)``.

    ``KeptDataset(dqbench.data.store.open_train("cifar10"), kept)`` trains on it.

    Args:
        method: its name.
        data: a data set's or a task's name.
        keep: keep ratio; or
        ipc: images per class; or
        max_bytes: bytes, e.g. ``"2MB"``.
        seed: of the row's seeds.
        config: options of the method that are not its defaults.
        profile: where records of several differ.
        workspace: a folder with ``records/`` and ``artifacts/``, as ``leaderboards`` is one; by default
            ``DQBENCH_WORKSPACE``, else ``dqbench-out``.

    Raises:
        UsageError: no such record, several sets that fit, or the set is not there or is not the record's.
    """
    from dqbench.own_images.kept_row import load_kept_row

    check_whole("seed", seed)
    where = Path(workspace or os.environ.get("DQBENCH_WORKSPACE") or "dqbench-out")
    return load_kept_row(where, method, data, _budget(keep, ipc, max_bytes), int(seed), config or {}, profile)


def _budget(keep: float | None, ipc: int | None, max_bytes: int | str | None) -> Budget:
    budgets = [Budget.ratio(keep)] if keep is not None else []
    budgets += [Budget.ipc(ipc)] if ipc is not None else []
    budgets += [Budget.of_bytes(max_bytes)] if max_bytes is not None else []
    if len(budgets) != 1:
        raise UsageError("give one of keep=RATIO, ipc=IMAGES_PER_CLASS and max_bytes=SIZE")
    return budgets[0]


def run(
    methods: Sequence[str],
    tasks: Sequence[str],
    *,
    keeps: Sequence[float] = (),
    ipcs: Sequence[int] = (),
    archs: Sequence[str] = (),
    seeds: int | str | None = None,
    profile: str | None = None,
    settings: Sequence[str] = (),
    labels: Sequence[str] = (),
    recipe: str | None = None,
    max_bytes: Sequence[int | str] = (),
    data: Path | str | None = None,
    size: int | None = None,
    device: str = "auto",
    workspace: Path | str = "dqbench-out",
    plugin_files: Sequence[Path] = (),
) -> list[Record]:
    """Run a grid, as ``dqbench run`` does, and give its records in the order of the plan, failed ones included.

    Args:
        methods: names; ``random`` and the full source always run beside them.
        tasks: names.
        keeps: keep ratios; with ``ipcs``, ``archs`` and ``seeds``, empty or None means the profile's own.
        ipcs: images per class.
        archs: architectures to train.
        seeds: how many seeds, or which, as ``"5:10"``.
        profile: ``smoke``, ``quick`` or ``paper``; None takes smoke on a CPU and quick on a GPU.
        settings: as ``--set`` takes them, e.g. ``["adq.alpha=0.6"]``.
        labels: regimes, ``hard``, ``soft`` or ``teacher``; empty means each method's usual one.
        recipe: the name of a catalogued recipe for every architecture; None takes the profile's.
        max_bytes: budgets in bytes, e.g. ``["2MB"]``.
        data: the user's own images, for tasks that run on them: an image folder or an ``.npz`` file.
        size: side in pixels to which such a folder is decoded, by default 64.
        device: ``auto``, ``cpu`` or ``cuda``.
        workspace: where artifacts and records go, and are found again.
        plugin_files: plugin files to load besides the installed plugins.

    Raises:
        UsageError: as the command does with exit code 2.
    """
    from dqbench.plan.own_data import find_own
    from dqbench.plan.request import Request
    from dqbench.runner.session import Session
    from dqbench.runner.setup import Setup

    _refuse_texts(
        methods=methods, tasks=tasks, archs=archs, settings=settings, labels=labels, keeps=keeps, max_bytes=max_bytes
    )
    if size is not None:
        check_whole("size", size, 1)
    if not str(workspace):
        raise UsageError("workspace is empty; give a folder, or leave it out")
    registry = plugins.load(plugin_files)
    own = find_own(Path(data) if data is not None else None, size, [registry.tasks[name] for name in tasks])
    request = Request(
        tasks=tuple(tasks),
        methods=tuple(methods),
        keeps=tuple(keeps),
        ipcs=tuple(ipcs),
        archs=tuple(archs),
        seeds=seeds,
        profile=profile,
        settings=tuple(settings),
        labels=tuple(labels),
        recipe=recipe,
        data=own,
        byte_budgets=tuple(max_bytes),
    )
    session = Session.open(request, registry, Setup(device), Path(workspace))
    if session.missing():
        session.work()
    return session.records()


def _refuse_texts(**lists: object) -> None:
    """A text where a list of them is wanted would be taken for its letters."""
    for name, value in lists.items():
        if isinstance(value, str):
            raise UsageError(f"{name}={value!r} is one text; give a list, e.g. {name}=[{value!r}]")


def results(where: Path | str | Iterable[Record] = "dqbench-out") -> pd.DataFrame:
    """Records as a pandas ``DataFrame``: one row for each seed of each cell, failed cells without scores.

    ``dqbench.results().groupby(["method", "budget", "arch"])["score"].agg(["mean", "std"])`` is a small board;
    differences to the random twin are paired by ``seed``.

    Args:
        where: a workspace, a folder of records such as ``leaderboards/records``, or records, e.g. of :func:`run`.

    Returns:
        The columns of :data:`dqbench.board.results.TYPES`, in the order of the records' files.

    Raises:
        UsageError: there are no records there, or one cannot be read.
    """
    from dqbench import records
    from dqbench.board.results import frame

    if not isinstance(where, Path | str):
        return frame(where)
    folder = Path(where) / "records" if (Path(where) / "records").is_dir() else Path(where)
    found = list(records.read_all(folder))
    if not found:
        raise UsageError(f"{where} holds no records; give a workspace, or a folder of records")
    return frame(found)
