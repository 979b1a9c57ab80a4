"""Finds plugins by entry points and files, loads them, and keeps a broken one from stopping the rest."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pluggy

from dqbench import hookspecs
from dqbench.errors import PLUGIN_FAULTS, PluginError, fault_of
from dqbench.given import is_given
from dqbench.registry import BrokenPlugin as BrokenPlugin
from dqbench.registry import Catalogue as Catalogue
from dqbench.registry import Origin as Origin
from dqbench.registry import Registry as Registry
from dqbench.spec_rules import Spec, check_spec, kind_of

GROUP = "dqbench"

SPECS = ("dqbench_methods", "dqbench_tasks", "dqbench_datasets", "dqbench_archs", "dqbench_jobs")
CLAIMS = "dqbench_claims"


def load(files: Sequence[Path] = (), strict: bool | None = None) -> Registry:
    """Load every plugin: entry points of group ``dqbench`` first, then ``files``.

    A plugin that is broken, or brings a name that is taken, is left out and noted in ``Registry.broken``; with
    ``strict`` (default: ``DQBENCH_STRICT_PLUGINS=1``), and for files always, it is an error.

    Raises:
        PluginError: see above.
    """
    if strict is None:
        strict = os.environ.get("DQBENCH_STRICT_PLUGINS", "") not in ("", "0")
    registry = Registry(files=tuple(dict.fromkeys(Path(f).resolve() for f in files)))
    for entry in sorted(entry_points(group=GROUP), key=_built_ins_first):
        origin = _origin(entry)
        _guarded(registry, origin, entry.load, strict)
    for path in registry.files:
        if is_given(path):
            registry.add_given(path)
            continue
        _guarded(registry, _file_origin(path), lambda path=path: _load_file(path), strict=True)  # type: ignore[misc]
    return registry


def _built_ins_first(entry: EntryPoint) -> tuple[bool, str, str]:
    distribution = entry.dist.name if entry.dist else ""
    return (distribution != "dqbench", distribution, entry.name)


def _origin(entry: EntryPoint) -> Origin:
    dist = entry.dist
    return Origin(entry.name, dist.name if dist else "?", dist.version if dist else "", entry.module)


def _file_origin(path: Path) -> Origin:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise PluginError(f"plugin file {path} cannot be read: {error.strerror}") from error
    return Origin(path.stem, str(path.name), f"(file {digest})", path.stem)


def _load_file(path: Path) -> ModuleType:
    if _takes_a_name(path):
        raise ImportError(f"another module is called {path.stem!r} too; rename the file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _takes_a_name(path: Path) -> bool:
    """Whether the file, imported by its stem, would hide an installed module."""
    found = PathFinder.find_spec(path.stem)
    return path.stem in sys.stdlib_module_names or (found is not None and found.origin not in (None, str(path)))


def _guarded(registry: Registry, origin: Origin, importer: Callable[[], Any], strict: bool) -> None:
    try:
        manager = _manager_of(importer(), origin)
        found, claims = _specs_of(manager), _claims_of(manager)
    except PLUGIN_FAULTS as error:
        _leave_out(registry, BrokenPlugin(origin, _reason(error)), error, strict)
        return
    registry.claims += claims
    for spec in found:
        try:
            check_spec(spec)
            registry.catalogue(spec).add(spec, origin)
        except Exception as fault:  # a spec's fields may hold anything
            part = f"{kind_of(spec)} {str(spec.name)[:60]!r}"
            _leave_out(registry, BrokenPlugin(origin, _reason(fault), part), fault, strict)


def _leave_out(registry: Registry, broken: BrokenPlugin, error: BaseException, strict: bool) -> None:
    if strict:
        raise PluginError(str(broken)) from error
    registry.broken.append(broken)


def _manager_of(module: Any, origin: Origin) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=origin.plugin)
    manager.check_pending()
    hooks = (*SPECS, CLAIMS)
    if not any(getattr(manager.hook, hook).get_hookimpls() for hook in hooks):
        raise TypeError(f"it implements none of {', '.join(hooks)} (is @hookimpl missing?)")
    return manager


def _claims_of(manager: pluggy.PluginManager) -> list[Path]:
    files = [file for result in getattr(manager.hook, CLAIMS)() for file in result]
    for file in files:
        if not isinstance(file, str | Path):
            raise TypeError(f"it yields {file!r}, which is no file of claims")
    return [Path(file) for file in files]


def _specs_of(manager: pluggy.PluginManager) -> list[Spec]:
    specs = [spec for hook in SPECS for result in getattr(manager.hook, hook)() for spec in result]
    for spec in specs:
        if type(spec) not in get_args(Spec):
            raise TypeError(f"it yields {spec!r}, which is no spec")
    return specs


def _reason(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return str(error)
    if isinstance(error, SystemExit):
        return fault_of(error).replace("; remove", " when it is imported; remove")
    if isinstance(error, pluggy.PluginValidationError):  # the first line does not say what is wrong
        return "; ".join(str(error).splitlines())
    return fault_of(error)
