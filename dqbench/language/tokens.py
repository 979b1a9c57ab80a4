"""Texts as tokens: a byte-level BPE trained on the training part, and every sample as prompt, answer and end mark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.text_source import Text
from dqbench.errors import UsageError
from dqbench.hashing import sha256_of
from dqbench.language.checkpoint import read_tokenizer
from dqbench.language.library import load
from dqbench.language.prompts import prompt

END = "<|end|>"
"""The mark before each prompt and after each answer."""

FILE, _MARK = "tokenizer.json", "mark.json"

_AT_ONCE = 1000


@dataclass(frozen=True)
class Tokens:
    """Samples as runs of token ids.

    Attributes:
        ids: all runs one after the other, shape (t,), int32.
        starts: where each run begins, and t, shape (n + 1,), int64.
        asked: tokens of each run that are no answer: the mark and the prompt, shape (n,), int64.
        answer_bytes: bytes of the answer that the run holds, shape (n,), int64.
        cut: whether the run lacks some of the sample, which was longer than the window, shape (n,), bool.
    """

    ids: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    asked: npt.NDArray[np.int64]
    answer_bytes: npt.NDArray[np.int64]
    cut: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.asked)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each run, shape (n,), int64."""
        return np.diff(self.starts)

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """Tokens of each run that are learned and scored, the end mark among them, shape (n,), int64."""
        return self.lengths - self.asked

    def run(self, place: int) -> npt.NDArray[np.int32]:
        """The ids of one sample."""
        return self.ids[self.starts[place] : self.starts[place + 1]]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Plain arrays by name, to be stored."""
        return {name: getattr(self, name) for name in ("ids", "starts", "asked", "answer_bytes", "cut")}


class Tokenizer:
    """A tokenizer of the ``tokenizers`` library with a mark that stands before each prompt and after each answer.

    Args:
        inner: the library's tokenizer.
        end: the id of the mark.
    """

    def __init__(self, inner: Any, end: int) -> None:
        self.inner, self.end = inner, end

    @classmethod
    def train(cls, texts: Iterable[Text], vocabulary: int, template: str) -> Tokenizer:
        """A byte-level BPE of ``vocabulary`` tokens, the 256 bytes and :data:`END` among them."""
        tokenizers = load("tokenizers")
        inner = tokenizers.Tokenizer(tokenizers.models.BPE())
        inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[END],
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        inner.train_from_iterator((prompt(text, template) + text.output for text in texts), trainer)
        return cls(inner, inner.token_to_id(END))

    @classmethod
    def of_checkpoint(cls, folder: Path) -> Tokenizer:
        """That of a checkpoint, whose own end mark is the mark.

        Raises:
            UsageError: it has no end mark, or the library does not know its kind.
        """
        found = read_tokenizer(folder)
        if found.eos_token_id is None or not hasattr(found, "backend_tokenizer"):
            raise UsageError(f"the tokenizer in {folder} has no end mark, or is none that the tokenizers library reads")
        return cls(found.backend_tokenizer, int(found.eos_token_id))

    @classmethod
    def read(cls, folder: Path) -> Tokenizer:
        """The tokenizer that :meth:`save` wrote."""
        end = json.loads((folder / _MARK).read_text(encoding="utf-8"))["end"]
        return cls(load("tokenizers").Tokenizer.from_file(str(folder / FILE)), int(end))

    def save(self, folder: Path) -> str:
        """Write ``tokenizer.json`` and the mark; gives the sha256 of the former."""
        self.inner.save(str(folder / FILE))
        (folder / _MARK).write_text(json.dumps({"end": self.end}) + "\n", encoding="utf-8")
        return sha256_of(folder / FILE)

    def __len__(self) -> int:
        return int(self.inner.get_vocab_size())

    def encode(self, texts: Sequence[Text], window: int, template: str) -> Tokens:
        """Each text as mark, prompt, answer, mark in at most ``window`` tokens.

        A prompt that is longer than half of what there is room for loses its beginning, then an answer that does not
        fit its end, with the mark. Prompt and answer are split into tokens apart.
        """
        prompts = self._encoded([prompt(text, template) for text in texts])
        answers = self._encoded([text.output for text in texts])
        pairs = zip(texts, prompts, answers, strict=True)
        runs = [self._run(text.output, asked, answer, window) for text, (asked, _), answer in pairs]
        lengths = np.array([len(run.asked) + len(run.answer) for run in runs], dtype=np.int64)
        return Tokens(
            ids=np.concatenate([np.array([*run.asked, *run.answer], dtype=np.int32) for run in runs]),
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            asked=np.array([len(run.asked) for run in runs], dtype=np.int64),
            answer_bytes=np.array([run.answer_bytes for run in runs], dtype=np.int64),
            cut=np.array([run.cut for run in runs], dtype=bool),
        )

    def _encoded(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
        """The ids of each text, and at which character each ends; a mark that a text holds is plain characters."""
        self.inner.encode_special_tokens = True
        self.inner.no_truncation()
        for start in range(0, len(texts), _AT_ONCE):  # an Encoding takes a hundred times the memory of its ids
            found = self.inner.encode_batch(list(texts[start : start + _AT_ONCE]), add_special_tokens=False)
            yield from ((each.ids, [stop for _, stop in each.offsets]) for each in found)

    def _run(self, output: str, asked: list[int], answer: tuple[list[int], list[int]], window: int) -> _Run:
        ids, stops = answer
        room = window - 2
        kept = asked[-max(room - len(ids), room // 2) :]
        left = ids[: window - 1 - len(kept)]
        ended = len(kept) + len(left) + 2 <= window
        whole = len(left) == len(ids)
        size = len((output if whole else output[: stops[len(left) - 1]]).encode())
        complete = whole and ended and len(kept) == len(asked)
        return _Run([self.end, *kept], [*left, *([self.end] if ended else [])], size, not complete)


@dataclass(frozen=True)
class _Run:
    asked: list[int]
    answer: list[int]
    answer_bytes: int
    cut: bool
