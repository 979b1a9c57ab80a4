"""Boards on disk: written, or compared with what the records say now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dqbench import whole_file
from dqbench.board import claim_words, csv, forest, latex, markdown, published
from dqbench.board.answer import strongest
from dqbench.board.board import Board, build
from dqbench.board.critical import over_tasks
from dqbench.board.index import Index
from dqbench.board.reading import Entry, Seen, Survey, entries, uncollected
from dqbench.board.sections import Section, split
from dqbench.board.stamp import Stamp, without_maker
from dqbench.board.summary import Summary, judged
from dqbench.board.verdicts import judge_all
from dqbench.claims import Claim
from dqbench.errors import UsageError

OVERVIEW, CLAIMS = "README.md", "claims.md"


@dataclass(frozen=True)
class Difference:
    """A board file that does not say what the records say: ``stale``, ``missing`` or ``extra``."""

    name: str
    what: str


def boards(entries: Iterable[Entry]) -> dict[str, list[Board]]:
    """The boards of each task."""
    return {task: [build(section) for section in sections] for task, sections in by_task(entries).items()}


def generate(
    records: Survey | Path,
    task: str | None = None,
    out: Path | None = None,
    claims: Sequence[Claim] = (),
    index: Index | None = None,
) -> dict[str, str]:
    """The text of every board file from records, by file name; task by task, so that one task's are in memory at once.

    With ``task``, that task's files alone; the overview and the page of claims need them all. With ``out``, boards
    there that are intact and were made by this dqbench from the same records and claims are taken as they are.

    Args:
        records: the folder, or what was found in it.
        index: what is known of tasks from before, and noted for the next time.

    Raises:
        UsageError: records that cannot be used, or none of that task.
    """
    survey = records if isinstance(records, Survey) else Survey.of(records, task)
    if task is not None and not survey.unchanged(task):
        raise UsageError(f"{survey.folder} has no record of task {task!r}; run: dqbench run --task {task}")
    words = [claim.model_dump_json() for claim in claims]
    every = Stamp.of_digests(survey.digests(), words) if task is None else None
    if every and out and (there := _all_as_they_are(every, out)):
        return there
    texts: dict[str, str] = {}
    summaries = []
    for name in [one for one in survey.tasks if survey.unchanged(one)]:
        seen = survey.unchanged(name)
        stamp = Stamp.of_digests((one.digest for one in seen), words)
        with uncollected():
            made, summary = _task(name, seen, stamp, out, claims, index)
        texts |= made
        summaries.append(summary)
    return texts | _over_all(texts, summaries, every, claims) if every else texts


def _task(
    name: str,
    seen: Sequence[Seen],
    stamp: Stamp,
    out: Path | None,
    claims: Sequence[Claim],
    index: Index | None,
) -> tuple[dict[str, str], Summary]:
    """The files of a task and what the overview says of it, taken as they are where they need not be made."""
    there = _as_they_are(name, stamp, out) if out else None
    summary = index.summary(name, stamp) if index else None
    if there is None or summary is None:
        found = [build(section) for section in split(entries(name, seen))]
        summary = Summary.of(name, found, claims)
        there = there or _made(name, found, stamp, claims)
        if index:
            index.note(name, stamp, summary)
    return there, summary


def _over_all(
    texts: Mapping[str, str], summaries: Sequence[Summary], every: Stamp, claims: Sequence[Claim]
) -> dict[str, str]:
    found, made = judged(summaries, claims), dict(texts)
    if any(one.verdict != "not measured" for one in found):
        body = claim_words.page(found)
        made[CLAIMS] = every.line(body) + body
    body = markdown.overview(summaries, over_tasks({one.task: one.scores for one in summaries}), found, made)
    made[OVERVIEW] = every.line(body, *_in_order(made)) + body
    return made


def overview(entries: Iterable[Entry]) -> str:
    """The overview of all tasks."""
    summaries = [Summary.of(task, found) for task, found in boards(entries).items()]
    return markdown.overview(summaries, over_tasks({one.task: one.scores for one in summaries}))


def by_task(entries: Iterable[Entry]) -> dict[str, list[Section]]:
    """The sections of each task."""
    found: dict[str, list[Section]] = {}
    for section in split(entries):
        found.setdefault(section.setting.task, []).append(section)
    return found


def names_of(task: str) -> dict[str, str]:
    """The files of a task's board by format."""
    return {kind: f"{task}.{kind}" for kind in ("md", "csv", "tex", "svg")}


def _made(task: str, found: Sequence[Board], stamp: Stamp, claims: Sequence[Claim]) -> dict[str, str]:
    known, names = published.load(), names_of(task)
    pictured = _pictured(task, found)
    others = {
        names["csv"]: csv.document(found, known),
        names["tex"]: latex.document(task, found, known),
        names["svg"]: forest.picture(pictured) if pictured else "",
    }
    others = {name: text for name, text in others.items() if text}
    picture = (pictured, names["svg"]) if pictured and names["svg"] in others else None
    body = markdown.document(task, found, known, judge_all(claims, {task: found}), picture)
    return {names["md"]: stamp.line(body, *others.values()) + body, **others}


def _pictured(task: str, found: Sequence[Board]) -> Board | None:
    """The board that a task's picture is of: the strongest."""
    return strongest({task: found}).get(task)


def _as_they_are(task: str, stamp: Stamp, out: Path) -> dict[str, str] | None:
    texts = {name: read for name in names_of(task).values() if (read := _read(out / name))}
    if not texts:
        return None
    first, *others = texts.values()
    line, _, body = first.partition("\n")
    return texts if line + "\n" == stamp.line(body, *others) else None


def _all_as_they_are(stamp: Stamp, out: Path) -> dict[str, str] | None:
    """Every file, where the overview says that these are they."""
    texts = {name: _read(out / name) for name in _generated(out)}
    line, _, body = texts.get(OVERVIEW, "").partition("\n")
    others = {name: text for name, text in texts.items() if name != OVERVIEW}
    made = all(stamp.maker in text.partition("\n")[0] for name, text in others.items() if name.endswith(".md"))
    return texts if others and made and line + "\n" == stamp.line(body, *_in_order(others)) else None


def _in_order(texts: Mapping[str, str]) -> list[str]:
    """Without their makers, so that the overview stays as it is where another dqbench makes the same boards."""
    return [without_maker(texts[name]) for name in sorted(texts)]


def differences(texts: Mapping[str, str], out: Path, whole: bool = True, exact: bool = False) -> list[Difference]:
    """How the files in ``out`` differ from ``texts``; extra ones are looked for if these are all (``whole``).

    Which dqbench made a board is no difference, unless ``exact``.
    """
    found = []
    for name, text in sorted(texts.items()):
        path = out / name
        there = _read(path)
        if not path.is_file():
            found.append(Difference(name, "missing"))
        elif there != text and (exact or without_maker(there) != without_maker(text)):
            found.append(Difference(name, "stale"))
    extra = _generated(out) - set(texts) if whole else set()
    return found + [Difference(name, "extra") for name in sorted(extra)]


def write(texts: Mapping[str, str], out: Path, whole: bool = True) -> list[Difference]:
    """Bring the files in ``out`` up to date, and remove generated ones without records; gives what was changed.

    Raises:
        UsageError: a file there that dqbench did not make, or a folder that cannot be written; each board is then
            what it was or what it should be, never a part of it.
    """
    changed = differences(texts, out, whole, exact=True)
    try:
        for difference in changed:
            path = out / difference.name
            if difference.what == "stale" and path.stat().st_size and difference.name not in _generated(out):
                raise UsageError(f"{path} was not made by dqbench leaderboard; move it away, or give --out DIR")
            if difference.what == "extra":
                path.unlink()
                continue
            whole_file.write(path, texts[difference.name])
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; give --out DIR") from error
    return changed


def _generated(out: Path) -> set[str]:
    """Names of the files that dqbench made: by their first line, or the first columns of a board's CSV."""
    starts = {
        ".md": markdown.GENERATED,
        ".svg": forest.GENERATED,
        ".tex": latex.GENERATED,
        ".csv": ",".join(csv.COLUMNS[:9]) + ",",
    }
    return {
        path.name
        for suffix, start in starts.items()
        for path in out.glob(f"*{suffix}")
        if not path.name.startswith(".") and _read(path).startswith(start)
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
