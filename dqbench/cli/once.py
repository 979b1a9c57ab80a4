"""A command that takes an option that has one value once; the parser would take the last of several without a word."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from dqbench.errors import UsageError


class OnceCommand(TyperCommand):
    """See the module."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, once what is given twice is refused."""
        refuse_twice(self.get_params(ctx), args)
        return super().parse_args(ctx, args)


def refuse_twice(params: list[Any], args: list[str]) -> None:
    """Refuse options that are given more often than they have values; a flag may be repeated, but not contradicted.

    Args:
        params: the command's parameters.
        args: its words.

    Raises:
        UsageError: there is one.
    """
    options = {word: param for param in params for word in (*param.opts, *getattr(param, "secondary_opts", ()))}
    given: Counter[str] = Counter()
    words: dict[str, set[str]] = {}
    queue = list(args)
    while queue and queue[0] != "--":
        word, equals, _ = queue.pop(0).partition("=")
        param = options.get(word) if word.startswith("-") else None
        if param is None or getattr(param, "multiple", False) or getattr(param, "count", False):
            continue
        flag = bool(getattr(param, "is_flag", False))
        if not (flag or equals):
            queue[:1] = []
        words.setdefault(param.name, set()).add(word)
        given[param.name] += 1
        if given[param.name] > 1 and (not flag or len(words[param.name]) > 1):
            both = " and ".join(sorted(words[param.name]))
            raise UsageError(f"{both} {'are given together' if ' ' in both else 'is given twice'}; give one value")
