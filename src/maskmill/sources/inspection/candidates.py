"""Rules tried on the whole tree: what they pair, which side is painted, what stays alone."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from maskmill.sources.inspection.content import CLEARLY_MORE, FAR_MORE, LOOKS_PAINTED, NOISILY_PAINTED, SHARPER, Look, look_at
from maskmill.sources.inspection.names import Name
from maskmill.sources.inspection.rules import Rule
from maskmill.sources.inspection.words import says_derived, score_mask_words
from maskmill.sources.patterns import build_key, compile_pattern

_MOST_LOOKS = 6
Item = TypeVar("Item")
MasksOf = Mapping[str, tuple[str, ...]]  # picture -> its masks
Pairing = tuple[MasksOf, tuple[str, ...], tuple[str, ...]]  # and pictures and masks without a partner


class Gallery:
    """The files of a level, with what was matched and looked at so far."""

    def __init__(self, root: Path, names: Sequence[Name]) -> None:
        self.root = root
        self._by_depth: dict[int, list[str]] = defaultdict(list)
        for name in names:
            self._by_depth[len(name.folders)].append(name.path)
        self._matches: dict[str, dict[str, dict[str, str]]] = {}
        self._looks: dict[str, Look | None] = {}

    def match(self, text: str) -> dict[str, dict[str, str]]:
        """Return the fields of each file that fits a pattern."""
        if text not in self._matches:
            pattern = compile_pattern(text, "pattern")
            found = ((path, pattern.match(path)) for path in self._by_depth[text.count("/")])
            self._matches[text] = {path: fields for path, fields in found if fields is not None}
        return self._matches[text]

    def look(self, path: str) -> Look | None:
        """Look at a file, once."""
        if path not in self._looks:
            self._looks[path] = look_at(self.root / path)
        return self._looks[path]


@dataclass(frozen=True)
class Candidate:
    """A rule with its direction.

    Args:
        images, masks: patterns.
        masks_of: picture -> its masks.
        pictures_alone, masks_alone: files that fit one pattern and have no partner.
        painted: how clearly the masks look painted and the pictures do not, 0 to 1.
        named: how clearly names say which is which, 0 to 1.
        reasons: one line each.
        is_padded: whether numbers pair that differ in leading zeros: the form layers alone reads such names.
    """

    images: str
    masks: str
    masks_of: MasksOf
    pictures_alone: tuple[str, ...]
    masks_alone: tuple[str, ...]
    painted: float
    named: float
    reasons: tuple[str, ...]
    is_padded: bool = False

    @property
    def num_masks(self) -> int:
        return sum(map(len, self.masks_of.values()))


def try_rule(gallery: Gallery, rule: Rule) -> Candidate | None:
    """Pair by a rule in the direction that content and names say; None where it pairs too little or neither side is painted."""
    for images, masks in _order_by_names(rule):
        exact = pair_patterns(gallery, images, masks)
        found = exact or pair_padded(gallery, images, masks)
        if not found:
            continue
        masks_of, pictures_alone, masks_alone = found
        judged = _judge(gallery, images, masks, masks_of)
        if judged:
            painted, named, reasons = judged
            return Candidate(images, masks, masks_of, pictures_alone, masks_alone, painted, named, reasons, exact is None)
    return None


def pair_patterns(gallery: Gallery, images: str, masks: str) -> Pairing | None:
    """Return picture -> masks, and what has no partner, as sources.pairing would find it; None for pictures of equal fields."""
    return _pair(gallery, images, masks, build_key)


def pair_padded(gallery: Gallery, images: str, masks: str) -> Pairing | None:
    """Return what `pair_patterns` does, numbers being equal whatever their leading zeros, as in sources.layers."""
    return _pair(gallery, images, masks, _build_plain_key)


def _build_plain_key(fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(str(int(value)) if value.isascii() and value.isdigit() else value for value in build_key(fields))


def _pair(gallery: Gallery, images: str, masks: str, build: Callable[[Mapping[str, str]], tuple[str, ...]]) -> Pairing | None:
    pictures, painted = dict(gallery.match(images)), dict(gallery.match(masks))
    literals = {text: compile_pattern(text, "pattern").num_literals for text in (images, masks)}
    for path in pictures.keys() & painted.keys():
        del (pictures if literals[masks] >= literals[images] else painted)[path]
    fields = compile_pattern(images, "pattern").fields
    masks_by_key: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, values in painted.items():
        masks_by_key[build({name: values[name] for name in fields if name in values})].append(path)
    keys = {path: build(values) for path, values in pictures.items()}
    if len(set(keys.values())) < len(keys):
        return None
    masks_of = {path: tuple(masks_by_key[key]) for path, key in keys.items() if key in masks_by_key}
    used = {path for paths in masks_of.values() for path in paths}
    if not masks_of:
        return None
    alone = tuple(path for path in pictures if path not in masks_of)
    return masks_of, alone, tuple(path for path in painted if path not in used)


def choose_evenly(items: Sequence[Item], most: int = _MOST_LOOKS) -> list[Item]:
    """Return at most so many items, evenly spread."""
    step = max(1.0, len(items) / most)
    return [items[int(place * step)] for place in range(min(len(items), most))]


def looks_the_same(gallery: Gallery, masks: Sequence[str]) -> bool:
    """Tell whether masks of different pictures are all the same: a field of view, not an annotation."""
    looks = [look for path in choose_evenly(masks, 4) if (look := gallery.look(path)) is not None]
    if len(looks) < 3 or len({look.values.shape for look in looks}) > 1:
        return False
    first = looks[0].values
    common = np.median(first)
    outside = first != common
    if not outside.any():
        return False
    overlaps = [(outside & (look.values != common)).sum() / (outside | (look.values != common)).sum() for look in looks[1:]]
    equal = [(look.values == first).mean() for look in looks[1:]]
    return min(overlaps) > 0.9 and min(equal) > 0.9


def _order_by_names(rule: Rule) -> list[Rule]:
    """Return both directions, the one that names make likelier first."""
    first, second = rule
    return [(first, second), (second, first)] if _score_names(first, second) >= 0.5 else [(second, first), (first, second)]


def _score_names(images: str, masks: str) -> float:
    """Return 1 where the names say that `masks` are the masks of `images`, 0 for the other way round, 0.5 for neither."""
    ours, theirs = _own_words(images, masks), _own_words(masks, images)
    return 0.5 + 0.5 * (score_mask_words(theirs) - score_mask_words(ours))


def _own_words(text: str, other: str) -> str:
    """Return the components of a pattern that the other one does not have; the suffix plays no part."""
    others = set(other.casefold().rpartition(".")[0].split("/"))
    return " ".join(part for part in text.rpartition(".")[0].split("/") if part.casefold() not in others)


def _judge(gallery: Gallery, images: str, masks: str, masks_of: MasksOf) -> tuple[float, float, tuple[str, ...]] | None:
    """Return how clearly the masks are masks by content and by names, with reasons, or None where they are not."""
    named = _score_names(images, masks)
    pictures = choose_evenly(sorted(masks_of))
    looks = [(gallery.look(path), gallery.look(masks_of[path][0])) for path in pictures]
    seen = [(ours.paintedness, theirs.paintedness) for ours, theirs in looks if ours and theirs]
    if not seen:
        return (0.5, named, ("no picture of it can be read, so names decide",)) if named > 0.5 else None
    ours, theirs = (float(np.median(side)) for side in zip(*seen, strict=True))
    line = f"masks look painted ({theirs:.2f} of 1), pictures do not ({ours:.2f})"
    if (theirs >= LOOKS_PAINTED and theirs - ours >= CLEARLY_MORE) or (theirs >= NOISILY_PAINTED and theirs - ours >= FAR_MORE):
        if says_derived(images) or (named == 0 and theirs - ours < 2 * CLEARLY_MORE):
            return None
        return 0.5 + 0.5 * min(1.0, theirs - ours + 0.3), named, (line,)
    may_be_mask = theirs >= 0.55 or theirs >= ours + CLEARLY_MORE or _are_sharper(looks)
    if named >= 0.75 and ours < LOOKS_PAINTED and theirs > ours - CLEARLY_MORE and may_be_mask:
        return 0.4, named, (f"names say what are masks; by content masks {theirs:.2f}, pictures {ours:.2f} of 1 painted",)
    return None


def _are_sharper(looks: Sequence[tuple[Look | None, Look | None]]) -> bool:
    """Tell whether the second pictures change at fewer places than the first ones do: colours that went through JPEG."""
    seen = [theirs.sharpness - ours.sharpness for ours, theirs in looks if ours and theirs]
    return float(np.median(seen)) >= SHARPER
