"""Sets that lie there twice: the same pictures in another file format or folder."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from maskmill.sources.inspection.candidates import Candidate, Gallery, choose_evenly, pair_patterns
from maskmill.sources.inspection.names import write_literal
from maskmill.sources.inspection.rules import Rule
from maskmill.sources.patterns import build_key, compile_pattern

_NEARLY = 4.0  # grey values, of 255, that a JPEG is off on average
_MOST_LOOKS = 3
_LOSSY, _FORMAT = re.compile(r"jpe?g", re.IGNORECASE), re.compile(r"jpe?g|png|tiff?|bmp|gif|webp", re.IGNORECASE)


def drop_copies(gallery: Gallery, candidate: Candidate) -> Candidate:
    """Return a candidate without the folders that repeat the pictures of another one."""
    matches = {path: gallery.match(candidate.images)[path] for path in candidate.masks_of}
    for field in compile_pattern(candidate.images, "pattern").fields:
        chosen = _choose_value(gallery, matches, field)
        if not chosen:
            continue
        images, masks = (text.replace(f"{{{field}}}", write_literal(chosen)) for text in (candidate.images, candidate.masks))
        found = pair_patterns(gallery, images, masks) if "{" in images else None
        if found:
            reason = f"other folders hold the same pictures once more: {chosen} is taken"
            masks_of, pictures_alone, masks_alone = found
            return replace(
                candidate,
                images=images,
                masks=masks,
                masks_of=masks_of,
                pictures_alone=pictures_alone,
                masks_alone=masks_alone,
                reasons=(*candidate.reasons, reason),
            )
    return candidate


def narrow_suffixes(gallery: Gallery, rule: Rule) -> Iterator[Rule]:
    """Yield a rule, or where a side has files that differ in their suffix alone, one rule for each suffix there."""
    sides = [_list_suffixes(gallery, text) for text in rule]
    for first in sides[0]:
        for second in sides[1]:
            yield first, second


def are_copies(gallery: Gallery, first: Candidate, second: Candidate) -> bool:
    """Tell whether two candidates have the same pictures and masks in different files of the same names."""
    pairs = [
        sorted(
            (_get_stem(image), [_get_stem(mask) for mask in masks], image, masks[0]) for image, masks in candidate.masks_of.items()
        )
        for candidate in (first, second)
    ]
    if [names[:2] for names in pairs[0]] != [names[:2] for names in pairs[1]]:
        return False
    both = choose_evenly(list(zip(*pairs, strict=True)), _MOST_LOOKS)
    return all(
        _look_equal(gallery, ours[2], theirs[2], _NEARLY) and _look_equal(gallery, ours[3], theirs[3], 0.0) for ours, theirs in both
    )


def _choose_value(gallery: Gallery, matches: Mapping[str, Mapping[str, str]], field: str) -> str:
    """Return the value of a field to keep where those of nearly all pictures with equal other fields are copies, else ""."""
    groups: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for path, fields in matches.items():
        groups[build_key({name: value for name, value in fields.items() if name != field})][fields[field]] = path
    several = [group for group in groups.values() if len(group) > 1]
    if len(several) < 0.9 * len(groups) or len(groups) < 2:
        return ""
    values = [value for group in groups.values() for value in group]
    are_formats = all(_FORMAT.fullmatch(value) for value in values)  # folders "png" and "jpeg": one set, whatever JPEG left of it
    for group in [] if are_formats else choose_evenly(several, _MOST_LOOKS):
        first, *others = group.values()
        if not all(_look_equal(gallery, first, other, _NEARLY) for other in others):
            return ""
    return min(set(values), key=lambda value: (-values.count(value), bool(_LOSSY.search(value)), value))


def _list_suffixes(gallery: Gallery, text: str) -> Sequence[str]:
    if not text.endswith(".*"):
        return [text]
    matches = gallery.match(text)
    by_key: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path, fields in matches.items():
        by_key[build_key(fields)].add(path.rpartition(".")[0])
    if len(by_key) == len(matches) or any(len(paths) > 1 for paths in by_key.values()):
        return [text]
    suffixes = sorted({PurePosixPath(path).suffix.lower() for path in matches})
    return [text[:-2] + suffix for suffix in suffixes] if len(suffixes) < 5 else [text]


def _look_equal(gallery: Gallery, first: str, second: str, tolerance: float) -> bool:
    ours, theirs = gallery.look(first), gallery.look(second)
    if ours is None or theirs is None or ours.values.shape != theirs.values.shape:
        return False
    return float(np.abs(ours.values.astype(np.float32) - theirs.values.astype(np.float32)).mean()) <= tolerance


def _get_stem(path: str) -> str:
    return PurePosixPath(path).stem.casefold()
