"""Recipes of language models. Imports no torch."""

from __future__ import annotations

from dqbench.specs import LanguageRecipe, Recipe

SCRATCH = Recipe(
    name="llama-mini",
    epochs=1,
    batch_size=16,
    optimizer="adamw",
    lr=5e-3,
    weight_decay=0.1,
    decay_matrices_only=True,
    schedule="cosine",
    warmup_epochs=0.1,
    final_lr=0.1,
    min_updates=300,
    language=LanguageRecipe(beta2=0.99),
)
"""A small model from scratch: one pass, or as many as make 300 updates, which up to 20 % of Alpaca do. Our choice."""

SCRATCH_SMOKE = SCRATCH.model_copy(update={"name": "llama-mini-smoke", "min_updates": 40})
"""So few updates that a minute suffices: for the machinery."""

LLAMA_7B = Recipe(
    name="lima-9",
    epochs=9,
    batch_size=128,
    optimizer="adamw",
    lr=8e-6,
    weight_decay=0.1,
    schedule="linear",
    language=LanguageRecipe(window=512, template="alpaca", beta2=0.95, pass_size=8, model="yours"),
)
"""DQ's for LLaMA-7B, after LIMA's for small sets: 9 epochs, 8e-6 falling linearly, β2 0.95, decay 0.1."""
