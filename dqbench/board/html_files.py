"""The page on disk: written beside the boards, or compared with what the records say now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from dqbench import whole_file
from dqbench.board import html, html_library, html_payload, html_pictures, published
from dqbench.board.files import Difference, boards
from dqbench.board.html_classes import ClassViews
from dqbench.board.html_library import Library
from dqbench.board.reading import Survey, load
from dqbench.board.stamp import Stamp
from dqbench.claims import Claim
from dqbench.data.info import present, read_info
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.plugins import Registry

NAME = "index.html"
EXTRA = "the page needs plotly; run: pip install 'dqbench[html]'"

Render = Callable[[Library], str]


def renderer(
    folder: Path, registry: Registry, closed: bool = False, images: bool = True, claims: Sequence[Claim] = ()
) -> Render:
    """The page of the records below ``folder``, to be made with one plotting library or another.

    Args:
        closed: with kept images of data whose licence does not let anybody show them in public.
        images: with kept images at all. They come from ``artifacts/`` beside ``folder`` and the stored data sets;
            confusions of classes from the predictions there.
        claims: that boards are held against.

    Raises:
        UsageError: records that cannot be used.
    """
    made = boards(load(folder))
    records = [record for found in made.values() for board in found for record in board.section.done.values()]
    artifacts = folder.parent / "artifacts"
    pictures = html_pictures.gather(records, artifacts, registry, closed) if images else html_pictures.none()
    names = {spec.name: spec.class_titles or spec.class_names for spec in registry.datasets}
    content = html_payload.payload(made, published.load(), pictures, ClassViews(artifacts, names), claims)
    return lambda library: html.render(content, library)


def made_from(survey: Survey, registry: Registry, closed: bool, images: bool, claims: Sequence[Claim]) -> str:
    """A digest of all that a page comes from: records, code, claims, the plotting library, kept sets and data."""
    library, artifacts = html_library.installed(), survey.folder.parent / "artifacts"
    sources = sorted(
        (file.name, file.read_text(encoding="utf-8")) for file in (files("dqbench.board") / "page").iterdir()
    )
    data = [info for name in present() if (info := read_info(name))]
    facts = (
        Stamp.of_digests(survey.digests(), [claim.model_dump_json() for claim in claims]),
        (library.version, library.digest) if library else None,
        (closed, images, str(artifacts.resolve())),
        sorted(os.listdir(artifacts)) if artifacts.is_dir() else [],
        [(info.name, info.train_hash, info.test_hash) for info in data],
        [(spec.name, spec.licence, spec.citation, spec.class_names, spec.class_titles) for spec in registry.datasets],
        sources,
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def difference(render: Render, out: Path) -> Difference | None:
    """How the page in ``out`` differs from what it should be.

    The page that is there may carry another release of the plotting library than the installed one; what it must not
    carry is another text under the number of the installed release.
    """
    path = out / NAME
    if not path.is_file():
        return Difference(NAME, "missing")
    page = _read(path)
    inside, installed = html_library.read(page), html_library.installed()
    if inside is None or (installed and installed.version == inside.version and installed.digest != inside.digest):
        return Difference(NAME, "stale")
    return None if render(inside) == page else Difference(NAME, "stale")


def write(render: Render, out: Path) -> Difference | None:
    """Bring the page in ``out`` up to date; gives what was changed.

    Raises:
        UsageError: the extra is missing, the file there was not made by dqbench, or it cannot be written.
    """
    changed = difference(render, out)
    if changed is None:
        return None
    library = html_library.installed()
    if library is None:
        raise UsageError(EXTRA)
    path = out / NAME
    if changed.what == "stale" and path.stat().st_size and html.GENERATED not in _read(path)[:200]:
        raise UsageError(f"{path} was not made by dqbench leaderboard; move it away, or give --out DIR")
    try:
        whole_file.write(path, render(library))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; give --out DIR") from error
    return changed


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
