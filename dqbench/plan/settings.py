"""``--set KEY=VALUE``: options of methods, of the observer and of the recipe, with sweeps."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dqbench.alteration import Alteration
from dqbench.errors import UsageError, explain, unknown_name
from dqbench.pixels.options import PixelOptions
from dqbench.plugins import Catalogue
from dqbench.specs import Config, LanguageRecipe, MethodSpec, Recipe

Options = dict[str, list[Any]]
C = TypeVar("C", bound=Config)

MOST = 1000
"""Values that one ``--set`` can span."""


@dataclass
class Settings:
    """Parsed ``--set`` options: the values to sweep for each option of each method, and plain overrides.

    Attributes:
        methods: method -> option -> values.
        observer: the values to sweep of the observer: of ``arch``, ``weights``, ``embed`` and of its recipe's fields.
        recipe: overrides of every training recipe's fields.
        data: options of :class:`dqbench.alteration.Alteration`.
        model: the folder of the checkpoint that language models start from; empty for none.
    """

    methods: dict[str, Options] = field(default_factory=dict)
    observer: Options = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    model: str = ""


def parse(texts: Sequence[str], methods: Catalogue[MethodSpec]) -> Settings:
    """Parse ``adq.alpha=0.6``, ``dq.bins=5,10`` (a sweep), ``adq.alpha=0:1:0.1`` (from 0 to 1 in steps of 0.1),
    ``adq.importances=[1,2]`` (one value), ``observer.arch=resnet18,vit``, ``recipe.epochs=5``, ``data.noise=0.2``,
    ``model=DIR``.

    Raises:
        UsageError: not ``KEY=VALUE``, or an unknown method, option or recipe field (the nearest name is given).
    """
    settings = Settings()
    for text in texts:
        if text.partition("=")[0].strip() == "model":
            settings.model = _model(text, settings)
            continue
        target, option, values = _split(text)
        if target in ("observer", "recipe", "data"):
            _override(settings, target, option, values, text)
            continue
        if target not in methods:
            raise unknown_name("--set target", target, [*(m.name for m in methods), "observer", "recipe", "data"])
        known_options(methods[target], [option])
        options = settings.methods.setdefault(target, {})
        if option in options:
            raise UsageError(f"{target}.{option} is set twice; give it once, a sweep as {target}.{option}=A,B")
        options[option] = values
    return settings


def _model(text: str, settings: Settings) -> str:
    value = text.partition("=")[2].strip()
    if settings.model or not value:
        raise UsageError(f"--set {text!r}: give one folder with a checkpoint, once, as model=DIR")
    return value


def _split(text: str) -> tuple[str, str, list[Any]]:
    key, equals, value = text.partition("=")
    target, dot, option = key.strip().partition(".")
    if not (equals and dot and target and option and value.strip()):
        raise UsageError(f"--set {text!r} is not NAME.OPTION=VALUE, e.g. adq.alpha=0.6")
    return target, option, [each for part in _parts(value.strip()) for each in _values(part, text)]


def _parts(value: str) -> list[str]:
    parts, depth = [""], 0
    for character in value:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def _values(part: str, text: str) -> list[Any]:
    """One value, or those of a range START:STOP:STEP, both ends among them."""
    found = _RANGE.fullmatch(part)
    if not found:
        return [_value(part)]
    start, stop, step = (Decimal(number) for number in found.groups())
    if step <= 0 or stop < start:
        raise UsageError(f"--set {text!r}: a range is START:STOP:STEP, going up, e.g. adq.alpha=0:1:0.1")
    count = int((stop - start) / step) + 1
    if count > MOST:
        raise UsageError(f"--set {text!r} spans {count} values; {MOST} is the most")
    return [_value(str(start + i * step)) for i in range(count)]


_RANGE = re.compile(r"\s*:\s*".join([r"([+-]?\d+(?:\.\d+)?)"] * 3))


def _override(settings: Settings, target: str, option: str, values: list[Any], text: str) -> None:
    of_language = option in LanguageRecipe.model_fields and option != "model"
    if target == "data":
        _known(option, Alteration, "option of the data")
    elif not of_language and not (target == "observer" and option in ("arch", "weights", "embed")):
        _known(option, Recipe, f"field of the {target}'s recipe")
    given: dict[str, Any] = getattr(settings, target)
    if option in given:
        raise UsageError(f"{target}.{option} is set twice; give it once")
    if target == "observer":
        settings.observer[option] = values
    elif len(values) == 1:
        given[option] = values[0]
    else:
        raise UsageError(f"--set {text!r} gives {len(values)} values; methods and the observer can be swept")


def alteration(settings: Settings) -> Alteration | None:
    """What the settings do to the training set; None where that is nothing.

    Raises:
        UsageError: a value of the wrong type or range.
    """
    try:
        found = Alteration.model_validate(settings.data)
    except ValidationError as error:
        raise UsageError(explain(error, "data.")) from None
    return found if found.words else None


def observers(settings: Settings) -> list[dict[str, Any]]:
    """What each observer that the settings span changes of the task's."""
    return [
        dict(zip(settings.observer, values, strict=True)) for values in itertools.product(*settings.observer.values())
    ]


def known_options(spec: MethodSpec, options: Iterable[str]) -> None:
    """Refuse names that are options neither of a method nor of dropping patches.

    Raises:
        UsageError: the first of them; the nearest name is given.
    """
    known = {*spec.config.model_fields, *_pixel_options(spec)}
    for option in options:
        if option not in known:
            raise unknown_name(f"option of method {spec.name}", option, known)


def _known(option: str, model: type[BaseModel], what: str) -> None:
    if option not in model.model_fields:
        raise unknown_name(what, option, model.model_fields)


def variants(spec: MethodSpec, options: Mapping[str, list[Any]]) -> Iterator[Config]:
    """The configs that the swept options span, in order.

    Raises:
        UsageError: a value of the wrong type or range; the message says what is right.
    """
    yield from _validated(spec.config, spec.name, options)


def _validated(model: type[C], name: str, options: Mapping[str, list[Any]]) -> Iterator[C]:
    for values in itertools.product(*options.values()):
        chosen = dict(zip(options, values, strict=True))
        try:
            yield model.model_validate(chosen)
        except ValidationError as error:
            raise UsageError(explain(error, f"{name}.")) from None


def rows(spec: MethodSpec, options: Mapping[str, list[Any]]) -> Iterator[tuple[Config, PixelOptions | None]]:
    """The configs that the swept options span, each with its options of dropping patches, None where none are dropped.

    Raises:
        UsageError: a value of the wrong type or range, or options of dropping patches where none are dropped.
    """
    known = _pixel_options(spec)
    own = {name: values for name, values in options.items() if name not in known}
    about = {name: values for name, values in options.items() if name in known}
    alone = sorted(set(about) - {"drop"})
    if alone and not any(about.get("drop", ())):
        raise UsageError(f"{spec.name}.{alone[0]} has no effect where no patch is dropped; set {spec.name}.drop")
    found = _validated(PixelOptions, spec.name, about)
    made = dict.fromkeys(pixels.in_effect() if pixels.drop else None for pixels in found)
    yield from itertools.product(variants(spec, own), made)


def _pixel_options(spec: MethodSpec) -> set[str]:
    """The options of dropping patches, which all methods that keep samples take; a method's own names go first."""
    return set() if spec.kind == "distillation" else set(PixelOptions.model_fields) - set(spec.config.model_fields)


def changed_language(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    """:func:`changed` of a language model's recipe; ``window``, ``lora`` and their like are fields, too.

    Raises:
        UsageError: a value of the wrong type or range.
    """
    own = {key: value for key, value in overrides.items() if key in LanguageRecipe.model_fields}
    if not own or recipe.language is None:
        return changed(recipe, overrides)
    language = {**recipe.language.model_dump(), **own}
    rest = {key: value for key, value in overrides.items() if key not in own}
    note = ", ".join(f"{key}={value}" for key, value in overrides.items())
    try:
        made = {**recipe.model_dump(), **rest, "language": language, "name": f"{recipe.name} ({note})"}
        return Recipe.model_validate(made)
    except ValidationError as error:
        raise UsageError(explain(error, "recipe.")) from None


def changed(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    """A recipe with some fields replaced, validated; its name says what was.

    Raises:
        UsageError: a value of the wrong type or range.
    """
    if not overrides:
        return recipe
    note = ", ".join(f"{key}={value}" for key, value in overrides.items())
    try:
        return Recipe.model_validate({**recipe.model_dump(), **overrides, "name": f"{recipe.name} ({note})"})
    except ValidationError as error:
        raise UsageError(explain(error, "recipe.")) from None


def variant_text(config: Config, start: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The options that differ from their defaults, or from what the method starts from, as ``key=value, ...``."""
    default = type(config).model_validate(dict(start))
    shown = config.shown()
    pairs = [(name, getattr(config, name)) for name in type(config).model_fields]
    changed = [(name, shown.get(name, value)) for name, value in pairs if value != getattr(default, name)]
    return ", ".join(f"{name}={_show(value)}" for name, value in changed)


def _show(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | tuple | dict | bool) or value is None else str(value)
