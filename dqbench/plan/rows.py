"""The rows of a grid: each asked method with one config, one observer and what it drops of images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from dqbench.errors import UsageError, explain
from dqbench.pixels.options import PixelOptions
from dqbench.plan import pixel_plan
from dqbench.plan import settings as settings_
from dqbench.plan.label_regimes import regimes
from dqbench.plan.request import Request
from dqbench.plan.settings import Settings
from dqbench.plugins import Registry
from dqbench.references import TWIN
from dqbench.specs import Config, Labels, MethodSpec


@dataclass(frozen=True)
class Row:
    """A method with one config.

    Attributes:
        spec: the method; None is the whole source.
        labels: the regimes of labels in which it runs.
        config: the method's options.
        pixels: what is dropped of images, None where they stay whole.
        observer: which of the observers that ``--set`` spans.
        looks: whether the method or the dropping looks through the observer.
        start: options that the method starts from on texts.
    """

    spec: MethodSpec | None
    labels: tuple[Labels, ...]
    config: Config | None = None
    pixels: PixelOptions | None = None
    observer: int = 0
    looks: bool = False
    start: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @cached_property
    def options(self) -> dict[str, Any]:
        """The options of the method and of dropping patches, as a cell holds them."""
        own = self.config.shown() if self.config else {}
        return {**(pixel_plan.shown(self.pixels) if self.pixels else {}), **own}

    @cached_property
    def variant(self) -> str:
        """The options that differ from their defaults, as ``key=value, ...``; the task names the observer's."""
        own = settings_.variant_text(self.config, self.start) if self.config else ""
        return ", ".join(filter(None, (own, pixel_plan.variant(self.pixels) if self.pixels else "")))

    @property
    def control_of(self) -> str | None:
        """The method that this one is a control row for."""
        if self.spec is None:
            return None
        return TWIN if self.spec.name == TWIN and self.pixels else self.spec.control_of

    def at(self, profile: str, texts: bool = False) -> Row:
        """The row at a profile: options that were not set are what the method starts from there, or on texts.

        Raises:
            UsageError: they do not go with those that were set.
        """
        if self.spec is None or self.config is None:
            return self
        on_texts = self.spec.on_texts if texts else {}
        start = {**self.spec.scaled.get(profile, {}), **on_texts}
        if not start:
            return self
        given = self.config.model_dump(include=self.config.model_fields_set)
        try:
            config = self.spec.config.model_validate({**start, **given})
        except ValidationError as error:
            told = ", ".join(f"{name}={value}" for name, value in start.items())
            why = explain(error, f"{self.spec.name}.")
            raise UsageError(f"{why} (profile {profile} starts from {told}; set what does not fit, to None)") from None
        return replace(self, config=config, start=on_texts)


def rows_of(request: Request, registry: Registry, parsed: Settings) -> Iterator[Row]:
    """The whole source, then random, then each asked method, with every config, dropping and observer.

    Raises:
        UsageError: a value of the wrong type or range, a regime that a method lacks, or options of methods not run.
    """
    unused = set(parsed.methods) - {TWIN, *request.methods}
    if unused:
        raise UsageError(f"--set names method {min(unused)}, which is not run; add --method {min(unused)}")
    own = regimes([registry.methods[name] for name in request.methods], request.labels)
    shared = tuple(dict.fromkeys(labels for each in own.values() for labels in each)) or ("hard",)
    for spec, config, pixels in _asked(request, registry, parsed):
        looks = spec is not None and _looks(registry, spec, pixels)
        labels = shared if spec is None or spec.name == TWIN else own[spec.name]
        yield from _seen(Row(spec, labels, config, pixels, looks=looks), parsed)


def _asked(
    request: Request, registry: Registry, parsed: Settings
) -> Iterator[tuple[MethodSpec | None, Config | None, PixelOptions | None]]:
    pairs = {
        name: list(settings_.rows(registry.methods[name], parsed.methods.get(name, {})))
        for name in dict.fromkeys((TWIN, *request.methods))
    }
    # A row that drops patches is compared with random samples that drop them likewise: the twin runs with each setting.
    dropped = dict.fromkeys([None, *(pixels for each in pairs.values() for _, pixels in each)])
    pairs[TWIN] = [(pairs[TWIN][0][0], pixels) for pixels in dropped]
    yield None, None, None
    for name, each in pairs.items():
        yield from ((registry.methods[name], config, pixels) for config, pixels in each)


def _seen(row: Row, parsed: Settings) -> Iterator[Row]:
    """The row through every observer; where it does not look itself, only what a teacher labels is repeated."""
    yield row
    labels = row.labels if row.looks else tuple(one for one in row.labels if one != "hard")
    if labels:
        others = range(1, len(settings_.observers(parsed)))
        yield from (replace(row, labels=labels, observer=other) for other in others)


def _looks(registry: Registry, spec: MethodSpec, pixels: PixelOptions | None) -> bool:
    by_pixels = pixels is not None and pixel_plan.looks_through_observer(pixels)
    return by_pixels or registry.needs_observer(spec)
