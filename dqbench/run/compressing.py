"""Compress one source in this process: train the observer, prepare, compress. What ``dqbench compress`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dqbench.budgets import resolve
from dqbench.compressed import Compressed
from dqbench.data.source import Source
from dqbench.jobs.compress import check
from dqbench.observe.observed import Observed
from dqbench.place import placed
from dqbench.plugins import Registry
from dqbench.specs import Budget, Config, MethodSpec, ObserverSpec, load_target

Step = Callable[[str], None]


@dataclass(frozen=True)
class Compressor:
    """A method, ready to compress sources.

    Attributes:
        registry: where methods and architectures are looked up.
        method: the method.
        config: its options.
        observer: the network that it looks through, if it needs one.
        seed: of the observer and the selection.
        device: ``cpu`` or ``cuda``.
        on_step: told what is being done, in words.
    """

    registry: Registry
    method: MethodSpec
    config: Config
    observer: ObserverSpec
    seed: int = 0
    device: str = "cpu"
    on_step: Step = lambda text: None

    def compress(self, source: Source, budget: Budget) -> Compressed:
        """Choose what to keep of ``source``.

        Raises:
            UsageError: the budget cannot be met, or the observer does not take images of this size.
        """
        resolved = resolve(budget, source.class_counts, self.seed)
        self.config.check_budget(resolved.per_class.tolist(), source.class_counts.tolist(), source.images.shape[1])
        observed = self._observe(source) if self.registry.needs_observer(self.method) else None
        with placed(self.device):
            prepared = self._prepare(self.method, self.config, source, observed)
            self.on_step(f"choosing {resolved.total} of {len(source)} samples with {self.method.name}")
            seen = {"observed": observed} if self.method.observes_in_compress else {}
            method = self._make(self.method, self.config)
            kept: Compressed = method.compress(source, prepared, resolved, self.seed, **seen)
        check(kept, source, resolved, self.method.name)
        return kept

    def _prepare(
        self, spec: MethodSpec, config: Config, source: Source, observed: Observed | None
    ) -> Mapping[str, np.ndarray[Any, Any]] | None:
        base = self.registry.base(spec, config)
        prior = self._prepare(*base, source, observed) if base else None
        if not spec.prepares:
            return prior
        self.on_step(f"preparing {spec.name}")
        extra = {"prior": prior} if prior is not None else {}
        prepared: Mapping[str, np.ndarray[Any, Any]] = self._make(spec, config).prepare(
            source, observed, self.seed, **extra
        )
        return prepared

    @staticmethod
    def _make(spec: MethodSpec, config: Config) -> Any:
        return load_target(spec.target)(config)

    def _observe(self, source: Source) -> Observed:
        from dqbench.nets.build import build
        from dqbench.train.loop import seeded_net, train
        from dqbench.train.predict import predict

        arch, recipe = self.registry.archs[self.observer.arch], self.observer.recipe
        _, height, _, channels = source.images.shape
        self.on_step(f"training the observer {arch.name}, {recipe.epochs} epochs on {len(source)} images")
        net = seeded_net(lambda: build(arch, source.classes, channels, height), self.seed)
        precision = "bf16" if self.device == "cuda" else "fp32"
        train(
            net, np.asarray(source.images), source.labels, recipe,
            seed=self.seed, device=self.device, precision=precision, mean=source.mean, std=source.std,
        )  # fmt: skip
        logits, features = predict(
            net, source.images, device=self.device, precision=precision, mean=source.mean, std=source.std, features=True
        )
        return Observed(features, logits, source.labels, self.device, lambda: net, source.mean, source.std)
