"""Texts for tests of language models; without the extra ``text`` these tests say that they did not run."""

from __future__ import annotations

import pytest
from stub_texts import text_source

from dqbench.data.text_source import TextSource


@pytest.fixture(scope="session", autouse=True)
def libraries() -> None:
    for module in ("tokenizers", "transformers"):
        pytest.importorskip(module, reason=f"{module} is not installed: THE TESTS OF LANGUAGE MODELS DID NOT RUN")


@pytest.fixture(scope="session")
def source() -> TextSource:
    return text_source()
