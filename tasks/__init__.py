"""The built-in tasks, one file each; they come in by the entry point ``tasks`` like a stranger's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dqbench.hookspecs import hookimpl
from dqbench.specs import TaskSpec


@hookimpl
def dqbench_tasks() -> Iterable[TaskSpec]:
    """Yield the built-in tasks."""
    from dqbench.tasks import (
        ade20k_seg,
        alpaca_instruct,
        cifar10_probe,
        cifar10_xarch,
        cifar10c_robust,
        cifar100_xarch,
        coco_det,
        digits_probe,
        digits_xarch,
        folder_xarch,
        imagenet1k_xarch,
        imagenet10_xarch,
        imagenet100_xarch,
        imagenette_xarch,
        imagewoof_xarch,
        tinyimagenet_xarch,
    )

    yield ade20k_seg.TASK
    yield alpaca_instruct.TASK
    yield cifar10_probe.TASK
    yield cifar10_xarch.TASK
    yield cifar10c_robust.TASK
    yield cifar100_xarch.TASK
    yield coco_det.TASK
    yield digits_probe.TASK
    yield digits_xarch.TASK
    yield folder_xarch.TASK
    yield imagenet1k_xarch.TASK
    yield imagenet10_xarch.TASK
    yield imagenet100_xarch.TASK
    yield imagenette_xarch.TASK
    yield imagewoof_xarch.TASK
    yield tinyimagenet_xarch.TASK


@hookimpl
def dqbench_claims() -> Iterable[Path]:
    """Yield what the papers behind the built-in methods claim about these tasks."""
    from dqbench import published

    yield Path(str(published.__file__)).with_name("claims.yaml")
