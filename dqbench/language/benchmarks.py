"""MMLU, BBH, DROP and HumanEval from local files, as questions with their examples, for lm-eval-harness to ask.

MMLU 5-shot: the subject's first five of the dev part, the likeliest of A to D. BBH 3-shot: the task's three examples
with their answers, without their reasoning; exact match. DROP 3-shot: the first three questions of the file are the
examples; exact match with one of the answers, without case, articles and punctuation. HumanEval: the greedy completion,
which passes the problem's tests or not. The prompts are not those of instruct-eval, with which DQ measured.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import string
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dqbench.errors import UsageError

Question = dict[str, Any]

LETTERS = "ABCD"
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_EXAMPLE = re.compile(
    r"Q: (?P<question>.*?)\nA: (?P<reasoning>.*?)So the answer is (?P<answer>.*?)\.\s*(?=\n\nQ: |\Z)", re.DOTALL
)


def questions(name: str, path: Path) -> list[Question]:
    """The questions of a benchmark: ``prompt`` with its examples, and what scores an answer.

    Raises:
        UsageError: the file is not the benchmark's.
    """
    try:
        found = list(_READERS[name](path))
    except (OSError, EOFError, KeyError, IndexError, ValueError, tarfile.TarError) as error:
        raise UsageError(f"{path} is not the file of {name} that was expected: {error}") from error
    if not found:
        raise UsageError(f"{path} holds no question of {name}")
    return found


def _mmlu(path: Path) -> Iterator[Question]:
    with tarfile.open(path) as archive:
        tables = {member.name: member for member in archive.getmembers() if member.name.endswith(".csv")}
        for name in sorted(each for each in tables if "/test/" in each):
            subject = Path(name).name.removesuffix("_test.csv")
            examples = _rows(archive, tables[name.replace("/test/", "/dev/").replace("_test.csv", "_dev.csv")])[:5]
            start = f"The following are multiple choice questions (with answers) about {subject.replace('_', ' ')}.\n\n"
            shown = "".join(f"{_choices(row)} {LETTERS[int(row['answer'])]}\n\n" for row in examples)
            for row in _rows(archive, tables[name]):
                yield {"part": subject, "prompt": start + shown + _choices(row), "target": int(row["answer"])}


def _rows(archive: tarfile.TarFile, member: tarfile.TarInfo) -> list[dict[str, str]]:
    return list(csv.DictReader(io.TextIOWrapper(_member(archive, member), "utf-8", newline="")))


def _choices(row: Mapping[str, str]) -> str:
    listed = "\n".join(f"{letter}. {row[f'choice{place}']}" for place, letter in enumerate(LETTERS))
    return f"{row['question'].strip()}\n{listed}\nAnswer:"


def _bbh(path: Path) -> Iterator[Question]:
    with tarfile.open(path) as archive:
        members = {member.name: member for member in archive.getmembers()}
        for name in sorted(each for each in members if "/bbh/" in each and each.endswith(".json")):
            task = Path(name).stem
            cot = next(member for each, member in members.items() if each.endswith(f"/cot-prompts/{task}.txt"))
            shown = _examples(_member(archive, cot).read().decode())
            for row in json.load(_member(archive, members[name]))["examples"]:
                yield {"part": task, "prompt": f"{shown}Q: {row['input']}\nA:", "target": str(row["target"]).strip()}


def _examples(text: str) -> str:
    """The task's description and its three examples, answers alone."""
    description = text.partition("\n-----\n")[2].partition("\n\nQ: ")[0].strip()
    found = [(one["question"], one["answer"]) for one in _EXAMPLE.finditer(text)]
    if len(found) != 3:
        raise ValueError(f"{len(found)} examples, not 3")
    return f"{description}\n\n" + "".join(f"Q: {question}\nA: {answer}\n\n" for question, answer in found)


def _drop(path: Path) -> Iterator[Question]:
    if path.suffix == ".json":
        passages = json.loads(path.read_text(encoding="utf-8"))
    else:
        with tarfile.open(path) as archive:
            member = next(one for one in archive.getmembers() if one.name.endswith("drop.json"))
            passages = json.load(_member(archive, member))
    asked = [
        (f"Passage: {passage['passage'].strip()}\nQuestion: {pair['question'].strip()}\nAnswer:", _drop_answers(pair))
        for passage in passages.values()
        for pair in passage["qa_pairs"]
    ]
    asked = [(prompt, answers) for prompt, answers in asked if answers]
    shown = "".join(f"{prompt} {answers[0]}\n\n" for prompt, answers in asked[:3])
    yield from ({"part": "drop", "prompt": shown + prompt, "target": answers} for prompt, answers in asked[3:])


def _drop_answers(pair: Mapping[str, Any]) -> list[str]:
    found = []
    for answer in (pair["answer"], *pair.get("validated_answers", ())):
        date = " ".join(str(answer.get("date", {}).get(part, "")) for part in ("day", "month", "year")).strip()
        found += [text for text in (str(answer.get("number", "")), " ".join(answer.get("spans", ())), date) if text]
    return list(dict.fromkeys(found))


def _human_eval(path: Path) -> Iterator[Question]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            tests = f"{row['test']}\ncheck({row['entry_point']})"
            yield {"part": "humaneval", "prompt": row["prompt"], "target": tests}


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} is no file")
    return file


def matches(said: str, answers: list[str]) -> bool:
    """Whether an answer is one of these, up to case, articles, punctuation and spaces."""
    return plain(said) in {plain(answer) for answer in answers}


def plain(text: str) -> str:
    """A text in small letters without articles, punctuation and repeated spaces."""
    kept = "".join(" " if character in string.punctuation else character for character in text.lower())
    return " ".join(_ARTICLES.sub(" ", kept).split())


_READERS: Mapping[str, Callable[[Path], Iterator[Question]]] = {
    "mmlu": _mmlu,
    "bbh": _bbh,
    "drop": _drop,
    "humaneval": _human_eval,
}
