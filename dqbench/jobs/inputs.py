"""What jobs share: opening their source, networks and methods from the words in a spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dqbench import plugins
from dqbench.alteration import Alteration
from dqbench.data import store, text_store
from dqbench.data.altering import altered_hash
from dqbench.data.source import Source
from dqbench.data.text_source import TextSource
from dqbench.errors import UsageError
from dqbench.specs import ArchSpec, JobSpec, MethodSpec, TaskSpec, load_target

if TYPE_CHECKING:
    from torch import nn

    from dqbench.jobs.job import Context

Arrays = dict[str, np.ndarray[Any, Any]]


@cache
def _registry(files: tuple[Path, ...]) -> plugins.Registry:
    return plugins.load(files)


def registry(context: Context) -> plugins.Registry:
    """All plugins, loaded once per process."""
    return _registry(context.plugin_files)


def open_source(spec: Mapping[str, Any]) -> Source:
    """The training set that a job's ``source`` entry names.

    Raises:
        UsageError: the data has changed since the job was planned.
    """
    known = dict(spec.get("altered", {}))
    expected = known.pop("hash", "")
    source = store.open_train(spec["dataset"], spec["per_class"], Alteration(**known) if known else None)
    if known and altered_hash(source.ids, source.labels) != expected:
        raise UsageError(f"{spec['dataset']} is altered in another way than was planned; run the command again")
    _check_hash(source.content_hash, spec)
    return source


def open_texts(spec: Mapping[str, Any]) -> TextSource:
    """The training texts that a job's ``source`` entry names.

    Raises:
        UsageError: the data has changed since the job was planned.
    """
    source = text_store.open_texts(spec["dataset"], spec["per_class"])
    _check_hash(source.content_hash, spec)
    return source


def open_samples(spec: Mapping[str, Any]) -> Source | TextSource:
    """The training set that a job's ``source`` entry names, images or texts.

    Raises:
        UsageError: the data has changed since the job was planned.
    """
    found = store.read_info(spec["dataset"])
    return open_texts(spec) if found is not None and found.form == "texts" else open_source(spec)


def _check_hash(found: str, spec: Mapping[str, Any]) -> None:
    if found != spec["hash"]:
        raise UsageError(
            f"{spec['dataset']} changed since this run was planned ({found[:12]}, not {spec['hash'][:12]}); run the "
            "command again"
        )


def build_net(arch: str, source: Source, context: Context) -> nn.Module:
    """A network of this architecture for the source's classes, channels and size, weights as its builder draws them."""
    from dqbench.nets.build import build

    _, height, _, channels = source.images.shape
    return build(registry(context).archs[arch], source.classes, channels, height)


def check_code(spec: MethodSpec | ArchSpec | TaskSpec | JobSpec, planned: str, context: Context) -> None:
    """Refuse to run other code than what was planned: ``planned`` is its hash, empty for dqbench's own.

    It is called once the code is imported, so that what was imported is what was hashed, then and now.

    Raises:
        UsageError: a file of the plugin has changed since.
    """
    if registry(context).code(spec) != planned:
        raise UsageError(f"the source code of {spec.name} changed since this run was planned; run the command again")


def load_net(arch: str, folder: Path, source: Source, context: Context, file: str = "model.safetensors") -> nn.Module:
    """The network that a train job left in ``folder``, in eval mode on the job's device."""
    from safetensors.torch import load_file

    from dqbench.nets.normalised import renormalise

    net = build_net(arch, source, context)
    known = check_network_code(arch, folder, context)
    net.load_state_dict(load_file(folder / file))
    wanted = known.get("normalisation")
    if wanted is not None:
        renormalise(net, (source.mean, source.std), wanted)
    return net.to(context.device).eval()


def check_network_code(arch: str, folder: Path, context: Context) -> dict[str, Any]:
    """Refuse another architecture's code than the network in ``folder`` was built by; gives what is said of it there.

    Raises:
        UsageError: a file of the architecture's plugin has changed since.
    """
    described = folder / "network.json"
    known: dict[str, Any] = json.loads(described.read_text()) if described.is_file() else {}
    check_code(registry(context).archs[arch], known.get("code", ""), context)
    return known


def decoding_workers(context: Context) -> int:
    """Processes that decode images for a training: none on a CPU with one thread, where they would be in the way."""
    return context.threads if context.device == "cuda" or context.threads > 1 else 0


def make_method(job: Mapping[str, Any], context: Context) -> Any:
    """An instance of the method that a job's spec names, with its validated config.

    Raises:
        UsageError: its code has changed since the job was planned.
    """
    spec = registry(context).methods[job["method"]]
    method = load_target(spec.target)(spec.config.model_validate(dict(job["config"])))
    check_code(spec, job.get("code", ""), context)
    return method


def save_arrays(arrays: Mapping[str, Any], folder: Path) -> None:
    """Write arrays as ``NAME.npy`` and their names as ``arrays.json``.

    Raises:
        ValueError: a name that is no plain word, or an array of Python objects.
    """
    for name, array in arrays.items():
        value = np.asarray(array)
        if not name.isidentifier() or value.dtype.hasobject:
            raise ValueError(f"prepared array {name!r} of {value.dtype} cannot be stored; give a plain name and type")
        np.save(folder / f"{name}.npy", value, allow_pickle=False)
    (folder / "arrays.json").write_text(json.dumps(sorted(arrays)) + "\n")


def load_arrays(folder: Path) -> Arrays:
    """Read what :func:`save_arrays` wrote, memory-mapped and read-only.

    Raises:
        UsageError: they are not there, or damaged.
    """
    try:
        names = json.loads((folder / "arrays.json").read_text())
        return {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no readable arrays ({error}); prepare or observe again") from error
