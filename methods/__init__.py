"""The built-in methods, one file or folder each; they come in by the entry point ``methods`` like a stranger's.

``coresets`` keep samples, ``texts`` samples that are texts, ``quantization`` keeps samples bin by bin, ``distillation``
makes images. A new method is a
module with a ``SPEC`` in one of them, and its name in the list below. Nothing here imports NumPy or torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from dqbench import MethodSpec, hookimpl

MODULES = (
    "coresets.random",
    "coresets.random_unbalanced",
    "coresets.graphcut",
    "coresets.herding",
    "coresets.k_center",
    "coresets.facility_location",
    "coresets.log_determinant",
    "coresets.contextual_diversity",
    "coresets.moderate",
    "coresets.margin",
    "coresets.entropy",
    "coresets.least_confidence",
    "coresets.cal",
    "coresets.deepfool",
    "coresets.grand",
    "coresets.el2n",
    "coresets.forgetting",
    "coresets.aum",
    "coresets.dyn_unc",
    "coresets.dual",
    "coresets.tdds",
    "coresets.ccs",
    "coresets.d2",
    "coresets.ssl_prototypes",
    "coresets.craig",
    "coresets.gradmatch",
    "coresets.glister",
    "coresets.zcore",
    "coresets.infomax",
    "texts.longest",
    "texts.ifd",
    "texts.perplexity",
    "texts.semdedup",
    "texts.replay",
    "quantization.dq",
    "quantization.adq",
    "quantization.adq.shuffled",
    "distillation.dm",
    "distillation.rded",
)


@hookimpl
def dqbench_methods() -> Iterable[MethodSpec]:
    """Yield the built-in methods."""
    built_in = [importlib.import_module(f"{__name__}.{module}").SPEC for module in MODULES]
    return [*built_in, *importlib.import_module(f"{__name__}.coresets.deepcore").specs()]
