"""What a user asks of a grid, and the command line that asks for it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dqbench import byte_sizes
from dqbench.given import is_given
from dqbench.placeless import placeless
from dqbench.plan.own_data import OwnData
from dqbench.recipe import Recipe
from dqbench.train.recipes import RECIPES


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks for; None takes the task's profile.

    ``given`` are the methods that stand for ``--ids``, ``recipe_file`` is the file that ``recipe`` was read from.
    """

    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    keeps: tuple[float | str, ...] = ()
    ipcs: tuple[int | str, ...] = ()
    archs: tuple[str, ...] = ()
    seeds: int | str | None = None
    profile: str | None = None
    settings: tuple[str, ...] = ()
    best_epoch: bool = False
    labels: tuple[str, ...] = ()
    recipe: str | Recipe | None = None
    data: OwnData | None = None
    byte_budgets: tuple[int | str, ...] = ()
    precision: str | None = None
    given: tuple[str, ...] = ()
    token_budgets: tuple[float | str, ...] = ()
    allow_code: bool = False
    recipe_file: Path | None = None

    def command(self, profile: str, plugin_files: Sequence[Path]) -> str:
        """The command line that asks for this, without anything that belongs to one machine."""
        words = ["dqbench run"]
        given = [f for f in plugin_files if is_given(f)]
        words += [f"--ids {shlex.quote(placeless(f))}" for f in given]
        words += [f"--method {m}" for m in self.methods if m not in self.given] + [f"--task {t}" for t in self.tasks]
        words += [self.data.words] if self.data else []
        words += [f"--profile {profile}"]
        words += [f"--keep {k}" for k in self.keeps] + [f"--ipc {i}" for i in self.ipcs]
        words += [f"--bytes {byte_sizes.text(byte_sizes.parse(number))}" for number in self.byte_budgets]
        words += [f"--tokens {share}" for share in self.token_budgets]
        words += [f"--arch {a}" for a in self.archs]
        words += [f"--seeds {self.seeds}"] if self.seeds is not None else []
        words += [f"--labels {regime}" for regime in self.labels]
        words += [f"--recipe {shlex.quote(_recipe_words(self.recipe, self.recipe_file))}"] if self.recipe else []
        words += [f"--precision {self.precision}"] if self.precision else []
        words += [f"--set {shlex.quote(_placeless(setting))}" for setting in self.settings]
        words += ["--best-epoch"] if self.best_epoch else []
        words += ["--allow-code"] if self.allow_code else []
        words += [f"--plugin {shlex.quote(placeless(f))}" for f in plugin_files if f not in given]
        return " ".join(words)


def _recipe_words(recipe: str | Recipe, file: Path | None) -> str:
    """A catalogued recipe's name, or the file that it is in."""
    if isinstance(recipe, Recipe) and RECIPES.get(recipe.name) != recipe:
        return placeless(file) if file else f"{recipe.name}.yaml"
    return recipe.name if isinstance(recipe, Recipe) else Path(recipe).name


def _placeless(setting: str) -> str:
    """A setting whose value is a file or folder, without its place on this machine."""
    key, _, value = setting.partition("=")
    return f"{key}={placeless(Path(value))}" if "/" in value and Path(value).expanduser().exists() else setting
