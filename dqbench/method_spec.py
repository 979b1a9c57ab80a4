"""The spec of a method and the base of its options: frozen, import-light, the class named as ``module:Class``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

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
