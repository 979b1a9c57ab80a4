"""Names that a shell completes: of methods, tasks and whatever else is registered. Imports neither torch nor NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from dqbench.plurals import plural

Named = tuple[str, str]
"""A name and what it is, in words."""

_MOST = 48


def _in_lists(known: Callable[[], Iterable[Named]]) -> Callable[[str], list[Named]]:
    """Completes the last part of a list with commas, too, without what is in it already."""

    def complete(incomplete: str) -> list[Named]:
        before, comma, last = incomplete.rpartition(",")
        fitting = [(name, words) for name, words in known() if name.startswith(last) and name not in before.split(",")]
        return [(f"{before}{comma}{name}", _brief(words)) for name, words in fitting]

    return complete


def _brief(words: str) -> str:
    """As much as stays on one line: a shell would take the next line for a name."""
    return words if len(words) <= _MOST else f"{words[: _MOST - 1].rstrip()}…"


def _catalogue(kind: str) -> Iterator[Named]:
    from dqbench import plugins

    for spec in getattr(plugins.load(), kind):
        yield spec.name, spec.summary


def _methods() -> Iterator[Named]:
    from dqbench import plugins

    registry = plugins.load()
    yield from ((spec.name, spec.summary) for spec in registry.methods)
    yield from ((f"family:{name}", ", ".join(members)) for name, members in registry.families().items())


def _again() -> Iterator[Named]:
    yield from _catalogue("methods")
    yield from _catalogue("tasks")


def _shown() -> Iterator[Named]:
    for kind in ("methods", "tasks", "archs", "datasets"):
        yield from _catalogue(kind)


def _recipes() -> Iterator[Named]:
    from dqbench.train.recipes import RECIPES

    return ((name, plural(recipe.epochs, "epoch")) for name, recipe in RECIPES.items())


def _profiles() -> Iterator[Named]:
    from dqbench import plugins

    return ((name, "") for name in dict.fromkeys(name for task in plugins.load().tasks for name in task.profiles))


methods, again, recipes = _in_lists(_methods), _in_lists(_again), _in_lists(_recipes)
profiles, shown = _in_lists(_profiles), _in_lists(_shown)
tasks, archs, datasets = (_in_lists(partial(_catalogue, kind)) for kind in ("tasks", "archs", "datasets"))


def words(*known: str) -> Callable[[str], list[Named]]:
    """Completes one of these words."""
    return _in_lists(lambda: [(word, "") for word in known])
