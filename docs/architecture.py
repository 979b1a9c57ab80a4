"""Draws ``architecture.svg``, the rooms of dqbench and who imports whom, from the imports themselves.

``python docs/architecture.py`` writes it; ``--check`` exits with 1 where the picture is not what the imports make.
``tests/test_layers.py`` holds the code to the floors below.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_suffix(".svg")
FOLDERS = {"dqbench": "dqbench", "methods": "dqbench.methods", "tasks": "dqbench.tasks"}

FLOORS: tuple[Mapping[str, tuple[float, str]], ...] = (
    {"cli": (2, "one file per command")},
    {"api": (0, "dqbench from Python")},
    {
        "progress": (2, "what people see of a run"),
        "bundles": (3, "results that travel"),
        "board": (4, "records to leaderboards"),
        "shards": (1, "compress beyond one machine"),
    },
    {
        "own_images": (1, "dqbench compress"),
        "own_texts": (0, "the same of texts"),
        "runner": (2, "runs the graph, writes records"),
    },
    {"executors": (3, "processes, Ray, Slurm"), "testing": (2, "plugin authors' kit")},
    {
        "plan": (1, "request to graph of jobs"),
        "workspace": (3, "what is on disk"),
    },
    {"methods": (0, "one file per method"), "jobs": (2, "the units of work"), "tasks": (3, "one file per task")},
    {
        "observe": (1, "read off a network"),
        "openmmlab": (2, "detection, segmentation"),
        "corrupt": (3, "corrupted test images"),
        "pixels": (4, "dropping patches"),
        "language": (0, "language models"),
    },
    {"select": (0, "kernels that methods share"), "train": (2, "recipes and training")},
    {"data": (1, "files to a source"), "nets": (2.5, "architectures")},
    {"ground": (2, "specs, plugins, records, budgets")},
)
"""The rooms, floor by floor from the top, each with its column in the picture and what happens there.

A room imports only from floors below its own. ``ground`` is every single file of ``dqbench/`` but ``api``; as all rooms
stand on it, no arrow to it is drawn.
"""

LEVEL = {name: level for level, floor in enumerate(FLOORS) for name in floor}
"""The floor of each room, 0 at the top."""

_PITCH, _FLOOR, _BOX, _TALL, _MARGIN = 220, 92, 190, 50, 20


def modules() -> dict[str, Path]:
    """Every module of the package by its installed name."""
    found = {}
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


def room(module: str, path: Path) -> str:
    """The room that a module is in; the package's face and ``python -m dqbench`` are above all rooms, in none."""
    parts = module.split(".")
    if len(parts) == 1 or parts[1] == "__main__":
        return ""
    inside = len(parts) > 2 or path.name == "__init__.py" or parts[1] == "api"
    return parts[1] if inside else "ground"


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Modules of the package that a file imports anywhere in it, functions and type checking included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in whole]
        yield from (name for name in names if name in known)


def file_arrows() -> dict[str, set[str]]:
    """Who imports whom, module by module."""
    known = modules()
    return {name: set(imported(path, known)) - {name} for name, path in known.items()}


def room_arrows() -> dict[str, set[str]]:
    """Who imports whom, room by room."""
    known = modules()
    found: dict[str, set[str]] = {}
    for name, targets in file_arrows().items():
        own = room(name, known[name])
        found.setdefault(own, set()).update(room(target, known[target]) for target in targets)
    return {own: targets - {own, ""} for own, targets in found.items() if own}


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Every set of nodes that reach each other, sorted."""
    reached = {node: _reach(arrows, node) for node in arrows}
    found = {frozenset(other for other in reached[node] if node in reached.get(other, ())) for node in arrows}
    return sorted(sorted(circle) for circle in found if len(circle) > 1)


def _reach(arrows: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        fresh = arrows.get(queue.pop(), set()) - seen
        seen |= fresh
        queue += fresh
    return seen


def drawn(arrows: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows that no way through other rooms stands for; those to the ground are left out."""
    pairs = []
    for own in sorted(arrows):
        targets = arrows[own] - {"ground"}
        behind = set().union(*(_reach(arrows, target) for target in targets))
        pairs += [(own, target) for target in sorted(targets - behind)]
    return pairs


def svg(arrows: Mapping[str, set[str]]) -> str:
    """The picture."""
    corner = {
        name: (_MARGIN + column * _PITCH, _MARGIN + level * _FLOOR)
        for level, floor in enumerate(FLOORS)
        for name, (column, _) in floor.items()
    }
    width, height = 2 * _MARGIN + 4 * _PITCH + _BOX, 2 * _MARGIN + (len(FLOORS) - 1) * _FLOOR + _TALL
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<title>The rooms of dqbench and who imports whom</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#6b7a90"/></marker>',
        '<g fill="none" stroke="#6b7a90" stroke-width="1.2" marker-end="url(#tip)">',
        *(_curve(corner[own], corner[target]) for own, target in drawn(arrows)),
        "</g>",
        *(_box(name, what, corner[name]) for floor in FLOORS for name, (_, what) in floor.items()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y = start[0] + _BOX / 2, start[1] + _TALL
    to_x, to_y = end[0] + _BOX / 2, end[1]
    bend = min(70.0, (to_y - y) / 2)
    return f'<path d="M{x:g} {y:g}C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y - 1:g}"/>'


def _box(name: str, what: str, at: tuple[float, float]) -> str:
    x, y = at
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{_BOX}" height="{_TALL}" rx="7" fill="#eef3fa" stroke="#2f4b73"/>'
        f'<text x="{x + _BOX / 2:g}" y="{y + 21:g}" text-anchor="middle" font-size="15" font-weight="600" '
        f'fill="#16263d">{escape(name)}</text>'
        f'<text x="{x + _BOX / 2:g}" y="{y + 39:g}" text-anchor="middle" font-size="11.5" '
        f'fill="#45566e">{escape(what)}</text>'
    )


def main() -> int:
    text = svg(room_arrows())
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(text, encoding="utf-8")
        return 0
    if not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != text:
        print("docs/architecture.svg is not what the imports make; run: python docs/architecture.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
