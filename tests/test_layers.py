"""The rules of the house: who imports whom, what start-up may cost, and what must not be in the code at all."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import dqbench

ROOT = Path(__file__).parents[1]


def _architecture() -> ModuleType:
    """``docs/architecture.py``, which knows the rooms and reads the imports."""
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOUSE = _architecture()
ROOMS_ABOVE = (
    "plan",
    "workspace",
    "runner",
    "executors",
    "progress",
    "bundles",
    "own_images",
    "shards",
    "board",
    "cli",
    "api",
)
UPPER = tuple(f"dqbench.{room}" for room in ROOMS_ABOVE)
PUBLISHED = ROOT / "leaderboards" / "published"

LIGHT = (
    "dqbench",
    "dqbench.errors",
    "dqbench.seeds",
    "dqbench.specs",
    "dqbench.hookspecs",
    "dqbench.plugins",
    "dqbench.cli",
    "dqbench.cli.facts",
    "dqbench.methods",
    "dqbench.tasks",
    "dqbench.data.catalog",
    "dqbench.nets.catalog",
)
"""What ``dqbench list`` may load: neither torch nor NumPy."""

TORCHLESS = ("dqbench.records", "dqbench.jobs.job", "dqbench.data.store", "dqbench.plan.grid", "dqbench.plan.settings")


MODULES: dict[str, Path] = HOUSE.modules()
CORE = [name for name in MODULES if not name.startswith(("dqbench.methods", "dqbench.tasks"))]
PLUGINS = [name for name in MODULES if name not in CORE]


def imports(name: str) -> Iterator[str]:
    """Every name that a module imports anywhere in it, functions and type checking included."""
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import in line {node.lineno}"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def offenders(names: list[str], forbidden: tuple[str, ...]) -> list[str]:
    return sorted({f"{name} imports {found}" for name in names for found in imports(name) if is_in(found, forbidden)})


def test_there_are_modules_to_look_at() -> None:
    assert {"dqbench.plugins", "dqbench.methods.quantization.dq", "dqbench.tasks.digits_xarch"} <= set(MODULES)


def test_the_core_knows_no_method_and_no_task() -> None:
    assert offenders(CORE, ("dqbench.methods", "dqbench.tasks")) == []


def test_the_core_targets_no_method_and_no_task() -> None:
    texts = [
        f"{name}: {node.value!r}"
        for name in CORE
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(("dqbench.methods", "dqbench.tasks"))
        and ":" in node.value
    ]
    assert texts == []


def test_methods_and_tasks_know_no_jobs_runner_board_or_command() -> None:
    assert offenders(PLUGINS, ("dqbench.jobs", *UPPER)) == []


METHODS_ROOMS = tuple(
    f"dqbench.{room}" for room in ["methods", "select", "observe", "train", "pixels", "nets", "data", "deferred"]
)


def test_methods_import_what_any_plugin_may_and_the_kernels() -> None:
    public = {"dqbench", *(f"dqbench.{name}" for name in dqbench.__all__)}
    foreign = [
        f"{name} imports {found}"
        for name in PLUGINS
        if name.startswith("dqbench.methods")
        for found in imports(name)
        if is_in(found, ("dqbench",)) and found not in public and not is_in(found, METHODS_ROOMS)
    ]
    assert foreign == []


def test_every_room_has_its_floor() -> None:
    rooms = {HOUSE.room(name, path) for name, path in MODULES.items()} - {""}
    assert rooms == set(HOUSE.LEVEL), "name the room in FLOORS of docs/architecture.py, on the floor where it stands"


def test_arrows_run_down() -> None:
    level = HOUSE.LEVEL
    arrows = {(own, target) for own, targets in HOUSE.room_arrows().items() for target in targets}
    assert sorted(pair for pair in arrows if level[pair[0]] >= level[pair[1]]) == []


def test_nothing_imports_itself_in_a_circle() -> None:
    """Nor inside functions or for type checking; the package's own face, which loads names lazily, among them."""
    assert HOUSE.circles(HOUSE.file_arrows()) == []
    assert HOUSE.circles(HOUSE.room_arrows()) == []


def test_a_circle_would_be_found() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert HOUSE.circles(arrows) == [["a", "b", "c"]]
    assert HOUSE.circles({"a": {"b"}, "b": set()}) == []


NEVER = {
    "jobs": ROOMS_ABOVE,
    "plan": ("board", "cli", "api", "runner", "executors", "workspace", "progress"),
    "runner": ("board", "cli", "api", "bundles", "own_images", "progress"),
    "executors": ("board", "cli", "api", "plan", "runner"),
    "workspace": ("board", "cli", "api", "plan", "runner", "executors"),
    "board": ("cli", "api", "jobs", "plan", "workspace", "runner", "executors", "bundles", "own_images", "train"),
}
"""What a room must not import, wherever the floors would let it."""


@pytest.mark.parametrize("room", NEVER)
def test_rooms_that_must_not_know_each_other(room: str) -> None:
    inside = [name for name in MODULES if is_in(name, (f"dqbench.{room}",))]
    assert inside
    assert offenders(inside, tuple(f"dqbench.{other}" for other in NEVER[room])) == []


def test_the_picture_of_the_house_is_what_the_imports_make() -> None:
    drawn = HOUSE.svg(HOUSE.room_arrows())
    assert HOUSE.PICTURE.read_text(encoding="utf-8") == drawn, "run: python docs/architecture.py"


def test_nothing_reads_pickles() -> None:
    assert offenders(list(MODULES), ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")) == []
    calls = [
        f"{name}:{node.lineno}"
        for name in MODULES
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.Call) and (_calls_torch_file(node) or _allows_pickle(node))
    ]
    assert calls == []


def _calls_torch_file(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("torch.load", "torch.save")


def _allows_pickle(call: ast.Call) -> bool:
    forbids = any(k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in call.keywords)
    return ast.unparse(call.func) in ("np.load", "np.save", "numpy.load", "numpy.save") and not forbids


def test_no_file_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [name for name in MODULES if name.rpartition(".")[2] in drawers] == []


def test_every_module_says_what_it_is() -> None:
    assert [name for name in MODULES if not ast.get_docstring(_tree(name))] == []


HEAVY = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    heavy = {'torch', 'numpy', 'pandas', 'scipy'} & sys.modules.keys()
    if heavy:
        print(name, 'loads', *sorted(heavy))
"""


def heavy_loads(names: list[str], folder: Path) -> list[str]:
    """What a fresh process loads while it imports the modules one after the other."""
    command = [sys.executable, "-c", HEAVY, *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_start_up_loads_neither_torch_nor_numpy(tmp_path: Path) -> None:
    assert heavy_loads(list(LIGHT), tmp_path) == []


def test_planning_and_boards_load_no_torch(tmp_path: Path) -> None:
    boards = [name for name in CORE if is_in(name, ("dqbench.board",))]
    assert boards
    assert [line for line in heavy_loads([*TORCHLESS, *boards], tmp_path) if "torch" in line] == []


def test_the_check_of_loads_finds_some(tmp_path: Path) -> None:
    assert heavy_loads(["dqbench.budgets"], tmp_path) == ["dqbench.budgets loads numpy"]
