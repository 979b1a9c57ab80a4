"""Jobs that train, look through and score networks of one task, seen through one observer; equal work is one job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from dqbench.errors import UsageError
from dqbench.jobs.job import Job, Needs, Shared, canonical
from dqbench.nets.weights import find
from dqbench.pixels.options import PixelOptions, mae_recipe
from dqbench.plan import pixel_plan
from dqbench.plan.label_regimes import Taught, check_views
from dqbench.plan.needs import guessed_needs
from dqbench.plan.plan import Roles
from dqbench.plan.task_at_profile import TaskFacts
from dqbench.seeds import OBSERVER
from dqbench.specs import ArchSpec, Budget, Config, Labels, MethodSpec, ObserverSpec, Recipe, Stage

SNAPSHOTS = 20

T = TypeVar("T")


class Watched(NamedTuple):
    """What a cell says of what its method looks through: architecture or kind, recipe, and weights in words."""

    arch: str
    recipe: Recipe | None
    weights: str | None


class NetworkJobs:
    """Adds jobs to ``made``, the graph by key; what many cells share is planned once."""

    def __init__(self, facts: TaskFacts, observer: ObserverSpec, made: dict[str, Job]) -> None:
        self.facts, self.observer, self.made = facts, observer, made
        self._known: dict[Hashable, Any] = {}

    def add(self, kind: str, spec: Mapping[str, Any], inputs: Mapping[str, str], label: str, images: float) -> str:
        """Add a job that goes through so many images; gives its key."""
        job = Job(kind, spec, inputs, label, guessed_needs(self.facts, kind, spec, images))
        self.made.setdefault(job.key, job)
        return job.key

    def _once(self, what: Hashable, make: Callable[[], T]) -> T:
        if what not in self._known:
            self._known[what] = make()
        found: T = self._known[what]
        return found

    def train(
        self,
        arch: ArchSpec,
        recipe: Recipe,
        seed: int,
        kept: str | None,
        name: str,
        samples: int,
        taught: Taught | None = None,
    ) -> str:
        """A network from scratch on ``kept``, a job's key, or on the whole source."""
        taught = taught or Taught()
        spec = self._train_spec(arch, recipe, seed, taught.spec)
        inputs = {**({"kept": kept} if kept else {}), **taught.inputs}
        images = samples * recipe.for_samples(samples).epochs
        return self.add("train", spec, inputs, f"train {arch.name} on {name}, seed {seed}", images)

    def evaluate(
        self, arch: ArchSpec, inputs: Mapping[str, str], name: str, seed: int, views: int, rebuilt: Taught | None = None
    ) -> str:
        """The score of what is in ``inputs``, on the test set and so many versions of it beside.

        ``rebuilt`` says how dropped patches of a kept set are filled, where the evaluator sees it.
        """
        label = f"evaluate {arch.name} on {name}, seed {seed}"
        images = self.facts.source.test_samples * (1 + views)
        spec = self._evaluate_spec(arch)
        if rebuilt is not None and rebuilt.spec:
            spec = Shared({**spec, **rebuilt.spec})
        return self.add("evaluate", spec, {**inputs, **(rebuilt.inputs if rebuilt else {})}, label, images)

    def scorer(self, seed: int) -> tuple[dict[str, str], tuple[str, ...]]:
        """The observer that an evaluator is given: the inputs of its job, and their keys."""
        _, seen = self.observe(seed, {})
        inputs = {"observer": seen["network"], "observe": seen["observe"]}
        return inputs, tuple(inputs.values())

    def stage(self, stage: Stage, arch: ArchSpec, train: str, name: str, seed: int) -> str:
        """The job of a task's stage: one that goes on from the network that ``train`` trains, or the same for all."""
        which = train if stage.after_training else ""  # a stage that reads no network is one job for all cells
        job = self._once(("stage", stage.role, which), lambda: self._stage_job(stage, arch, train, name, seed))
        self.made.setdefault(job.key, job)
        return job.key

    def observer_network(self, seed: int, number: int = 0) -> str:
        """The observer: trained on the whole source by draws of its own, or with weights from elsewhere.

        ``number`` is 0 but where a method looks through several.
        """
        arch, recipe = self.facts.registry.archs[self.observer.arch], self.observer.recipe
        if self.observer.weights:
            return self._once("pretrained", lambda: self._pretrained(arch))
        own_draws = Taught(spec={"purpose": _purpose(number)})
        samples = self.facts.source.train_samples
        return self.train(arch, recipe, seed, None, "the full source as observer", samples, own_draws)

    def looked_through(
        self, method: MethodSpec, config: Config, seed: int, roles: Roles
    ) -> tuple[str | None, dict[str, str]]:
        """What a method's ``prepare`` sees: the observer's architecture and the inputs of its job; none if it is blind.

        Raises:
            UsageError: it asks for what an observer that was trained elsewhere cannot give.
        """
        watched = "dynamics" in method.needs or config.watches()
        if not watched and "observer" not in method.needs:
            return None, {}
        count = config.observers()
        if self.observer.weights and (watched or count > 1):
            wanted = "the course of its observer's training" if watched else f"{count} observers"
            raise UsageError(
                f"{method.name} needs {wanted}, but observer.weights={self.observer.weights} names one that was "
                "trained elsewhere; leave it out"
            )
        inputs: dict[str, str] = {}
        for number in range(count):
            one = self._dynamics(seed, roles, number) if watched else self.observe(seed, roles, number)[1]
            inputs |= {f"{role}_{number}" if number else role: key for role, key in one.items()}
        return self.observer.arch, inputs

    def _dynamics(self, seed: int, roles: Roles, number: int) -> dict[str, str]:
        arch, recipe = self.facts.registry.archs[self.observer.arch], self.observer.recipe
        spec = {
            "source": self.facts.source_spec,
            "arch": arch.name,
            "arch_version": arch.version,
            **self.facts.registry.code_words(arch, "arch_code"),
            "recipe": _recipe_words(recipe),
            "seed": seed,
            "purpose": _purpose(number),
            "precision": self.facts.precision,
        }
        images = self.facts.source.train_samples * recipe.for_samples(self.facts.source.train_samples).epochs
        label = f"watch {arch.name} train on the full source, seed {seed}"
        key = self.add("dynamics", spec, {}, label, images)
        _note(roles, "dynamics", key)
        return {"dynamics": key}

    def trains_observers(self, method: str) -> dict[str, Any]:
        """What the spec of a job says that trains observers itself.

        Raises:
            UsageError: the observer is not trained here.
        """
        if self.observer.weights:
            raise UsageError(
                f"{method} is asked to train the observer anew, but observer.weights={self.observer.weights} names one "
                "that was trained elsewhere; leave out one of the two options"
            )
        return {"observer_recipe": _recipe_words(self.observer.recipe), "precision": self.facts.precision}

    def watched(self, needs: Collection[str]) -> Watched:
        """What a record says of the observer."""
        observer = self.observer
        weights = find(observer.weights, observer.arch).words if observer.weights else None
        return Watched(observer.arch, None if observer.weights else observer.recipe, weights)

    def before_training(self, recipe: Recipe, roles: Roles) -> Roles:
        """Jobs that a training needs besides the set that it learns: none."""
        return {}

    def budget_inputs(self, budget: Budget, roles: Roles) -> dict[str, str]:
        """What choosing for a budget needs besides what the method asks for: nothing."""
        return {}

    def observe(self, seed: int, roles: Roles, number: int = 0) -> tuple[str, dict[str, str]]:
        """What is read off the observer: its architecture's name, and the inputs of a job that is given it."""
        arch, network = self.facts.registry.archs[self.observer.arch], self.observer_network(seed, number)
        spec = {"source": self.facts.source_spec, "arch": arch.name, "precision": self.facts.precision}
        label = f"observe with {arch.name}, seed {seed}"
        observe = self.add("observe", spec, {"network": network}, label, self.facts.source.train_samples)
        _note(roles, "observer", network)
        _note(roles, "observe", observe)
        return arch.name, {"observe": observe, "network": network}

    def taught(
        self, recipe: Recipe, seed: int, kept: str | None, name: str, samples: int, labels: Labels, rebuilt: Taught
    ) -> Taught:
        """Where labels that are not the classes come from: the live teacher, or the regions that it labelled."""
        if labels == "hard":
            return rebuilt
        arch, network = self.facts.registry.archs[self.observer.arch], self.observer_network(seed)
        if labels == "teacher":
            return rebuilt.and_(Taught({"teacher": network}, {"teacher_arch": arch.name}, {"teacher": (network,)}))
        check_views(recipe)
        spec = {
            "source": self.facts.source_spec,
            "teacher_arch": arch.name,
            "recipe": {"epochs": recipe.for_samples(samples).epochs, "augment": list(recipe.augment)},
            "seed": seed,
            "precision": self.facts.precision,
            **rebuilt.spec,
        }
        inputs = {"teacher": network, **({"kept": kept} if kept else {}), **rebuilt.inputs}
        label = f"relabel {name} for {recipe.name}, seed {seed}"
        key = self.add("relabel", spec, inputs, label, samples * recipe.for_samples(samples).epochs)
        return rebuilt.and_(Taught({"regions": key}, {}, {"teacher": (network,), "relabel": (key,)}))

    def rebuilt(self, asked: PixelOptions, seed: int) -> Taught:
        """What a training on patches needs: how to fill in the dropped ones, and the MAE that is trained for it."""
        options = pixel_plan.resolved(asked, self.facts.info.shape)
        spec = pixel_plan.fill_words(options)
        if options.fill != "mae" or options.mae:
            return Taught(spec=spec)
        job = {
            "source": self.facts.source_spec,
            "patch_size": options.patch_size,
            "recipe": mae_recipe(options.mae_epochs).model_dump(mode="json", exclude={"name"}),
            "seed": seed,
            "precision": self.facts.precision,
        }
        images = self.facts.source.train_samples * options.mae_epochs
        key = self.add("pretrain", job, {}, f"pretrain an MAE, seed {seed}", images)
        return Taught({"decoder": key}, spec, {"pretrain": (key,)})

    def _train_spec(self, arch: ArchSpec, recipe: Recipe, seed: int, taught: Mapping[str, Any]) -> Shared:
        return self._once(
            ("train", arch.name, recipe, seed, canonical(taught)),  # shared specs are hashed once, not once per cell
            lambda: Shared(
                source=self.facts.source_spec,
                arch=arch.name,
                arch_version=arch.version,
                **self.facts.registry.code_words(arch, "arch_code"),
                recipe=_recipe_words(recipe),
                seed=seed,
                precision=self.facts.precision,
                snapshots=SNAPSHOTS if self.facts.request.best_epoch else 0,
                **taught,
            ),
        )

    def _evaluate_spec(self, arch: ArchSpec) -> Shared:
        facts = self.facts
        return self._once(
            ("evaluate", arch.name),
            lambda: Shared(
                source=facts.source_spec,
                test_hash=facts.info.test_hash,
                test_per_class=facts.profile.test_per_class,
                arch=arch.name,
                evaluator=facts.task.evaluator,
                **facts.registry.code_words(facts.task, "evaluator_code"),
                metric=facts.task.metric,
                **({"better": "lower"} if facts.task.measure.lower_is_better else {}),
                precision=facts.precision,
                best_epoch=facts.request.best_epoch,
                **({"needs": sorted(facts.task.needs)} if facts.task.needs else {}),
                **({} if facts.task.trains else {"trains": False}),
                **({"observer_arch": facts.observers[0].arch} if "observer" in facts.task.needs else {}),
            ),
        )

    def _stage_job(self, stage: Stage, arch: ArchSpec, train: str, name: str, seed: int) -> Job:
        facts = self.facts
        found = facts.companions[stage.dataset] if stage.dataset else None
        companion = {"companion": found.words} if found else {}
        spec: dict[str, Any] = {"options": dict(stage.options), **companion}
        if stage.after_training:
            spec |= {"source": facts.source_spec, "arch": arch.name, "seed": seed, "precision": facts.precision}
            inputs, words = {"network": train}, f" {arch.name} on {name}, seed {seed}"
        else:
            spec |= {"dataset": facts.dataset, "test_hash": facts.info.test_hash}
            spec["test_per_class"] = facts.profile.test_per_class
            inputs, words = {}, ""
        if stage.kind in facts.registry.jobs:
            kind = facts.registry.jobs[stage.kind]
            spec |= {"job_name": kind.name, "job_version": kind.version, **facts.registry.code_words(kind, "job_code")}
            spec |= {"reads_test": True} if kind.reads_test else {}
        needs = Needs(facts.profile.threads, stage.gpu_gib, stage.seconds, facts.profile.time_limit_s)
        return Job(stage.kind, spec, inputs, f"{stage.kind}{words} ({stage.role})", needs)

    def _pretrained(self, arch: ArchSpec) -> str:
        weights = find(self.observer.weights, arch.name)
        spec = {
            "source": self.facts.source_spec,
            "arch": arch.name,
            "arch_version": arch.version,
            **self.facts.registry.code_words(arch, "arch_code"),
            "weights": {"name": weights.name, "sha256": weights.sha256},
            "precision": self.facts.precision,
        }
        return self.add("pretrained", spec, {}, f"take pretrained {arch.name}", 0)


def _purpose(number: int) -> str:
    return f"{OBSERVER}-{number}" if number else OBSERVER


def _note(roles: Roles, role: str, key: str) -> None:
    roles[role] = tuple(dict.fromkeys((*roles.get(role, ()), key)))


@cache
def _recipe_words(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude={"name"})
