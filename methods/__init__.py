"""The built-in methods, one file each; they come in by the entry point ``methods`` like a stranger's."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.hookspecs import hookimpl
from dqbench.specs import MethodSpec

_DQ_PAPER = "Zhou et al., Dataset Quantization, ICCV 2023, arXiv:2308.10524"
_ADQ_PAPER = "Li et al., Adaptive Dataset Quantization, AAAI 2025"
_GRAPHCUT_PAPER = "Iyer et al., Submodular Combinatorial Information Measures, ALT 2021; as Eq. 1 of " + _DQ_PAPER


@hookimpl
def dqbench_methods() -> Iterable[MethodSpec]:
    """Yield the built-in methods."""
    yield from _random()
    yield from _graph_cuts()
    yield from _adaptive()
    yield from _distillation()
    yield from _stitched()


def _random() -> Iterable[MethodSpec]:
    from dqbench.methods.configs import RandomConfig

    yield MethodSpec(
        name="random",
        target="dqbench.methods.random:Random",
        config=RandomConfig,
        kind="selection",
        version=1,
        labels=("hard", "soft", "teacher"),
        summary="uniform inside each class: the twin of every cell",
    )
    yield MethodSpec(
        name="random-unbalanced",
        target="dqbench.methods.random:RandomUnbalanced",
        config=RandomConfig,
        kind="selection",
        version=1,
        labels=("hard", "soft", "teacher"),
        summary="uniform from the whole set, whatever the classes",
    )


def _graph_cuts() -> Iterable[MethodSpec]:
    from dqbench.methods.configs import DQConfig, GraphCutConfig

    yield MethodSpec(
        name="graphcut",
        target="dqbench.methods.graphcut:GraphCut",
        config=GraphCutConfig,
        kind="selection",
        version=1,
        labels=("hard", "soft", "teacher"),
        summary="greedy graph cut on last-layer gradients: like the rest of the class, unlike the picks",
        paper=_GRAPHCUT_PAPER,
        needs=("observer",),
        prepares=True,
        gpu_gib=6,
        differs=(
            "One softmax in the loss (double_softmax has the released two). Exact in float64, where released code "
            "computes similarities in float32. Budgets are met exactly."
        ),
    )
    yield MethodSpec(
        name="dq",
        target="dqbench.methods.dq:DQ",
        config=DQConfig,
        kind="quantization",
        version=1,
        labels=("hard", "soft", "teacher"),
        summary="bins by recursive graph cut, then a uniform sample of each bin",
        paper=_DQ_PAPER,
        needs=("observer",),
        prepares=True,
        compress_only=("sampler",),
        gpu_gib=6,
        differs=(
            "Dropped patches (drop=0.25) are really not stored, and lie on a grid at native resolution; released code "
            "saves rebuilt images. The observer is trained once; the released route trains it anew for every bin. "
            "Every bin has draws of its own, where released code draws the same places in all of them, and budgets "
            "are met exactly, where it rounds in each bin. One softmax (double_softmax has two)."
        ),
    )


def _adaptive() -> Iterable[MethodSpec]:
    from dqbench.methods.configs import ADQConfig

    yield MethodSpec(
        name="adq",
        target="dqbench.methods.adq:ADQ",
        config=ADQConfig,
        kind="quantization",
        version=1,
        labels=("hard", "soft", "teacher"),
        summary="DQ's bins, sampled by importance: how textured a bin is and how diverse",
        paper=_ADQ_PAPER,
        needs=("observer",),
        builds_on="dq",
        prepares=True,
        compress_only=("sampler", "alpha"),
        gpu_gib=6,
        differs=(
            "Dropped patches as in dq. The discriminator is trained, one for all bins; the "
            "released one is random. Shares add up to the budget, which the printed Eq. 10 leaves open. Scores are "
            "min-max normalised over the bins; temperature and discriminator sizes are not printed and are ours. The "
            "released importances can be given as importances=[1,.985,1.031,1.182,1.094,1.176,1.083,1.089,1.011,1]."
        ),
    )
    yield MethodSpec(
        name="adq-shuffled",
        target="dqbench.methods.adq:ADQShuffled",
        config=ADQConfig,
        kind="quantization",
        version=1,
        labels=("hard", "soft", "teacher"),
        summary="control of adq: the same importances, randomly permuted over the bins",
        paper=_ADQ_PAPER,
        builds_on="adq",
        compress_only=("sampler", "alpha"),
        control_of="adq",
        differs="A control row of dqbench; the paper has none.",
    )


def _distillation() -> Iterable[MethodSpec]:
    from dqbench.methods.configs import DMConfig

    yield MethodSpec(
        name="dm",
        target="dqbench.methods.dm:DM",
        config=DMConfig,
        kind="distillation",
        version=1,
        summary="images made so that random networks' mean embedding of each class is that of real images",
        paper="Zhao & Bilen, Dataset Condensation with Distribution Matching, WACV 2023, arXiv:2110.04181",
        makes="float32",
        scaled={"smoke": {"iterations": 500, "batch": 64, "width": 32}},
        gpu_gib=10,
        differs=(
            "All classes go through the network in one pass, which gives the same sum with instance norm; released "
            "code does so for batch norm alone. Draws come from the seed, where released code takes the clock, and "
            "images are updated exactly as often as asked, where it does once more. Ratio budgets and classes smaller "
            "than the batch work."
        ),
    )


def _stitched() -> Iterable[MethodSpec]:
    from dqbench.methods.configs import RDEDConfig

    yield MethodSpec(
        name="rded",
        target="dqbench.methods.rded:RDED",
        config=RDEDConfig,
        kind="distillation",
        version=1,
        labels=("soft", "teacher", "hard"),
        summary="images stitched from the crops that the observer finds most real, with its labels",
        paper="Sun et al., On the Diversity and Realism of Distilled Dataset, CVPR 2024, arXiv:2312.03526",
        needs=("observer",),
        makes="uint8",
        gpu_gib=8,
        differs=(
            "Images are kept as uint8; released code writes JPEG. Crops are scored resized to full size and meet at "
            "random, as the paper says; released code scores them in a frame of zeros (scoring=pad) and stitches by "
            "rank (stitch=rank). Soft labels are stored for regions, the paper's Eq. 10; released code asks the "
            "teacher live (--labels teacher, temperature 20)."
        ),
    )
