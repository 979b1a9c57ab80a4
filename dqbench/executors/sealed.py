"""Test images are out of reach of a job's process: hidden where the system can, and refused where Python opens them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.data import seal
from dqbench.data.closed import Closed, closed
from dqbench.data.forbid import forbid
from dqbench.data.seal import SealedError
from dqbench.errors import UsageError
from dqbench.executors import namespace, view
from dqbench.jobs.job import FUNCTIONS

FREE = ("evaluate", "corrupt", "scorelm", "benchmark")
"""Kinds of jobs that read test images or held-out texts; all others are sealed."""

SWITCH = "DQBENCH_SEAL"
"""``hook`` does without a mount namespace; ``auto``, the default, takes one where there is one."""

_MOST_MOUNTS = 2_000


def close(job: Mapping[str, Any], temporary: Path, final: Path) -> str:
    """Seal this process, if its job is of a kind that is; gives how, in words for ``result.json``.

    Args:
        job: its kind and spec.
        temporary: where the artifact is made; a view of the data folder is made beside it where nothing can be hidden.
        final: where the artifact goes.

    Raises:
        UsageError: ``DQBENCH_SEAL`` has no known value.
    """
    seal.forget()  # what the server was refused while it imported plugins is no deed of this job
    if job["kind"] in FREE or (job["kind"] not in FUNCTIONS and job["spec"].get("reads_test") is True):
        return "open"
    names = [job["spec"].get(what, {}).get(name) for what, name in (("source", "dataset"), ("companion", "name"))]
    shut = closed({name for name in names if name}, final.absolute().parent)
    why = _hidden(shut)
    if why:
        room = _view_of(temporary)
        view.make(room, shut)
        os.environ["DQBENCH_DATA"] = str(room)
    forbid(shut)
    return f"audit hook and view ({why})" if why else "mount namespace and audit hook"


def check(cause: BaseException | None = None) -> None:
    """Fail if the job tried to read test images, whatever it made of the refusal.

    Raises:
        SealedError: what it tried to read.
    """
    if seal.refused() and not isinstance(cause, SealedError):
        raise SealedError(
            f"the job tried to read {', '.join(seal.refused())}, which is sealed: only evaluate jobs open test images"
        ) from cause


def remove_view(temporary: Path) -> None:
    """Remove the view that a job had; its links alone, not what they are links to."""
    import shutil

    shutil.rmtree(_view_of(temporary), ignore_errors=True)


def _hidden(shut: Closed) -> str:
    """Hide what is closed; why that cannot be, in words, empty where it is done."""
    wanted = os.environ.get(SWITCH, "") or "auto"
    if wanted not in ("auto", "hook"):
        raise UsageError(f"{SWITCH}={wanted} is neither auto nor hook; unset it to hide test images where that works")
    if wanted == "hook":
        return f"{SWITCH}=hook"
    reason = namespace.unavailable()
    paths = (*shut.folders, *shut.files)
    if not reason and len(paths) > _MOST_MOUNTS:
        reason = f"{len(paths):,} files lie among training images"
    if reason:
        return f"no mount namespace: {reason}"
    try:
        namespace.hide(paths)
    except OSError as error:
        return f"no mount namespace: {error.strerror or error}"
    return ""


def _view_of(temporary: Path) -> Path:
    """Named so that it goes with what its runner leaves half-made; see ``Workspace.temporary``."""
    return temporary.absolute().with_name(f".tmp-data-{temporary.name}")
