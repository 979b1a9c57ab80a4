"""Which code made a record: versions, source hashes, git commit. Imports no torch."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

from dqbench.jobs.job import canonical
from dqbench.plugins import Registry
from dqbench.records import Cell, Plugin, Versions
from dqbench.runner.source_hash import source_hash
from dqbench.specs import TaskSpec

_TASK_LATER = ("unit", "better", "decimals", "lossless", "needs", "trains")
"""Fields of a task that came later: at their defaults they are no part of its hash."""

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "scikit-learn")

_TEXT = ("transformers", "tokenizers", "peft", "accelerate")
_OPENMMLAB = ("onedl-mmcv", "onedl-mmengine", "onedl-mmdetection", "onedl-mmsegmentation")
_PACKAGES_OF: Mapping[str, tuple[str, ...]] = {
    "trainlm": _TEXT,
    "scorelm": _TEXT,
    "benchmark": ("lm-eval", "datasets"),
    "finetune": _OPENMMLAB,
    "corrupt": ("imagecorruptions-imaug", "opencv-python", "scikit-image"),
    "pixels": ("transformers", "grad-cam"),
}
"""What jobs of a kind use of the extras."""


def versions(
    registry: Registry,
    method: str | None,
    task: TaskSpec,
    cuda: str | None,
    code: Mapping[str, str] = MappingProxyType({}),
    kinds: Mapping[str, int] = MappingProxyType({}),
) -> Versions:
    """The versions behind one cell.

    Args:
        registry: the plugins.
        method: None for the full-data row.
        task: the cell's.
        cuda: that of torch, None on a CPU.
        code: as :func:`code_behind` gives it.
        kinds: the kinds of the cell's jobs and their versions.
    """
    commit, dirty = _git()
    names = dict.fromkeys([*_PACKAGES, *(name for kind in kinds for name in _PACKAGES_OF.get(kind, ()))])
    packages = {"python": platform.python_version(), **{name: _installed(name) for name in names}}
    return Versions(
        dqbench=version("dqbench"),
        dqbench_hash=_package_hash(),
        method=None if method is None else _method(registry, method),
        task=Plugin(distribution=str(registry.tasks.origin(task.name)), source_hash=_task_hash(task)),
        packages={**packages, "cuda": cuda or "none"},
        git_commit=commit,
        git_dirty=dirty,
        code=dict(code),
        job_versions=dict(sorted(kinds.items())),
    )


def code_behind(registry: Registry, cell: Cell) -> dict[str, str]:
    """The hash of the source code of each plugin's part that can change a cell's score, by kind and name.

    dqbench's own code is not among them: it goes by versions.
    """
    task = registry.tasks[cell.task]
    found = {f"the evaluator of {task.name}": registry.code(task)}
    for spec in registry.behind(cell.method, cell.config):
        found[f"method {spec.name}"] = registry.code(spec)
    for arch in (cell.arch, cell.observer_arch, cell.teacher_arch):
        if arch is not None and arch in registry.archs:  # an embedding of texts is none
            found[f"architecture {arch}"] = registry.code(registry.archs[arch])
    for stage in task.profiles[cell.profile].stages if cell.profile in task.profiles else ():
        if stage.kind in registry.jobs:
            found[f"job {stage.kind}"] = registry.code(registry.jobs[stage.kind])
    return {what: code for what, code in found.items() if code}


def _method(registry: Registry, name: str) -> Plugin:
    return Plugin(distribution=str(registry.methods.origin(name)), source_hash=method_code(registry, name))


def method_code(registry: Registry, name: str) -> str:
    """The hash of a method's source code, dqbench's own methods among them."""
    return registry.code(registry.methods[name]) or source_hash(registry.methods[name].target.partition(":")[0])


def _task_hash(task: TaskSpec) -> str:
    facts = {name: getattr(task, name) for name in task.__dataclass_fields__ if name != "profiles"}
    for field in dataclasses.fields(task):
        if field.name in _TASK_LATER and facts[field.name] == field.default:
            del facts[field.name]
    profiles = {name: {k: getattr(p, k) for k in p.__dataclass_fields__} for name, p in task.profiles.items()}
    for profile in profiles.values():
        profile["observer"] = {"arch": profile["observer"].arch, "recipe": profile["observer"].recipe}
        profile["stages"] = [dataclasses.asdict(stage) for stage in profile["stages"]]
        for name, usual in (("stages", []), ("seed_blocks", 1)):
            if profile[name] == usual:
                del profile[name]
    return hashlib.sha256(canonical({**facts, "profiles": profiles}).encode()).hexdigest()


@cache
def _package_hash() -> str:
    digest = hashlib.sha256()
    for root in _source_folders():
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_folders() -> list[Path]:
    packages = [importlib.util.find_spec(name) for name in ("dqbench", "dqbench.methods", "dqbench.tasks")]
    return [Path(spec.origin).parent for spec in packages if spec and spec.origin]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def _git() -> tuple[str | None, bool | None]:
    """Commit and dirtiness of the checkout that the running package lies in; None where it lies in none."""
    folder = _checkout()
    commit = _run_git(folder, "rev-parse", "HEAD") if folder else None
    if folder is None or commit is None:
        return None, None
    return commit, bool(_run_git(folder, "status", "--porcelain", "--", "*.py"))


def uncommitted() -> tuple[str, ...]:
    """The files of dqbench that differ from the commit of the checkout in which it runs; none where it is installed."""
    folder = _checkout()
    if folder is None:
        return ()
    places = [str(place) for place in _source_folders()]
    lines = (_run_git(folder, "status", "--porcelain", "--", *places) or "").splitlines()
    return tuple(line.split()[-1] for line in lines if line.endswith(".py"))


def _checkout() -> Path | None:
    """A folder in the checkout that the running package lies in, if it was not installed."""
    folder = Path(__file__).parents[1]
    return None if "site-packages" in folder.parts else folder


def _run_git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
