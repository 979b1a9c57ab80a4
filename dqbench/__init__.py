"""dqbench: how little of a dataset do you need to keep, and which method should choose it?

What a plugin author imports, and nothing else. Each name is loaded when it is first used, so that the command takes a
Ctrl-C from the first moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dqbench import deferred

if TYPE_CHECKING:
    from dqbench.api import KeptDataset, compress, load_kept, results, run
    from dqbench.budgets import ResolvedBudget
    from dqbench.compressed import Arrays, Distilled, Subset
    from dqbench.compute import compute_device, scratch_folder
    from dqbench.data.kept import KeptImages
    from dqbench.data.source import Source
    from dqbench.errors import UsageError
    from dqbench.hookspecs import hookimpl
    from dqbench.jobs.stage import StageWork
    from dqbench.observe.observed import Observed
    from dqbench.seeds import derive, generator
    from dqbench.specs import (
        ADDED_LATER,
        ArchSpec,
        Budget,
        Config,
        DatasetSpec,
        JobSpec,
        MethodSpec,
        ObserverSpec,
        Profile,
        Recipe,
        Stage,
        TaskSpec,
    )
    from dqbench.steps import report_step

    __version__: str

_HOMES = {
    **dict.fromkeys(("derive", "generator"), "dqbench.seeds"),
    **dict.fromkeys(("ADDED_LATER", "ArchSpec", "Budget", "Config", "DatasetSpec", "MethodSpec"), "dqbench.specs"),
    **dict.fromkeys(("JobSpec", "ObserverSpec", "Profile", "Recipe", "Stage", "TaskSpec"), "dqbench.specs"),
    "UsageError": "dqbench.errors",
    "hookimpl": "dqbench.hookspecs",
    "Arrays": "dqbench.compressed",
    "Distilled": "dqbench.compressed",
    "KeptDataset": "dqbench.api",
    "KeptImages": "dqbench.data.kept",
    "Observed": "dqbench.observe.observed",
    "ResolvedBudget": "dqbench.budgets",
    "Source": "dqbench.data.source",
    "StageWork": "dqbench.jobs.stage",
    "Subset": "dqbench.compressed",
    "compress": "dqbench.api",
    "compute_device": "dqbench.compute",
    "load_kept": "dqbench.api",
    "report_step": "dqbench.steps",
    "results": "dqbench.api",
    "run": "dqbench.api",
    "scratch_folder": "dqbench.compute",
}

__all__ = [
    "ADDED_LATER",
    "ArchSpec",
    "Arrays",
    "Budget",
    "Config",
    "DatasetSpec",
    "Distilled",
    "JobSpec",
    "KeptDataset",
    "KeptImages",
    "MethodSpec",
    "Observed",
    "ObserverSpec",
    "Profile",
    "Recipe",
    "ResolvedBudget",
    "Source",
    "Stage",
    "StageWork",
    "Subset",
    "TaskSpec",
    "UsageError",
    "compress",
    "compute_device",
    "derive",
    "generator",
    "hookimpl",
    "load_kept",
    "report_step",
    "results",
    "run",
    "scratch_folder",
]

_load = deferred.attributes(_HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dqbench")
    return _load(name)
