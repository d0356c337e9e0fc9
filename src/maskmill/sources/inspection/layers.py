"""Several mask files a picture: one class or one instance each."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import PurePosixPath

from maskmill.sources.inspection.candidates import Candidate, Gallery, Pairing, choose_evenly, pair_padded, pair_patterns
from maskmill.sources.inspection.content import Look
from maskmill.sources.inspection.names import split_tokens
from maskmill.sources.inspection.words import rank_kind
from maskmill.sources.patterns import compile_pattern

CLASS_FIELD = "{class}"
_ANNOTATORS = re.compile(r"manual|\d(st|nd|rd|th)|^ho$|annotator|expert|rater|observer|reader|grader|human", re.IGNORECASE)
_PERSONS = re.compile(r"annotator|expert|observer|grader|(?<![a-z])(rater|reader)", re.IGNORECASE)
_RENDERINGS = re.compile(r"labelids|trainids|semantic|^(class|gt|mask|label)s?$", re.IGNORECASE)
_MOST_CLASSES = 64
_ENDING = re.compile(r"([ _.-]+)(.*[a-z].*)")
_MOST_TAKES, _SAME_AREA = 3, 0.65
_INITIALS = re.compile(r"[a-z]{1,2}|[a-z]?\d", re.IGNORECASE)


def merge_layers(gallery: Gallery, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates that join mask families of the same pictures which hold one class each."""
    by_images: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if "*" not in candidate.masks.rpartition("/")[2].removesuffix(".*"):
            by_images[candidate.images].append(candidate)
    merged = (_merge(gallery, family) for family in by_images.values() if len(family) > 1)
    return [candidate for candidate in merged if candidate]


def name_star(gallery: Gallery, candidate: Candidate) -> Candidate:
    """Write {class} for the * of masks whose own names come back with every picture."""
    folder, _, last = candidate.masks.rpartition("/")
    if not last.startswith("*"):
        return candidate
    stems = [PurePosixPath(path).stem.casefold() for masks in candidate.masks_of.values() for path in masks]
    if _come_back(stems, 2):
        return replace(candidate, masks=f"{folder}/{CLASS_FIELD}{last[1:]}")
    return _name_endings(gallery, candidate)


def _name_endings(gallery: Gallery, candidate: Candidate) -> Candidate:
    """Write {class} for what follows the picture's name in those of its masks, where the same endings come back."""
    folder, _, last = candidate.masks.rpartition("/")
    matches = gallery.match(candidate.images)
    for field in compile_pattern(candidate.images, "pattern").fields:
        pairs = [(matches[picture][field], mask) for picture, masks in candidate.masks_of.items() for mask in masks]
        cut = [_read_ending(value.casefold(), PurePosixPath(mask).stem.casefold()) for value, mask in pairs]
        found = [ending for ending in cut if ending]
        if len(found) < len(cut) or len({ending[1] for ending in found}) > 1:
            continue
        endings = [ending[2] for ending in found]
        if not _come_back(endings, max(2, len(candidate.masks_of) // 2)) or len(set(endings)) < 2:
            continue
        pattern = f"{folder}/{{{field}}}{found[0][1]}{CLASS_FIELD}{last[1:]}"
        if not _are_takes(pattern, set(endings)):
            return replace(candidate, masks=pattern)
    return candidate


def _read_ending(name: str, stem: str) -> re.Match[str] | None:
    """Return the separator and the word that follow a picture's name in its mask's, or None."""
    return _ENDING.fullmatch(stem.removeprefix(name)) if stem.startswith(name) else None


def _come_back(texts: Sequence[str], fewest: int) -> bool:
    """Tell whether the same few texts stand with most pictures: classes, not numbers of things."""
    counts = Counter(texts)
    return len(counts) <= _MOST_CLASSES and min(counts.values()) >= fewest and not any(text.isdecimal() for text in counts)


def is_layered(candidate: Candidate) -> bool:
    """Tell whether pictures have several masks."""
    several = any(len(masks) > 1 for masks in candidate.masks_of.values())
    return CLASS_FIELD in candidate.masks or several or candidate.is_padded


def is_main(layers: Candidate, candidate: Candidate) -> bool:
    """Tell whether all pictures have a candidate's mask, and many of them none but this: it may be the one that is meant."""
    if CLASS_FIELD not in layers.masks or is_layered(candidate) or layers.masks_of.keys() != candidate.masks_of.keys():
        return False
    return sum(len(masks) == 1 for masks in layers.masks_of.values()) >= 0.3 * len(layers.masks_of)


def is_binary(gallery: Gallery, candidate: Candidate) -> bool:
    """Tell whether each mask shows one thing: black and one other value."""
    masks = [mask for masks in candidate.masks_of.values() for mask in masks]
    return _are_binary(gallery, choose_evenly(masks))


def _are_binary(gallery: Gallery, masks: Sequence[str]) -> bool:
    looks = [look for mask in masks if (look := gallery.look(mask))]
    return all(look.num_values <= 2 and (look.num_values < 2 or _has_black(look)) for look in looks)


def _has_black(look: Look) -> bool:
    return bool((look.values.reshape(*look.values.shape[:2], -1) == 0).all(axis=2).any())


def _merge(gallery: Gallery, family: Sequence[Candidate]) -> Candidate | None:
    """Join mask families whose patterns differ in one word each, unless they are several takes of the same annotation."""
    text = _join_patterns([candidate.masks for candidate in family])
    if not text:
        return None
    pattern, words, differing = text
    fields = set(re.findall(r"\{\w+\}", family[0].images))
    if not all(field in pattern for field in fields) or _are_takes(pattern, words) or _look_like_takes(gallery, family, differing):
        return None
    if not _are_binary(gallery, [masks[0] for found in family for masks in choose_evenly(list(found.masks_of.values()), 2)]):
        return None
    masks_of, pictures_alone, masks_alone = _gather(gallery, family, pattern)
    best = max(candidate.num_masks for candidate in family)
    if sum(map(len, masks_of.values())) <= best:
        return None
    words = {word.strip("_- ") or "none" for word in words}
    reason = f"several masks a picture, told apart by {', '.join(sorted(words)[:8])}"
    return replace(
        max(family, key=lambda candidate: candidate.num_masks),
        masks=pattern,
        masks_of=masks_of,
        pictures_alone=pictures_alone,
        masks_alone=masks_alone,
        reasons=(*family[0].reasons, reason),
    )


def _gather(gallery: Gallery, family: Sequence[Candidate], pattern: str) -> Pairing:
    """Return the masks of all members, and those that only the joined pattern finds."""
    images = family[0].images
    masks_of: dict[str, set[str]] = defaultdict(set)
    joined = [found[0] for pair in (pair_patterns, pair_padded) if (found := pair(gallery, images, pattern))]
    known: set[str] = set()
    for pairs in [*(candidate.masks_of for candidate in family), *joined]:
        for picture, masks in pairs.items():
            masks_of[picture] |= set(masks) - known
        known |= {mask for masks in pairs.values() for mask in masks}
    painted, pictures = gallery.match(pattern), gallery.match(images)
    return (
        {picture: tuple(sorted(masks)) for picture, masks in masks_of.items() if masks},
        tuple(path for path in pictures if path not in masks_of and path not in painted),
        tuple(path for path in painted if path not in known and path not in pictures),
    )


def _are_takes(pattern: str, words: set[str]) -> bool:
    """Tell whether words name annotators or renderings of one annotation rather than classes."""
    if _PERSONS.search(pattern):
        return True
    if _ANNOTATORS.search(pattern) and all(re.search(r"\d|^$", word) for word in words):
        return True
    return any(_ANNOTATORS.search(word) or _RENDERINGS.search(word) or rank_kind(word) for word in words)


def _look_like_takes(gallery: Gallery, family: Sequence[Candidate], words: set[str]) -> bool:
    """Tell whether two or three complete families are the same thing drawn by several people: initials, or the same areas."""
    complete = len({frozenset(candidate.masks_of) for candidate in family}) == 1
    if not complete or len(family) > _MOST_TAKES:
        return False
    if all(_INITIALS.fullmatch(word.strip("_-. ")) for word in words):
        return True
    overlaps = [
        _measure_overlap(*(gallery.look(candidate.masks_of[picture][0]) for candidate in pair))
        for picture in choose_evenly(sorted(family[0].masks_of), 4)
        for pair in combinations(family, 2)
    ]
    return min(overlaps, default=0.0) > _SAME_AREA


def _measure_overlap(first: Look | None, second: Look | None) -> float:
    """Return what two masks share of what either of them paints, 0 to 1."""
    if first is None or second is None or first.values.shape[:2] != second.values.shape[:2]:
        return 0.0
    ours, theirs = (look.values.reshape(*look.values.shape[:2], -1).any(axis=2) for look in (first, second))
    return float((ours & theirs).sum() / max(1, (ours | theirs).sum()))


def _join_patterns(patterns: Sequence[str]) -> tuple[str, set[str], set[str]] | None:
    """Return one pattern with {class} where patterns differ, the words that stand there, and those that differ anywhere.

    None where patterns differ in depth.
    """
    rows = [pattern.split("/") for pattern in patterns]
    if len({len(row) for row in rows}) > 1:
        return None
    parts: list[str] = []
    words: set[str] = set()
    differing: set[str] = set()
    for column in reversed(list(zip(*rows, strict=True))):  # the file name gives the class rather than a folder
        if len(set(column)) == 1:
            parts.append(column[0])
            continue
        head, middles, tail = _cut(column)
        parts.append(head + ("*" if words else CLASS_FIELD) + tail)
        words = words or middles
        differing |= middles
    if "" in words and all(word.strip("_- ").isdecimal() for word in words - {""}):
        return "/".join(reversed(parts)).replace(CLASS_FIELD, "*"), words, differing  # x_mask, x_mask_1: more of the same
    return ("/".join(reversed(parts)), words, differing) if words and "" not in words else None


def _cut(texts: Sequence[str]) -> tuple[str, set[str], str]:
    """Return the common head, what differs, and the common tail of texts, fields and tokens whole."""
    rows = [
        [token for piece in re.split(r"(\{\w+\})", text) for token in ([piece] if piece[:1] == "{" else split_tokens(piece))]
        for text in texts
    ]
    shortest = min(map(len, rows))
    head = next((n for n in range(shortest) if len({row[n] for row in rows}) > 1), shortest)
    room = shortest - head
    tail = next((n for n in range(room) if len({row[-1 - n] for row in rows}) > 1), room)
    return "".join(rows[0][:head]), {"".join(row[head : len(row) - tail]) for row in rows}, "".join(rows[0][len(rows[0]) - tail :])
