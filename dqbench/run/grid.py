"""The grid: what was asked for becomes cells, and cells become one graph of jobs whose keys are all known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dqbench.budgets import resolve
from dqbench.data import store
from dqbench.errors import UsageError, unknown_name
from dqbench.jobs.job import Job, Needs, canonical
from dqbench.plugins import Registry
from dqbench.records import Cell, SourceFacts
from dqbench.run import settings as settings_
from dqbench.run.settings import Settings
from dqbench.specs import ArchSpec, Budget, Config, MethodSpec, ObserverSpec, Profile, Recipe, TaskSpec

SNAPSHOTS = 20
TWIN = "random"
FULL = "full"
Roles = dict[str, tuple[str, ...]]
"""Job keys by role."""

RATE = {"cpu": 1500.0, "cuda": 20_000.0}
"""Images per second: the guess of costs where nothing like was measured."""

_EFFORT = {"train": 1.0, "observe": 1 / 3, "evaluate": 1 / 3, "prepare": 1.0, "compress": 0.0}
_GPU_GIB = {"train": 4.0, "observe": 2.0, "evaluate": 2.0}


@dataclass(frozen=True)
class Request:
    """What a user asks for; None takes the task's profile."""

    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    keeps: tuple[float | str, ...] = ()
    ipcs: tuple[int | str, ...] = ()
    archs: tuple[str, ...] = ()
    seeds: int | None = None
    profile: str | None = None
    settings: tuple[str, ...] = ()
    best_epoch: bool = False

    def command(self, profile: str, plugin_files: Sequence[Path]) -> str:
        """The command line that asks for this, without anything that belongs to one machine."""
        words = ["dqbench run"]
        words += [f"--method {m}" for m in self.methods] + [f"--task {t}" for t in self.tasks]
        words += [f"--profile {profile}"]
        words += [f"--keep {k}" for k in self.keeps] + [f"--ipc {i}" for i in self.ipcs]
        words += [f"--arch {a}" for a in self.archs]
        words += [f"--seeds {self.seeds}"] if self.seeds is not None else []
        words += [f"--set '{s}'" if any(c in s for c in " [") else f"--set {s}" for s in self.settings]
        words += ["--best-epoch"] if self.best_epoch else []
        words += [f"--plugin {f.name}" for f in plugin_files]
        return " ".join(words)


@dataclass(frozen=True)
class PlannedRun:
    """One seed of a cell: job keys by role, the evaluate job last."""

    seed: int
    jobs: Mapping[str, tuple[str, ...]]

    @property
    def evaluate(self) -> str:
        return self.jobs["evaluate"][0]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for keys in self.jobs.values() for key in keys)


@dataclass(frozen=True)
class PlannedCell:
    """A cell with the jobs of its seeds."""

    cell: Cell
    source: SourceFacts
    runs: tuple[PlannedRun, ...]
    key: str


@dataclass
class Plan:
    """All cells and all jobs of a request."""

    cells: list[PlannedCell] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    """A method with one config."""

    spec: MethodSpec
    config: Config


def plan(request: Request, registry: Registry, device: str) -> Plan:
    """Make the cells and jobs of a request for ``device`` (``cpu`` or ``cuda``).

    Raises:
        UsageError: unknown names, budgets that cannot be met, data that is not there.
    """
    made = Plan()
    parsed = settings_.parse(request.settings, registry.methods)
    rows = list(_rows(request, registry, parsed))
    for name in dict.fromkeys(request.tasks):
        _TaskPlanner(request, registry, parsed, device, registry.tasks[name], made).add(rows)
    return made


def _rows(request: Request, registry: Registry, parsed: Settings) -> Iterator[_Row]:
    for name in dict.fromkeys((TWIN, *request.methods)):
        spec = registry.methods[name]
        for config in settings_.variants(spec, parsed.methods.get(name, {})):
            yield _Row(spec, config)
    unused = set(parsed.methods) - {TWIN, *request.methods}
    if unused:
        raise UsageError(f"--set names method {min(unused)}, which is not run; add --method {min(unused)}")


def choose_profile(task: TaskSpec, name: str | None, device: str) -> str:
    """The profile asked for, or ``smoke`` on a CPU and ``quick`` on a GPU.

    Raises:
        UsageError: the task has no such profile.
    """
    chosen = name or ("quick" if device == "cuda" else "smoke")
    if chosen not in task.profiles:
        raise unknown_name(f"profile of task {task.name}", chosen, task.profiles)
    return chosen


class _TaskPlanner:
    """Adds the cells and jobs of one task to a plan."""

    def __init__(
        self, request: Request, registry: Registry, parsed: Settings, device: str, task: TaskSpec, made: Plan
    ) -> None:
        self.request, self.registry, self.parsed, self.device, self.task, self.made = (
            request, registry, parsed, device, task, made,
        )  # fmt: skip
        self.profile_name = choose_profile(task, request.profile, device)
        self.profile: Profile = task.profiles[self.profile_name]
        self.info = store.info(task.dataset, registry)
        self.precision = "bf16" if device == "cuda" else "fp32"
        self.source = self._source_facts()
        self.seeds = tuple(range(self._seed_count()))
        self.archs = [self._arch(name) for name in (request.archs or self.profile.archs)]
        self.observer = self._observer()
        self.source_spec = {
            "dataset": task.dataset, "hash": self.info.train_hash, "per_class": self.profile.train_per_class,
        }  # fmt: skip
        self._samples = {Budget.full(): self.source.train_samples}
        self._chains: dict[tuple[int, int], tuple[Roles, str | None]] = {}
        self._kept: dict[tuple[int, Budget, int], tuple[Roles, str]] = {}

    def add(self, rows: Sequence[_Row]) -> None:
        """Add the full-data cells, then every row at every budget, on every architecture."""
        budgets = self._budgets()
        for arch in self.archs:
            self._add_cell(None, Budget.full(), arch)
        for budget in budgets:
            for row in rows:
                for arch in self.archs:
                    self._add_cell(row, budget, arch)

    def _seed_count(self) -> int:
        asked = self.request.seeds
        if asked is not None and asked < 1:
            raise UsageError(f"--seeds {asked} is below 1")
        return asked or self.profile.seeds

    def _budgets(self) -> list[Budget]:
        asked = [Budget.ratio(k) for k in self.request.keeps] + [Budget.ipc(i) for i in self.request.ipcs]
        budgets = list(dict.fromkeys(asked or [Budget.ratio(k) for k in self.profile.keeps]))
        for budget in budgets:
            self._samples[budget] = resolve(budget, self.class_counts, 0).total
        return budgets

    @property
    def class_counts(self) -> list[int]:
        part = self.profile.train_per_class
        return [min(count, part) if part else count for count in self.info.train_class_counts]

    def _source_facts(self) -> SourceFacts:
        part = self.profile.test_per_class
        test_counts = [min(count, part) if part else count for count in self.info.test_class_counts]
        return SourceFacts(
            dataset=self.task.dataset,
            provenance=self.info.provenance,
            train_hash=self.info.train_hash,
            test_hash=self.info.test_hash,
            train_per_class=self.profile.train_per_class,
            test_per_class=part,
            train_samples=sum(self.class_counts),
            test_samples=sum(test_counts),
            classes=len(self.info.class_names),
        )

    def _arch(self, name: str) -> ArchSpec:
        arch = self.registry.archs[name]
        side = self.info.shape[0]
        if side not in arch.sizes:
            fits = sorted(a.name for a in self.registry.archs if side in a.sizes)
            raise UsageError(
                f"arch {name} takes images of {', '.join(map(str, arch.sizes))} px, not the {side} px of "
                f"{self.task.dataset}; archs that do: {', '.join(fits)}"
            )
        return arch

    def _observer(self) -> ObserverSpec:
        overrides = dict(self.parsed.observer)
        arch = self._arch(str(overrides.pop("arch", self.profile.observer.arch)))
        return ObserverSpec(arch.name, settings_.changed(self.profile.observer.recipe, overrides))

    def _add_cell(self, row: _Row | None, budget: Budget, arch: ArchSpec) -> None:
        recipe = settings_.changed(self.profile.recipe(arch.name), self.parsed.recipe)
        runs = tuple(self._run(row, budget, arch, recipe, seed) for seed in self.seeds)
        watched = row is not None and self.registry.needs_observer(row.spec)
        cell = Cell(
            task=self.task.name,
            task_version=self.task.version,
            profile=self.profile_name,
            method=row.spec.name if row else FULL,
            method_version=row.spec.version if row else 1,
            method_kind=row.spec.kind if row else "selection",
            config=row.config.model_dump(mode="json") if row else {},
            variant=settings_.variant_text(row.config) if row else "",
            control_of=row.spec.control_of if row else None,
            budget_kind=budget.kind,
            budget_value=budget.value,
            arch=arch.name,
            seeds=self.seeds,
            recipe=recipe,
            observer_arch=self.observer.arch if watched else None,
            observer_recipe=self.observer.recipe if watched else None,
            labels=self.task.labels,
            metric=self.task.metric,
            precision=self.precision,
        )
        text = canonical({"cell": cell, "evaluate": [run.evaluate for run in runs]})
        key = hashlib.sha256(text.encode()).hexdigest()
        self.made.cells.append(PlannedCell(cell, self.source, runs, key))

    def _run(self, row: _Row | None, budget: Budget, arch: ArchSpec, recipe: Recipe, seed: int) -> PlannedRun:
        roles, kept = self._compressed(row, budget, seed) if row else ({}, None)
        name = f"{row.spec.name} {budget}" if row else FULL
        train = self._train(arch, recipe, seed, kept, name, samples=self._samples[budget])
        evaluate = self._job(
            "evaluate",
            {
                "source": self.source_spec,
                "test_hash": self.info.test_hash,
                "test_per_class": self.profile.test_per_class,
                "arch": arch.name,
                "evaluator": self.task.evaluator,
                "metric": self.task.metric,
                "precision": self.precision,
                "best_epoch": self.request.best_epoch,
            },
            {"network": train},
            f"evaluate {arch.name} on {name}, seed {seed}",
            self.source.test_samples,
        )
        return PlannedRun(seed, {**roles, "train": (train,), "evaluate": (evaluate,)})

    def _compressed(self, row: _Row, budget: Budget, seed: int) -> tuple[Roles, str]:
        """The jobs up to the compressed set, by role, and the key of the last; the same for every architecture."""
        place = (id(row), budget, seed)
        if place not in self._kept:
            if (id(row), seed) not in self._chains:
                roles: Roles = {}
                self._chains[id(row), seed] = (roles, self._prepare(row.spec, row.config, seed, roles))
            before, chain = self._chains[id(row), seed]
            key = self._compress(row, budget, seed, chain)
            self._kept[place] = ({**before, "compress": (key,)}, key)
        return self._kept[place]

    def _compress(self, row: _Row, budget: Budget, seed: int, chain: str | None) -> str:
        spec = {
            **self._method_spec(row.spec, row.config.model_dump(mode="json"), seed),
            "budget": {"kind": budget.kind, "value": budget.value},
        }
        inputs = {"prepared": chain} if chain else {}
        return self._job("compress", spec, inputs, f"compress {row.spec.name} {budget}, seed {seed}", 0)

    def _prepare(self, spec: MethodSpec, config: Config, seed: int, roles: Roles) -> str | None:
        """The key of the job whose arrays this method starts from, its own or those of the method it builds on."""
        base = self.registry.base(spec, config)
        prior = self._prepare(*base, seed, roles) if base else None
        if not spec.prepares:
            return prior
        observer, inputs = self._observe(seed, roles) if "observer" in spec.needs else (None, {})
        if prior:
            inputs["prior"] = prior
        options = config.model_dump(mode="json", exclude=set(spec.compress_only))
        job = {**self._method_spec(spec, options, seed), "observer_arch": observer}
        key = self._job("prepare", job, inputs, f"prepare {spec.name}, seed {seed}", self.source.train_samples)
        roles["prepare"] = (*roles.get("prepare", ()), key)
        return key

    def _observe(self, seed: int, roles: Roles) -> tuple[str, dict[str, str]]:
        arch, recipe = self.registry.archs[self.observer.arch], self.observer.recipe
        network = self._train(arch, recipe, seed, None, "the full source as observer", self.source.train_samples)
        spec = {"source": self.source_spec, "arch": arch.name, "precision": self.precision}
        label = f"observe with {arch.name}, seed {seed}"
        observe = self._job("observe", spec, {"network": network}, label, self.source.train_samples)
        roles["observer"], roles["observe"] = (network,), (observe,)
        return arch.name, {"observe": observe, "network": network}

    def _train(self, arch: ArchSpec, recipe: Recipe, seed: int, kept: str | None, name: str, samples: int) -> str:
        spec = {
            "source": self.source_spec,
            "arch": arch.name,
            "arch_version": arch.version,
            "recipe": recipe.model_dump(mode="json", exclude={"name"}),
            "seed": seed,
            "precision": self.precision,
            "snapshots": SNAPSHOTS if self.request.best_epoch else 0,
        }
        inputs = {"kept": kept} if kept else {}
        return self._job("train", spec, inputs, f"train {arch.name} on {name}, seed {seed}", samples * recipe.epochs)

    def _method_spec(self, spec: MethodSpec, config: Mapping[str, Any], seed: int) -> dict[str, Any]:
        code = self.registry.methods.origin(spec.name).source_hash
        return {
            "source": self.source_spec,
            "method": spec.name,
            "version": spec.version,
            **({"code": code} if code else {}),
            "config": dict(config),
            "seed": seed,
        }

    def _job(self, kind: str, spec: Mapping[str, Any], inputs: Mapping[str, str], label: str, images: float) -> str:
        needs = Needs(
            threads=self.profile.threads,
            gpu_gib=self.registry.methods[spec["method"]].gpu_gib if "method" in spec else _GPU_GIB.get(kind, 4.0),
            seconds=0.1 + images * _EFFORT.get(kind, 1.0) / RATE[self.device],
            time_limit_s=self.profile.time_limit_s,
            images=images,
        )
        job = Job(kind, spec, inputs, label, needs)
        self.made.jobs.setdefault(job.key, job)
        return job.key
