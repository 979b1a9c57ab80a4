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
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from dqbench import MethodSpec, UsageError, derive, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets import deepcore_checkout as original

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset

_BATCH = 256


class Peer(NamedTuple):
    """A method of the original: its module and class, its options, what it looks at, and its known faults."""

    module: str
    made: str
    options: dict[str, Any]
    summary: str
    fault: str
    logits: bool = True


_NONE = "No fault is known of it with classes bound."
PEERS = {
    "GraphCut": Peer("submodular", "Submodular", {"function": "GraphCut", "greedy": "LazyGreedy"}, "graph cut", _NONE),
    "FacilityLocation": Peer(
        "submodular", "Submodular", {"function": "FacilityLocation", "greedy": "LazyGreedy"}, "facility location", _NONE
    ),
    "LogDeterminant": Peer(
        "submodular",
        "Submodular",
        {"function": "LogDeterminant", "greedy": "LazyGreedy"},
        "log determinant",
        "Its gain has the sign inverted: it keeps what its picks already span.",
    ),
    "Herding": Peer(
        "herding",
        "Herding",
        {},
        "herding",
        "It picks the farthest from what the picks still lack of the mean (argmax), where herding picks the nearest.",
        logits=False,
    ),
    "kCenterGreedy": Peer("kcentergreedy", "kCenterGreedy", {"torchvision_pretrain": False}, "k-center", _NONE, False),
    "ContextualDiversity": Peer(
        "contextualdiversity",
        "ContextualDiversity",
        {},
        "contextual diversity",
        "Divergences of probabilities that round to 0 are NaN or infinite.",
    ),
    "LeastConfidence": Peer(
        "uncertainty",
        "Uncertainty",
        {"selection_method": "LeastConfidence"},
        "least confidence",
        "It ranks the largest logit, not the largest probability; with scope=dataset it keeps the most certain.",
    ),
    "Entropy": Peer(
        "uncertainty",
        "Uncertainty",
        {"selection_method": "Entropy"},
        "entropy",
        "With scope=dataset it keeps the most certain.",
    ),
    "Margin": Peer(
        "uncertainty",
        "Uncertainty",
        {"selection_method": "Margin"},
        "margin",
        "With scope=dataset it keeps the most certain.",
    ),
    "GraNd": Peer(
        "grand",
        "GraNd",
        {"repeat": 1},
        "gradient norms",
        "Gradients of the last batch are inflated by 256 over its size. One observer here, where it takes ten.",
    ),
    "Craig": Peer(
        "craig",
        "Craig",
        {},
        "CRAIG",
        "Its weights count each medoid twice, gradients of a last, smaller batch are inflated, and with scope=dataset "
        "gains are indexed wrongly.",
    ),
    "Glister": Peer(
        "glister",
        "Glister",
        {},
        "GLISTER",
        "Its update of the validation gradient is never called (a keyword is misspelt), and without a validation set "
        "it takes the training set for one.",
    ),
    "GradMatch": Peer(
        "gradmatch",
        "GradMatch",
        {},
        "gradient matching",
        "On a GPU it cannot run: it calls torch.lstsq, which torch dropped. Here it goes its way on a CPU, which "
        "keeps less than the budget where weights come out as 0; that is an error.",
    ),
}
WEIGHED = ("Craig", "GradMatch")


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
