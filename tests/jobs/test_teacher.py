"""Teachers: one with its classes in another order, or of another number, is refused, by name and by what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs import teacher as teacher_
from dqbench.testing import problems

torch.set_num_threads(1)
SOURCE = problems.source("even")


class Knows(nn.Module):
    """Answers by looking the image up among the source's, so that it is right where ``right`` says so."""

    def __init__(self, source: Source, answers: np.ndarray, classes: int) -> None:
        super().__init__()
        self.classes = classes
        sums = [image.astype(np.float32).sum().item() for image in source.images]
        self.known = dict(zip(sums, answers.tolist(), strict=True))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        raw = (x * _per_channel(SOURCE.std, x) + _per_channel(SOURCE.mean, x)) * 255
        sums = raw.round().sum(dim=(1, 2, 3)).tolist()
        answers = [self.known[min(self.known, key=lambda known, value=value: abs(known - value))] for value in sums]
        return torch.eye(self.classes)[answers]

    def get_classifier(self) -> nn.Module:
        return nn.Identity()


def _per_channel(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=like.dtype)[None, :, None, None]


def check(answers: np.ndarray, classes: int = 3) -> None:
    teacher_.check_answers(Knows(SOURCE, answers, classes), SOURCE, "cpu", "fp32")


def test_a_right_teacher_teaches() -> None:
    check(SOURCE.labels)


def test_a_weak_teacher_teaches_as_long_as_its_order_is_right() -> None:
    check(np.zeros_like(SOURCE.labels))
    half = SOURCE.labels.copy()
    half[::2] = np.random.default_rng(0).integers(0, 3, len(half[::2]))
    check(half)


@pytest.mark.parametrize("order", [(1, 2, 0), (1, 0, 2), (2, 1, 0)])
def test_a_teacher_that_answers_in_another_order_is_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"another order than made-even's: .* and on 100% if its classes are"):
        check(np.array(order)[SOURCE.labels])


def test_a_teacher_that_answers_another_number_of_classes_is_refused() -> None:
    with pytest.raises(UsageError, match="answers 4 classes, made-even has 3"):
        check(SOURCE.labels, classes=4)


def describe(folder: Path, names: list[str]) -> None:
    teacher_.describe(folder, "digits-mlp", SOURCE)
    facts = json.loads((folder / teacher_.FILE).read_text())
    assert facts["class_names"] == list(SOURCE.class_names)
    (folder / teacher_.FILE).write_text(json.dumps({**facts, "class_names": names}))


def test_names_in_another_order_are_refused(tmp_path: Path) -> None:
    describe(tmp_path, ["class 0", "class 2", "class 1"])
    with pytest.raises(UsageError, match=r"in another order: its class 1 is 'class 2', the source's is 'class 1'"):
        teacher_.check_names(tmp_path, SOURCE)


def test_another_number_of_names_is_refused(tmp_path: Path) -> None:
    describe(tmp_path, ["class 0", "class 1"])
    with pytest.raises(UsageError, match="knows 2 classes, made-even has 3"):
        teacher_.check_names(tmp_path, SOURCE)


def test_the_source_s_own_names_pass_and_missing_ones_say_what_to_do(tmp_path: Path) -> None:
    describe(tmp_path, list(SOURCE.class_names))
    teacher_.check_names(tmp_path, SOURCE)
    (tmp_path / teacher_.FILE).unlink()
    with pytest.raises(UsageError, match=r"does not say which classes its network knows, .* run the command again"):
        teacher_.check_names(tmp_path, SOURCE)
