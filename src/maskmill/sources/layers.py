"""The layers form: several mask files a picture, one for each class or each object."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from maskmill.errors import SourceError
from maskmill.sources.annotations import Annotation, MaskFile
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.pairing import (
    Pair,
    explain_no_match,
    find_level,
    match_files,
    refuse_ambiguity,
    refuse_unknown_splits,
    settle,
)
from maskmill.sources.patterns import Pattern, build_key, compile_pattern, read_own_split
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree

CLASS_FIELD = "class"
OBJECT = "object"  # the label where the masks' pattern has no {class}
_LONGEST_CLASS = 60
_Key = tuple[str, ...]


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Gather each picture's mask files: those with the values of its fields, which differ in {class}, the label, and in *.

    A number with leading zeros is the same as without, where that leaves no doubt: 00012_hair.png belongs to 12.jpg. A class may
    contain what stands between the fields: of 12_left_eye.png the number is 12 and the class left_eye, because there is a 12.jpg.

    Args:
        tree: the source's files.
        layout: `images` and `masks`; `overlaps`, what lies on top: the smaller mask, or the later one by class and file name;
            `missing`, what becomes of pictures without any mask and masks without a picture; `lists`, which may choose among them.

    Raises:
        SourceError: a pattern is missing or nothing fits it, their fields differ, or files without a partner.
    """
    if not layout.images or not layout.masks:
        raise SourceError(
            "source.form layers takes source.images and source.masks",
            fix='e.g. "images/{name}.jpg" and "masks/{class}/{name}.png", or "{name}/images/{name}.png" and "{name}/masks/*.png"',
        )
    mask_pattern = compile_pattern(layout.masks, "source.masks")
    level, pictures, masks = _find_files(tree, compile_pattern(layout.images, "source.images"), mask_pattern)
    masks_of, strangers = _gather(pictures, masks, mask_pattern)
    alone = [f"the mask {path} has no picture" for path in strangers]
    alone += [f"the picture {path} has no mask" for path in pictures if path not in masks_of]
    settle("files have no partner", alone, layout.missing, fix="add what is missing, or correct the patterns")
    if not masks_of:
        raise SourceError(f"no picture below {tree.name} has a mask", fix="correct source.images and source.masks")
    pairs = [
        Pair(level.root / path, _annotate(level, masks_of[path], layout), fields, read_own_split(fields))
        for path, fields in pictures.items()
        if path in masks_of
    ]
    refuse_unknown_splits(pairs)
    return choose_by_lists(tree, pairs, layout) if layout.lists else pairs


def _find_files(
    tree: FileTree, image_pattern: Pattern, mask_pattern: Pattern
) -> tuple[FileTree, dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return the folder that the patterns are relative to, and the pictures and the masks there with their fields."""
    _check_fields(image_pattern, mask_pattern)
    level = find_level(tree, image_pattern, "source.images")
    masks = match_files(level.files, mask_pattern)
    pictures = match_files(level.files, image_pattern)
    for path in pictures.keys() & masks.keys():
        del (pictures if mask_pattern.num_literals >= image_pattern.num_literals else masks)[path]
    for found, pattern, setting in ((pictures, image_pattern, "source.images"), (masks, mask_pattern, "source.masks")):
        if not found:
            raise explain_no_match(level, pattern, setting)
    refuse_ambiguity(level, {"source.images": pictures})
    return level, pictures, masks


def _check_fields(images: Pattern, masks: Pattern) -> None:
    if set(images.fields) != set(masks.fields) - {CLASS_FIELD}:
        raise SourceError(
            f"source.images has the fields {', '.join(images.fields)}, source.masks has {', '.join(masks.fields)}",
            expected=f"the same fields in both, and {{{CLASS_FIELD}}} in source.masks alone",
            fix="name the parts that both have in common, and put * for the rest",
        )


def _annotate(level: FileTree, masks: list[tuple[str, str]], layout: Layout) -> Annotation:
    """Return a picture's layers from (label, path) of its masks, in the order of label and path."""
    layers = [MaskFile(label=label, place=path, file=level.root / path) for label, path in sorted(masks)]
    return Annotation(layers=layers, smaller_on_top=layout.overlaps == "area")


def _gather(
    pictures: Mapping[str, Mapping[str, str]], masks: Mapping[str, Mapping[str, str]], pattern: Pattern
) -> tuple[dict[str, list[tuple[str, str]]], list[str]]:
    """Return (label, path) of each picture's masks, and the masks of none."""
    picture_of = {build_key(fields): path for path, fields in pictures.items()}
    picture_by_number = _index_numbers(picture_of)
    masks_of: dict[str, list[tuple[str, str]]] = defaultdict(list)
    strangers = []
    for path, greedy in masks.items():
        for fields in (greedy, *_match_otherwise(pattern, path)):
            label = fields.get(CLASS_FIELD, OBJECT)
            key = build_key({name: value for name, value in fields.items() if name != CLASS_FIELD})
            picture = picture_of.get(key) or picture_by_number.get(_drop_zeros(key))
            if picture:
                masks_of[picture].append((label, path))
                break
        else:
            strangers.append(path)
    return masks_of, strangers


def _index_numbers(picture_of: Mapping[_Key, str]) -> dict[_Key, str]:
    """Return the picture of each key without leading zeros that only one of them has."""
    plain: dict[_Key, list[str]] = defaultdict(list)
    for key, path in picture_of.items():
        plain[_drop_zeros(key)].append(path)
    return {key: paths[0] for key, paths in plain.items() if len(paths) == 1}


def _drop_zeros(key: _Key) -> _Key:
    return tuple(str(int(value)) if value.isascii() and value.isdigit() else value for value in key)


def _match_otherwise(pattern: Pattern, path: str) -> Iterator[dict[str, str]]:
    """Yield the fields for every length of {class}, which a pattern makes as short as it can, ascending."""
    if CLASS_FIELD not in pattern.fields:
        return
    for length in range(1, _LONGEST_CLASS + 1):
        if found := _fix_length(pattern, length).match(path):
            yield found


@cache
def _fix_length(pattern: Pattern, length: int) -> Pattern:
    """Return a pattern whose {class} has a fixed length."""
    text = pattern.expression.pattern.replace(f"(?P<{CLASS_FIELD}>[^/]+)", f"(?P<{CLASS_FIELD}>[^/]{{{length}}})")
    return replace(pattern, expression=re.compile(text, re.IGNORECASE))
