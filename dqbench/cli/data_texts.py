"""``dqbench data import`` for files of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench.cli.state import State
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.data.info import DatasetInfo
    from dqbench.specs import DatasetSpec


def are_texts(spec: DatasetSpec | None, sources: Sequence[Path]) -> bool:
    """Whether the data set is one of texts, or the files are, by their names."""
    from dqbench.data.form_files import has_images
    from dqbench.data.text_files import is_text_file

    def of_texts(path: Path) -> bool:
        return is_text_file(path) and not path.is_dir() and not has_images(path)

    return spec.form == "texts" if spec else all(map(of_texts, sources))


def one_source(sources: Sequence[Path]) -> Path:
    """The one folder or file of a data set of images.

    Raises:
        UsageError: several.
    """
    if len(sources) > 1:
        raise UsageError(f"several files are for texts only; give one folder or .npz file, not {len(sources)}")
    return sources[0]


def import_texts(
    state: State,
    name: str,
    files: Sequence[Path],
    spec: DatasetSpec | None,
    test_share: float | None,
    for_images: Mapping[str, Any],
) -> tuple[DatasetInfo, list[str]]:
    """Import files of texts; gives what was stored and what there is to know of it.

    Args:
        for_images: options that texts do not take, by name, with what was given.

    Raises:
        UsageError: one of these was given, or the files are not usable.
    """
    from dqbench.data.text_import import import_texts as import_

    given = [name for name, value in for_images.items() if value]
    if given:
        raise UsageError(f"{given[0]} is for images; {files[0]} holds texts")
    with state.messages.status(f"importing {', '.join(map(str, files))}"):
        return import_(name, files, spec, test_share)
