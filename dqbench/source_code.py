"""Which files the code behind a plugin's numbers lies in, and one hash of them.

The files are found without importing anything: from a target's module along its imports, through all modules that are
the plugin's own. These are the modules of its distribution, and those that were not installed but lie where they are
written: a plugin file, an editable install, a folder on ``PYTHONPATH``. Installed libraries are no part of it, nor is
dqbench, whose versions say when results change. A module that may import what it doesn't name (``import_module``)
brings its whole package. Of packages, files that are not Python count too: tables, configurations, compiled code.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.metadata import PackageNotFoundError, distribution, distributions, packages_distributions, version
from pathlib import Path, PurePath

DIGITS = 16
"""Of the hash, in hexadecimal."""

_DYNAMIC = {
    "__import__", "entry_points", "eval", "exec", "exec_module", "import_module", "iter_modules", "load_target",
    "run_module", "run_path", "spec_from_file_location", "walk_packages",
}  # fmt: skip
_NO_CODE = {".py", ".pyc", ".pyo", ".md", ".rst", ".ipynb"}
_MARKERS = ("workspace.json", "dataset.json")
"""Of folders that dqbench fills: no part of a package, even where they lie in it."""

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_SUFFIXES = (".py", *EXTENSION_SUFFIXES)


def code_hash(targets: Iterable[str], distributions: Iterable[str] = (), own: Iterable[str] = ()) -> str:
    """A hash of the code behind some targets; empty where all of it is dqbench's.

    Args:
        targets: each ``module`` or ``module:attribute``; empty ones are left out.
        distributions: names of those that the plugin belongs to.
        own: modules that are the plugin's, whatever lies around them.
    """
    modules = {target.partition(":")[0] for target in targets} - {""}
    held = own_files((name for name in modules if _top(name) != "dqbench"), distributions, own)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}
    if len(digests) < 2:
        return "".join(digests.values())[:DIGITS]
    text = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def own_files(modules: Iterable[str], distributions: Iterable[str] = (), own: Iterable[str] = ()) -> dict[str, bytes]:
    """What the files behind some modules hold, by names that depend on no place, such as ``package/module.py``.

    Of a module that is an installed library's it is the library's version.
    """
    names = sorted(modules)
    if not names:
        return {}
    importlib.invalidate_caches()
    tops = {top for name in distributions for top in _tops_of(name)} | {_top(name) for name in own}
    walk = _Walk(frozenset(tops - {"dqbench"}))
    for name in names:
        walk.follow(name)
    return {**walk.contents(), **{f"library {top}": text.encode() for top, text in walk.libraries.items()}}


def _tops_of(name: str) -> set[str]:
    try:
        files = distribution(name).files or ()
    except (PackageNotFoundError, ValueError):
        return set()
    return {file.parts[0].partition(".")[0] for file in files if file.name.endswith(_SUFFIXES)}


def _version_of(top: str) -> str:
    return ", ".join(f"{name} {version(name)}" for name in sorted(set(_distributions_of(top))))


def _distributions_of(top: str) -> Iterable[str]:
    """As ``packages_distributions`` from Python 3.11 on; 3.10 knows those alone that list their modules."""
    found = packages_distributions().get(top, [])
    if found or sys.version_info >= (3, 11):
        return found
    return [one.metadata["Name"] for one in distributions() if any(_is_of(file, top) for file in one.files or ())]


def _is_of(file: PurePath, top: str) -> bool:
    return file.suffix == ".py" and (file.parts[0] if len(file.parts) > 1 else file.stem) == top


@dataclass
class _Walk:
    """Follows imports through the modules of a plugin; ``tops`` are top-level names that are its own for certain."""

    tops: frozenset[str]
    modules: dict[str, Module | None] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    _owned: dict[str, bool] = field(default_factory=dict)

    def follow(self, name: str) -> None:
        """Take in a module, the packages around it and all that they import."""
        top = _top(name)
        if not self._is_own(top) and (library := _version_of(top)):
            self.libraries[top] = library
            return
        self._owned[top] = True
        waiting = [name]
        while waiting:
            for part in _with_parents(waiting.pop()):
                if part not in self.modules:
                    found = self.modules[part] = _find(part)
                    waiting += filter(self._is_own, self._after(found) if found else ())

    def _is_own(self, name: str) -> bool:
        top = _top(name)
        if top not in self._owned:
            self._owned[top] = top in self.tops or (top != "dqbench" and not _is_library(top))
        return self._owned[top]

    def _after(self, module: Module) -> Iterator[str]:
        yield from module.imports()
        own = {_top(module.name), *self.tops}
        yield from (text for text in module.texts() if _DOTTED.fullmatch(text) and _top(text) in own)
        package = self._package_around(module)
        if package and module.is_dynamic:
            yield from _modules_below(package)

    def _package_around(self, module: Module) -> Module | None:
        """The outermost regular package that the module lies in."""
        around = (self.modules.get(part) for part in _with_parents(module.name))
        return next((found for found in around if found and found.is_package), None)

    def contents(self) -> dict[str, bytes]:
        """What all files hold, those of packages that are not Python as well, by name."""
        found: dict[str, Path] = {}
        modules = list(filter(None, self.modules.values()))
        packages = {module.name: self._package_around(module) for module in modules}
        for package in {one.name: one for one in packages.values() if one}.values():
            found |= _named(package.name.replace(".", "/"), package.path.parent, _files(package.path.parent))
        for module in modules:
            if not packages[module.name]:
                found |= _named("", module.path.parent, module.files_beside())
            found[module.file_name] = module.path
        return {name: path.read_bytes() for name, path in found.items()}


def _named(start: str, folder: Path, data: Iterable[Path]) -> dict[str, Path]:
    return {f"{start}/{path.relative_to(folder).as_posix()}": path for path in data if path.suffix not in _NO_CODE}


@dataclass(frozen=True)
class Module:
    """A file of code with its dotted name: what it imports is read from its text, without importing it."""

    name: str
    path: Path

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def file_name(self) -> str:
        parts = self.name.replace(".", "/")
        return f"{parts}/__init__.py" if self.is_package else f"{parts}{self.path.suffix}"

    @cached_property
    def _nodes(self) -> list[ast.AST] | None:
        """None where it is no valid Python."""
        try:
            return list(ast.walk(ast.parse(self.path.read_bytes())))
        except (SyntaxError, ValueError):
            return None

    @property
    def is_dynamic(self) -> bool:
        """Whether it may import modules that it doesn't name."""
        names = {getattr(node, "attr", None) or getattr(node, "id", None) for node in self._nodes or ()}
        return self._nodes is None or bool(names & _DYNAMIC)

    def imports(self) -> Iterator[str]:
        """The dotted names in its imports; of ``from a import b`` also ``a.b``, which may be no module."""
        for node in self._nodes or ():
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield from (base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*"))

    def _absolute(self, node: ast.ImportFrom) -> str:
        parts = self.name.split(".")
        around = parts[: len(parts) - node.level + self.is_package] if node.level else []
        return ".".join([*around, *([node.module] if node.module else [])])

    def texts(self) -> Iterator[str]:
        """Strings in it that may name a module, a target or a file."""
        for node in self._nodes or ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 200:
                yield node.value.partition(":")[0]

    def files_beside(self) -> Iterator[Path]:
        """Files that it names, in its own folder or below."""
        places = (self.path.parent / text for text in self.texts() if "\0" not in text and not text.startswith("/"))
        return (place for place in places if place.suffix and ".." not in place.parts and place.is_file())


def _top(name: str) -> str:
    return name.partition(".")[0]


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _is_library(top: str) -> bool:
    """Whether nobody writes this module where it lies: the standard library, what is installed, what is not there."""
    spec = None if top in sys.stdlib_module_names else _spec_of(top)
    places = [Path(place) for place in (spec.submodule_search_locations or [spec.origin or ""])] if spec else []
    return not places or any(
        place.parent.name in ("site-packages", "dist-packages") or any(place.parent.glob("*.dist-info"))
        for place in places
    )


def _spec_of(name: str) -> ModuleSpec | None:
    """Where a module is, by the finders that an import would ask, without importing the packages around it."""
    around, _, _ = name.rpartition(".")
    try:
        if not around:
            return importlib.util.find_spec(name)
        package = _spec_of(around)
        places = list(package.submodule_search_locations or ()) if package else []
        found = (finder.find_spec(name, places) for finder in sys.meta_path if places)
        return next((spec for spec in found if spec), None)
    except (ImportError, ValueError):  # a module without a spec, such as __main__
        return None


def _find(name: str) -> Module | None:
    """The file of a module; None where there is none."""
    spec = _spec_of(name)
    path = Path(spec.origin) if spec and spec.has_location and spec.origin else None
    return Module(name, path) if path and path.is_file() else None


def _modules_below(package: Module) -> Iterator[str]:
    folder = package.path.parent
    for path in _files(folder):
        if path.suffix == ".py":
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join([package.name, *(part for part in parts if part != "__init__")])


def _files(folder: Path) -> Iterator[Path]:
    """The files of a package, without hidden ones, byte code, and folders that dqbench fills."""
    for place, folders, files in os.walk(folder):
        kept = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        folders[:] = [name for name in kept if not any(Path(place, name, marker).exists() for marker in _MARKERS)]
        yield from (Path(place, name) for name in files if not name.startswith("."))
