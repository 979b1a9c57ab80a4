"""What does not go with texts, or with images, is refused before anything runs. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from dqbench.errors import UsageError
from dqbench.plan.request import Request
from dqbench.plan.rows import Row
from dqbench.plugins import Registry
from dqbench.specs import ArchSpec, Data


def check_request(request: Request, task: str, dataset: str, data: Data) -> None:
    """Refuse budgets and regimes that these data do not have.

    Raises:
        UsageError: the first of them.
    """
    if data == "images":
        if request.allow_code:
            raise UsageError(f"--allow-code is for language models; {dataset} of {task} holds images")
        if request.token_budgets:
            raise UsageError(f"--tokens is for texts; {dataset} of {task} holds images: give --keep, --ipc or --bytes")
        return
    asked = {
        "--ipc": request.ipcs, "--bytes": request.byte_budgets, "--best-epoch": request.best_epoch,
        "--recipe": request.recipe, "--labels": set(request.labels) - {"hard"},
    }  # fmt: skip
    wrong = next((name for name, given in asked.items() if given), None)
    if wrong is not None:
        raise UsageError(f"{wrong} is for images with classes; {task} is on texts: give --keep or --tokens")


def check_rows(rows: Sequence[Row], task: str, data: Data, registry: Registry) -> None:
    """Refuse methods that cannot choose from these data, and patches of texts.

    Raises:
        UsageError: the first of them; the message names methods that can.
    """
    for row in rows:
        if row.spec is not None and (unfit := registry.unfit(row.spec, row.config or row.spec.config(), data)):
            fit = ", ".join(spec.name for spec in registry.methods if data in spec.data)
            own = "images or their classes" if data == "texts" else "texts"
            raise UsageError(f"{unfit} needs {own}, and {task} has none; methods for {data}: {fit}")
        if row.pixels is not None and data == "texts":
            raise UsageError(f"texts of {task} have no patches to drop; leave the option drop out")


def check_arch(arch: ArchSpec, data: Data, dataset: str, registry: Registry) -> None:
    """Refuse networks that do not learn from these data.

    Raises:
        UsageError: it does not; the message names those that do.
    """
    if arch.data != data:
        fit = ", ".join(one.name for one in registry.archs if one.data == data)
        raise UsageError(f"arch {arch.name} learns from {arch.data}, and {dataset} holds {data}; archs for them: {fit}")
