"""Detection sets in COCO's layout: a folder of images and a JSON file of boxes and masks for each part."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.data.annotated import Annotated, Part
from dqbench.data.annotated_hash import ImageFile, PartFacts, Progress, image_file, part_hash
from dqbench.errors import UsageError

LAYOUT = (
    "expected annotations/instances_train2017.json and annotations/instances_val2017.json with the folders train2017 "
    "and val2017, or annotations/instances_train.json and annotations/instances_val.json with the folder images"
)
_FORMS = (
    (("train2017", "annotations/instances_train2017.json"), ("val2017", "annotations/instances_val2017.json")),
    (("images", "annotations/instances_train.json"), ("images", "annotations/instances_val.json")),
)


def looks_like_coco(folder: Path) -> bool:
    """Whether there is a JSON file where COCO has its annotations."""
    return any((folder / "annotations").glob("*.json"))


def find_coco(folder: Path) -> Annotated:
    """Find the parts of a detection set; only the categories are read.

    Raises:
        UsageError: another layout, or parts with different categories.
    """
    for parts in _FORMS:
        if all((folder / annotations).is_file() for _, annotations in parts):
            break
    else:
        raise UsageError(f"{folder} holds {_listed(folder)}; {LAYOUT}")
    for images, _ in parts:
        if not (folder / images).is_dir():
            raise UsageError(f"{folder / images} is not there; {LAYOUT}")
    train, test = (Part(*part) for part in parts)
    names = [_categories(folder / part.annotations, _read(folder / part.annotations)) for part in (train, test)]
    if list(names[0].items()) != list(names[1].items()):
        raise UsageError(
            f"{folder / train.annotations} and {test.annotations} list different categories, or in another order"
        )
    return Annotated("detection", folder.resolve(), train, test, tuple(names[0].values()))


def _listed(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "nothing"


def scan_coco(found: Annotated, part: Part, progress: Progress | None = None) -> PartFacts:
    """Check every image and annotation of one part.

    Raises:
        UsageError: the first thing that is wrong: a missing or unreadable image, one whose size is not as annotated, or
            an annotation that is incomplete or names an unknown image or category.
    """
    file = found.root / part.annotations
    data = _read(file)
    categories = _categories(file, data)
    if tuple(categories.values()) != found.values:
        raise UsageError(f"{file} no longer lists the categories that it had; import its data set again")
    images = _images(file, data)
    counts = _objects(file, data, images, categories)
    files = []
    for done, (name, size) in enumerate(images.values(), start=1):
        files.append(_checked(file, image_file(found.root / part.images, name), size))
        if progress is not None:
            progress(done, len(images))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    class_counts = tuple(counts[category] for category in categories)
    return PartFacts(len(files), class_counts, part_hash(found.values, digest, files))


def _read(file: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as JSON ({error})") from error
    if not isinstance(data, dict) or not all(isinstance(data.get(key), list) for key in _KEYS):
        raise UsageError(f"{file} is no annotation file of COCO: it needs the lists {', '.join(_KEYS)}")
    return data


_KEYS = ("images", "annotations", "categories")


def _categories(file: Path, data: Mapping[str, Any]) -> dict[int, str]:
    try:
        names = {int(one["id"]): str(one["name"]) for one in data["categories"]}
    except (TypeError, KeyError, ValueError) as error:
        raise UsageError(f"a category in {file} has no id or name") from error
    if not names or len(set(names.values())) < len(data["categories"]):
        raise UsageError(f"{file} has no categories, or one twice")
    return names


def _images(file: Path, data: Mapping[str, Any]) -> dict[int, tuple[str, tuple[int, int]]]:
    try:
        found = {one["id"]: (str(one["file_name"]), (int(one["width"]), int(one["height"]))) for one in data["images"]}
    except (TypeError, KeyError, ValueError) as error:
        raise UsageError(f"an image in {file} lacks id, file_name, width or height") from error
    if len(found) < len(data["images"]):
        raise UsageError(f"two images in {file} have the same id")
    if not found:
        raise UsageError(f"{file} lists no image")
    return found


def _objects(
    file: Path, data: Mapping[str, Any], images: Mapping[int, Any], categories: Mapping[int, str]
) -> Counter[int]:
    counts: Counter[int] = Counter()
    for one in data["annotations"]:
        if not isinstance(one, dict) or not {"id", "image_id", "category_id", "bbox", "area"} <= one.keys():
            raise UsageError(f"an annotation in {file} lacks id, image_id, category_id, bbox or area")
        if one["image_id"] not in images:
            raise UsageError(f"annotation {one['id']} in {file} is of image {one['image_id']}, which it does not list")
        if one["category_id"] not in categories:
            raise UsageError(f"annotation {one['id']} in {file} has the unknown category {one['category_id']}")
        if not _is_box(one["bbox"]):
            raise UsageError(f"annotation {one['id']} in {file} has the box {one['bbox']!r}, not x, y, width, height")
        counts[one["category_id"]] += 1
    if len({one["id"] for one in data["annotations"]}) < len(data["annotations"]):
        raise UsageError(f"two annotations in {file} have the same id")
    return counts


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(isinstance(x, int | float) and math.isfinite(x) for x in box)


def _checked(annotations: Path, image: ImageFile, size: tuple[int, int]) -> ImageFile:
    if image.size != size:
        raise UsageError(
            f"image {image.name} is {image.size[0]}×{image.size[1]}, and {annotations} says {size[0]}×{size[1]}"
        )
    return image
