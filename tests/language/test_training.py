"""Small language models: losses against the textbook, training that learns, goes on and repeats itself."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dqbench.data.text_source import TextSource
from dqbench.language import model as models
from dqbench.language.scoring import bits_per_byte, metrics
from dqbench.language.tokens import Tokenizer, Tokens
from dqbench.language.training import LanguageSetup, batches, train
from dqbench.specs import LanguageRecipe, Recipe
from dqbench.train.loop import seeded_net

RECIPE = Recipe(
    name="test",
    epochs=4,
    batch_size=8,
    optimizer="adamw",
    lr=1e-2,
    weight_decay=0.0,
    language=LanguageRecipe(window=48, vocabulary=300),
)
SETUP = LanguageSetup(RECIPE, 0, "cpu", "fp32")


@pytest.fixture(scope="module", autouse=True)
def tiny() -> None:
    """A model of one layer, so that tests are fast."""
    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "SHAPES", {"tiny": shape})
        yield


@pytest.fixture(scope="module")
def tokens(source: TextSource) -> Tokens:
    return Tokenizer.train(source.texts, 300, "short").encode(source.texts, 48, "short")


def build(seed: int = 0) -> nn.Module:
    return seeded_net(lambda: models.build("tiny", 300, 48, 0), seed)


@pytest.mark.parametrize("alone", [False, True])
def test_losses_are_those_of_each_sample_on_its_own(tokens: Tokens, alone: bool) -> None:
    net = build().eval()
    found = models.summed_losses(net, tokens, "cpu", "fp32", alone)
    for place in range(0, len(tokens), 5):
        run, asked = tokens.run(place), int(tokens.asked[place])
        run, asked = (np.concatenate([run[:1], run[asked:]]), 1) if alone else (run, asked)
        ids = torch.from_numpy(run.astype(np.int64))[None]
        with torch.no_grad():
            log_p = net(input_ids=ids).logits[0].double().log_softmax(dim=1)
        expected = -sum(log_p[at - 1, ids[0, at]].item() for at in range(asked, len(run)))
        assert found[place] == pytest.approx(expected, rel=1e-4)


def test_a_model_that_guesses_pays_for_every_token(tokens: Tokens) -> None:
    net = build()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    losses = models.summed_losses(net, tokens, "cpu", "fp32")
    np.testing.assert_allclose(losses, tokens.answers * math.log(300), rtol=1e-5)
    per_byte = bits_per_byte(losses, tokens)
    np.testing.assert_allclose(per_byte, tokens.answers * math.log2(300) / tokens.answer_bytes, rtol=1e-5)
    told = metrics(per_byte, tokens)
    assert told["bits-per-byte"] == pytest.approx(per_byte.mean())
    assert (told["items"], told["cut_items"]) == (len(tokens), 0)


def test_an_answer_without_bytes_is_refused(tokens: Tokens) -> None:
    empty = Tokens(**{**tokens.arrays(), "answer_bytes": np.zeros(len(tokens), dtype=np.int64)})
    with pytest.raises(ValueError, match="answer 0 has no byte"):
        bits_per_byte(np.ones(len(tokens)), empty)


def test_training_learns_the_answers_and_repeats_itself(tokens: Tokens) -> None:
    places = np.arange(0, len(tokens), 2)
    nets = [build(), build()]
    learned = [train(net, tokens, places, SETUP) for net in nets]
    before, after = (models.summed_losses(net, tokens, "cpu", "fp32").sum() for net in (build(), nets[0]))
    assert after < 0.8 * before
    assert learned[0] == learned[1]
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))
    assert learned[0].updates == 4 * 3
    assert learned[0].tokens == 4 * tokens.lengths[places].sum()
    assert [row["epoch"] for row in learned[0].curve] == [1, 2, 3, 4]


def test_passes_of_a_batch_add_up_to_it(tokens: Tokens) -> None:
    places = np.arange(8)
    one, parts = build(), build()
    recipe = RECIPE.model_copy(update={"epochs": 1})
    in_parts = recipe.model_copy(update={"language": RECIPE.language.model_copy(update={"pass_size": 3})})
    train(one, tokens, places, LanguageSetup(recipe, 0, "cpu", "fp32"))
    train(parts, tokens, places, LanguageSetup(in_parts, 0, "cpu", "fp32"))
    for a, b in zip(one.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-4)


def test_samples_of_weight_zero_are_not_learned(tokens: Tokens) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 1})
    setup = LanguageSetup(recipe, 0, "cpu", "fp32")
    places = np.arange(8)
    weighted, changed = build(), build()
    weights = np.array([1.0] * 4 + [0.0] * 4)
    other = Tokens(**{**tokens.arrays(), "ids": tokens.ids.copy()})
    start, stop = tokens.starts[7] + tokens.asked[7], tokens.starts[8]
    other.ids[start:stop] = 5  # the answer of a sample that does not count
    train(weighted, tokens, places, setup, weights)
    train(changed, other, places, setup, weights)
    for a, b in zip(weighted.parameters(), changed.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_killed_training_goes_on_from_its_checkpoint(
    tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dqbench.language import training

    monkeypatch.setattr(training, "_SAVE_EVERY_S", 0.0)
    places = np.arange(16)
    whole, half = build(), build()
    expected = train(whole, tokens, places, SETUP)
    with monkeypatch.context() as patch:
        ends = iter([False, False, True])
        original = training._Training.epoch
        patch.setattr(training._Training, "epoch", lambda self, n: 1 / 0 if next(ends) else original(self, n))
        with pytest.raises(ZeroDivisionError):
            train(half, tokens, places, SETUP, scratch=tmp_path / "scratch")
    again = build(1)
    assert train(again, tokens, places, SETUP, scratch=tmp_path / "scratch") == expected
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_saved_model_reads_back_with_its_tied_weights(tokens: Tokens, tmp_path: Path) -> None:
    net = build()
    models.save(net, tmp_path)
    again = models.read(tmp_path)
    assert again.get_output_embeddings().weight is again.get_input_embeddings().weight
    np.testing.assert_allclose(
        models.summed_losses(net, tokens, "cpu", "fp32"), models.summed_losses(again, tokens, "cpu", "fp32")
    )


def test_batches_hold_every_sample_once_in_an_order_of_the_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, size=101)
    found = [list(batches(lengths, 8, 0, epoch)) for epoch in (1, 1, 2)]
    assert [np.concatenate(one).tolist() for one in found[:2]] == [np.concatenate(found[0]).tolist()] * 2
    assert np.concatenate(found[0]).tolist() != np.concatenate(found[2]).tolist()
    for one in found:
        assert sorted(np.concatenate(one).tolist()) == list(range(101))
        assert max(map(len, one)) == 8
    spread = np.mean([np.ptp(lengths[rows]) for rows in found[0]])
    assert spread < np.ptp(lengths) / 2  # like lengths share a batch


def test_nothing_to_train_on_and_recipes_for_images_are_refused(tokens: Tokens) -> None:
    with pytest.raises(ValueError, match="0 texts"):
        train(build(), tokens, np.arange(0), SETUP)
    images = Recipe(name="images", epochs=1, batch_size=8, lr=0.1)
    with pytest.raises(ValueError, match="recipe images is for images"):
        train(build(), tokens, np.arange(4), LanguageSetup(images, 0, "cpu", "fp32"))
