"""Imagewoof across architectures: ten breeds of dogs, the harder twin of Imagenette, at the same sizes and budgets."""

from __future__ import annotations

from dataclasses import replace

from dqbench.tasks import imagenette_xarch

_MODEL = imagenette_xarch.TASK

TASK = replace(
    _MODEL,
    name="imagewoof-xarch",
    dataset="imagewoof-224",
    summary="Imagewoof accuracy of networks trained from scratch on what a method keeps, across architectures",
    citation=_MODEL.citation.replace("Imagenette", "Imagewoof"),
    smoke_leaves_out=_MODEL.smoke_leaves_out.replace("about 950", "about 900"),
    profiles={
        name: replace(profile, dataset=profile.dataset and profile.dataset.replace("imagenette", "imagewoof"))
        for name, profile in _MODEL.profiles.items()
    },
)
