"""What Python users have in hand as a source: ids are its indices, pixels and labels its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from torch.utils.data import Subset as Part
from torchvision.datasets import VisionDataset

import dqbench
from dqbench.data.in_python import open_given
from dqbench.errors import UsageError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 9, 9, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


class Listed(Dataset):
    """A map-style data set of whatever samples it is given."""

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, place):
        return self.samples[place]


class Streamed(IterableDataset):
    """Samples without indices."""

    def __iter__(self):
        return iter([(IMAGES[0], 0)])


class Vision(VisionDataset):
    """A data set of torchvision's kind, with a transform that would spoil the pixels."""

    classes = ("ant", "bee", "cow")

    def __init__(self):
        super().__init__(".", transform=lambda image: pytest.fail("the transform was called"))

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, place):
        image = Image.fromarray(IMAGES[place])
        return (self.transform(image) if self.transform else image), int(LABELS[place])


def check(source, images=IMAGES, labels=LABELS, names=("0", "1", "2")):
    assert np.array_equal(source.images, images)
    assert source.labels.tolist() == labels.tolist()
    assert source.class_names == names
    assert source.ids.tolist() == list(range(len(images)))


@pytest.mark.parametrize(
    "given",
    [
        (IMAGES, LABELS),
        [IMAGES, LABELS.tolist()],
        (torch.tensor(IMAGES).permute(0, 3, 1, 2), torch.tensor(LABELS)),
        TensorDataset(torch.tensor(IMAGES).permute(0, 3, 1, 2), torch.tensor(LABELS)),
        TensorDataset(torch.tensor(IMAGES).permute(0, 3, 1, 2) / 255, torch.tensor(LABELS)),
        Listed([(Image.fromarray(image), label) for image, label in zip(IMAGES, LABELS, strict=True)]),
        Listed([{"img": image, "label": int(label)} for image, label in zip(IMAGES, LABELS, strict=True)]),
    ],
    ids=["arrays", "lists", "tensors", "uint8", "floats", "pillow", "mappings"],
)
def test_pixels_and_labels_are_what_was_given(given):
    check(open_given(given)[0])


def test_transforms_of_torchvision_are_left_out_and_the_data_set_is_not_changed():
    vision = Vision()
    check(open_given(vision)[0], names=("ant", "bee", "cow"))
    assert vision.transform is not None
    part, places = Part(vision, [7, 2, 5, 0]), [7, 2, 5, 0]
    check(open_given(part)[0], IMAGES[places], np.array([1, 2, 2, 0])[[0, 1, 2, 3]], ("ant", "bee", "cow"))


def test_gray_images_stay_gray_and_mixed_ones_become_colour():
    gray = [Image.fromarray(image[..., 0]) for image in IMAGES]
    assert np.array_equal(open_given(Listed([(image, 0) for image in gray]))[0].images, IMAGES[..., :1])
    mixed = open_given(Listed([(gray[0], 0), (Image.fromarray(IMAGES[1]), 1)]))[0].images
    assert mixed.shape == (2, 9, 9, 3)
    assert np.array_equal(mixed[1], IMAGES[1])


@pytest.mark.parametrize(("size", "side"), [(None, 64), (16, 16)])
def test_images_of_several_sizes_are_brought_to_one(size, side):
    given = Listed([(Image.new("RGB", (20, 20)), 0), (Image.new("RGB", (30, 20), "red"), 1)])
    images = open_given(given, size)[0].images
    assert images.shape == (2, side, side, 3)
    assert images[1, side // 2, side // 2].tolist() == [255, 0, 0]


def test_a_hugging_face_data_set_gives_its_own_classes():
    datasets = pytest.importorskip("datasets")
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee", "cow"])})
    rows = {"image": [Image.fromarray(image) for image in IMAGES], "label": LABELS.tolist()}
    given = datasets.Dataset.from_dict(rows, features=kinds)
    check(open_given(given)[0], names=("ant", "bee", "cow"))
    check(open_given(given.with_format("torch"))[0], names=("ant", "bee", "cow"))
    with pytest.raises(UsageError, match="several splits"):
        open_given(datasets.DatasetDict(a=given))
    with pytest.raises(UsageError, match="streaming"):
        open_given(given.to_iterable_dataset())
    with pytest.raises(UsageError, match="0 columns of images"):
        open_given(given.remove_columns("image"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (IMAGES, "came alone"),
        ((IMAGES / 255, LABELS), "float64, not uint8"),
        ((IMAGES.transpose(0, 3, 1, 2), LABELS), "channels first"),
        ((IMAGES, LABELS[:-1]), "12 samples, but there are 11 labels"),
        (5, "source is a int and none of"),
        (None, "NoneType"),
        ({"images": IMAGES}, "dict"),
        (DataLoader(Listed([1])), "cannot be asked for by an index"),
        (Streamed(), "cannot be asked for by an index"),
        (Listed([]), "empty"),
        (TensorDataset(torch.randn(4, 3, 9, 9), torch.zeros(4)), "normalised"),
        (Listed([(IMAGES[0], 0.5)]), "label 0.5"),
        (Listed([(IMAGES[0], -1)]), "label -1, as unlabelled"),
        (Listed([(IMAGES[0], 0), (IMAGES[1],)]), "sample 1 has no label"),
        (Listed([("words", 0)]), "image of sample 0 is str"),
        (Listed([{"text": "words"}]), "sample 0 has text"),
        (Listed([(b"no image", 0)]), "image of sample 0 cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "given",
)
def test_what_cannot_be_meant_is_refused(given, words):
    with pytest.raises(UsageError) as caught:
        open_given(given)
    assert words in str(caught.value)


def test_an_error_of_the_users_data_set_names_the_sample():
    class Broken(Listed):
        def __getitem__(self, place):
            if place == 2:
                raise RuntimeError("disk on fire")
            return IMAGES[place], 0

    with pytest.raises(UsageError, match="sample 2 cannot be read: RuntimeError: disk on fire"):
        open_given(Broken(list(IMAGES)))


def test_compress_gives_indices_of_what_was_given():
    given = Part(Vision(), [9, 1, 4, 6, 3, 0])  # labels 0 1 1 0 0 0
    kept = dqbench.compress(given, "random", ipc=1)
    assert sorted(LABELS[given.indices[i]] for i in kept.ids) == [0, 1]
    with pytest.raises(UsageError, match="labels are for an array"):
        dqbench.compress(given, "random", ipc=1, labels=LABELS)
