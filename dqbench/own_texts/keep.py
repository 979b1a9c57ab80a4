"""Keep a part of one's own texts: read them, choose, write the kept rows and a manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget, note_on_few, resolve
from dqbench.compressed import Compressed, Subset, content_hash
from dqbench.compute import computing_on
from dqbench.data.text_files import Columns, Rows, read_rows
from dqbench.data.text_import import duplicate_notes
from dqbench.data.text_source import TextSource
from dqbench.data.text_source import content_hash as texts_hash
from dqbench.errors import UsageError
from dqbench.executors import devices
from dqbench.jobs.admit import check
from dqbench.jobs.token_budget import within_tokens
from dqbench.language.embedding import embed, find
from dqbench.language.recipes import SCRATCH
from dqbench.language.tokens import Tokenizer, Tokens
from dqbench.observe.texts import ObservedTexts
from dqbench.own_texts.write import check_out, write
from dqbench.plugins import Registry
from dqbench.seeds import OBSERVER, training_seed
from dqbench.specs import Budget, Config, LanguageRecipe, MethodSpec, load_target

Step = Callable[[str], None]
MODEL = "llama-mini"


@dataclass(frozen=True)
class Order:
    """What to keep of which texts, where; see ``dqbench compress --help``.

    Attributes:
        columns: names of the columns that are asked, the first the instruction.
        answer: the name of the answer's column; None takes ``output`` where the rows have it.
    """

    data: Path
    out: Path
    method: MethodSpec
    config: Config
    budget: Budget
    columns: Sequence[str]
    answer: str | None = None
    embed: str = "tf-idf"
    seed: int = 0
    device: str = "auto"


def keep_own_texts(order: Order, registry: Registry, on_step: Step) -> dict[str, Any]:
    """Carry out an order; gives the facts that ``manifest.json`` holds.

    Raises:
        UsageError: the texts, the method, the budget or the output folder are not usable; nothing is left half-made.
    """
    if unfit := registry.unfit(order.method, order.config, "texts"):
        fit = ", ".join(spec.name for spec in registry.methods if "texts" in spec.data)
        raise UsageError(f"{unfit} needs images or their classes, not texts; methods for texts: {fit}")
    check_out(order.out)
    on_step(f"reading {order.data}")
    rows = read_rows([order.data])
    source, notes = open_own_texts(order, rows)
    for note in notes:
        on_step(f"note: {note}")
    started = time.perf_counter()
    chooser = Chooser(order, registry, source, devices.find(order.device).kind, on_step)
    kept = chooser.choose()
    facts = _facts(order, chooser, kept, notes, time.perf_counter() - started)
    write(kept, source, rows, order.out, facts)
    return facts


def open_own_texts(order: Order, rows: Rows) -> tuple[TextSource, list[str]]:
    """The texts that there is something to learn from, and what there is to know of the rows.

    Raises:
        UsageError: a column is missing or no row has a text.
    """
    answer = order.answer if order.answer is not None else ("output" if "output" in rows.values[0] else "")
    texts = rows.texts(Columns(tuple(order.columns), answer))
    ids = [place for place, text in enumerate(texts) if (text.output if answer else text.instruction).strip()]
    if not ids:
        raise UsageError(f"{order.data} has no row with a text in column {answer or order.columns[0]!r}")
    used = [texts[place] for place in ids]
    empty = len(texts) - len(used)
    notes = [f"{empty} rows without a text in column {answer or order.columns[0]!r} are left out"] if empty else []
    notes += duplicate_notes(used, ids)
    source = TextSource(order.data.name, tuple(used), np.array(ids), texts_hash(used, ids), len(rows))
    return source, notes


@dataclass(frozen=True)
class Chooser:
    """A method at work on one source of texts; what it needs to see is made when it is asked for."""

    order: Order
    registry: Registry
    source: TextSource
    device: str
    on_step: Step

    def choose(self) -> Subset:
        """The kept texts, checked against the budget.

        Raises:
            UsageError: the budget cannot be met.
        """
        order, source = self.order, self.source
        with computing_on(self.device):
            prepared = self._prepared()
            self.on_step(f"choosing from {len(source):,} texts with {order.method.name}")
            method = load_target(order.method.target)(order.config)
            kept, budget = self._within(lambda budget: method.compress(source, prepared, budget, order.seed))
        check(kept, source, budget, order.method, order.config)
        if not isinstance(kept, Subset):
            raise UsageError(f"{order.method.name} chose no texts; dqbench compress writes chosen texts only")
        return kept

    def _within(self, compress: Callable[[ResolvedBudget], Compressed]) -> tuple[Compressed, ResolvedBudget]:
        asked = self.order.budget
        if asked.kind == "tokens":
            return within_tokens(compress, asked, self.source, self.tokens.lengths)
        budget = resolve(asked, self.source.class_counts, self.order.seed)
        note_on_few(budget, self.source.class_counts)
        return compress(budget), budget

    def _prepared(self) -> Mapping[str, npt.NDArray[Any]] | None:
        prepared: Mapping[str, npt.NDArray[Any]] | None = None
        seen = ObservedTexts(self._embeddings, self._losses, self.device)
        for spec, config in self.registry.preparations(self.order.method, self.order.config):
            self.on_step(f"preparing {spec.name}")
            extra: dict[str, Any] = {} if prepared is None else {"prior": prepared}
            prepared = load_target(spec.target)(config).prepare(self.source, seen, self.order.seed, **extra)
        return prepared

    def _embeddings(self) -> npt.NDArray[np.float32]:
        self.on_step(f"embedding the texts by {self.order.embed}")
        return embed(find(self.order.embed), self.source, self.device)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """One of these texts."""
        return Tokenizer.train(self.source.texts, self._language.vocabulary, self._language.template)

    @cached_property
    def tokens(self) -> Tokens:
        """The texts as its tokens."""
        return self.tokenizer.encode(self.source.texts, self._language.window, self._language.template)

    @property
    def _language(self) -> LanguageRecipe:
        return SCRATCH.language or LanguageRecipe.model_validate({})

    def _losses(self) -> Mapping[str, npt.NDArray[Any]]:
        """What a small language model that learns these texts makes of their answers."""
        from dqbench.language import model
        from dqbench.language.training import LanguageSetup, train
        from dqbench.train.loop import seeded_net

        if not any(text.output for text in self.source.texts):
            raise UsageError(f"{self.order.method.name} needs answers; name their column: --answer COLUMN")
        self.on_step(f"training {MODEL} on the texts")
        setup = LanguageSetup(SCRATCH, training_seed(self.order.seed, OBSERVER), self.device, "fp32")
        tokenizer, window = self.tokenizer, self._language.window
        net = seeded_net(lambda: model.build(MODEL, len(tokenizer), window, tokenizer.end), setup.seed)
        train(net, self.tokens, np.arange(len(self.source)), setup)
        given, alone = (model.summed_losses(net, self.tokens, self.device, "fp32", one) for one in (False, True))
        return {"given": given, "alone": alone, "tokens": self.tokens.answers}


def _facts(order: Order, chooser: Chooser, kept: Subset, notes: list[str], seconds: float) -> dict[str, Any]:
    source = chooser.source
    where = source.positions(kept.ids)
    return {
        "dqbench": version("dqbench"),
        "method": order.method.name,
        "method_version": order.method.version,
        "config": order.config.shown(),
        "budget": str(order.budget),
        "seed": order.seed,
        "embed": Path(order.embed).name if "observer" in order.method.needs else None,
        "columns": list(order.columns),
        "source_hash": source.content_hash,
        "kept_hash": content_hash(kept),
        "rows": source.rows,
        "samples": len(source),
        "kept": len(kept),
        "source_bytes": int(source.sizes.sum()),
        "kept_bytes": int(source.sizes[where].sum()),
        "about_the_rows": notes,
        "device": chooser.device,
        "seconds": round(seconds, 3),
        "notes": kept.notes or {},
    }
