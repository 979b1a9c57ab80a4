"""dqbench: how little of a dataset do you need to keep, and which method should choose it?

What a plugin author imports, and nothing else; names that need NumPy or torch load it when first used.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from dqbench.errors import UsageError
from dqbench.hookspecs import hookimpl
from dqbench.seeds import derive, generator
from dqbench.specs import (
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
    from dqbench.api import KeptDataset, compress, run
    from dqbench.budgets import ResolvedBudget
    from dqbench.compressed import Distilled, Subset
    from dqbench.data.source import Source
    from dqbench.observe.observed import Observed

_LAZY = {
    "Distilled": "dqbench.compressed",
    "KeptDataset": "dqbench.api",
    "Observed": "dqbench.observe.observed",
    "ResolvedBudget": "dqbench.budgets",
    "Source": "dqbench.data.source",
    "Subset": "dqbench.compressed",
    "compress": "dqbench.api",
    "run": "dqbench.api",
}

__version__ = version("dqbench")

__all__ = [
    "ArchSpec",
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
    "derive",
    "generator",
    "hookimpl",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
