"""Texts as tokens: what is asked, what is answered, and what a window cuts off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqbench.data.text_source import Text, TextSource
from dqbench.language.prompts import prompt
from dqbench.language.tokens import END, Tokenizer


@pytest.fixture(scope="module")
def tokenizer(source: TextSource) -> Tokenizer:
    return Tokenizer.train(source.texts, 300, "short")


def test_a_sample_is_mark_prompt_answer_mark(tokenizer: Tokenizer, source: TextSource) -> None:
    tokens = tokenizer.encode(source.texts, 128, "short")
    for place, text in enumerate(source.texts):
        run = tokens.run(place)
        asked, answer = run[: tokens.asked[place]], run[tokens.asked[place] :]
        assert (run[0], run[-1]) == (tokenizer.end, tokenizer.end)
        assert tokenizer.inner.decode(asked[1:].tolist()) == prompt(text, "short")
        assert tokenizer.inner.decode(answer[:-1].tolist()) == text.output
        assert tokens.answer_bytes[place] == len(text.output.encode())
    assert not tokens.cut.any()
    assert tokens.answers.sum() + tokens.asked.sum() == len(tokens.ids)


@pytest.mark.parametrize("window", [8, 13, 20, 31])
def test_a_window_cuts_prompts_at_their_beginning_and_answers_at_their_end(
    window: int, tokenizer: Tokenizer, source: TextSource
) -> None:
    whole, cut = tokenizer.encode(source.texts, 512, "short"), tokenizer.encode(source.texts, window, "short")
    assert (cut.lengths <= window).all()
    assert (cut.answers >= 1).all()
    for place, text in enumerate(source.texts):
        before, after = whole.run(place), cut.run(place)
        asked, answer = after[1 : cut.asked[place]], after[cut.asked[place] :]
        assert before[whole.asked[place] - len(asked) : whole.asked[place]].tolist() == asked.tolist()
        assert before[whole.asked[place] :][: len(answer)].tolist() == answer.tolist()
        assert cut.cut[place] == (len(after) < len(before))
        said = tokenizer.inner.decode([one for one in answer.tolist() if one != tokenizer.end])
        if "�" not in said:  # cut inside a character
            assert cut.answer_bytes[place] == len(said.encode())
            assert text.output.startswith(said)


def test_a_mark_inside_a_text_is_plain_characters(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode([Text(f"Say {END}", "", f"{END} again")], 256, "short")
    assert (tokens.ids == tokenizer.end).sum() == 2
    assert tokens.answer_bytes[0] == len(f"{END} again")


def test_training_and_reading_again_give_the_same_tokens(
    tokenizer: Tokenizer, source: TextSource, tmp_path: Path
) -> None:
    digest = Tokenizer.train(source.texts, 300, "short").save(tmp_path)
    again = Tokenizer.read(tmp_path)
    assert tokenizer.save(tmp_path) == digest
    assert len(again) == len(tokenizer) <= 300
    assert np.array_equal(again.encode(source.texts, 64, "short").ids, tokenizer.encode(source.texts, 64, "short").ids)


def test_bytes_that_were_never_seen_are_tokens_too(tokenizer: Tokenizer) -> None:
    text = Text("日本?", "", "はい \x00\t🙂")
    run = tokenizer.encode([text], 256, "short")
    assert tokenizer.inner.decode(run.run(0)[run.asked[0] : -1].tolist()) == text.output
    assert run.answer_bytes[0] == len(text.output.encode())


def test_templates() -> None:
    text = Text("Add.", "1 2", "3")
    assert prompt(text, "short") == "Add.\n\n1 2\n\n"
    framed = prompt(text, "alpaca")
    assert framed.endswith("### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:")
    assert "further context" in framed
    assert "Input" not in prompt(Text("Add.", "", "3"), "alpaca")
    with pytest.raises(ValueError, match="neither short nor alpaca"):
        prompt(text, "chat")
