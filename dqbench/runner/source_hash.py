"""The hash of a method's own source files, read from disk: nothing is imported for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from dqbench.source_code import Module


def source_hash(module: str) -> str:
    """sha256 of a method's own source files; empty where they are not files.

    Its own are the file of ``module``, every file of its folder where it is a package, and whatever of the same plugin
    these import: a base from which the options' defaults come, kernels beside it. The plugin is the top package, or
    the built-in methods; the rest of dqbench has a hash of its own. One file alone has the hash of its bytes.
    """
    home = _home(module)
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(home, name)
        if path is None or name in files:
            continue
        files[name] = path
        beside = _modules_below(path.parent, name) if name == module and path.name == "__init__.py" else ()
        waiting += [*beside, *(each for each in Module(name, path).imports() if _is_in(each, home))]
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    if len(digests) < 2:
        return next(iter(digests.values()), "")
    return hashlib.sha256("".join(f"{name} {digests[name]}\n" for name in sorted(digests)).encode()).hexdigest()


def _home(module: str) -> str:
    """The plugin that a module belongs to: its top package, or ``dqbench.methods``."""
    parts = module.split(".")
    return ".".join(parts[: 2 if parts[0] == "dqbench" else 1])


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def _file(home: str, module: str) -> Path | None:
    """Where a module of a plugin lies; None where the name is no module, e.g. that of a class in one."""
    spec = find_spec(home)
    if spec is None:
        return None
    if module == home:
        return Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else None
    inner = module[len(home) + 1 :].split(".")
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *inner)
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                return file
    return None


def _modules_below(folder: Path, package: str) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        yield ".".join([package, *_without_init(path.relative_to(folder).with_suffix("").parts)])


def _without_init(parts: Sequence[str]) -> Sequence[str]:
    return parts[:-1] if parts[-1] == "__init__" else parts
