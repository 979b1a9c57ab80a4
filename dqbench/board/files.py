"""Boards on disk: written, or compared with what the records say now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dqbench import whole_file
from dqbench.board import claim_words, csv, forest, latex, markdown, published
from dqbench.board.answer import answers, strongest
from dqbench.board.board import Board, build
from dqbench.board.critical import critical_differences
from dqbench.board.reading import Entry, digests, load
from dqbench.board.sections import Section, split
from dqbench.board.stamp import Stamp, without_maker
from dqbench.board.verdicts import Judged, judge_all
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
    folder: Path, task: str | None = None, out: Path | None = None, claims: Sequence[Claim] = ()
) -> dict[str, str]:
    """The text of every board file from the records below ``folder``, by file name.

    With ``task``, that task's files alone; the overview and the page of claims need them all. With ``out``, boards
    there that are intact and were made by this dqbench from the same records and claims are taken as they are.

    Raises:
        UsageError: records that cannot be used, or none of that task.
    """
    words = [claim.model_dump_json() for claim in claims]
    every = Stamp.of_digests(digests(folder), words) if task is None else None
    if every and out and (there := _all_as_they_are(every, out)):
        return there
    sections = by_task(load(folder, task))
    if task is not None and task not in sections:
        raise UsageError(f"{folder} has no record of task {task!r}; run: dqbench run --task {task}")
    texts: dict[str, str] = {}
    for name, found in sections.items():
        stamp = Stamp.of(found, words)
        texts |= (_as_they_are(name, stamp, out) if out else None) or _made(name, found, stamp, claims)
    if every:
        judged = judge_all(claims, _weighty(sections, claims))
        if any(one.verdict != "not measured" for one in judged):
            body = claim_words.page(judged)
            texts[CLAIMS] = every.line(body) + body
        body = _overview(sections, judged, texts)
        texts[OVERVIEW] = every.line(body, *_in_order(texts)) + body
    return texts


def _weighty(sections: Mapping[str, Sequence[Section]], claims: Sequence[Claim]) -> dict[str, list[Board]]:
    """The boards that some claim may be judged on."""
    places = {(claim.task, profile, claim.labels) for claim in claims for profile in claim.profiles}
    return {
        task: [build(s) for s in found if (task, s.setting.profile, s.setting.labels) in places]
        for task, found in sections.items()
    }


def overview(entries: Iterable[Entry]) -> str:
    """The overview of all tasks."""
    return _overview(by_task(entries))


def _overview(
    sections: Mapping[str, list[Section]], judged: Sequence[Judged] = (), pictures: Collection[str] = ()
) -> str:
    paper = {task: [s for s in found if s.setting.profile == "paper"] for task, found in sections.items()}
    criticals = critical_differences({task: [build(section) for section in found] for task, found in paper.items()})
    best = {task: build(found) for task, ones in sections.items() if (found := strongest(ones))}
    return markdown.overview(sections, criticals, answers(best), judged, pictures)


def by_task(entries: Iterable[Entry]) -> dict[str, list[Section]]:
    """The sections of each task."""
    found: dict[str, list[Section]] = {}
    for section in split(entries):
        found.setdefault(section.setting.task, []).append(section)
    return found


def names_of(task: str) -> dict[str, str]:
    """The files of a task's board by format."""
    return {kind: f"{task}.{kind}" for kind in ("md", "csv", "tex", "svg")}


def _made(task: str, sections: Iterable[Section], stamp: Stamp, claims: Sequence[Claim]) -> dict[str, str]:
    known, found = published.load(), [build(section) for section in sections]
    names = names_of(task)
    pictured = _pictured(found)
    others = {
        names["csv"]: csv.document(found, known),
        names["tex"]: latex.document(task, found, known),
        names["svg"]: forest.picture(pictured) if pictured else "",
    }
    others = {name: text for name, text in others.items() if text}
    picture = (pictured, names["svg"]) if pictured and names["svg"] in others else None
    body = markdown.document(task, found, known, judge_all(claims, {task: found}), picture)
    return {names["md"]: stamp.line(body, *others.values()) + body, **others}


def _pictured(found: Sequence[Board]) -> Board | None:
    """The board that a task's picture is of: the strongest."""
    best = strongest(board.section for board in found)
    return next((board for board in found if board.section is best), None)


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
