"""What holds for all cells of one task in a plan: its profile, data, budgets, networks, recipes and observers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from dqbench import precision
from dqbench.budgets import note_on_few, resolve
from dqbench.data import store
from dqbench.data.info import DatasetInfo
from dqbench.errors import UsageError, unknown_name
from dqbench.given import given_of
from dqbench.language.checkpoint import FoundModel
from dqbench.language.checkpoint import find as find_model
from dqbench.language.embedding import Embedding
from dqbench.language.embedding import find as find_embedding
from dqbench.nets.weights import find
from dqbench.plan import pixel_plan
from dqbench.plan import settings as settings_
from dqbench.plan.altered_source import AlteredSource, alter
from dqbench.plan.byte_budget import Storage
from dqbench.plan.given_budget import budget_of
from dqbench.plan.own_data import dataset_of
from dqbench.plan.recipe_file import recipe_named, refuse_other
from dqbench.plan.request import Request
from dqbench.plan.rows import Row
from dqbench.plan.settings import Settings
from dqbench.plan.task_stages import check_archs, check_kinds, companion_facts, companions_of
from dqbench.plan.text_rules import check_arch, check_request
from dqbench.plugins import Registry
from dqbench.recipe import check_augment
from dqbench.records import LeakFacts, SourceFacts
from dqbench.references import TWIN
from dqbench.seed_ranges import seeds_of
from dqbench.specs import ArchSpec, Budget, Data, Labels, ObserverSpec, Profile, Recipe, TaskSpec


def choose_profile(task: TaskSpec, name: str | None, device: str) -> str:
    """The profile asked for, or ``smoke`` on a CPU and ``quick`` on a GPU.

    Raises:
        UsageError: the task has no such profile.
    """
    chosen = name or ("quick" if device == "cuda" else "smoke")
    if chosen not in task.profiles:
        raise unknown_name(f"profile of task {task.name}", chosen, task.profiles)
    return chosen


@dataclass(frozen=True)
class Sampled:
    """A budget in samples, and how many training samples that is in all."""

    budget: Budget
    samples: int


class TaskFacts:
    """A task at one profile, as it was asked for.

    Attributes:
        archs: the networks that are trained.
        data: what the samples are.
        model: the checkpoint that language models start from, None where they start from scratch.
        observers: the task's observer, changed as ``--set`` says: as many as it spans.
        source: what records say of the data.
        source_spec: what job specs say of the training set.
        notes: what the user should know, in words.

    Raises:
        UsageError: names that are not known, data that is not there or does not fit the networks.
    """

    def __init__(self, request: Request, registry: Registry, parsed: Settings, device: str, task: TaskSpec) -> None:
        self.request, self.registry, self.parsed, self.device, self.task = request, registry, parsed, device, task
        self.profile_name = choose_profile(task, request.profile, device)
        self.profile: Profile = task.profiles[self.profile_name]
        self.dataset = dataset_of(task, self.profile, request.data)
        self.notes: list[str] = []
        self.info = self._info()
        self.data: Data = "texts" if self.info.form == "texts" else "images"
        check_request(request, task.name, self.dataset, self.data)
        self.altered = self._altered()
        check_kinds(self.profile.stages, registry)
        self.companions = companions_of(self.profile.stages, request.best_epoch)
        if any(stage.kind == "benchmark" for stage in self.profile.stages) and not request.allow_code:
            self.notes.append(f"{task.name}: HumanEval is left out, as it runs what the model writes: --allow-code")
        self._check_square()
        self.model = self._model()
        self._embeddings: dict[str, Embedding] = {}
        self.precision = precision.resolve(request.precision or self.profile.precision, device)
        self.seeds = seeds_of(self.profile.seeds if request.seeds is None else request.seeds)
        self.observers = [self._observer(overrides) for overrides in settings_.observers(parsed)]
        self.archs = [self._arch(name) for name in self._arch_names()]
        check_archs(self.profile.stages, [arch.name for arch in self.archs])
        self.source_spec: Mapping[str, Any] = {
            "dataset": self.dataset, "hash": self.info.train_hash, "per_class": self.profile.train_per_class,
            **({"altered": self.altered.spec} if self.altered else {}),
        }  # fmt: skip
        self._samples = {Budget.full(): self.source.train_samples}
        self._recipes: dict[str, Recipe] = {}
        self._asked: list[Budget] = []
        self._given: dict[Row, Budget] = {}

    def _arch_names(self) -> tuple[str, ...]:
        """The networks that are trained; where none is, the one that scores: the (first) observer."""
        request = self.request
        if self.task.trains:
            return tuple(request.archs or self.profile.archs)
        scorer = self.observers[0].arch
        asked = {
            "--arch": set(request.archs) - {scorer}, "--recipe": request.recipe, "--set recipe": self.parsed.recipe,
            "--best-epoch": request.best_epoch,
        }  # fmt: skip
        for option, value in asked.items():
            if value:
                raise UsageError(
                    f"{self.task.name} trains no network on what is kept: {option} has no effect; it scores by the "
                    "observer, which --set observer.… changes"
                )
        return (scorer,)

    def _info(self) -> DatasetInfo:
        own = self.request.data
        if own is None or own.listed is None or own.dataset != self.dataset:
            return store.info(self.dataset, self.registry, self.notes.append)
        self.notes.append(f"{self.dataset} is not imported yet: images are counted, but not read")
        return own.listed

    def _altered(self) -> AlteredSource | None:
        asked = settings_.alteration(self.parsed)
        if asked is None:
            return None
        if self.data == "texts":
            raise UsageError(f"data.noise and data.imbalance are of classes; {self.dataset} holds texts")
        if self.request.data is not None and self.request.data.listed is not None:
            raise UsageError(
                f"{self.dataset} is not imported yet; run: dqbench data import NAME DIR, then --data again"
            )
        return alter(self.dataset, self.profile.train_per_class, asked)

    def budgets(self, rows: Sequence[Row]) -> list[Budget]:
        """The budgets asked for, or the profile's.

        Raises:
            UsageError: one that a row cannot meet.
        """
        request, profile = self.request, self.profile
        asked = [Budget.ratio(k) for k in request.keeps] + [Budget.ipc(i) for i in request.ipcs]
        asked += [Budget.of_bytes(number) for number in request.byte_budgets]
        asked += [Budget.tokens(share) for share in request.token_budgets]
        usual = [Budget.ratio(k) for k in profile.keeps] + [Budget.ipc(i) for i in profile.ipcs]
        chosen = set(request.methods) - set(request.given)
        self._asked = asked or (usual if chosen or not request.given else [])
        own = [self._given_budget(row, [*asked, *usual]) for row in rows if given_of(row.spec)]
        budgets = list(dict.fromkeys([*self._asked, *own]))
        for row in rows:
            for budget in budgets if row.config else ():
                if self.takes(row, budget):
                    self._check_budget(row, budget)
        return budgets

    def takes(self, row: Row, budget: Budget) -> bool:
        """Whether a row runs at a budget: a given set at its own, the twin and all data at each, others as asked."""
        if row.spec is None or row.spec.name == TWIN:
            return True
        return budget == self._given[row] if row in self._given else budget in self._asked

    def _given_budget(self, row: Row, usual: Sequence[Budget]) -> Budget:
        given = given_of(row.spec)
        if given is None:
            raise ValueError("only given sets have budgets of their own")
        imported = store.read_info(self.dataset) is not None
        source = store.open_train(self.dataset, self.profile.train_per_class) if imported else None
        scope = getattr(row.config, "scope", "class")
        self._given[row] = budget_of(given, scope, source, self.class_counts, self.seeds, usual)
        return self._given[row]

    def sampled(self, row: Row, budget: Budget, recipe: Recipe, labels: Labels) -> Sampled:
        """What a row keeps for a budget, which may be in pixels or bytes.

        Raises:
            UsageError: it cannot be met.
        """
        if budget.kind == "bytes" and row.spec:
            files = self.info.form == "files"
            storage = Storage(row.spec, row.pixels, self.info.shape, self.info.classes, labels, recipe, files)
            budget = storage.images_per_class(budget, min(self.class_counts))
        if budget.kind == "tokens":  # as many samples as that are a guess, for what jobs take
            return Sampled(budget, max(1, round(budget.value * self.source.train_samples)))
        found = pixel_plan.samples(row.pixels, budget, self.info.shape)
        if found not in self._samples:
            self._samples[found] = resolve(found, self.class_counts, 0).total
        return Sampled(found, self._samples[found])

    def _check_budget(self, row: Row, budget: Budget) -> None:
        found = {budget}
        if budget.kind == "bytes":
            recipes = [self.recipe(arch) for arch in self.archs]
            found = {self.sampled(row, budget, recipe, labels).budget for recipe in recipes for labels in row.labels}
        for one in () if budget.kind == "tokens" else found:
            resolved = resolve(one, self.class_counts, 0)
            few = note_on_few(resolved, self.class_counts)
            if few and f"{self.task.name}: {few}" not in self.notes:
                self.notes.append(f"{self.task.name}: {few}")
            if row.config:
                row.config.check_budget(resolved.per_class.tolist(), self.class_counts, self.info.shape[0])

    @cached_property
    def class_counts(self) -> list[int]:
        """Training samples of each class in the part that the profile takes."""
        if self.altered:
            return self.altered.class_counts
        part = self.profile.train_per_class
        return [min(count, part) if part else count for count in self.info.train_class_counts]

    @cached_property
    def source(self) -> SourceFacts:
        """The data behind the task's cells."""
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
            companions=companion_facts(self.profile.stages, self.companions),
            altered=self.altered.facts if self.altered else None,
            leaks=LeakFacts(**asdict(self.info.leaks)) if self.info.leaks else None,
        )

    def recipe(self, arch: ArchSpec) -> Recipe:
        """The catalogued recipe that was asked for, or the profile's, with what ``--set`` changes.

        Raises:
            UsageError: an unknown recipe or augmentation, or a value of the wrong type or range.
        """
        if not self.task.trains:
            return _recipe_of(self.observers[0])
        if arch.name not in self._recipes:
            usual = self.profile.recipe(arch.name)
            asked = self.request.recipe
            chosen = recipe_named(asked) if isinstance(asked, str) else asked or usual
            if chosen.name == usual.name:
                refuse_other(chosen, usual)
            self._recipes[arch.name] = self._fitting(
                self._of_model(settings_.changed_language(chosen, self.parsed.recipe))
            )
        return self._recipes[arch.name]

    def embedding(self, name: str) -> Embedding:
        """What ``observer.embed`` names.

        Raises:
            UsageError: nothing of the kind is there.
        """
        if name not in self._embeddings:
            self._embeddings[name] = find_embedding(name)
        return self._embeddings[name]

    def _model(self) -> FoundModel | None:
        if not self.parsed.model:
            return None
        if self.data == "images":
            raise UsageError(f"model={self.parsed.model} is a language model; {self.dataset} holds images")
        return find_model(self.parsed.model)

    def _of_model(self, recipe: Recipe) -> Recipe:
        """The recipe with the checkpoint that it starts from, where it needs one.

        Raises:
            UsageError: it needs one and there is none, or there is one that it does not take.
        """
        wants = recipe.language is not None and recipe.language.model
        if not wants:
            if self.model is not None:
                raise UsageError(
                    f"recipe {recipe.name} trains from scratch and takes no model; the profile paper fine-tunes one"
                )
            return recipe
        if self.model is None:
            raise UsageError(f"profile {self.profile_name} fine-tunes a checkpoint of yours: give --set model=DIR")
        language = recipe.language.model_copy(update={"model": self.model.words}) if recipe.language else None
        return recipe.model_copy(update={"language": language})

    def _check_square(self) -> None:
        height, width, _ = self.info.shape
        if height != width:
            raise UsageError(
                f"images of {self.dataset} are {height}×{width}; networks take squares: import an image folder, "
                "whose images are cut to squares"
            )

    def _arch(self, name: str) -> ArchSpec:
        arch = self.registry.archs[name]
        check_arch(arch, self.data, self.dataset, self.registry)
        side = self.info.shape[0]
        if self.data == "images" and side not in arch.sizes:
            fits = sorted(a.name for a in self.registry.archs if side in a.sizes)
            raise UsageError(
                f"arch {name} takes images of {', '.join(map(str, arch.sizes))} px, not the {side} px of "
                f"{self.dataset}; archs that do: {', '.join(fits) or 'none'}"
            )
        return arch

    def _observer(self, overrides: Mapping[str, Any]) -> ObserverSpec:
        fields = dict(overrides)
        usual = self.profile.observer
        arch = self._arch(str(fields.pop("arch", usual.arch)))
        weights = fields.pop("weights", usual.weights) or ""
        embed = str(fields.pop("embed", usual.embed))
        if self.data == "texts":
            return self._reader(arch, str(weights), embed, settings_.changed_language(usual.recipe, fields))
        if embed != usual.embed:
            raise UsageError(f"observer.embed={embed} is for texts; {self.dataset} holds images")
        if weights:
            find(str(weights), arch.name)
        if weights and fields:
            raise UsageError(f"observer.{min(fields)} has no effect on pretrained weights; leave one out")
        return ObserverSpec(arch.name, self._fitting(settings_.changed(usual.recipe, fields)), str(weights))

    def _reader(self, arch: ArchSpec, weights: str, embed: str, recipe: Recipe) -> ObserverSpec:
        """What methods look through on texts: an embedding, and a language model that reads the answers."""
        if weights:
            raise UsageError(f"observer.weights={weights} is for networks on images; of texts give observer.embed=DIR")
        self.embedding(embed)
        return ObserverSpec(arch.name, self._fitting(self._of_model(recipe)), embed=embed)

    def _fitting(self, recipe: Recipe) -> Recipe:
        check_augment(recipe.augment)
        if (recipe.language is not None) != (self.data == "texts"):
            raise UsageError(f"recipe {recipe.name} is not for {self.data}; {self.dataset} holds {self.data}")
        if recipe.timm is not None and self.info.shape[2] != 3:
            raise UsageError(
                f"recipe {recipe.name} augments by timm, which takes colour, not the {self.info.shape[2]} channel of "
                f"{self.dataset}; take another recipe (--recipe)"
            )
        return recipe


def _recipe_of(observer: ObserverSpec) -> Recipe:
    """How the network that scores was trained; weights from elsewhere are named, since no recipe here made them."""
    named = {"name": f"pretrained, {observer.weights}"} if observer.weights else {}
    return observer.recipe.model_copy(update=named)
