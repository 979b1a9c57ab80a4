"""The specs that plugins yield: frozen, import-light, each naming its code lazily as ``module:attribute``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dqbench.budget_spec import Budget as Budget
from dqbench.budget_spec import BudgetKind as BudgetKind
from dqbench.errors import UsageError
from dqbench.measure import PERCENT, Better, Measure, measure_of
from dqbench.method_spec import ADDED_LATER as ADDED_LATER
from dqbench.method_spec import REGIMES as REGIMES
from dqbench.method_spec import Config as Config
from dqbench.method_spec import Data as Data
from dqbench.method_spec import Labels as Labels
from dqbench.method_spec import MethodKind as MethodKind
from dqbench.method_spec import MethodSpec as MethodSpec
from dqbench.recipe import LanguageRecipe as LanguageRecipe
from dqbench.recipe import Recipe as Recipe
from dqbench.recipe import TimmRecipe as TimmRecipe
from dqbench.recipe import passes_per_step as passes_per_step


@dataclass(frozen=True)
class ObserverSpec:
    """The network that methods look through: trained on the source, or pretrained elsewhere.

    Attributes:
        arch: its architecture.
        recipe: how it is trained on the source.
        weights: where pretrained weights come from, as :func:`dqbench.nets.weights.find` takes it; then nothing is
            trained. Empty for none.
        embed: of texts, what methods compare: ``tf-idf``, a folder with a model, or a file of embeddings; the network
            is a language model for those that need ``losses``.
    """

    arch: str
    recipe: Recipe
    weights: str = ""
    embed: str = "tf-idf"


@dataclass(frozen=True)
class Stage:
    """A job beside or after training whose folder the evaluator reads, as one of its ``folders``.

    Attributes:
        kind: of the job: a key of ``dqbench.jobs.job.FUNCTIONS``.
        role: under which the evaluator gets the folder.
        options: part of the job's spec, as JSON values.
        after_training: whether the job is one of each trained network, its input ``network``; else it is made once.
        dataset: a companion data set (``dqbench.data.companion``) that the job reads: its spec's ``companion``.
        archs: the networks that it can go on from; empty for all.
        stand_in: what the job makes where that data set is not there, in words; empty where it must be there.
        check: ``module:function`` that refuses what cannot be done here before anything runs (UsageError); it is given
            the companion, or None.
        gpu_gib: GPU memory; 0 for a job that runs on the CPU.
        seconds: a guess of its duration where nothing like it was measured.
        views: images in its folder for each test image, which the evaluator goes through, too; for guesses.
    """

    kind: str
    role: str
    options: Mapping[str, Any]
    after_training: bool
    dataset: str | None = None
    archs: tuple[str, ...] = ()
    stand_in: str = ""
    check: str = ""
    gpu_gib: float = 0.0
    seconds: float = 60.0
    views: int = 0


@dataclass(frozen=True)
class Profile:
    """The scale at which a task is run; boards never mix profiles.

    Attributes:
        archs: architectures trained on the compressed sets.
        keeps: default keep ratios.
        recipes: recipe by architecture; ``"*"`` serves the rest.
        observer: what methods look through.
        seeds: how many seeds; seed i is the observer's, the selection's and the training's, each with draws of its own.
        seed_blocks: in how many blocks of as many each the seeds are planned; marks, ranks and claims come from whole
            blocks alone.
        train_per_class: a fixed part of the training set, the first so many of each class; None takes all.
        test_per_class: the same for the test set.
        threads: CPU threads of one job on a CPU; it can change the last bits of a result, so it is fixed here.
        time_limit_s: a job that makes no step for so long is stopped; see :mod:`dqbench.steps`.
        ipcs: default budgets in images per class, beside ``keeps``.
        dataset: the data set of this profile where it is not the task's, e.g. the same images at another size.
        stages: jobs besides training whose folders the evaluator gets, by role, as its last argument.
        precision: of all networks, ``auto``, ``fp32`` or ``bf16``; None is bf16 on a GPU and fp32 on a CPU.
    """

    archs: tuple[str, ...]
    keeps: tuple[float, ...]
    recipes: Mapping[str, Recipe]
    observer: ObserverSpec
    seeds: int
    train_per_class: int | None = None
    test_per_class: int | None = None
    threads: int = 1
    time_limit_s: float = 24 * 3600.0
    ipcs: tuple[int, ...] = ()
    dataset: str | None = None
    stages: tuple[Stage, ...] = ()
    seed_blocks: int = 1
    precision: str | None = None

    def __post_init__(self) -> None:
        if self.seed_blocks < 1 or self.seeds % self.seed_blocks:
            raise ValueError(f"{self.seeds} seeds cannot be planned in {self.seed_blocks} blocks of as many each")

    def recipe(self, arch: str) -> Recipe:
        """The recipe of one architecture."""
        return self.recipes.get(arch) or self.recipes["*"]


@dataclass(frozen=True)
class DatasetSpec:
    """A data set that can be had by name.

    Attributes:
        target: ``module:function`` that returns the arrays (``dqbench.data.store.Arrays``), from files or a download;
            empty where ``origin`` is ``import``.
        classes: number of classes.
        shape: (height, width, channels) of one image.
        counts: (train, test) numbers of the official set; 0 where no source states them.
        origin: ``bundled`` (ships inside a dependency), ``download`` (fetched by ``dqbench data get``) or ``import``.
        class_names: one per class, which an import takes over; empty where they are not fixed. For image folders they
            are the folders' names, sorted.
        class_titles: what the classes are called where their names are codes; else empty.
        class_list: ``module:function`` that gives names and titles where there are too many to write down here.
        form: ``arrays`` (an import decodes its images and stores them), ``files`` (its images stay where they are) or
            ``texts``, which have no classes (0) and the shape (0, 0, 0).
        layout: ``module:function`` that reads an official folder: called with the folder and the class names, it gives
            ``Arrays``, a listed ``ImageSet``, or None where the folder has another layout.
        statistics: channel means and standard deviations that are always used; else they are computed.
    """

    name: str
    target: str
    classes: int
    shape: tuple[int, int, int]
    counts: tuple[int, int]
    origin: Literal["bundled", "download", "import"]
    summary: str
    licence: str
    citation: str
    class_names: tuple[str, ...] = ()
    class_titles: tuple[str, ...] = ()
    class_list: str = ""
    form: Literal["arrays", "files", "texts"] = "arrays"
    layout: str = ""
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True)
class ArchSpec:
    """An architecture.

    Attributes:
        target: ``module:function``; called with ``num_classes``, ``in_chans`` and ``image_size``, gives a torch module
            with timm's ``forward_features``, ``forward_head(x, pre_logits=...)``, ``forward_intermediates`` and
            ``get_classifier``.
        sizes: image sides in pixels that it takes; of a language model none.
        data: what it learns from. A language model is built by its name (:mod:`dqbench.language.model`).
    """

    name: str
    target: str
    sizes: tuple[int, ...]
    summary: str
    source: str
    version: int = 1
    data: Data = "images"


@dataclass(frozen=True)
class JobSpec:
    """A kind of job that stages of tasks may name, beside dqbench's own.

    Attributes:
        name: kebab-case; the ``kind`` of a :class:`Stage`.
        target: ``module:function``, called as ``function(work, out)`` with a :class:`dqbench.StageWork` and an empty
            folder, which the evaluator gets as one of its ``folders``; gives a dict of facts, or None.
        version: raised whenever its results change.
        reads_test: whether it may open the test set; else that is sealed.
    """

    name: str
    target: str
    summary: str
    version: int = 1
    reads_test: bool = False


OWN_DATA = "own"
"""As a task's ``dataset``: whatever images the user gives."""


@dataclass(frozen=True)
class TaskSpec:
    """What is measured: a source, budgets, architectures, recipes and an evaluator. Mostly data.

    Attributes:
        name: kebab-case.
        version: raised whenever the task's numbers change.
        dataset: a registered data set, or :data:`OWN_DATA`.
        metric: the one of the evaluator's metrics that is the score.
        profiles: by name; ``smoke`` runs in minutes on a CPU.
        smoke_leaves_out: what the profile ``smoke`` leaves out, in words.
        evaluator: ``module:function``, called as ``evaluator(net, test, source, device, precision)`` and returning a
            dict of metrics; without ``net`` where the task does not ``train``. Where a profile has stages, ``folders``
            comes after these: the folder of each stage by role. What it ``needs`` is given by name.
        needs: what the evaluator is given by name besides: ``kept`` (:class:`dqbench.KeptImages`, what the method
            kept) and ``observer`` (``observed=``, :class:`dqbench.Observed`, a network trained on the whole source).
        trains: whether a network is trained on each kept set. Without it ``archs`` is the observer's alone.
        superseded_by: the task that took this one's place.
        unit: of the metric: ``%``, a word such as ``nats``, or empty.
        better: which end of the metric is better.
        decimals: that scores are shown with; None is 1 in percent and else 3.
        lossless: the largest loss against full data that still counts as none, in the unit; None is 0.5 in percent,
            and else nothing is called lossless.
    """

    name: str
    version: int
    dataset: str
    summary: str
    metric: str
    profiles: Mapping[str, Profile]
    licence: str
    citation: str
    smoke_leaves_out: str
    evaluator: str = "dqbench.jobs.evaluate:top1"
    paper: str = ""
    superseded_by: str | None = None
    unit: str = PERCENT
    better: Better = "higher"
    decimals: int | None = None
    lossless: float | None = None
    needs: tuple[str, ...] = ()
    trains: bool = True

    @property
    def measure(self) -> Measure:
        """How the metric is read.

        Raises:
            ValueError: a unit, direction or number that makes no sense.
        """
        return measure_of(self.unit, self.better, self.decimals, self.lossless)


def load_target(target: str) -> Any:
    """The object that ``module:attribute`` names.

    Raises:
        UsageError: the module or the attribute is not there.
    """
    module_name, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"target {target!r} cannot be loaded: {error}") from error
