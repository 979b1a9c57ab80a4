"""Drives a method as the jobs do, but in memory and on made problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget, resolve
from dqbench.compressed import Compressed
from dqbench.data.source import Source
from dqbench.plugins import Registry
from dqbench.specs import Budget, Config, MethodSpec, load_target
from dqbench.testing import problems

Arrays = dict[str, npt.NDArray[Any]]


@dataclass
class Trial:
    """One method with its options.

    Attributes:
        registry: where the method and the one that it builds on are registered.
        spec: the method.
        config: its options.
        balanced: whether per-class budgets bind it.
    """

    registry: Registry
    spec: MethodSpec
    config: Config
    balanced: bool
    _prepared: dict[tuple[str, int], Arrays | None] = field(default_factory=dict)

    def prepared(self, problem: str, seed: int) -> Arrays | None:
        """What ``compress`` gets; made once for each problem and seed."""
        if (problem, seed) not in self._prepared:
            self._prepared[problem, seed] = prepare(self.registry, self.spec, self.config, problem, seed)
        return self._prepared[problem, seed]

    def compressed(self, problem: str, budget: Budget, seed: int = 0) -> tuple[Compressed, ResolvedBudget]:
        """What the method keeps of a problem, and the budget that it was given."""
        return compress(self.spec, self.config, problem, self.prepared(problem, seed), budget, seed)


def prepare(
    registry: Registry, spec: MethodSpec, config: Config, problem: str, seed: int, largest: Budget | None = None
) -> Arrays | None:
    """The arrays that a method's ``compress`` starts from, read-only; None where it starts from nothing.

    ``largest`` is given to a method that stops there.
    """
    prepared: Arrays | None = None
    for one, options in registry.preparations(spec, config):
        observed = problems.looked_through(problem, one, options)
        named: dict[str, Any] = {} if prepared is None else {"prior": prepared}
        if options.trainings():
            named["train"] = problems.trainer(problem, seed, options.watches() or "dynamics" in one.needs)
        if largest and one is spec and spec.stops:
            named["largest"] = resolve(largest, problems.source(problem).class_counts, seed)
        made: Mapping[str, Any] = make(one, options).prepare(problems.source(problem), observed, seed, **named)
        prepared = {name: _read_only(array) for name, array in made.items()}
    return prepared


def compress(
    spec: MethodSpec,
    config: Config,
    problem: str,
    prepared: Arrays | None,
    budget: Budget,
    seed: int,
    source: Source | None = None,
) -> tuple[Compressed, ResolvedBudget]:
    """What a new instance of the method keeps of a problem, or of ``source`` in its place, and the resolved budget."""
    source = source or problems.source(problem)
    resolved = resolve(budget, source.class_counts, seed)
    seen = {"observed": problems.observed(problem)} if spec.observes_in_compress else {}
    kept: Compressed = make(spec, config).compress(source, prepared, resolved, seed, **seen)
    return kept, resolved


def make(spec: MethodSpec, config: Config) -> Any:
    """A new instance of the method."""
    return load_target(spec.target)(config)


def _read_only(array: Any) -> npt.NDArray[Any]:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy
