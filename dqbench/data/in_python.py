"""What Python users have in hand, as a source: arrays, tensors, torch, torchvision and Hugging Face data sets.

Ids are indices into what was given. Nothing here imports torch or Hugging Face's library.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.content import channel_statistics, check_images, content_hash
from dqbench.data.feature_files import checked
from dqbench.data.features import Values, alone, classes_of
from dqbench.data.folder import DEFAULT_SIZE, check_room
from dqbench.data.item_images import Other, as_pil, pixels_of, with_image
from dqbench.data.lazy import machine_memory
from dqbench.data.source import Source
from dqbench.errors import UsageError

WHAT = (
    "a path, (images, labels), a torch or torchvision Dataset, a Hugging Face Dataset, or features of shape (n, d), "
    "alone or as (features, labels)"
)
LABEL_COLUMNS = ("label", "labels", "fine_label")

Item = tuple[Any, Any]
"""An image as it came, and its label, None where it has none."""


def open_given(given: Any, size: int | None = None, labels: Any = None) -> tuple[Source, Values | None]:
    """A source of what was given, and its features where these are what was given.

    Images of one size stay as they are, others are brought to ``size`` x ``size`` pixels, by default 64. Data sets of
    torchvision are read without their transforms.

    Raises:
        UsageError: nothing of these kinds, or something is wrong in it.
    """
    if isinstance(given, tuple | list) and len(given) == 2:
        return _arrays(_numpy(given[0]), _numpy(given[1]), size)
    if is_array(given):
        return _arrays(_numpy(given), None if labels is None else _numpy(labels), size)
    if hasattr(given, "with_format"):
        read, count, names = _hugging_face(given)
    elif _has(given, "__len__", "__getitem__"):
        read, count, names = _map_style(given)
    else:
        why = ", whose samples cannot be asked for by an index," if _has(given, "__iter__") else ""
        raise UsageError(f"source is a {type(given).__name__}{why} and none of: {WHAT}")
    if not count:
        raise UsageError(f"the {type(given).__name__} is empty; give at least one sample")
    images, raw = _read_all(read, count, size)
    labels, class_names = _classes(raw, names)
    return _source(type(given).__name__, images, labels, class_names), None


def _arrays(first: npt.NDArray[Any], labels: npt.NDArray[Any] | None, size: int | None) -> tuple[Source, Values | None]:
    if first.ndim == 2:
        features = checked(first, "the features given")
        return alone(features, labels), features.values
    if labels is None:
        raise UsageError(f"an array of shape {first.shape} came alone; give (images, labels), or features (n, d)")
    if size is not None:
        raise UsageError(f"size={size} is for images in files; arrays keep their size: leave it out")
    images = first[..., np.newaxis] if first.ndim == 3 else first
    check_images("images", images)
    classes, names = classes_of(labels, len(images), "the images")
    return _source("arrays", images, classes, names), None


def _source(
    name: str, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], class_names: tuple[str, ...]
) -> Source:
    mean, std = channel_statistics(images)
    hashed = content_hash(images, labels, class_names)
    return Source(name, images, labels, class_names, np.arange(len(images), dtype=np.int64), hashed, mean, std)


def _has(given: Any, *methods: str) -> bool:
    return all(hasattr(given, name) for name in methods) and not isinstance(given, str | Mapping | Sequence)


def is_array(given: Any) -> bool:
    """Whether it is an array of NumPy's or a tensor of torch's."""
    return isinstance(given, np.ndarray) or (hasattr(given, "detach") and hasattr(given, "numpy"))


def _numpy(given: Any) -> npt.NDArray[Any]:
    """An array, or a tensor of images with its channels last."""
    if not hasattr(given, "detach"):
        return np.asarray(given)
    array: npt.NDArray[Any] = given.detach().cpu().numpy()
    first = array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3)
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)) if first else array


def _map_style(dataset: Any) -> tuple[Callable[[int], Item], int, Sequence[str]]:
    plain = _without_transform(dataset)

    def read(place: int) -> Item:
        item = plain[place]
        if isinstance(item, Mapping):
            return with_image(item, place)
        if isinstance(item, tuple | list):
            return item[0], item[1] if len(item) > 1 else None
        return item, None

    return read, len(plain), _class_names(plain)


def _without_transform(dataset: Any) -> Any:
    """A data set of torchvision, or a part of one, that gives images as they are."""
    if hasattr(dataset, "dataset") and hasattr(dataset, "indices"):
        part = copy.copy(dataset)
        part.dataset = _without_transform(dataset.dataset)
        return part
    if not any(kind.__name__ == "VisionDataset" for kind in type(dataset).__mro__):
        return dataset
    plain = copy.copy(dataset)
    plain.transform = plain.transforms = None
    return plain


def _class_names(dataset: Any) -> Sequence[str]:
    names = getattr(dataset, "classes", None)
    if names is None and hasattr(dataset, "dataset"):
        return _class_names(dataset.dataset)
    return names if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names) else ()


def _hugging_face(dataset: Any) -> tuple[Callable[[int], Item], int, Sequence[str]]:
    if isinstance(dataset, Mapping):
        raise UsageError(f"a {type(dataset).__name__} has several splits; give one, e.g. [{next(iter(dataset))!r}]")
    if not hasattr(dataset, "__len__"):
        raise UsageError(f"a {type(dataset).__name__} has no indices that ids could be; load it without streaming")
    kinds = {name: type(kind).__name__ for name, kind in dataset.features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    if len(images) != 1:
        has = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        raise UsageError(f"the data set has {len(images)} columns of images, not one: {has}; select_columns chooses")
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    labels = labels or [name for name in LABEL_COLUMNS if name in kinds]
    label = next((name for name in LABEL_COLUMNS if name in labels), labels[0] if len(labels) == 1 else None)
    if len(labels) > 1 and label is None:
        raise UsageError(f"the data set has the labels {', '.join(labels)}; leave one by remove_columns")
    plain = dataset.with_format(None)

    def read(place: int) -> Item:
        item = plain[place]
        return item[images[0]], None if label is None else item[label]

    return read, len(plain), () if label is None else getattr(dataset.features[label], "names", None) or ()


def _read_all(read: Callable[[int], Item], count: int, size: int | None) -> tuple[npt.NDArray[np.uint8], list[Any]]:
    """All images as one array, gray where all are, and their labels."""
    for side, channels in _shapes(read, size):
        check_room(count, side, 1, machine_memory(), "this machine's memory")
        images, labels = np.empty((count, side, side, channels), dtype=np.uint8), []
        try:
            for place in range(count):
                image, label = _item(read, place)
                images[place] = pixels_of(image, side, channels, size is None and side != DEFAULT_SIZE, place)
                labels.append(label)
        except Other:
            continue
        return images, labels
    raise AssertionError("the last shape takes all images")


def _shapes(read: Callable[[int], Item], size: int | None) -> Iterator[tuple[int, int]]:
    """The shapes to try: that of the first image, then colour, then the usual size."""
    first = as_pil(_item(read, 0)[0], 0)
    gray = [1] if first.mode in ("L", "1") else []
    native = [first.width] if size is None and first.width == first.height else []
    for side in (*native, size or DEFAULT_SIZE):
        yield from ((side, channels) for channels in (*gray, 3))


def _item(read: Callable[[int], Item], place: int) -> Item:
    try:
        return read(place)
    except UsageError:
        raise
    except Exception as error:  # the user's data set may raise anything
        raise UsageError(f"sample {place} cannot be read: {type(error).__name__}: {error}") from error


def _classes(raw: list[Any], names: Sequence[str]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    if any(label is None for label in raw):
        missing = next(i for i, label in enumerate(raw) if label is None)
        if any(label is not None for label in raw):
            raise UsageError(f"sample {missing} has no label, but others have; give each one, or none")
        raw = ["all"] * len(raw)
    plain = [label.item() if hasattr(label, "item") and np.asarray(label).size == 1 else label for label in raw]
    wrong = next((i for i, label in enumerate(plain) if not isinstance(label, int | str)), None)
    if wrong is not None:
        raise UsageError(f"sample {wrong} has the label {plain[wrong]!r}; give a whole number or a class's name")
    negative = next((i for i, label in enumerate(plain) if isinstance(label, int) and label < 0), None)
    if negative is not None:
        raise UsageError(f"sample {negative} has the label {plain[negative]}, as unlabelled splits have; give another")
    classes, values = classes_of(np.array(plain), len(plain), "the data set")
    if names and all(isinstance(label, int) and label < len(names) for label in plain):
        values = tuple(names[int(value)] for value in values)
    return classes, values
