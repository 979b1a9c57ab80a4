"""The grid: what was asked for becomes cells, and cells become one graph of jobs whose keys are all known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dqbench.budgets import resolve
from dqbench.data import store
from dqbench.errors import UsageError, unknown_name
from dqbench.jobs.job import Job, Needs, canonical
from dqbench.pixels.options import PixelOptions, mae_recipe
from dqbench.plugins import Registry
from dqbench.records import Cell, SourceFacts
from dqbench.run import pixel_plan
from dqbench.run import settings as settings_
from dqbench.run.own_data import OwnData, dataset_of
from dqbench.run.regimes import Taught, check_views, regimes
from dqbench.run.settings import Settings
from dqbench.specs import ArchSpec, Budget, Config, Labels, MethodSpec, ObserverSpec, Profile, Recipe, TaskSpec
from dqbench.train.recipes import RECIPES

SNAPSHOTS = 20
TWIN = "random"
FULL = "full"
Roles = dict[str, tuple[str, ...]]
"""Job keys by role."""

RATE = {"cpu": 1500.0, "cuda": 20_000.0}
"""Images per second: the guess of costs where nothing like was measured."""

_EFFORT = {"train": 1.0, "relabel": 1 / 3, "observe": 1 / 3, "evaluate": 1 / 3, "prepare": 1.0, "compress": 0.0}
_GPU_GIB = {"train": 4.0, "relabel": 2.0, "observe": 2.0, "evaluate": 2.0}


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
    labels: tuple[str, ...] = ()
    recipe: str | None = None
    data: OwnData | None = None

    def command(self, profile: str, plugin_files: Sequence[Path]) -> str:
        """The command line that asks for this, without anything that belongs to one machine."""
        words = ["dqbench run"]
        words += [f"--method {m}" for m in self.methods] + [f"--task {t}" for t in self.tasks]
        words += [self.data.words] if self.data else []
        words += [f"--profile {profile}"]
        words += [f"--keep {k}" for k in self.keeps] + [f"--ipc {i}" for i in self.ipcs]
        words += [f"--arch {a}" for a in self.archs]
        words += [f"--seeds {self.seeds}"] if self.seeds is not None else []
        words += [f"--labels {regime}" for regime in self.labels]
        words += [f"--recipe {self.recipe}"] if self.recipe else []
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
    labels: tuple[Labels, ...]
    pixels: PixelOptions | None = None


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
    own = regimes([registry.methods[name] for name in request.methods], request.labels)
    shared = tuple(dict.fromkeys(labels for each in own.values() for labels in each)) or ("hard",)
    asked = {
        name: list(settings_.rows(registry.methods[name], parsed.methods.get(name, {})))
        for name in dict.fromkeys((TWIN, *request.methods))
    }
    dropped = dict.fromkeys([None, *(pixels for pairs in asked.values() for _, pixels in pairs)])
    asked[TWIN] = [(asked[TWIN][0][0], pixels) for pixels in dropped]
    for name, pairs in asked.items():
        for config, pixels in pairs:
            yield _Row(registry.methods[name], config, shared if name == TWIN else own[name], pixels)
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


def _config(row: _Row) -> dict[str, Any]:
    config: dict[str, Any] = row.config.model_dump(mode="json")
    return {**(pixel_plan.shown(row.pixels) if row.pixels else {}), **config}


def _variant(row: _Row) -> str:
    texts = (settings_.variant_text(row.config), pixel_plan.variant(row.pixels) if row.pixels else "")
    return ", ".join(text for text in texts if text)


def _control_of(row: _Row) -> str | None:
    return TWIN if row.spec.name == TWIN and row.pixels else row.spec.control_of


@cache
def _recipe_words(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude={"name"})


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
        self.dataset = dataset_of(task, self.profile, request.data)
        self.info = store.info(self.dataset, registry)
        self._check_square()
        self.precision = "bf16" if device == "cuda" else "fp32"
        self.source = self._source_facts()
        self.seeds = tuple(range(self._seed_count()))
        self.archs = [self._arch(name) for name in (request.archs or self.profile.archs)]
        self.observer = self._observer()
        self.source_spec = {
            "dataset": self.dataset, "hash": self.info.train_hash, "per_class": self.profile.train_per_class,
        }  # fmt: skip
        self._samples = {Budget.full(): self.source.train_samples}
        self._recipes: dict[str, Recipe] = {}
        self._chains: dict[tuple[int, int], tuple[Roles, str | None]] = {}
        self._kept: dict[tuple[int, Budget, int], tuple[Roles, str]] = {}

    def add(self, rows: Sequence[_Row]) -> None:
        """Add the full-data cells, then every row at every budget, on every architecture, in each regime of labels."""
        budgets = self._budgets()
        self._check_budgets(rows, budgets)
        twin = next(row for row in rows if row.spec.name == TWIN)
        for labels in twin.labels:
            for arch in self.archs:
                self._add_cell(None, Budget.full(), arch, labels)
            for budget in budgets:
                for row in (row for row in rows if labels in row.labels):
                    for arch in self.archs:
                        self._add_cell(row, budget, arch, labels)

    def _seed_count(self) -> int:
        asked = self.request.seeds
        if asked is not None and asked < 1:
            raise UsageError(f"--seeds {asked} is below 1")
        return asked or self.profile.seeds

    def _budgets(self) -> list[Budget]:
        asked = [Budget.ratio(k) for k in self.request.keeps] + [Budget.ipc(i) for i in self.request.ipcs]
        usual = [Budget.ratio(k) for k in self.profile.keeps] + [Budget.ipc(i) for i in self.profile.ipcs]
        budgets = list(dict.fromkeys(asked or usual))
        for budget in budgets:
            self._samples[budget] = resolve(budget, self.class_counts, 0).total
        return budgets

    def _check_budgets(self, rows: Sequence[_Row], budgets: Sequence[Budget]) -> None:
        for budget in budgets:
            per_class = resolve(budget, self.class_counts, 0).per_class.tolist()
            for row in rows:
                row.config.check_budget(per_class, self.class_counts, self.info.shape[0])

    @property
    def class_counts(self) -> list[int]:
        part = self.profile.train_per_class
        return [min(count, part) if part else count for count in self.info.train_class_counts]

    def _source_facts(self) -> SourceFacts:
        part = self.profile.test_per_class
        test_counts = [min(count, part) if part else count for count in self.info.test_class_counts]
        return SourceFacts(
            dataset=self.dataset,
            note=self.info.note,
            provenance=self.info.provenance,
            train_hash=self.info.train_hash,
            test_hash=self.info.test_hash,
            train_per_class=self.profile.train_per_class,
            test_per_class=part,
            train_samples=sum(self.class_counts),
            test_samples=sum(test_counts),
            classes=len(self.info.class_names),
        )

    def _check_square(self) -> None:
        height, width, _ = self.info.shape
        if height != width:
            raise UsageError(
                f"images of {self.dataset} are {height}×{width}; networks take squares: import an image folder, "
                "whose images are cut to squares"
            )

    def _arch(self, name: str) -> ArchSpec:
        arch = self.registry.archs[name]
        side = self.info.shape[0]
        if side not in arch.sizes:
            fits = sorted(a.name for a in self.registry.archs if side in a.sizes)
            raise UsageError(
                f"arch {name} takes images of {', '.join(map(str, arch.sizes))} px, not the {side} px of "
                f"{self.dataset}; archs that do: {', '.join(fits) or 'none'}"
            )
        return arch

    def _observer(self) -> ObserverSpec:
        overrides = dict(self.parsed.observer)
        arch = self._arch(str(overrides.pop("arch", self.profile.observer.arch)))
        return ObserverSpec(arch.name, settings_.changed(self.profile.observer.recipe, overrides))

    def _recipe(self, arch: ArchSpec) -> Recipe:
        """The catalogued recipe that was asked for, or the profile's, with what ``--set`` changes."""
        name = self.request.recipe
        if name is not None and name not in RECIPES:
            raise unknown_name("recipe", name, RECIPES)
        return settings_.changed(RECIPES[name] if name else self.profile.recipe(arch.name), self.parsed.recipe)

    def _add_cell(self, row: _Row | None, budget: Budget, arch: ArchSpec, labels: Labels) -> None:
        if arch.name not in self._recipes:
            self._recipes[arch.name] = self._recipe(arch)
        recipe = self._recipes[arch.name]
        runs = tuple(self._run(row, budget, arch, recipe, seed, labels) for seed in self.seeds)
        taught = labels != "hard"
        watched = row is not None and self._watched(row)
        cell = Cell(
            task=self.task.name,
            task_version=self.task.version,
            profile=self.profile_name,
            method=row.spec.name if row else FULL,
            method_version=row.spec.version if row else 1,
            method_kind=row.spec.kind if row else "selection",
            config=_config(row) if row else {},
            variant=_variant(row) if row else "",
            control_of=_control_of(row) if row else None,
            budget_kind=budget.kind,
            budget_value=budget.value,
            arch=arch.name,
            seeds=self.seeds,
            recipe=recipe,
            observer_arch=self.observer.arch if watched else None,
            observer_recipe=self.observer.recipe if watched else None,
            labels=labels,
            teacher_arch=self.observer.arch if taught else None,
            teacher_recipe=self.observer.recipe if taught else None,
            metric=self.task.metric,
            precision=self.precision,
        )
        text = canonical({"cell": cell, "evaluate": [run.evaluate for run in runs]})
        key = hashlib.sha256(text.encode()).hexdigest()
        self.made.cells.append(PlannedCell(cell, self.source, runs, key))

    def _run(
        self, row: _Row | None, budget: Budget, arch: ArchSpec, recipe: Recipe, seed: int, labels: Labels
    ) -> PlannedRun:
        roles, kept = self._compressed(row, budget, seed) if row else ({}, None)
        name = f"{row.spec.name} {budget}" if row else FULL
        samples = self._samples[self._sampled(row.pixels if row else None, budget)]
        rebuilt = self._rebuilt(row.pixels, seed) if row and row.pixels else Taught()
        taught = self._taught(recipe, seed, kept, name, samples, labels, rebuilt)
        train = self._train(arch, recipe, seed, kept, name, samples, taught)
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
        return PlannedRun(seed, {**roles, **taught.roles, "train": (train,), "evaluate": (evaluate,)})

    def _taught(
        self,
        recipe: Recipe,
        seed: int,
        kept: str | None,
        name: str,
        samples: int,
        labels: Labels,
        rebuilt: Taught,
    ) -> Taught:
        """Where labels that are not the classes come from: the live teacher, or the regions that it labelled."""
        if labels == "hard":
            return rebuilt
        arch, network = self.registry.archs[self.observer.arch], self._observer_network(seed)
        if labels == "teacher":
            return rebuilt.and_(Taught({"teacher": network}, {"teacher_arch": arch.name}, {"teacher": (network,)}))
        check_views(recipe)
        spec = {
            "source": self.source_spec,
            "teacher_arch": arch.name,
            "recipe": {"epochs": recipe.epochs, "augment": list(recipe.augment)},
            "seed": seed,
            "precision": self.precision,
            **rebuilt.spec,
        }
        inputs = {"teacher": network, **({"kept": kept} if kept else {}), **rebuilt.inputs}
        label = f"relabel {name} for {recipe.name}, seed {seed}"
        key = self._job("relabel", spec, inputs, label, samples * recipe.epochs)
        return rebuilt.and_(Taught({"regions": key}, {}, {"teacher": (network,), "relabel": (key,)}))

    def _rebuilt(self, asked: PixelOptions, seed: int) -> Taught:
        """What a training on patches needs: how to fill in the dropped ones, and the MAE that is trained for it."""
        options = pixel_plan.resolved(asked, self.info.shape)
        spec = pixel_plan.fill_words(options)
        if options.fill != "mae" or options.mae:
            return Taught(spec=spec)
        job = {
            "source": self.source_spec,
            "patch_size": options.patch_size,
            "recipe": mae_recipe(options.mae_epochs).model_dump(mode="json", exclude={"name"}),
            "seed": seed,
            "precision": self.precision,
        }
        images = self.source.train_samples * options.mae_epochs
        key = self._job("pretrain", job, {}, f"pretrain an MAE, seed {seed}", images)
        return Taught({"decoder": key}, spec, {"pretrain": (key,)})

    def _compressed(self, row: _Row, budget: Budget, seed: int) -> tuple[Roles, str]:
        """The jobs up to the compressed set, by role, and the key of the last; the same for every architecture."""
        place = (id(row), budget, seed)
        if place not in self._kept:
            if (id(row), seed) not in self._chains:
                roles: Roles = {}
                self._chains[id(row), seed] = (roles, self._prepare(row.spec, row.config, seed, roles))
            before, chain = self._chains[id(row), seed]
            key = self._compress(row, self._sampled(row.pixels, budget), seed, chain, before)
            after = {**before, "compress": (key,)}
            if row.pixels:
                key = self._drop(row.pixels, f"{row.spec.name} {budget}", seed, key, after)
            self._kept[place] = (after, key)
        return self._kept[place]

    def _sampled(self, asked: PixelOptions | None, budget: Budget) -> Budget:
        """The budget in samples behind one in pixels; its number of samples is noted."""
        sampled = pixel_plan.samples(asked, budget, self.info.shape)
        if sampled not in self._samples:
            self._samples[sampled] = resolve(sampled, self.class_counts, 0).total
        return sampled

    def _drop(self, asked: PixelOptions, name: str, seed: int, kept: str, roles: dict[str, tuple[str, ...]]) -> str:
        """The job that drops patches of the samples of ``kept``."""
        options = pixel_plan.resolved(asked, self.info.shape)
        spec = {"source": self.source_spec, "pixels": pixel_plan.job_options(options), "seed": seed}
        inputs = {"kept": kept}
        if pixel_plan.looks_through_observer(options):
            inputs["network"] = self._observer_network(seed)
            spec["observer_arch"] = self.observer.arch
            roles["observer"] = (inputs["network"],)
        key = self._job("pixels", spec, inputs, f"drop patches of {name}, seed {seed}", 0)
        roles["pixels"] = (key,)
        return key

    def _watched(self, row: _Row) -> bool:
        by_pixels = row.pixels is not None and pixel_plan.looks_through_observer(row.pixels)
        return by_pixels or self.registry.needs_observer(row.spec)

    def _compress(self, row: _Row, budget: Budget, seed: int, chain: str | None, roles: Roles) -> str:
        spec = {
            **self._method_spec(row.spec, row.config.model_dump(mode="json"), seed),
            "budget": {"kind": budget.kind, "value": budget.value},
        }
        inputs = {"prepared": chain} if chain else {}
        if row.spec.observes_in_compress:
            spec["observer_arch"], seen = self._observe(seed, roles)
            inputs.update(seen)
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
        arch, network = self.registry.archs[self.observer.arch], self._observer_network(seed)
        spec = {"source": self.source_spec, "arch": arch.name, "precision": self.precision}
        label = f"observe with {arch.name}, seed {seed}"
        observe = self._job("observe", spec, {"network": network}, label, self.source.train_samples)
        roles["observer"], roles["observe"] = (network,), (observe,)
        return arch.name, {"observe": observe, "network": network}

    def _observer_network(self, seed: int) -> str:
        arch, recipe = self.registry.archs[self.observer.arch], self.observer.recipe
        return self._train(arch, recipe, seed, None, "the full source as observer", self.source.train_samples)

    def _train(
        self,
        arch: ArchSpec,
        recipe: Recipe,
        seed: int,
        kept: str | None,
        name: str,
        samples: int,
        taught: Taught | None = None,
    ) -> str:
        taught = taught or Taught()
        spec = {
            "source": self.source_spec,
            "arch": arch.name,
            "arch_version": arch.version,
            "recipe": _recipe_words(recipe),
            "seed": seed,
            "precision": self.precision,
            "snapshots": SNAPSHOTS if self.request.best_epoch else 0,
            **taught.spec,
        }
        inputs = {**({"kept": kept} if kept else {}), **taught.inputs}
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
