"""Jobs of a task on texts: tokens, embeddings, language models and what they make of answers. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from dqbench.errors import UsageError
from dqbench.jobs.job import Job, Needs, Shared
from dqbench.plan.label_regimes import Taught
from dqbench.plan.network_jobs import NetworkJobs, Watched
from dqbench.plan.plan import Roles
from dqbench.specs import ArchSpec, Budget, Config, LanguageRecipe, MethodSpec, Recipe, Stage

_TOKENIZED = ("window", "vocabulary", "template")
"""What of a recipe the tokens hang on."""

_SECONDS = {"cpu": 0.03, "cuda": 0.0005}
"""Of a sample that is trained on, where nothing like it was measured."""


class TextJobs(NetworkJobs):
    """Adds jobs on texts; the rest of a plan asks for them as for those on images."""

    def watched(self, needs: Collection[str]) -> Watched:
        """What a record says of what a method looks through: an embedding, or a language model."""
        if "losses" in needs:
            return Watched(self.observer.arch, self.observer.recipe, None)
        found = self.facts.embedding(self.observer.embed)
        return Watched(found.kind, None, found.words)

    def train(
        self,
        arch: ArchSpec,
        recipe: Recipe,
        seed: int,
        kept: str | None,
        name: str,
        samples: int,
        taught: Taught | None = None,
    ) -> str:
        """A language model on ``kept``, a job's key, or on the whole source."""
        spec: dict[str, Any] = {
            "source": self.facts.source_spec,
            "arch": arch.name,
            "arch_version": arch.version,
            "recipe": recipe.model_dump(mode="json", exclude={"name"}),
            "seed": seed,
            "precision": self.facts.precision,
            **(taught.spec if taught else {}),
            **self._model(recipe),
        }
        inputs = {"tokens": self.tokens(recipe), **({"kept": kept} if kept else {})}
        passes = samples * recipe.for_samples(samples).epochs
        return self._add("trainlm", spec, inputs, f"train {arch.name} on {name}, seed {seed}", passes)

    def evaluate(
        self, arch: ArchSpec, inputs: Mapping[str, str], name: str, seed: int, views: int, rebuilt: Taught | None = None
    ) -> str:
        """The bits per byte of held-out answers by the network of ``inputs``, and what stages measured of it.

        Raises:
            UsageError: the task's evaluator asks for more, which no job on texts gives.
        """
        if self.facts.task.needs or not self.facts.task.trains:
            raise UsageError(f"{self.facts.task.name} is on texts, whose scoring is given the language model alone")
        facts, recipe = self.facts, self.facts.recipe(arch)
        spec = Shared(
            source=facts.source_spec,
            test_hash=facts.info.test_hash,
            test_per_class=facts.profile.test_per_class,
            language=_tokenized(recipe),
            metric=facts.task.metric,
            precision=facts.precision,
        )
        label = f"evaluate {arch.name} on {name}, seed {seed}"
        return self._add(
            "scorelm", spec, {**inputs, "tokens": self.tokens(recipe)}, label, facts.source.test_samples / 3
        )

    def looked_through(
        self, method: MethodSpec, config: Config, seed: int, roles: Roles
    ) -> tuple[str | None, dict[str, str]]:
        """What a method's ``prepare`` sees of the texts: ``embed``, one for all seeds, and ``losses``."""
        inputs = self.observe(seed, roles)[1] if "observer" in method.needs else {}
        if "losses" in method.needs:
            network = self.observer_network(seed)
            spec = {"source": self.facts.source_spec, "precision": self.facts.precision}
            given = {"network": network, "tokens": self.tokens(self.observer.recipe)}
            label = f"read answers with {self.observer.arch}, seed {seed}"
            inputs["losses"] = self._add("losses", spec, given, label, self.facts.source.train_samples)
            roles["tokenize"] = (given["tokens"],)
            roles["observer"] = (network,)
            roles["observe"] = (*roles.get("observe", ()), inputs["losses"])
        return (self.watched(method.needs).arch if inputs else None), inputs

    def observe(self, seed: int, roles: Roles, number: int = 0) -> tuple[str, dict[str, str]]:
        """The embedding: its kind, and the input of a job that is given it."""
        found = self.facts.embedding(self.observer.embed)
        spec = {"source": self.facts.source_spec, "embed": dataclasses.asdict(found)}
        label = f"embed the texts by {found.kind}"
        key = self._add("embed", spec, {}, label, self.facts.source.train_samples / 10)
        roles["observe"] = (key,)
        return found.kind, {"embed": key}

    def before_training(self, recipe: Recipe, roles: Roles) -> Roles:
        """The tokens of a recipe, and those that were needed before."""
        return {"tokenize": tuple(dict.fromkeys((*roles.get("tokenize", ()), self.tokens(recipe))))}

    def budget_inputs(self, budget: Budget, roles: Roles) -> dict[str, str]:
        """What choosing for a budget needs besides what the method asks for: the tokens that it is counted in."""
        if budget.kind != "tokens":
            return {}
        return {"tokens": self.tokens(self.facts.recipe(self.facts.archs[0]))}

    def tokens(self, recipe: Recipe) -> str:
        """The tokenizer of a recipe, and the texts as its tokens."""
        spec = {"source": self.facts.source_spec, "language": _tokenized(recipe), **self._model(recipe)}
        job = Job("tokenize", spec, {}, "tokenize the texts", self._needs(self.facts.source.train_samples / 100))
        self.made.setdefault(job.key, job)
        return job.key

    def trains_observers(self, method: str) -> dict[str, Any]:
        """No method trains observers of texts.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{method} is asked to train observers, which texts have none of; leave that option out")

    def _stage_job(self, stage: Stage, arch: ArchSpec, train: str, name: str, seed: int) -> Job:
        job = super()._stage_job(stage, arch, train, name, seed)
        options = {**stage.options, "code": self.facts.request.allow_code}
        return dataclasses.replace(job, spec={**job.spec, "options": options, **self._model(self.facts.recipe(arch))})

    def _model(self, recipe: Recipe) -> dict[str, Any]:
        """The checkpoint that a recipe starts from, as job specs name it; nothing where it starts from scratch."""
        found = self.facts.model
        return {"model": dataclasses.asdict(found)} if found and recipe.language and recipe.language.model else {}

    def _add(self, kind: str, spec: Mapping[str, Any], inputs: Mapping[str, str], label: str, passes: float) -> str:
        job = Job(kind, spec, inputs, label, self._needs(passes))
        self.made.setdefault(job.key, job)
        return job.key

    def _needs(self, passes: float) -> Needs:
        profile, large = self.facts.profile, self.facts.model is not None
        return Needs(
            threads=profile.threads,
            gpu_gib=70.0 if large else 4.0,
            seconds=0.5 + passes * _SECONDS[self.facts.device],
            time_limit_s=profile.time_limit_s,
        )


def _tokenized(recipe: Recipe) -> dict[str, Any]:
    language = recipe.language or LanguageRecipe.model_validate({})
    return language.model_dump(mode="json", include=set(_TOKENIZED))
