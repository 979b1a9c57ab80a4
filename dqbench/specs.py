"""The specs that plugins yield: frozen, import-light, each naming its code lazily as ``module:attribute``."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from dqbench import byte_sizes
from dqbench.errors import UsageError
from dqbench.measure import PERCENT, Better, Measure, measure_of
from dqbench.recipe import LanguageRecipe as LanguageRecipe
from dqbench.recipe import Recipe as Recipe
from dqbench.recipe import TimmRecipe as TimmRecipe
from dqbench.recipe import passes_per_step as passes_per_step

BudgetKind = Literal["ratio", "ipc", "bytes", "tokens", "full"]
MethodKind = Literal["selection", "quantization", "distillation"]
Labels = Literal["hard", "soft", "teacher"]
"""What a network learns from: the samples' classes; probabilities stored with the set; a live teacher."""

Data = Literal["images", "texts"]
"""What samples are: images with classes, or texts without."""

REGIMES: tuple[Labels, ...] = ("hard", "soft", "teacher")


ADDED_LATER: dict[str, JsonValue] = {"added_later": True}
"""``json_schema_extra`` of an option that a method got after results of it were made; see :meth:`Config.stated`."""


class Config(BaseModel):
    """Base of every method's config: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def stated(self) -> dict[str, Any]:
        """The options as jobs and records state them: JSON values by name.

        One that is :data:`ADDED_LATER` is left out where it has its default, so that results from before it came stay
        results of the same options. Its default must therefore do what the method did without it.
        """
        fields = type(self).model_fields
        later = {name for name, field in fields.items() if field.json_schema_extra == ADDED_LATER}
        left_out = {name for name in later if getattr(self, name) == fields[name].get_default()}
        return self.model_dump(mode="json", exclude=left_out)

    def shown(self) -> dict[str, Any]:
        """The options as records show them: like :meth:`stated`, without what belongs to one machine."""
        return self.stated()

    def check_budget(self, per_class: Sequence[int], class_counts: Sequence[int], side: int) -> None:
        """Refuse, before anything runs, a budget that the method cannot meet; by default none.

        Args:
            per_class: samples to keep of each class.
            class_counts: samples that each class has.
            side: of the images in pixels.

        Raises:
            UsageError: it cannot be met.
        """

    def watches(self) -> bool:
        """Whether ``prepare`` looks at the whole course of the observer's training though its spec does not say so."""
        return False

    def observers(self) -> int:
        """Through how many observers ``prepare`` looks, each with draws of its own: ``observed`` has the others."""
        return 1

    def trainings(self) -> float:
        """How many observers ``prepare`` trains itself, counted in trainings on the whole source; by default none.

        Where it is above 0, ``prepare`` is given ``train=``, a :class:`dqbench.observe.Trainer`.
        """
        return 0.0


@dataclass(frozen=True, order=True)
class Budget:
    """How much may be kept: a share of the samples (``ratio``), images per class (``ipc``), ``bytes``, of texts a share
    of the ``tokens``, all (``full``).

    A budget in bytes covers what is stored of a set: images or patches, masks, labels, weights and keys; a teacher or
    decoder comes on top. Before a method sees it, it becomes the most images per class that fit; a share of the tokens
    becomes the most samples of the method's own choice that hold no more.
    """

    kind: BudgetKind
    value: float

    def __str__(self) -> str:
        if self.kind == "full":
            return "full"
        if self.kind == "bytes":
            return byte_sizes.text(int(self.value))
        if self.kind == "tokens":
            return f"tokens{self.value:g}"
        return f"ipc{int(self.value)}" if self.kind == "ipc" else f"{self.value:g}"

    @classmethod
    def ratio(cls, value: float | str) -> Budget:
        """A keep ratio in (0, 1].

        Raises:
            UsageError: not a number, or outside (0, 1].
        """
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            raise UsageError(f"keep ratio {value!r} is not a number; give one in (0, 1], e.g. 0.1") from None
        if not (math.isfinite(number) and 0 < number <= 1):
            raise UsageError(f"keep ratio {value} is not in (0, 1]")
        return cls("ratio", number)

    @classmethod
    def ipc(cls, value: int | str) -> Budget:
        """Images per class, a whole number from 1 up.

        Raises:
            UsageError: not a whole number, or below 1.
        """
        try:
            number = int(value)
            whole = not isinstance(value, bool) and (isinstance(value, str) or number == value)
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise UsageError(f"ipc {value!r} is not a whole number; give images per class, e.g. 10")
        if number < 1:
            raise UsageError(f"ipc {number} is below 1")
        return cls("ipc", float(number))

    @classmethod
    def of_bytes(cls, value: int | str) -> Budget:
        """Bytes, as a whole number or with a unit: ``500kB``, ``2MB``, ``1.5MiB``.

        Raises:
            UsageError: no such size, or below 1.
        """
        return cls("bytes", float(byte_sizes.parse(value)))

    @classmethod
    def tokens(cls, value: float | str) -> Budget:
        """A share of the tokens of texts, in (0, 1].

        Raises:
            UsageError: not a number, or outside (0, 1].
        """
        try:
            return cls("tokens", cls.ratio(value).value)
        except UsageError as error:
            raise UsageError(str(error).replace("keep ratio", "share of tokens")) from None

    @classmethod
    def full(cls) -> Budget:
        """The whole source: the 100 % row."""
        return cls("full", 1.0)


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
class MethodSpec:
    """A compression method, as a plugin registers it.

    Attributes:
        name: kebab-case.
        target: ``module:Class``; the class takes the config and has ``compress(source, prepared, budget, seed)``
            and, where something serves every budget, ``prepare(source, observed, seed)``, with ``train=`` beside where
            the config asks for trainings.
        config: pydantic model of the options, import-light.
        kind: selection keeps samples, quantization may drop patches of them, distillation makes images.
        version: raised whenever the method's results change.
        needs: ``("observer",)`` if it looks through a trained network: ``prepare`` gets it, or ``compress`` as
            ``observed=`` where there is no ``prepare``. ``("dynamics",)`` if ``prepare`` needs the whole course of that
            training besides, as ``observed.dynamics``. Of texts, an observer gives embeddings, and
            ``("losses",)`` asks for a language model's losses of the answers.
        prepares: whether the class has ``prepare``.
        stops: whether ``prepare`` takes ``largest=``, a :class:`dqbench.budgets.ResolvedBudget`: no larger one will be
            asked for, and samples beyond it need no order. ``run`` prepares once for all budgets and never gives it.
        builds_on: a method whose prepared arrays this one starts from: its own ``prepare`` gets them as ``prior``;
            without one of its own they are what ``compress`` gets. Its config must have that method's options.
        compress_only: options that only ``compress`` reads, so that changing one never prepares again.
        control_of: the method that this one is a control row for.
        labels: the regimes of labels in which its sets can be trained on, the usual one first. Sets may have
            probabilities of their own only where ``hard`` is not among them; with ``soft`` they are trained on those.
        makes: the type of the images that a distillation makes, ``uint8`` or ``float32``, each with its class: so
            much is known of their bytes before they are made. Empty where it is not; then no budget is in bytes.
        weighs: whether the samples that it keeps come with weights.
        scaled: options that other profiles than ``paper`` start from instead of the config's defaults, by profile.
        gpu_gib: GPU memory that ``prepare`` and ``compress`` ask for.
        scores: whether what it prepares has ``score``, float64 of shape (n,), the higher the sooner kept; such a method
            can be the base of one that ``wraps``.
        orders: whether what it prepares is the whole order of picking, as :meth:`dqbench.select.Bins.ordered` gives it,
            of which every budget keeps the first.
        wraps: an option that names a method, whose prepared arrays this one's ``prepare`` gets as ``prior``. Options
            that both have are passed on where they are not this one's defaults; the others are that method's defaults.
        wraps_orders: whether that may be any method that ``orders`` or ``scores``; else only one that ``scores``.
        own_base: the value of ``wraps`` with which it makes what it needs itself, and gets no ``prior``. Its options
            that only this method has are refused with another base.
        keeps: which end of its score or order is kept, in words.
        cost: what it needs and how time and memory grow with the samples n, in words.
        differs: where this implementation and released code or papers part, in words.
        data: what it chooses from.
        on_texts: options that it starts from on texts instead of the config's defaults.
    """

    name: str
    target: str
    config: type[Config]
    kind: MethodKind
    version: int
    summary: str
    paper: str = ""
    needs: tuple[str, ...] = ()
    prepares: bool = False
    stops: bool = False
    builds_on: str | None = None
    compress_only: tuple[str, ...] = ()
    control_of: str | None = None
    labels: tuple[Labels, ...] = ("hard",)
    makes: Literal["", "uint8", "float32"] = ""
    weighs: bool = False
    scaled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    gpu_gib: float = 1.0
    scores: bool = False
    orders: bool = False
    wraps: str = ""
    wraps_orders: bool = False
    own_base: str = ""
    keeps: str = ""
    cost: str = ""
    differs: str = ""
    data: tuple[Data, ...] = ("images",)
    on_texts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def observes_in_compress(self) -> bool:
        """Whether ``compress``, not ``prepare``, looks through the observer."""
        return "observer" in self.needs and not self.prepares


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
