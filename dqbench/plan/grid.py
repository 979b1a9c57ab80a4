"""The grid: what was asked for becomes cells, and cells become one graph of jobs whose keys are all known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from dqbench.errors import UsageError
from dqbench.jobs.job import canonical
from dqbench.nets.weights import find
from dqbench.plan import settings as settings_
from dqbench.plan.network_jobs import NetworkJobs
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.plan.request import Request
from dqbench.plan.row_jobs import RowJobs
from dqbench.plan.rows import Row, rows_of
from dqbench.plan.task_at_profile import TaskFacts
from dqbench.plan.text_jobs import TextJobs
from dqbench.plan.text_rules import check_rows
from dqbench.plugins import Registry
from dqbench.records import Cell
from dqbench.references import FULL, TWIN
from dqbench.seed_ranges import seed_plan
from dqbench.specs import ArchSpec, Budget, Labels, ObserverSpec


def plan(
    request: Request, registry: Registry, device: str, on_cell: Callable[[int, int], None] = lambda cells, jobs: None
) -> Plan:
    """Make the cells and jobs of a request for ``device`` (``cpu`` or ``cuda``).

    ``on_cell`` is called after each cell with the numbers of cells and of jobs so far.

    Raises:
        UsageError: unknown names, budgets that cannot be met, data that is not there.
    """
    made = Plan()
    parsed = settings_.parse(request.settings, registry.methods)
    rows = list(rows_of(request, registry, parsed))
    for name in dict.fromkeys(request.tasks):
        facts = TaskFacts(request, registry, parsed, device, registry.tasks[name])
        check_rows(rows, name, facts.data, registry)
        at_texts = facts.data == "texts"
        _TaskCells(facts, made, on_cell).add([row.at(facts.profile_name, at_texts) for row in rows])
        made.notes += facts.notes
    return made


class _TaskCells:
    """Adds the cells of one task to a plan."""

    def __init__(self, facts: TaskFacts, made: Plan, on_cell: Callable[[int, int], None]) -> None:
        self.facts, self.made, self.on_cell = facts, made, on_cell
        planner = TextJobs if facts.data == "texts" else NetworkJobs
        self.networks = [planner(facts, observer, made.jobs) for observer in facts.observers]

    def add(self, rows: Sequence[Row]) -> None:
        """Add the full-data cells, then every row at every budget, on every architecture, in each regime of labels."""
        budgets = self.facts.budgets(rows)
        planned = [RowJobs(row, self.networks[row.observer], self.networks[0]) for row in rows]
        twin = next(row for row in rows if row.spec and row.spec.name == TWIN)
        for labels in twin.labels:
            if labels != "hard" and not self.facts.task.trains:
                raise UsageError(
                    f"{self.facts.task.name} trains no network on what is kept, so that there are no {labels} labels; "
                    "take methods with hard labels, and leave --labels out"
                )
            chosen = [jobs for jobs in planned if labels in jobs.row.labels]
            for budget in (Budget.full(), *budgets):
                for jobs in chosen:
                    if (jobs.row.spec is None) == (budget.kind == "full") and self.facts.takes(jobs.row, budget):
                        for arch in self.facts.archs:
                            self._add_cell(jobs, budget, arch, labels)

    def _add_cell(self, jobs: RowJobs, budget: Budget, arch: ArchSpec, labels: Labels) -> None:
        facts, row, observer, recipe = self.facts, jobs.row, jobs.networks.observer, self.facts.recipe(arch)
        taught = observer if labels != "hard" else None
        watched = jobs.networks.watched(row.spec.needs if row.spec else ()) if row.looks else None
        cell = Cell(
            task=facts.task.name,
            task_version=facts.task.version,
            profile=facts.profile_name,
            method=row.spec.name if row.spec else FULL,
            method_version=row.spec.version if row.spec else 1,
            method_kind=row.spec.kind if row.spec else "selection",
            config=row.options,
            variant=row.variant,
            control_of=row.control_of,
            budget_kind=budget.kind,
            budget_value=budget.value,
            arch=arch.name,
            seeds=facts.seeds,
            recipe=recipe,
            observer_arch=watched.arch if watched else None,
            observer_recipe=watched.recipe if watched else None,
            observer_weights=watched.weights if watched else None,
            labels=labels,
            teacher_arch=taught.arch if taught else None,
            teacher_recipe=taught.recipe if taught and not taught.weights else None,
            teacher_weights=_weights_words(taught),
            metric=facts.task.metric,
            measure=facts.task.measure,
            precision=facts.precision,
        )
        sampled = facts.sampled(row, budget, recipe, labels)
        runs = tuple(jobs.run(budget, sampled, arch, recipe, seed, labels) for seed in facts.seeds)
        text = canonical({"cell": cell, "evaluate": [run.evaluate for run in runs]})
        key = hashlib.sha256(text.encode()).hexdigest()
        self.made.cells.append(PlannedCell(cell, facts.source, runs, key, seed_plan(facts.profile)))
        self.on_cell(len(self.made.cells), len(self.made.jobs))


def _weights_words(network: ObserverSpec | None) -> str | None:
    return find(network.weights, network.arch).words if network and network.weights else None
