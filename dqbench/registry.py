"""All that plugins brought: specs by name, each with its origin, and the hash of its source code. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from dqbench import given
from dqbench.errors import PluginError, UsageError, unknown_name
from dqbench.source_code import code_hash
from dqbench.spec_rules import Spec
from dqbench.specs import ArchSpec, Config, Data, DatasetSpec, JobSpec, MethodSpec, TaskSpec


class Named(Protocol):
    """A spec, as far as the catalogue is concerned."""

    @property
    def name(self) -> str: ...


S = TypeVar("S", bound=Named)


@dataclass(frozen=True)
class Origin:
    """Where a spec comes from: its plugin's name, and its distribution with version or its file, and its module."""

    plugin: str
    distribution: str
    version: str
    module: str = ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded, or a part of it that is no use, and why."""

    origin: Origin
    error: str
    part: str = ""

    def __str__(self) -> str:
        of = f"{self.part} of " if self.part else ""
        return f"{of}plugin {self.origin.plugin!r} of {self.origin} is left out: {self.error}"


_OF_ONES_OWN = "one of your own needs --plugin FILE.py, or its package installed"


class Catalogue(Generic[S]):
    """Specs of one kind by name, each with its origin."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._specs: dict[str, S] = {}
        self._origins: dict[str, Origin] = {}

    def add(self, spec: S, origin: Origin) -> None:
        """Register a spec.

        Raises:
            PluginError: the name is taken; the message names both distributions.
        """
        if spec.name in self._specs:
            raise PluginError(
                f"two plugins bring the {self.what} {spec.name!r}: {self._origins[spec.name]} "
                f"and {origin}; uninstall or rename one"
            )
        self._specs[spec.name] = spec
        self._origins[spec.name] = origin

    def __getitem__(self, name: str) -> S:
        try:
            return self._specs[name]
        except KeyError:
            if self.what == "method" and name.startswith("deepcore:") and not os.environ.get("DQBENCH_DEEPCORE"):
                raise UsageError(
                    f"{name} runs from a checkout of the original library; set DQBENCH_DEEPCORE=DIR to one"
                ) from None
            raise unknown_name(self.what, name, self._specs, _OF_ONES_OWN) from None

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def __iter__(self) -> Iterator[S]:
        return iter(sorted(self._specs.values(), key=lambda spec: spec.name))

    def __len__(self) -> int:
        return len(self._specs)

    def origin(self, name: str) -> Origin:
        """Where the named spec comes from."""
        self[name]
        return self._origins[name]


@dataclass
class Registry:
    """All that plugins brought."""

    methods: Catalogue[MethodSpec] = field(default_factory=lambda: Catalogue("method"))
    tasks: Catalogue[TaskSpec] = field(default_factory=lambda: Catalogue("task"))
    datasets: Catalogue[DatasetSpec] = field(default_factory=lambda: Catalogue("dataset"))
    archs: Catalogue[ArchSpec] = field(default_factory=lambda: Catalogue("arch"))
    jobs: Catalogue[JobSpec] = field(default_factory=lambda: Catalogue("kind of job"))
    claims: list[Path] = field(default_factory=list)
    broken: list[BrokenPlugin] = field(default_factory=list)
    files: tuple[Path, ...] = ()
    _code: dict[tuple[str, str], str] = field(default_factory=dict)

    def add_given(self, path: Path) -> None:
        """Register what a file of ids or images gives as a method, whose code is what the file holds.

        Raises:
            UsageError: the file is no use, or its method's name is taken.
        """
        found = given.read(path)
        self.methods.add(given.method_of(found), Origin(path.stem, path.name, f"(content {found.content[:16]})"))
        self._code[self.methods.what, found.name] = found.content

    def family(self, name: str) -> str:
        """The family of a method: the folder of methods that it is in; empty where its plugin has none.

        Raises:
            UsageError: no such method.
        """
        below, origin = self.methods[name].target.partition(":")[0], self.methods.origin(name)
        inside = below.removeprefix(f"{origin.module}.").split(".") if origin.module else []
        return inside[0].replace("_", "-") if len(inside) > 1 and below.startswith(f"{origin.module}.") else ""

    def families(self) -> dict[str, list[str]]:
        """The names of the methods of each family."""
        found: dict[str, list[str]] = {}
        for spec in self.methods:
            if family := self.family(spec.name):
                found.setdefault(family, []).append(spec.name)
        return found

    def methods_named(self, names: Iterable[str]) -> list[str]:
        """Names of methods, with those of a family in place of ``family:NAME``; each once.

        Raises:
            UsageError: no such family.
        """
        found: list[str] = []
        for name in names:
            kind, colon, family = name.partition(":")
            if kind == "family" and colon:
                families = self.families()
                if family not in families:
                    raise unknown_name("family of methods", family, families)
                found += families[family]
            else:
                found.append(name)
        return list(dict.fromkeys(found))

    def preparations(self, spec: MethodSpec, config: Config) -> Iterator[tuple[MethodSpec, Config]]:
        """The methods whose ``prepare`` runs before ``spec`` compresses, each with its share of the config.

        What a method builds on comes first, and each is given the arrays of the one before it.
        """
        base = self.base(spec, config)
        if base is not None:
            yield from self.preparations(base, self._passed_on(spec, config, base))
        if spec.prepares:
            yield spec, config

    def unfit(self, spec: MethodSpec, config: Config, data: Data) -> str:
        """What cannot choose from such data, in words: the method or one that it starts from; empty where all can."""
        if data not in spec.data:
            return spec.name
        base = self.base(spec, config)
        if base is None or data in base.data:
            return ""
        return f"{spec.name}.{spec.wraps}={base.name}" if spec.wraps else base.name

    def base(self, spec: MethodSpec, config: Config) -> MethodSpec | None:
        """The method whose prepared arrays this one starts from: what it builds on or, by its options, wraps.

        Raises:
            UsageError: there is no such method, or what is wrapped gives its samples no scores and no order.
        """
        if not spec.wraps:
            return None if spec.builds_on is None else self.methods[spec.builds_on]
        name = getattr(config, spec.wraps)
        if spec.own_base and name == spec.own_base:
            return None
        base = self.methods[name]
        if not (base.scores or (spec.wraps_orders and base.orders)):
            fitting = [one.name for one in self.methods if one.scores or (spec.wraps_orders and one.orders)]
            lacks = "does not order samples" if spec.wraps_orders else "gives samples no scores"
            raise UsageError(f"{spec.name}.{spec.wraps}={name} {lacks}; use one of {', '.join(fitting)}")
        return base

    def _passed_on(self, spec: MethodSpec, config: Config, base: MethodSpec) -> Config:
        """The options of a base, as the method that starts from it has them.

        Raises:
            UsageError: the base takes no such value, or has no such option where only the method's own base would.
        """
        if not spec.wraps:
            return base.config.model_validate(config.model_dump(include=set(base.config.model_fields)))
        default = type(config)()
        names = set(type(config).model_fields) - {spec.wraps}
        changed = {name: getattr(config, name) for name in names if getattr(config, name) != getattr(default, name)}
        own = self.methods[spec.own_base].config.model_fields if spec.own_base else {}
        idle = sorted(set(changed) & set(own) - set(base.config.model_fields))
        if idle:
            raise UsageError(f"{spec.name}.{idle[0]} has no effect with {spec.name}.{spec.wraps}={base.name}; leave it")
        try:
            return base.config.model_validate({n: v for n, v in changed.items() if n in base.config.model_fields})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(
                f"{spec.name}.{first['loc'][0]}={first['input']!r} does not go with {spec.name}.{spec.wraps}="
                f"{base.name}: {first['msg']}"
            ) from None

    def behind(self, name: str, options: Mapping[str, Any]) -> Iterator[MethodSpec]:
        """The method of this name and those whose arrays it starts from; none where it is not known.

        Args:
            name: of the method.
            options: its options, as :meth:`dqbench.specs.Config.stated` gives them.
        """
        left: str | None = name if name in self.methods else None
        given = dict(options)
        while left is not None:
            spec = self.methods[left]
            yield spec
            left = spec.builds_on
            if spec.wraps:  # a base that wraps has one of its own, which is not this option
                base = str(given.pop(spec.wraps, spec.config.model_fields[spec.wraps].default))
                left = None if base == spec.own_base else base

    def needs_observer(self, spec: MethodSpec) -> bool:
        """Whether the method, or one that it builds on, looks through a trained network."""
        return bool(spec.needs) or (spec.builds_on is not None and self.needs_observer(self.methods[spec.builds_on]))

    def catalogue(self, spec: Spec) -> Catalogue[Any]:
        """Where specs of this kind are."""
        if isinstance(spec, MethodSpec):
            return self.methods
        if isinstance(spec, TaskSpec):
            return self.tasks
        if isinstance(spec, JobSpec):
            return self.jobs
        return self.datasets if isinstance(spec, DatasetSpec) else self.archs

    def code(self, spec: Spec) -> str:
        """A hash of the source code behind a spec's numbers; empty where it is dqbench's, for which versions stand.

        It is computed once; of a method it covers its class and config, of a task its evaluator.
        """
        catalogue = self.catalogue(spec)
        place = (catalogue.what, spec.name)
        if place not in self._code:
            origin = catalogue.origin(spec.name)
            self._code[place] = code_hash(_targets(spec), [origin.distribution], [origin.module])
        return self._code[place]

    def code_words(self, spec: Spec, name: str) -> dict[str, str]:
        """What a job's spec says of :meth:`code`, under this name: nothing where it is dqbench's."""
        code = self.code(spec)
        return {name: code} if code else {}

    def find(self, name: str) -> tuple[str, Any, Origin]:
        """The kind, spec and origin of whatever bears this name.

        Raises:
            UsageError: nothing does; the message has the nearest name.
        """
        catalogues: list[Catalogue[Any]] = [self.methods, self.tasks, self.datasets, self.archs]
        for catalogue in catalogues:
            if name in catalogue:
                return catalogue.what, catalogue[name], catalogue.origin(name)
        names = [spec.name for catalogue in catalogues for spec in catalogue]
        raise unknown_name("name", name, names, _OF_ONES_OWN)


def _targets(spec: Any) -> tuple[str, ...]:
    if isinstance(spec, MethodSpec):
        return spec.target, spec.config.__module__
    if isinstance(spec, TaskSpec):
        return (spec.evaluator,)
    return (spec.target, spec.layout, spec.class_list) if isinstance(spec, DatasetSpec) else (spec.target,)
