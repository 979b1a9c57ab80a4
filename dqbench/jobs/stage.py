"""The job of a kind that a plugin brings: checks its code, calls its function and opens test images where it may."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench.data import seal, store
from dqbench.data.arrays import TestSet
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs.inputs import check_code, load_net, open_source, registry
from dqbench.jobs.job import Context
from dqbench.jobs.metrics import plain
from dqbench.specs import load_target

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class StageWork:
    """What the function of a plugin's kind of job is given.

    Attributes:
        spec: the job's: ``options`` are those of the stage; after training also ``seed`` and ``precision``.
        inputs: folders by role: ``network`` after training, else none.
        context: ``device`` (``cpu`` or ``cuda``), ``threads`` and ``scratch``, a folder that later attempts find again.
    """

    spec: Mapping[str, Any]
    inputs: Mapping[str, Path]
    context: Context

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the stage."""
        options: Mapping[str, Any] = self.spec["options"]
        return options

    @cached_property
    def source(self) -> Source:
        """The training set; of stages after training."""
        return open_source(self.spec["source"])

    @cached_property
    def net(self) -> nn.Module:
        """The trained network in eval mode on the device; of stages after training."""
        return load_net(self.spec["arch"], self.inputs["network"], self.source, self.context)

    @cached_property
    def test(self) -> TestSet:
        """The test set, of stages before training whose kind ``reads_test``.

        Raises:
            SealedError: the kind does not.
        """
        found = store.open_test(self.spec["dataset"], self.spec["test_per_class"])
        if found.content_hash != self.spec["test_hash"]:
            raise UsageError(f"the test set of {self.spec['dataset']} changed since this run was planned; run it again")
        return found


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Call the function; what it returns must be values that a record can hold."""
    kind = registry(context).jobs[spec["job_name"]]
    function = load_target(kind.target)
    check_code(kind, spec.get("job_code", ""), context)
    with seal.broken() if spec.get("reads_test") else nullcontext(seal.Reads()) as reads:
        found = function(StageWork(spec, inputs, context), out)
    if found is not None and not isinstance(found, Mapping):
        raise UsageError(f"{kind.target} returned a {type(found).__name__}; return a dict of facts, or None")
    facts: dict[str, Any] = plain(dict(found or {}), f"what {kind.target} returned")
    return {**facts, **({"test_reads": len(reads.names)} if reads.names else {})}
