"""``--data``: the user's own images as the data set of the tasks that ask for them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dqbench.data.info import DatasetInfo
from dqbench.errors import UsageError
from dqbench.placeless import placeless
from dqbench.specs import OWN_DATA, Profile, TaskSpec

Progress = Callable[[int, int], None]
"""Called with how many images are done, of how many."""


@dataclass(frozen=True)
class OwnData:
    """The user's images.

    Attributes:
        dataset: their name in the store, with a hash of what they hold.
        words: the options that asked for them, with the way to the folder or file below the current one.
        listed: what is known of them before they are imported; None where they are.
        take_in: imports them; it is called with what to call after each image, or None.
    """

    dataset: str
    words: str
    listed: DatasetInfo | None = None
    take_in: Callable[[Progress | None], DatasetInfo] | None = None

    def imported(self, progress: Progress | None = None) -> OwnData:
        """The same images, in the store.

        Raises:
            UsageError: an unreadable image, or a data folder that cannot be written.
        """
        if self.take_in is None or self.listed is None:
            return self
        return OwnData(self.take_in(progress).name, self.words)


def find_own(
    path: Path | None, size: int | None, tasks: Iterable[TaskSpec], skip_unreadable: bool = False
) -> OwnData | None:
    """The images that ``--data`` names, where one of the tasks asks for some. Nothing is imported.

    Raises:
        UsageError: no task asks for it, one does and there is none, or the data is not usable.
    """
    asking = [task.name for task in tasks if task.dataset == OWN_DATA]
    if path is None:
        if asking:
            raise UsageError(f"task {asking[0]} runs on your own images; give --data DIR or --data FILE.npz")
        if size is not None or skip_unreadable:
            raise UsageError(
                "--size and --skip-unreadable are for a folder given by --data; give one, or leave them out"
            )
        return None
    if not asking:
        raise UsageError(f"--data {path} is for tasks on your own images; add --task folder-xarch")
    from dqbench.data.folder import DEFAULT_SIZE
    from dqbench.data.own import import_own, list_own

    if (size is not None or skip_unreadable) and path.suffix.lower() == ".npz":
        raise UsageError(f"--size and --skip-unreadable are for image folders; {path} is none")
    words = [f"--data {shlex.quote(placeless(path))}"]
    words += [f"--size {size}"] if size else []
    words += ["--skip-unreadable"] if skip_unreadable else []
    side = DEFAULT_SIZE if size is None else size
    found, is_there = list_own(path, size=side)
    if is_there:
        return OwnData(found.name, " ".join(words))
    take_in = partial(import_own, path, side, skip_unreadable)
    return OwnData(found.name, " ".join(words), found, take_in)


def dataset_of(task: TaskSpec, profile: Profile, own: OwnData | None) -> str:
    """The name of the data set that a task runs on at a profile.

    Raises:
        UsageError: it runs on the user's own images, and there are none.
    """
    if task.dataset != OWN_DATA:
        return profile.dataset or task.dataset
    if own is None:
        raise UsageError(f"task {task.name} runs on your own images; give --data DIR or --data FILE.npz")
    return own.dataset
