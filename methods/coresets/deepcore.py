"""Methods of the original DeepCore, run from a user's own checkout, as peers of those here: ``deepcore:GraphCut``.

Guo et al., DeepCore: A Comprehensive Library for Coreset Selection in Deep Learning, DEXA 2022. With
``DQBENCH_DEEPCORE=DIR``, a checkout of PatrickZH/DeepCore, its classes choose by the features and logits of the same
observer that all methods look through, in the place of a network that they would train; the budget of each class is
exact. What needs the original's own training or pretrained networks (Forgetting, Cal, DeepFool) is not among them.
The package ``deepcore`` on PyPI is another thing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from dqbench import MethodSpec, UsageError, derive, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets import deepcore_checkout as original
from dqbench.methods.coresets.deepcore_peers import PEERS, WEIGHED

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset

_BATCH = 256


class DeepCoreConfig(select.ScopeConfig):
    """Options of a method of the original."""

    checkout: str = Field(
        default_factory=original.checkout_hash,
        description="sha256 of the methods in DQBENCH_DEEPCORE, which must be those there; by default it is",
    )

    def check_budget(self, per_class: Sequence[int], class_counts: Sequence[int], side: int) -> None:
        """Refuse where there is no checkout, and classes of which nothing is kept, which the original cannot do."""
        original.checkout()
        if self.scope == "class" and min(per_class) < 1:
            raise UsageError("DeepCore keeps at least one sample of each class; keep more, or set scope=dataset")


def specs() -> Iterable[MethodSpec]:
    """The original's methods, where ``DQBENCH_DEEPCORE`` names a checkout."""
    if not os.environ.get(original.VARIABLE):
        return
    for name, peer in PEERS.items():
        yield MethodSpec(
            name=f"deepcore:{name}",
            target=f"{__name__}:{name}",
            config=DeepCoreConfig,
            kind="selection",
            version=1,
            labels=("hard", "soft", "teacher"),
            summary=f"{peer.summary} as the original DeepCore has it, run from a checkout",
            paper="Guo et al., DeepCore, DEXA 2022, arXiv:2204.08499",
            needs=("observer",),
            weighs=name in WEIGHED,
            keeps=peer.keeps,
            cost="one pass of the observer, and the original's own code on one CPU",
            differs=f"{peer.fault} It chooses by the observer that all methods look through; budgets are exact.",
        )


class DeepCore:
    """A method of the original, on the features and logits of the observer."""

    name = ""

    def __init__(self, config: DeepCoreConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Subset:
        """What the original selects, in its order; with CRAIG's weights where it gives some."""
        from dqbench import Subset

        if self.config.checkout != original.checkout_hash():
            raise UsageError(f"the checkout in {original.VARIABLE} is another than that this was planned with")
        found = self._select(source, budget, derive(seed, "deepcore") % 2**32, observed)
        chosen = np.asarray(found["indices"], dtype=np.int64)
        if len(chosen) != budget.total:
            raise UsageError(
                f"the original's {self.name} kept {len(chosen)} samples, not {budget.total}; {PEERS[self.name].fault}"
            )
        weights = np.asarray(found["weights"], dtype=np.float64) if "weights" in found else None
        return Subset(ids=source.ids[chosen], weights=weights)

    def _select(self, source: Source, budget: ResolvedBudget, seed: int, observed: Observed) -> dict[str, Any]:
        peer, balance = PEERS[self.name], self.config.scope == "class"
        if peer.module == "submodular":
            _check_gradients(observed, self.name)
        samples = original.Samples(_seen(observed, source.classes, peer.logits), source.labels, source.classes)
        fraction = budget.total / len(source)
        args = _arguments(source)
        with original.quietly(seed):
            made = original.load(peer.module, peer.made)(
                samples, args, fraction, seed, specific_model=None, balance=balance, **peer.options
            )
            made.coreset_size = budget.total
            made.fraction = original.share(fraction, budget.per_class.tolist()) if balance else fraction
            made.run = lambda: _run(made, observed.features.shape[1])
            selected: dict[str, Any] = made.select()
        return selected


def _seen(observed: Observed, classes: int, logits: bool) -> npt.NDArray[np.float32]:
    """Features and logits side by side, shape (n, d + classes); zeros for logits that are not looked at."""
    features = select.finite_features(observed.features)
    answers = select.finite_features(observed.logits, "logits") if logits else np.zeros((len(features), classes))
    return np.concatenate([features, answers], axis=1, dtype=np.float32)


def _check_gradients(observed: Observed, name: str) -> None:
    """Refuse gradients whose norm is 0 as the original computes it: cosines with them are no numbers.

    Raises:
        UsageError: there is one; the message says whose.
    """
    largest = np.abs(observed.gradients()).max(axis=1) / _BATCH
    longest = np.maximum(np.abs(observed.features).max(axis=1, initial=0.0), 1.0)
    gone = np.square((largest * longest).astype(np.float32)) == 0
    if gone.any():
        raise UsageError(
            f"the gradient of sample {int(gone.argmax())} rounds to 0 in the original's {name}, which never ends then; "
            "train the observer for fewer epochs, or use dqbench's own"
        )


def _arguments(source: Source) -> SimpleNamespace:
    return SimpleNamespace(
        device="cpu",
        gpu=None,
        workers=0,
        selection_batch=_BATCH,
        print_freq=10**9,
        num_classes=source.classes,
        im_size=source.images.shape[1:3],
        channel=source.images.shape[3],
        lr=0.1,
        model="",
    )


def _run(made: Any, width: int) -> Any:
    """The original's ``run`` without its training: the network is trained already."""
    import torch

    made.train_indx = np.arange(made.n_train)
    made.model = original.network(width)
    made.criterion = torch.nn.CrossEntropyLoss()
    made.model_optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    made.before_run()
    return made.finish_run()


globals().update({name: type(name, (DeepCore,), {"name": name, "__doc__": DeepCore.__doc__}) for name in PEERS})
