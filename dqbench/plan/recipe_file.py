"""``--recipe``: a catalogued recipe's name, or a YAML file with the fields of one. Imports no torch."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from dqbench import yaml_files
from dqbench.errors import UsageError, explain, unknown_name
from dqbench.recipe import Recipe, check_augment
from dqbench.train.recipes import RECIPES

_SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def recipe_named(text: str) -> Recipe:
    """The recipe of this name, or the one in this file, whose own name is the file's if it gives none.

    Raises:
        UsageError: no such recipe or file, a field that is none, or one of the wrong type or range.
    """
    path = Path(text)
    if path.suffix.lower() not in _SUFFIXES:
        if text not in RECIPES:
            raise unknown_name("recipe", text, RECIPES)
        return RECIPES[text]
    fields = yaml_files.read(path, "recipe")
    for name in fields:
        if name not in Recipe.model_fields:
            raise unknown_name(f"field in recipe {path}:", name, Recipe.model_fields)
    try:
        recipe = Recipe.model_validate({"name": path.stem, **fields})
        check_augment(recipe.augment)
    except ValidationError as error:
        raise UsageError(f"recipe {path}: {_fault(error)}") from None
    except UsageError as error:
        raise UsageError(f"recipe {path}: augment: {error}") from None
    if not _NAME.fullmatch(recipe.name):
        raise UsageError(f"recipe {path}: name={recipe.name!r}: use small letters, digits and hyphens, e.g. my-recipe")
    refuse_other(recipe, RECIPES.get(recipe.name))
    return recipe


def refuse_other(recipe: Recipe, known: Recipe | None) -> None:
    """Refuse a recipe with the name of another one.

    Raises:
        UsageError: their fields differ.
    """
    if known is not None and known != recipe:
        differing = next(name for name in Recipe.model_fields if getattr(known, name) != getattr(recipe, name))
        raise UsageError(
            f"recipe {recipe.name} has {differing}={getattr(recipe, differing)!r}, and there is another of that name "
            f"with {getattr(known, differing)!r}; give it a name of its own (name: …)"
        )


def _fault(error: ValidationError) -> str:
    missing = [str(fault["loc"][0]) for fault in error.errors() if fault["type"] == "missing"]
    if not missing:
        return explain(error, "").removeprefix(": ")
    needed = ", ".join(name for name, field in Recipe.model_fields.items() if field.is_required() and name != "name")
    return f"{missing[0]} is not given; a recipe has at least {needed}"
