"""Whatever images the user has on disk, opened as a source."""

from __future__ import annotations

from pathlib import Path

from dqbench.data.folder import FolderSource, open_user_data
from dqbench.data.form_files import CIFAR, IDX, form_of
from dqbench.data.forms import WHAT, form_source, is_form
from dqbench.errors import UsageError


def takes_size(path: Path) -> bool:
    """Whether its images are files, which are decoded to some size, and no arrays."""
    form = form_of(path) if path.exists() else None
    return form not in (IDX, CIFAR) if form is not None else path.is_dir()


def open_any(path: Path, *, size: int | None = None, skip_unreadable: bool = False) -> FolderSource:
    """An image folder, an ``.npz`` file, or another form (:mod:`dqbench.data.forms`), of which the training part.

    Raises:
        UsageError: none of these, or something is wrong in it.
    """
    if not path.exists():
        raise UsageError(f"{path} is not there; give {WHAT}")
    if not is_form(path):
        if not path.is_dir() and path.suffix.lower() != ".npz":
            raise UsageError(f"{path} is none of: {WHAT}")
        return open_user_data(path, size=size, skip_unreadable=skip_unreadable)
    if skip_unreadable:
        raise UsageError(f"--skip-unreadable is for image folders; {path} is none: leave it out")
    return form_source(path, size)
