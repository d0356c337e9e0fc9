"""Reading a COCO file, which nobody has to trust."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from maskmill.errors import SourceError
from maskmill.sources.annotations import Segmentation
from maskmill.sources.catalogue import SETTING, AnnotationFile
from maskmill.sources.coco_segmentation import measure_segmentation

_TABLES = ("images", "annotations", "categories")
_Id = int | str


@dataclass(frozen=True)
class DrawnObject:
    """An annotation, and its area in pixels."""

    segmentation: Segmentation
    area: float


@dataclass(frozen=True)
class DescribedImage:
    """An image as a COCO file describes it: `place` says where, `size` is (height, width), `objects` are in the file's order."""

    place: str
    file_name: str
    size: tuple[int, int]
    objects: list[DrawnObject] = field(default_factory=list)


@dataclass
class CocoFile:
    """What a COCO file says: its images, the annotations without a segmentation, and what cannot be used."""

    images: list[DescribedImage] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_coco(file: AnnotationFile) -> CocoFile:
    """Read and check a COCO file.

    A label is a category's name, or "name-id" where several categories have one name. Crowds (iscrowd) are objects like others.

    Raises:
        SourceError: not JSON in UTF-8, or not the three tables of a COCO file.
    """
    tables = _read_tables(file)
    content = CocoFile()
    labels = _name_categories(file, tables["categories"], content.problems)
    image_of = _index_images(file, tables["images"], content.problems)
    content.images = list(image_of.values())
    seen: set[_Id] = set()
    for number, entry in enumerate(tables["annotations"], start=1):
        number_or_id = entry.get("id")
        place = f"{file.name}: annotation {number if number_or_id is None else number_or_id}"
        if _is_id(number_or_id) and number_or_id in seen:
            content.problems.append(f"{place}: its id was there before")
            continue
        if _is_id(number_or_id):
            seen.add(number_or_id)
        problem = _find_stranger(entry, image_of, labels)
        if problem:
            content.problems.append(f"{place}: {problem}")
        elif not (segmentation := _read_segmentation(entry)):
            content.empty.append(place)
        else:
            image = image_of[entry["image_id"]]
            try:
                area = measure_segmentation(segmentation, image.size)
            except ValueError as error:
                content.problems.append(f"{place}: {error}")
                continue
            part = Segmentation(label=labels[entry["category_id"]], place=place, segmentation=segmentation)
            image.objects.append(DrawnObject(part, area))
    return content


def _read_tables(file: AnnotationFile) -> dict[str, list[dict[str, Any]]]:
    try:
        document = json.loads(file.path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SourceError(f"{file.path} is not UTF-8: byte {error.start} is no text", fix="save it as UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise SourceError(
            f"{file.path} is not JSON: {error}", expected="a COCO file", fix=f"get a whole file, or correct {SETTING}"
        ) from None
    seen = f"holds {', '.join(map(str, document)) or 'nothing'}" if isinstance(document, Mapping) else "is no mapping"
    tables = {name: document.get(name) for name in _TABLES} if isinstance(document, Mapping) else {}
    for name in _TABLES:
        table = tables.get(name)
        if not isinstance(table, list) or not all(isinstance(entry, dict) for entry in table):
            raise SourceError(
                f"{file.path} is no COCO file: it {seen}, and no list of {name}",
                expected=f"a mapping with lists of {', '.join(_TABLES)}",
                fix=f"correct {SETTING}, or use another source.form",
            )
    if not tables["images"]:
        raise SourceError(f"{file.path} describes no images", fix=f"get a whole file, or correct {SETTING}")
    return tables  # type: ignore[return-value]  # checked above


def _name_categories(file: AnnotationFile, entries: list[dict[str, Any]], problems: list[str]) -> dict[_Id, str]:
    """Return the label of each category id."""
    labels: dict[_Id, str] = {}
    times = Counter(str(entry.get("name")) for entry in entries)
    for number, entry in enumerate(entries, start=1):
        category_id, name = entry.get("id"), str(entry.get("name", "")).strip()
        if not _is_id(category_id) or not name:
            problems.append(f"{file.name}: category {number} has no id or no name")
        elif category_id in labels:
            problems.append(f"{file.name}: category id {category_id} belongs to {labels[category_id]} and to {name}")
        else:
            labels[category_id] = name if times[str(entry["name"])] == 1 else f"{name}-{category_id}"
    return labels


def _index_images(file: AnnotationFile, entries: list[dict[str, Any]], problems: list[str]) -> dict[_Id, DescribedImage]:
    images: dict[_Id, DescribedImage] = {}
    for number, entry in enumerate(entries, start=1):
        image_id, file_name = entry.get("id"), entry.get("file_name")
        place = f"{file.name}: image {number if image_id is None else image_id}"
        height, width = entry.get("height"), entry.get("width")
        if not _is_id(image_id) or not isinstance(file_name, str):
            problems.append(f"{place} has no id or no file_name")
        elif not isinstance(height, int) or not isinstance(width, int) or height < 1 or width < 1:
            problems.append(f"{place} is {width} wide and {height} high: whole numbers of pixels are needed")
        elif image_id in images:
            problems.append(f"{place}: its id belongs to {images[image_id].file_name} and to {file_name}")
        else:
            images[image_id] = DescribedImage(place, file_name, (height, width))
    return images


def _find_stranger(entry: dict[str, Any], images: Mapping[_Id, DescribedImage], labels: Mapping[_Id, str]) -> str | None:
    """Say which of an annotation's ids is of nothing in the file; None: it knows both."""
    for key, known in (("image_id", images), ("category_id", labels)):
        if not _is_id(entry.get(key)) or entry[key] not in known:
            return f"{key} {entry.get(key)} is of no {key.removesuffix('_id')} of the file"
    return None


def _read_segmentation(entry: dict[str, Any]) -> list[Any] | dict[str, Any]:
    """Return an annotation's segmentation; a polygon that stands alone becomes a list of one."""
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, dict):
        return segmentation
    if not isinstance(segmentation, list):
        return []
    rings = [ring for ring in segmentation if ring != []]
    return [rings] if rings and not any(isinstance(ring, list) for ring in rings) else rings


def _is_id(value: Any) -> TypeGuard[_Id]:
    return isinstance(value, int | str) and not isinstance(value, bool)
