"""What the overview of all tasks needs of one: small, so that the boards themselves need not stay in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dqbench.board import sentences, text
from dqbench.board.answer import Answer, answer, place, strongest
from dqbench.board.board import Board
from dqbench.board.critical import compared_scores
from dqbench.board.verdicts import Judged, judge_all
from dqbench.claims import Claim
from dqbench.records import Trust


@dataclass(frozen=True)
class Listed:
    """One section in the list of boards: its title, whether it is of the profile ``smoke``, and its cells."""

    title: str
    smoke: bool
    done: int
    failed: int


@dataclass(frozen=True)
class Summary:
    """One task.

    Attributes:
        task: its name.
        sections: in the order of its board.
        answer: from its strongest section; None where nothing is compared, or nothing but ``smoke`` was run.
        place: of that answer among others; last likewise.
        scores: by regime of labels, what critical differences are over.
        judged: the verdicts on its claims.
        trusts: its records by what they say of who vouches for them.
    """

    task: str
    sections: tuple[Listed, ...]
    answer: Answer | None
    place: tuple[int, bool]
    scores: Mapping[str, Mapping[str, float]]
    judged: tuple[Judged, ...]
    trusts: Mapping[Trust, int]

    @classmethod
    def of(cls, task: str, boards: Sequence[Board], claims: Sequence[Claim] = ()) -> Summary:
        """The summary of a task's boards."""
        best = strongest({task: boards}).get(task)
        found = [board.section for board in boards]
        return cls(
            task=task,
            sections=tuple(
                Listed(sentences.title(s.setting), s.setting.profile == "smoke", len(s.done), len(s.failed))
                for s in found
            ),
            answer=answer(best) if best else None,
            place=place(best.section) if best else (0, True),
            scores=compared_scores(boards),
            judged=tuple(judge_all([claim for claim in claims if claim.task == task], {task: boards})),
            trusts=Counter(entry.record.trust for section in found for entry in section.entries),
        )


def answers(summaries: Sequence[Summary]) -> list[Answer]:
    """The answers of several tasks, in the order of :func:`dqbench.board.answer.answers`."""
    ordered = sorted(summaries, key=lambda one: (*one.place, one.task))
    return [one.answer for one in ordered if one.answer]


def trust(summaries: Sequence[Summary]) -> str:
    """Who vouches for the records of all tasks, in one sentence."""
    counts: Counter[Trust] = sum((Counter(one.trusts) for one in summaries), Counter())
    said = [f"{counts['measured']:,} of {text.plural(counts.total(), 'record')} say measured"]
    said += [f"{counts[one]:,} {one}" for one in ("verified", "claimed") if counts[one]]
    return (
        f"{text.listing(said)}. What says measured is vouched for by nothing but the run that made it and whoever put "
        "its file here; results of others come as bundles, and are claimed until they were run again here."
    )


def judged(summaries: Sequence[Summary], claims: Sequence[Claim]) -> list[Judged]:
    """The verdicts on all claims in their order, those of tasks without records among them."""
    there = {one.task for one in summaries}
    found = [verdict for one in summaries for verdict in one.judged]
    found += judge_all([claim for claim in claims if claim.task not in there], {})
    return [verdict for claim in claims for verdict in found if verdict.claim == claim]
