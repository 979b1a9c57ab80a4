"""The language models: small ones from a config, a user's own checkpoint, and what is computed with either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dqbench.language.library import load
from dqbench.language.tokens import Tokens

SHAPES: Mapping[str, Mapping[str, int]] = {
    "llama-mini": {"hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 4, "num_attention_heads": 4},
}
"""Of each small model, the sizes in its ``LlamaConfig``."""


def build(name: str, vocabulary: int, window: int, end: int) -> nn.Module:
    """A ``LlamaForCausalLM`` with tied embeddings whose weights torch's global generator draws.

    Args:
        name: a key of :data:`SHAPES`.
        vocabulary: tokens of its tokenizer.
        window: tokens that it sees at most.
        end: the id of the mark at both ends of a sample.
    """
    transformers = load("transformers")
    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        max_position_embeddings=window,
        tie_word_embeddings=True,
        bos_token_id=end,
        eos_token_id=end,
        use_cache=False,
        **SHAPES[name],
    )
    model: nn.Module = transformers.LlamaForCausalLM(config)
    return model


def read(folder: Path) -> nn.Module:
    """The model that :func:`save` wrote, or a checkpoint of safetensors; nothing is fetched, no code of it is run."""
    transformers = load("transformers")
    model: nn.Module = transformers.AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
    )
    model.config.use_cache = False  # type: ignore[union-attr]
    return model.float()


def with_lora(model: Any, rank: int) -> Any:
    """The model with matrices of this rank beside every linear layer; they alone learn. Torch's generator draws them.

    Its ``merge_and_unload()`` adds them to the weights.
    """
    peft = load("peft")
    chosen = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    return peft.get_peft_model(model, chosen)


def save(model: Any, folder: Path) -> None:
    """Write ``config.json`` and ``model.safetensors``."""
    model.save_pretrained(folder, safe_serialization=True)


@dataclass(frozen=True)
class Batch:
    """Samples side by side, the shorter ones filled up at their end.

    Attributes:
        ids: shape (b, length), int64.
        scored: at which places the next token is one of the answer, shape (b, length - 1), bool.
    """

    ids: Tensor
    scored: Tensor

    @classmethod
    def of(cls, tokens: Tokens, places: Any, device: str, alone: bool = False) -> Batch:
        """The samples at these places; ``alone`` leaves the prompts out and keeps the mark before them."""
        runs, asked = [], []
        for place in np.asarray(places).tolist():
            run, prompt = tokens.run(place), int(tokens.asked[place])
            runs.append(np.concatenate([run[:1], run[prompt:]]) if alone else run)
            asked.append(1 if alone else prompt)
        length = max(len(run) for run in runs)
        ids = np.zeros((len(runs), length), dtype=np.int64)
        scored = np.zeros((len(runs), length - 1), dtype=bool)
        for row, (run, prompt) in enumerate(zip(runs, asked, strict=True)):
            ids[row, : len(run)] = run
            scored[row, prompt - 1 : len(run) - 1] = True
        return cls(torch.from_numpy(ids).to(device), torch.from_numpy(scored).to(device))


def answer_losses(model: Any, batch: Batch, precision: str) -> tuple[Tensor, Tensor]:
    """-ln p of every token of the answers, one after the other, and whether it is the likeliest; shape (k,) each.

    Samples are filled up at their end, where causal attention never looks from an answer, so that no mask is needed;
    the last layer is computed at the scored places alone.
    """
    device = batch.ids.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
        hidden = model.get_decoder()(input_ids=batch.ids[:, :-1]).last_hidden_state
        logits = model.get_output_embeddings()(hidden[batch.scored])
    truth = batch.ids[:, 1:][batch.scored]
    losses: Tensor = nn.functional.cross_entropy(logits.float(), truth, reduction="none")
    return losses, logits.detach().argmax(dim=1) == truth


def by_length(tokens: Tokens, budget: int) -> list[Any]:
    """Places of all samples, those of like length together, in groups of about ``budget`` tokens."""
    order = np.argsort(tokens.lengths, kind="stable")
    lengths = tokens.lengths[order]
    groups, start = [], 0
    for stop in range(1, len(order) + 1):
        if stop == len(order) or (stop - start + 1) * lengths[stop] > budget:
            groups.append(order[start:stop])
            start = stop
    return groups


PASS_TOKENS = 8192


@torch.inference_mode()
def summed_losses(
    model: Any,
    tokens: Tokens,
    device: str,
    precision: str,
    alone: bool = False,
    on_group: Callable[[int, int], None] = lambda done, of: None,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """-ln p of each sample's answer, given its instruction or ``alone``, shape (n,), float64, in the tokens' order."""
    model.eval().to(device)
    found = np.zeros(len(tokens))
    groups = by_length(tokens, PASS_TOKENS)
    for number, places in enumerate(groups):
        batch = Batch.of(tokens, places, device, alone)
        losses = answer_losses(model, batch, precision)[0].double().cpu()
        owner = torch.repeat_interleave(torch.arange(len(places)), batch.scored.sum(dim=1).cpu())
        found[places] = torch.zeros(len(places), dtype=torch.float64).index_add_(0, owner, losses).numpy()
        on_group(number + 1, len(groups))
    return found
