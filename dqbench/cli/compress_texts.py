"""``dqbench compress`` on files of texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench import byte_sizes
from dqbench.cli.state import State
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.specs import Config, MethodSpec


@dataclass(frozen=True)
class TextOptions:
    """Options of ``dqbench compress`` that are for texts alone."""

    text: str | None
    answer: str | None
    embed: str | None
    tokens: str | None

    @property
    def given(self) -> list[str]:
        """The names of those that were given."""
        return [f"--{name}" for name, value in vars(self).items() if value is not None]


def are_texts(data: Path, options: TextOptions) -> bool:
    """Whether a file is one of texts.

    Raises:
        UsageError: it is not, and options for texts are given.
    """
    from dqbench.data.form_files import has_images
    from dqbench.data.text_files import FORMS, is_text_file

    if not data.is_dir() and is_text_file(data) and not has_images(data):
        return True
    if options.given:
        raise UsageError(f"{options.given[0]} is for files of texts ({FORMS}); {data} is none")
    return False


def compress_texts(
    state: State,
    data: Path,
    out: Path,
    choice: tuple[MethodSpec, Config],
    options: TextOptions,
    *,
    keep: str | None,
    seed: int,
    device: str,
    for_images: Mapping[str, Any],
    on_step: Callable[[str], None],
) -> None:
    """Choose from texts and say what was kept.

    Raises:
        UsageError: an option for images, none or two budgets, or what :func:`keep_own_texts` refuses.
    """
    from dqbench.own_texts.keep import Order, keep_own_texts
    from dqbench.specs import Budget

    wrong = [name for name, value in for_images.items() if value]
    if wrong:
        raise UsageError(f"{wrong[0]} is for images; {data} holds texts")
    if (keep is None) == (options.tokens is None):
        raise UsageError("give one of --keep RATIO and --tokens SHARE")
    order = Order(
        data=data,
        out=out,
        method=choice[0],
        config=choice[1],
        budget=Budget.ratio(keep) if keep is not None else Budget.tokens(options.tokens or ""),
        columns=[name.strip() for name in (options.text or "instruction,input").split(",") if name.strip()],
        answer=options.answer,
        embed=options.embed or "tf-idf",
        seed=seed,
        device=device,
    )
    facts = keep_own_texts(order, state.registry(), on_step)
    if state.json:
        state.print_json(facts)
        return
    state.console.print(
        f"kept {facts['kept']:,} of {facts['samples']:,} texts ({byte_sizes.rounded(facts['kept_bytes'])} of "
        f"{byte_sizes.rounded(facts['source_bytes'])}) with {facts['method']}: {out / 'kept.jsonl'}; manifest: "
        f"{out / 'manifest.csv'}",
        soft_wrap=True,
    )
