"""The jobs of one row of a grid: from its method's arrays to a compressed set, and on to a score. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dqbench.pixels.options import PixelOptions
from dqbench.plan import pixel_plan
from dqbench.plan.label_regimes import Taught
from dqbench.plan.network_jobs import NetworkJobs
from dqbench.plan.plan import PlannedRun, Roles
from dqbench.plan.rows import Row
from dqbench.plan.task_at_profile import Sampled
from dqbench.references import FULL
from dqbench.specs import ArchSpec, Budget, Config, Labels, MethodSpec, Recipe


class RowJobs:
    """Plans a row's cells; what its budgets and architectures share is planned once.

    ``scorer`` has the observer that evaluators see, the same for every row of the task.
    """

    def __init__(self, row: Row, networks: NetworkJobs, scorer: NetworkJobs) -> None:
        self.row, self.networks, self.scorer, self.facts = row, networks, scorer, networks.facts
        self._prepared: dict[int, tuple[Roles, str | None]] = {}
        self._kept: dict[tuple[Budget, int], tuple[Roles, str]] = {}

    def run(
        self, budget: Budget, sampled: Sampled, arch: ArchSpec, recipe: Recipe, seed: int, labels: Labels
    ) -> PlannedRun:
        """The jobs of one seed of a cell: ``sampled`` is its budget in samples."""
        row, networks, stages = self.row, self.networks, self.facts.profile.stages
        name = f"{row.spec.name} {budget}" if row.spec else FULL
        roles, kept = self._compressed(sampled.budget, name, seed) if row.spec else ({}, None)
        rebuilt = networks.rebuilt(row.pixels, seed) if row.pixels else Taught()
        taught, network = rebuilt, {}
        if self.facts.task.trains:
            taught = networks.taught(recipe, seed, kept, name, sampled.samples, labels, rebuilt)
            network = {"network": networks.train(arch, recipe, seed, kept, name, sampled.samples, taught)}
        staged = {stage.role: networks.stage(stage, arch, network.get("network", ""), name, seed) for stage in stages}
        given, scored_by = self._given(kept, seed)
        views = sum(stage.views for stage in stages)
        seen = rebuilt if "kept" in self.facts.task.needs else None
        evaluate = networks.evaluate(arch, {**network, **staged, **given}, name, seed, views, seen)
        kinds = {stage.kind: tuple(staged[one.role] for one in stages if one.kind == stage.kind) for stage in stages}
        trained = {**networks.before_training(recipe, roles), "train": (network["network"],)} if network else {}
        jobs = {**roles, **taught.roles, **trained, **scored_by, **kinds, "evaluate": (evaluate,)}
        return PlannedRun(seed, jobs, tuple(staged.values()))

    def _given(self, kept: str | None, seed: int) -> tuple[dict[str, str], Roles]:
        """What the evaluator asks for, as inputs of its job, and the observer's jobs that it needs by role."""
        needs = self.facts.task.needs
        inputs = {"kept": kept} if kept and "kept" in needs else {}
        if "observer" not in needs:
            return inputs, {}
        seen, keys = self.scorer.scorer(seed)
        return {**inputs, **seen}, {"scored_by": keys}

    def _compressed(self, budget: Budget, name: str, seed: int) -> tuple[Roles, str]:
        """The jobs up to the set with a budget in samples, by role, and the key of the last; for all architectures."""
        if (budget, seed) not in self._kept:
            self._kept[budget, seed] = self._compress_and_drop(budget, name, seed)
        return self._kept[budget, seed]

    def _compress_and_drop(self, budget: Budget, name: str, seed: int) -> tuple[Roles, str]:
        if seed not in self._prepared:
            self._prepared[seed] = self._prepare(seed)
        before, prepared = self._prepared[seed]
        roles = dict(before)
        key = self._compress(budget, name, seed, prepared, roles)
        roles["compress"] = (key,)
        if self.row.pixels:
            key = self._drop(self.row.pixels, name, seed, key, roles)
        return roles, key

    def _prepare(self, seed: int) -> tuple[Roles, str | None]:
        """The jobs before any budget, and the key of the one whose arrays the method starts from, None without one."""
        roles: Roles = {}
        key: str | None = None
        for spec, config in self.facts.registry.preparations(*self._method()):
            observer, inputs = self.networks.looked_through(spec, config, seed, roles)
            if key:
                inputs["prior"] = key
            options = {name: value for name, value in config.stated().items() if name not in spec.compress_only}
            job = {**self._method_words(spec, options, seed), "observer_arch": observer}
            images = float(self.facts.source.train_samples)
            if config.trainings():
                job |= self.networks.trains_observers(spec.name)
                images *= 1 + config.trainings() * self.networks.observer.recipe.epochs
            key = self.networks.add("prepare", job, inputs, f"prepare {spec.name}, seed {seed}", images)
            roles["prepare"] = (*roles.get("prepare", ()), key)
        return roles, key

    def _compress(self, budget: Budget, name: str, seed: int, prepared: str | None, roles: Roles) -> str:
        method, config = self._method()
        spec = {
            **self._method_words(method, config.stated(), seed),
            "budget": {"kind": budget.kind, "value": budget.value},
        }
        inputs = {**({"prepared": prepared} if prepared else {}), **self.networks.budget_inputs(budget, roles)}
        if method.observes_in_compress:
            spec["observer_arch"], seen = self.networks.observe(seed, roles)
            inputs.update(seen)
        return self.networks.add("compress", spec, inputs, f"compress {name}, seed {seed}", 0)

    def _drop(self, asked: PixelOptions, name: str, seed: int, kept: str, roles: Roles) -> str:
        """The job that drops patches of the samples of ``kept``."""
        options = pixel_plan.resolved(asked, self.facts.info.shape)
        spec = {"source": self.facts.source_spec, "pixels": pixel_plan.job_options(options), "seed": seed}
        inputs = {"kept": kept}
        if pixel_plan.looks_through_observer(options):
            inputs["network"] = self.networks.observer_network(seed)
            spec["observer_arch"] = self.networks.observer.arch
            roles["observer"] = (inputs["network"],)
        key = self.networks.add("pixels", spec, inputs, f"drop patches of {name}, seed {seed}", 0)
        roles["pixels"] = (key,)
        return key

    def _method(self) -> tuple[MethodSpec, Config]:
        if self.row.spec is None or self.row.config is None:
            raise ValueError("the whole source is not compressed")
        return self.row.spec, self.row.config

    def _method_words(self, spec: MethodSpec, config: Mapping[str, Any], seed: int) -> dict[str, Any]:
        return {
            "source": self.facts.source_spec,
            "method": spec.name,
            "version": spec.version,
            **self.facts.registry.code_words(spec, "code"),
            "config": dict(config),
            "seed": seed,
        }
