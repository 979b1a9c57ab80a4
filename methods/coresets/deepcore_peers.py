"""What is known of the methods of the original DeepCore: how each is called, which end it keeps, and its faults."""

from __future__ import annotations

from typing import Any, NamedTuple


class Peer(NamedTuple):
    """A method of the original: its module and class, its options, what it keeps, its known faults, what it sees."""

    module: str
    made: str
    options: dict[str, Any]
    summary: str
    keeps: str
    fault: str
    logits: bool = True


def _submodular(function: str, summary: str, keeps: str, fault: str = "") -> Peer:
    """One of those whose similarity is the cosine of last-layer gradients."""
    never = "A gradient whose square rounds to 0 in float32 makes it go on for ever; here that is an error."
    options = {"function": function, "greedy": "LazyGreedy"}
    return Peer("submodular", "Submodular", options, summary, keeps, f"{fault} {never}".strip())


def _uncertain(method: str, summary: str, keeps: str, fault: str = "") -> Peer:
    """One of those that rank classes' samples rightly, and with ``scope=dataset`` from the wrong end."""
    wrong = "With scope=dataset it keeps the most certain."
    return Peer("uncertainty", "Uncertainty", {"selection_method": method}, summary, keeps, f"{fault} {wrong}".strip())


PEERS = {
    "GraphCut": _submodular("GraphCut", "graph cut", "what is like the rest of the class and unlike the picks"),
    "FacilityLocation": _submodular(
        "FacilityLocation", "facility location", "what stands for most samples that no pick stands for yet"
    ),
    "LogDeterminant": _submodular(
        "LogDeterminant",
        "log determinant",
        "what the picks span already: the wrong end",
        "Its gain has the sign inverted.",
    ),
    "Herding": Peer(
        "herding",
        "Herding",
        {},
        "herding",
        "the farthest from what the picks still lack of the mean: the wrong end",
        "It picks the farthest from what the picks still lack of the mean (argmax), where herding picks the nearest.",
        logits=False,
    ),
    "kCenterGreedy": Peer(
        "kcentergreedy",
        "kCenterGreedy",
        {"torchvision_pretrain": False},
        "k-center",
        "the farthest from the picks: outliers come early",
        "No fault is known of it with classes bound, but that it starts at the same place of every class.",
        logits=False,
    ),
    "ContextualDiversity": Peer(
        "contextualdiversity",
        "ContextualDiversity",
        {},
        "contextual diversity",
        "what is predicted least like any pick",
        "Divergences of probabilities that round to 0 are NaN or infinite.",
    ),
    "LeastConfidence": _uncertain(
        "LeastConfidence",
        "least confidence",
        "the smallest of the largest logits",
        "It ranks the largest logit, not the largest probability.",
    ),
    "Entropy": _uncertain("Entropy", "entropy", "the largest entropy"),
    "Margin": _uncertain("Margin", "margin", "the smallest margin"),
    "GraNd": Peer(
        "grand",
        "GraNd",
        {"repeat": 1},
        "gradient norms",
        "the largest gradient",
        "Gradients of the last batch are inflated by 256 over its size. One observer here, where it takes ten.",
    ),
    "Craig": Peer(
        "craig",
        "Craig",
        {},
        "CRAIG",
        "what stands for the most gradients that no pick stands for yet, with weights",
        "Its weights count each medoid twice, gradients of a last, smaller batch are inflated, and with scope=dataset "
        "gains are indexed wrongly.",
    ),
    "Glister": Peer(
        "glister",
        "Glister",
        {},
        "GLISTER",
        "what lies most along the mean gradient of its class",
        "Its update of the validation gradient is never called (a keyword is misspelt), and without a validation set "
        "it takes the training set for one.",
    ),
    "GradMatch": Peer(
        "gradmatch",
        "GradMatch",
        {},
        "gradient matching",
        "what reaches furthest along the gradient that the picks do not give yet, with weights",
        "On a GPU it cannot run: it calls torch.lstsq, which torch dropped. Here it goes its way on a CPU, which "
        "keeps less than the budget where weights come out as 0; that is an error.",
    ),
}
WEIGHED = ("Craig", "GradMatch")
