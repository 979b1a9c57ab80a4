"""Augmentation: what it may do to an image, how often, and that random augment is torchvision's."""

from __future__ import annotations

import re

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import RandAugment as Reference
from torchvision.transforms.autoaugment import _apply_op

from dqbench.errors import UsageError
from dqbench.recipe import FORMS, check_augment
from dqbench.train.augment import NORMALISED, dsa, normalised_pipeline, pipeline
from dqbench.train.draws import Draws
from dqbench.train.dsa import OPERATIONS as DSA
from dqbench.train.randaugment import OPERATIONS, UNSIGNED, RandAugment

torch.set_num_threads(1)
CPU = torch.device("cpu")
REFERENCE_NAMES = {
    "shear-x": "ShearX",
    "shear-y": "ShearY",
    "translate-x": "TranslateX",
    "translate-y": "TranslateY",
    "rotate": "Rotate",
    "identity": "Identity",
    **{
        n: n.capitalize() for n in ("brightness", "color", "contrast", "sharpness", "posterize", "solarize", "equalize")
    },
    "autocontrast": "AutoContrast",
}


def pictures(count: int = 4, size: int = 32, seed: int = 0) -> torch.Tensor:
    """Smooth random uint8 images (b, h, w, c)."""
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 255
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=True)
    return smooth.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def test_flip_mirrors_about_half_of_the_images_and_leaves_the_rest() -> None:
    images = pictures(1, 8).expand(400, -1, -1, -1)
    out = pipeline(("flip",))(images, Draws.seeded(0, CPU))
    mirrored = torch.tensor([torch.equal(o, images[0].flip(1)) for o in out])
    kept = torch.tensor([torch.equal(o, images[0]) for o in out])
    assert (mirrored ^ kept).all()
    assert 150 < int(mirrored.sum()) < 250


def test_crop_gives_every_offset_equally_often_with_zeros_outside() -> None:
    image = torch.arange(1, 17, dtype=torch.uint8).reshape(1, 4, 4, 1)
    padded = torch.nn.functional.pad(image, (0, 0, 1, 1, 1, 1))[0]
    windows = [padded[r : r + 4, c : c + 4] for r in range(3) for c in range(3)]
    out = pipeline(("shift1",))(image.expand(1800, -1, -1, -1), Draws.seeded(0, CPU))
    counts = [sum(torch.equal(o, w) for o in out) for w in windows]
    assert sum(counts) == 1800
    assert min(counts) > 140


def test_the_stream_depends_on_the_seed_alone() -> None:
    images = pictures(6)
    augment = pipeline(("randaugment-2-14", "crop4", "flip"))
    a, b, c = (augment(images, Draws.seeded(seed, CPU)) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    for name in ("flip", "crop4", "randaugment-2-14"):
        first, other = (pipeline((name,))(pictures(16), Draws.seeded(seed, CPU)) for seed in (0, 1))
        assert not torch.equal(first, other), name
    assert a.dtype == torch.uint8
    assert a.shape == images.shape


@pytest.mark.parametrize("strength", [0, 14, 30])
@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_torchvisions(name: str, sign: int, strength: int) -> None:
    images = pictures()
    reference = REFERENCE_NAMES[name]
    strengths, signed = Reference()._augmentation_space(31, (32, 32))[reference]
    assert signed == (name not in UNSIGNED)
    magnitude = float(strengths[strength]) if strengths.ndim else 0.0
    if signed and sign:
        magnitude = -magnitude
    expected = _apply_op(images.permute(0, 3, 1, 2), reference, magnitude, InterpolationMode.NEAREST, None)
    operation = torch.full((4,), OPERATIONS.index(name))
    out = RandAugment(1, strength).apply(images, operation, torch.full((4,), sign)).permute(0, 3, 1, 2)
    differs = (out.int() - expected.int()).abs() > 1
    assert differs.float().mean() < 0.01  # nearest neighbours at exact ties may fall either way


def test_a_mixed_batch_is_the_operations_one_by_one() -> None:
    images = pictures(28)
    augment = RandAugment(1, 14)
    operation = torch.arange(28) % 14
    sign = torch.arange(28) // 14
    shuffle = torch.randperm(28, generator=torch.Generator().manual_seed(0))
    operation, sign = operation[shuffle], sign[shuffle]
    out = augment.apply(images, operation, sign)
    for i in range(28):
        alone = augment.apply(images[i : i + 1], operation[i : i + 1], sign[i : i + 1])
        differs = (out[i].int() - alone[0].int()).abs() > 1  # sums over a batch may be rounded in another order
        assert differs.float().mean() < 0.01, OPERATIONS[int(operation[i])]


def test_gray_images_are_taken() -> None:
    images = pictures(28)[..., :1].contiguous()
    operation, sign = torch.arange(28) % 14, torch.arange(28) // 14
    assert RandAugment(1, 14).apply(images, operation, sign).shape == images.shape


@pytest.mark.parametrize("kind", FORMS)
def test_what_a_recipe_may_ask_for_is_there(kind: str) -> None:
    tried = (kind, f"{kind}2", f"{kind}-2", f"{kind}-2-3")
    name = next(name for name in tried if re.fullmatch(kind + FORMS[kind], name))
    check_augment((name,))
    changed = pipeline((name,))(pictures(64), Draws.seeded(0, CPU, 64))
    assert torch.equal(changed, pictures(64)) == (kind in NORMALISED)


@pytest.mark.parametrize("name", ["rrc-0", "rrc-101", "patches-0", "crop-4", "flip2"])
def test_a_recipe_refuses_what_no_augmentation_can_be_before_anything_trains(name: str) -> None:
    with pytest.raises(UsageError, match=f"unknown augmentation '{name}'; known: flip"):
        check_augment((name,))


@pytest.mark.parametrize("name", ["randaugment-2-31", "randaugment-0-5", "crop", "flop"])
def test_wrong_names_and_strengths_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        pipeline((name,))


def test_random_augment_refuses_floats() -> None:
    with pytest.raises(UsageError, match="uint8"):
        pipeline(("randaugment-2-14",))(torch.zeros(2, 8, 8, 3), Draws.seeded(0, CPU))


def test_dsa_is_one_operation_for_a_batch_with_a_strength_for_each_image() -> None:
    image = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    draws, host, device = Draws.seeded(3, CPU), *(Draws.seeded(3, CPU).__dict__[n] for n in ("host", "device"))
    seen = set()
    for _ in range(40):
        kind = int(torch.randint(0, len(DSA), (1,), generator=host))
        shares = torch.rand(12, 3, generator=device)
        out = dsa(image.expand(12, -1, -1, -1), draws)
        name = list(DSA)[kind]
        torch.testing.assert_close(out, torch.cat([DSA[name](image, share[None]) for share in shares]))
        different = len({tuple(one.flatten().tolist()) for one in out})
        assert different == 2 if name == "flip" else different > 6
        seen.add(name)
    assert seen == set(DSA)


def test_dsa_runs_on_normalised_images_and_last() -> None:
    images = pictures(5, 16)
    assert torch.equal(pipeline(("dsa",))(images, Draws.seeded(0, CPU)), images)
    moved = pipeline(("crop4", "dsa"))(images, Draws.seeded(0, CPU))
    assert torch.equal(moved, pipeline(("crop4",))(images, Draws.seeded(0, CPU)))
    normal = torch.randn(5, 3, 16, 16)
    assert torch.equal(normalised_pipeline(("flip", "crop4"))(normal, Draws.seeded(0, CPU)), normal)
    twice = normalised_pipeline(("flip", "dsa"))(normal, Draws.seeded(0, CPU))
    assert torch.equal(twice, dsa(normal, Draws.seeded(0, CPU)))
    with pytest.raises(UsageError, match="put it last"):
        pipeline(("dsa", "flip"))


def test_alternating_flips_show_both_sides_of_every_image_in_two_epochs() -> None:
    images, alternate = pictures(400), pipeline(("altflip",))
    draws = Draws.seeded(0, CPU, 400)
    shown = [alternate(images, draws.at(epoch)) for epoch in (1, 2, 3)]
    mirrored = [(view != images).flatten(1).any(1) for view in shown]
    assert torch.equal(shown[0], shown[2])
    assert torch.equal(mirrored[0], ~mirrored[1])
    assert torch.equal(torch.where(mirrored[0][:, None, None, None], images.flip(2), images), shown[0])
    assert 140 < int(mirrored[0].sum()) < 260
    part = torch.tensor([399, 5, 17])
    assert torch.equal(alternate(images[part], draws.at(2, part)), shown[1][part])
    other = alternate(images, Draws.seeded(1, CPU, 400).at(1))
    assert not torch.equal(other, shown[0])
