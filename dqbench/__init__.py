"""dqbench: how little of a dataset do you need to keep, and which method should choose it?

What a plugin author imports, and nothing else; names that need NumPy or torch load it when first used.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from dqbench import deferred
from dqbench.errors import UsageError
from dqbench.hookspecs import hookimpl
from dqbench.seeds import derive, generator
from dqbench.specs import (
    ADDED_LATER,
    ArchSpec,
    Budget,
    Config,
    DatasetSpec,
    MethodSpec,
    ObserverSpec,
    Profile,
    Recipe,
    TaskSpec,
)

if TYPE_CHECKING:
    from dqbench.api import KeptDataset, compress, results, run
    from dqbench.budgets import ResolvedBudget
    from dqbench.compressed import Arrays, Distilled, Subset
    from dqbench.compute import compute_device, scratch_folder
    from dqbench.data.source import Source
    from dqbench.observe.observed import Observed
    from dqbench.steps import report_step

_HOMES = {
    "Arrays": "dqbench.compressed",
    "Distilled": "dqbench.compressed",
    "KeptDataset": "dqbench.api",
    "Observed": "dqbench.observe.observed",
    "ResolvedBudget": "dqbench.budgets",
    "Source": "dqbench.data.source",
    "Subset": "dqbench.compressed",
    "compress": "dqbench.api",
    "compute_device": "dqbench.compute",
    "report_step": "dqbench.steps",
    "results": "dqbench.api",
    "run": "dqbench.api",
    "scratch_folder": "dqbench.compute",
}

__version__ = version("dqbench")

__all__ = [
    "ADDED_LATER",
    "ArchSpec",
    "Arrays",
    "Budget",
    "Config",
    "DatasetSpec",
    "Distilled",
    "KeptDataset",
    "MethodSpec",
    "Observed",
    "ObserverSpec",
    "Profile",
    "Recipe",
    "ResolvedBudget",
    "Source",
    "Subset",
    "TaskSpec",
    "UsageError",
    "compress",
    "compute_device",
    "derive",
    "generator",
    "hookimpl",
    "report_step",
    "results",
    "run",
    "scratch_folder",
]

__getattr__ = deferred.attributes(_HOMES)
