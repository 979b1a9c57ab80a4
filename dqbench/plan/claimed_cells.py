"""Whether the cells that claims name can exist: methods, options, budgets, regimes, networks and profiles are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dqbench.claims import ALL, OBSERVER, UNSEEN, Cells, Claim, check_names, read
from dqbench.errors import UsageError, unknown_name
from dqbench.plan import settings
from dqbench.plan.label_regimes import regimes
from dqbench.plugins import Registry
from dqbench.references import FULL
from dqbench.specs import Budget, TaskSpec


def check(claims: Iterable[Claim], registry: Registry) -> None:
    """Refuse claims about what cannot be run.

    Raises:
        UsageError: the first such claim, with the cell and what is wrong with it.
    """
    for claim in claims:
        try:
            task = registry.tasks[claim.task]
            _check_profiles(claim, task)
            for comparison in claim.comparisons:
                for cells in comparison.sides:
                    _check_cells(cells, claim, task, registry)
        except UsageError as error:
            raise UsageError(f"claim {claim.name}: {error}") from None


def known(registry: Registry, complain: Callable[[str], None] | None = None) -> list[Claim]:
    """The claims of all plugins, dqbench's own first, each checked.

    Args:
        complain: is told of files that are wrong, which are then left out; None makes them errors.

    Raises:
        UsageError: a claim that is wrong, see :func:`check`.
    """
    found: list[Claim] = []
    for path in registry.claims:
        try:
            more = read(path)
            check(more, registry)
            check_names([*found, *more], path)
        except UsageError as error:
            if complain is None:
                raise
            complain(f"claims are left out: {error}")
            continue
        found += more
    return found


def _check_profiles(claim: Claim, task: TaskSpec) -> None:
    if not set(claim.profiles) & set(task.profiles):
        raise unknown_name(f"profile of task {task.name}", claim.profiles[0], task.profiles)


def _check_cells(cells: Cells, claim: Claim, task: TaskSpec, registry: Registry) -> None:
    budget = cells.budget
    for arch in (cells.observer, cells.network):
        if arch and arch not in (OBSERVER, UNSEEN, ALL):
            _check_arch(arch, claim, task, registry)
    if cells.method == FULL:
        if cells.options:
            raise UsageError(f"{FULL} has no options, and so no {min(cells.options)}")
        return
    spec = registry.methods[cells.method]
    regimes([spec], [claim.labels])
    settings.known_options(spec, cells.options)
    list(settings.rows(spec, {name: [value] for name, value in cells.options.items()}))
    if cells.observer and not registry.needs_observer(spec) and not cells.options.get("drop"):
        raise UsageError(f"{cells.method} looks through no observer, and so not through {cells.observer}")
    _check_enough(budget, task, registry)


def _check_enough(budget: Budget, task: TaskSpec, registry: Registry) -> None:
    data = next((spec for spec in registry.datasets if spec.name == task.dataset), None)
    if data and budget.kind == "ipc" and 0 < data.counts[0] < budget.value * data.classes:
        raise UsageError(
            f"ipc {budget.value:g} is more than {data.name} has: {data.counts[0]:,} images of {data.classes} classes"
        )


def _check_arch(arch: str, claim: Claim, task: TaskSpec, registry: Registry) -> None:
    """An architecture must be known, and take the images of the task at one of the claim's profiles."""
    if registry.archs[arch].data == "texts":
        return
    sizes = registry.archs[arch].sizes
    names = {task.profiles[name].dataset or task.dataset for name in claim.profiles if name in task.profiles}
    sides = {registry.datasets[name].shape[0] for name in names if name in registry.datasets}
    if sides and not sides & set(sizes):
        raise UsageError(
            f"arch {arch} takes images of {', '.join(map(str, sizes))} px, not the {min(sides)} px of {task.name}"
        )
