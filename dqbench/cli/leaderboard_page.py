"""The HTML page of ``dqbench leaderboard``: written or checked beside the other boards, left out without its extra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dqbench.board.files import Difference
    from dqbench.board.index import Index
    from dqbench.board.reading import Survey
    from dqbench.claims import Claim
    from dqbench.cli.state import State


MOST_RECORDS = 20_000
"""More make a page of more than 60 MB, which is slow to open: it is made on request."""


def page(
    state: State,
    survey: Survey,
    target: Path,
    index: Index | None,
    *,
    wanted: bool | None,
    images: bool | None,
    public: bool,
    claims: Sequence[Claim] = (),
) -> list[Difference]:
    """Write the page of the records that were found, or check it; gives how it differed.

    Args:
        index: what is known of the page that is there; None to check it.
        wanted: None for a page where the extra ``html`` is installed and there are not too many records, and a word
            about it where it is not made.
        images: None for all kept images, or, where the page is ``public``, those of openly licensed data.
        claims: that boards are held against.

    Raises:
        UsageError: the page is wanted and the extra is missing, or records cannot be used.
    """
    from dqbench.board import html_files

    if wanted is False:
        return []
    why = "" if wanted else _why_not(survey)
    if why and not (index is None and (target / html_files.NAME).is_file()):
        state.warn(f"no {html_files.NAME}: {why}")
        return []
    closed, shown = not public if images is None else images, images is not False
    made_from = html_files.made_from(survey, state.registry(), closed, shown, claims)
    if index and index.has_page(made_from, target / html_files.NAME):
        return []
    render = html_files.renderer(survey.folder, state.registry(), closed, shown, claims)
    found = html_files.write(render, target) if index else html_files.difference(render, target)
    if index:
        index.note_page(made_from, target / html_files.NAME)
    return [found] if found else []


def _why_not(survey: Survey) -> str:
    from dqbench.board import html_files, html_library

    count = sum(map(len, survey.tasks.values()))
    if count > MOST_RECORDS:
        return f"a page of {count:,} records is slow to open; --html makes it"
    return "" if html_library.installed() else html_files.EXTRA
