"""Numbers of things, in the singular and the plural."""

from __future__ import annotations


def plural(number: int, word: str, words: str = "") -> str:
    """``1 seed``, ``2,000 seeds``; ``words`` is a plural that is not made by an s."""
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"
