"""Compress one source in this process: train the observer, prepare, compress. What ``dqbench compress`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget, note_on_few, resolve
from dqbench.compressed import Compressed, Patches, Subset
from dqbench.compute import computing_on
from dqbench.data.features import NoImages
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs.admit import check
from dqbench.observe.given import GivenFeatures
from dqbench.observe.observed import Observed
from dqbench.pixels.options import PixelOptions
from dqbench.plan import pixel_plan
from dqbench.plan.byte_budget import Storage
from dqbench.plugins import Registry
from dqbench.plurals import plural
from dqbench.seeds import OBSERVER, training_seed
from dqbench.specs import Budget, Config, MethodSpec, ObserverSpec, load_target

if TYPE_CHECKING:
    from torch import nn

    from dqbench.observe.training import Trainer

Step = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """What compressing a source gave.

    Attributes:
        kept: what the method gave.
        patches: of its samples, where some were dropped; else None.
    """

    kept: Compressed
    patches: Patches | None = None


@dataclass(frozen=True)
class Compressor:
    """A method, ready to compress sources.

    Attributes:
        registry: where methods and architectures are looked up.
        method: the method.
        config: its options.
        observer: the network that it looks through, if it needs one.
        seed: of the observer and the selection, each with draws of its own.
        device: ``cpu`` or ``cuda``.
        on_step: called with what is being done, in words.
        pixels: what is dropped of the kept images; None where they stay whole.
        files: whether the images are files of different sizes, of which whole ones are kept.
        features: of the samples, shape (n, d), which the method is given in the place of an observer; or None.
    """

    registry: Registry
    method: MethodSpec
    config: Config
    observer: ObserverSpec
    seed: int = 0
    device: str = "cpu"
    on_step: Step = lambda text: None
    pixels: PixelOptions | None = None
    files: bool = False
    features: npt.NDArray[np.floating] | None = None

    def compress(self, source: Source, budget: Budget) -> Compressed:
        """Choose what to keep of ``source``; patches where some are dropped.

        Raises:
            UsageError: as :meth:`make`.
        """
        made = self.make(source, budget)
        return made.patches or made.kept

    def make(self, source: Source, budget: Budget) -> Made:
        """Choose what to keep of ``source``, and drop patches of it.

        Raises:
            UsageError: the budget cannot be met, or the observer does not take images of this size.
        """
        if isinstance(source.images, NoImages) and (self.pixels or budget.kind == "bytes"):
            what = "bytes are counted" if budget.kind == "bytes" else "patches are dropped"
            raise UsageError(f"{what} of images, and there are features alone; give the images, or another budget")
        height, width, channels = source.images.shape[1:]
        pixels = pixel_plan.resolved(self.pixels, (height, width, channels)) if self.pixels else None
        storage = Storage(self.method, pixels, (height, width, channels), source.classes, files=self.files)
        sampled = storage.images_per_class(budget, int(source.class_counts.min()))
        sampled = pixel_plan.samples(pixels, sampled, (height, width, channels))
        resolved = resolve(sampled, source.class_counts, self.seed)
        if few := note_on_few(resolved, source.class_counts):
            self.on_step(f"note: {few}")
        self.config.check_budget(resolved.per_class.tolist(), source.class_counts.tolist(), height)
        list(self.registry.preparations(self.method, self.config))  # refuses what it cannot start from
        observed = self._observe(source) if self.looks else None
        kept = self._choose(source, resolved, observed)
        return Made(kept, self._drop(kept, pixels, source, observed) if pixels else None)

    @property
    def looks(self) -> bool:
        """Whether an observer is trained: the method or the dropping looks through it."""
        by_pixels = self.pixels is not None and pixel_plan.looks_through_observer(self.pixels)
        return by_pixels or (self.features is None and self.registry.needs_observer(self.method))

    def _choose(self, source: Source, resolved: ResolvedBudget, observed: Observed | None) -> Compressed:
        with computing_on(self.device):
            prepared = self._prepare(source, observed, resolved)
            self.on_step(f"choosing {resolved.total} of {plural(len(source), 'sample')} with {self.method.name}")
            seen = {"observed": self._seen(self.method, source, observed)} if self.method.observes_in_compress else {}
            method = self._make(self.method, self.config)
            kept: Compressed = method.compress(source, prepared, resolved, self.seed, **seen)
        check(kept, source, resolved, self.method, self.config)
        return kept

    def _drop(self, kept: Compressed, pixels: PixelOptions, source: Source, observed: Observed | None) -> Patches:
        from dqbench.jobs.pixels import drop_patches, network_looked_into

        if not isinstance(kept, Subset):
            raise UsageError(f"{self.method.name} makes images; only of kept samples can patches be dropped")
        self.on_step(f"dropping {pixels.drop:.0%} of the patches of {plural(len(kept), 'image')}")
        look = network_looked_into(pixels, source, lambda: _network(observed))
        return drop_patches(kept, source, pixels, look, self.seed, self.device)

    def _prepare(
        self, source: Source, observed: Observed | None, resolved: ResolvedBudget
    ) -> Mapping[str, np.ndarray[Any, Any]] | None:
        prepared: Mapping[str, np.ndarray[Any, Any]] | None = None
        for spec, config in self.registry.preparations(self.method, self.config):
            several = self._several(spec, config, source, observed)
            self.on_step(f"preparing {spec.name}")
            extra: dict[str, Any] = {} if prepared is None else {"prior": prepared}
            seen = self._seen(spec, source, several)
            if config.trainings() and isinstance(seen, GivenFeatures):
                seen.lacks("observers that it trains on the images")
            if config.trainings():
                extra["train"] = self._trainer(source, self._watches(spec, config))
            if spec.stops and spec is self.method:
                extra["largest"] = resolved
            prepared = self._make(spec, config).prepare(source, seen, self.seed, **extra)
        return prepared

    def _seen(self, spec: MethodSpec, source: Source, observed: Observed | None) -> Observed | GivenFeatures | None:
        """The observer's view, or the features that were given in its place."""
        if self.features is None:
            return observed
        compares_gradients = getattr(self.config, "embedding", None) == "gradient"
        hint = f"set {self.method.name}.embedding=feature" if compares_gradients else ""
        return GivenFeatures(self.features, source.labels, self.device, spec.name, hint)

    @staticmethod
    def _make(spec: MethodSpec, config: Config) -> Any:
        return load_target(spec.target)(config)

    def _observe(self, source: Source) -> Observed:
        preparations = self.registry.preparations(self.method, self.config)
        watches = any(self._watches(spec, config) for spec, config in preparations)
        return self._trainer(source, watches)(None)

    def _several(self, spec: MethodSpec, config: Config, source: Source, observed: Observed | None) -> Observed | None:
        """What ``prepare`` looks through: further observers are trained where it asks for several."""
        if observed is None or config.observers() == 1:
            return observed
        watches = self._watches(spec, config)
        seeds = (training_seed(self.seed, f"{OBSERVER}-{number}") for number in range(1, config.observers()))
        repeats = tuple(replace(self._trainer(source, watches), seed=seed)(None) for seed in seeds)
        return replace(observed, repeats=repeats)

    @staticmethod
    def _watches(spec: MethodSpec, config: Config) -> bool:
        return "dynamics" in spec.needs or config.watches()

    def _trainer(self, source: Source, watches: bool = False) -> Trainer:
        from dqbench.nets.build import build
        from dqbench.observe.training import Trainer

        _, height, _, channels = source.images.shape
        arch = self.registry.archs[self.observer.arch]
        if height not in arch.sizes:
            fits = sorted(other.name for other in self.registry.archs if height in other.sizes)
            others = f"observers that do: {', '.join(fits)}" if fits else "resize them to one of these"
            sizes = ", ".join(map(str, arch.sizes))
            raise UsageError(f"the observer {arch.name} takes images of {sizes} px, not of {height} px; {others}")
        return Trainer(
            source=source,
            build=lambda: build(arch, source.classes, channels, height),
            recipe=self.observer.recipe,
            seed=training_seed(self.seed, OBSERVER),
            device=self.device,
            precision="bf16" if self.device == "cuda" else "fp32",
            on_start=self.on_step,
            watches=watches,
        )


def _network(observed: Observed | None) -> nn.Module:
    if observed is None:
        raise ValueError("no observer was trained")
    return observed.network()
