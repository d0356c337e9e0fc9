"""Several mask files a picture: one class or one instance each."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from maskmill.sources.inspection.candidates import Candidate, Gallery, choose_evenly, pair_patterns
from maskmill.sources.inspection.names import split_tokens
from maskmill.sources.inspection.words import rank_kind

CLASS_FIELD = "{class}"
_ANNOTATORS = re.compile(r"manual|\d(st|nd|rd|th)|^ho$|annotator|expert|rater|observer|reader|grader|human", re.IGNORECASE)
_RENDERINGS = re.compile(r"labelids|trainids|semantic|^(class|gt|mask|label)s?$", re.IGNORECASE)
_MOST_CLASSES = 64


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
    stems = Counter(PurePosixPath(path).stem.casefold() for masks in candidate.masks_of.values() for path in masks)
    if len(stems) > _MOST_CLASSES or min(stems.values()) < 2 or any(stem.isdecimal() for stem in stems):
        return candidate
    return replace(candidate, masks=f"{folder}/{CLASS_FIELD}{last[1:]}")


def is_layered(candidate: Candidate) -> bool:
    """Tell whether pictures have several masks."""
    return CLASS_FIELD in candidate.masks or any(len(masks) > 1 for masks in candidate.masks_of.values())


def _merge(gallery: Gallery, family: Sequence[Candidate]) -> Candidate | None:
    """Join mask families whose patterns differ in one word each, unless they are several takes of the same annotation."""
    text = _join_patterns([candidate.masks for candidate in family])
    if not text:
        return None
    pattern, words = text
    fields = set(re.findall(r"\{\w+\}", family[0].images))
    if not all(field in pattern for field in fields) or _are_takes(pattern, words):
        return None
    samples = [mask for candidate in family for masks in choose_evenly(list(candidate.masks_of.values()), 2) for mask in masks[:1]]
    looks = [gallery.look(mask) for mask in samples]
    if any(look is not None and look.num_values > 2 for look in looks):
        return None
    found = pair_patterns(gallery, family[0].images, pattern.replace(CLASS_FIELD, "*"))
    best = max(candidate.num_masks for candidate in family)
    if not found or sum(map(len, found[0].values())) <= best:
        return None
    words = {word.strip("_- ") or "none" for word in words}
    reason = f"several masks a picture, told apart by {', '.join(sorted(words)[:8])}"
    return replace(
        max(family, key=lambda candidate: candidate.num_masks),
        masks=pattern,
        masks_of=found[0],
        pictures_alone=found[1],
        masks_alone=found[2],
        reasons=(*family[0].reasons, reason),
    )


def _are_takes(pattern: str, words: set[str]) -> bool:
    """Tell whether words name annotators or renderings of one annotation rather than classes."""
    if _ANNOTATORS.search(pattern) and all(re.search(r"\d|^$", word) for word in words):
        return True
    return any(_ANNOTATORS.search(word) or _RENDERINGS.search(word) or rank_kind(word) for word in words)


def _join_patterns(patterns: Sequence[str]) -> tuple[str, set[str]] | None:
    """Return one pattern with {class} where patterns differ, and the words that stand there; None where they differ in depth."""
    rows = [pattern.split("/") for pattern in patterns]
    if len({len(row) for row in rows}) > 1:
        return None
    parts: list[str] = []
    words: set[str] = set()
    for column in reversed(list(zip(*rows, strict=True))):  # the file name gives the class rather than a folder
        if len(set(column)) == 1:
            parts.append(column[0])
            continue
        head, middles, tail = _cut(column)
        parts.append(head + ("*" if words else CLASS_FIELD) + tail)
        words = words or middles
    if "" in words and all(word.strip("_- ").isdecimal() for word in words - {""}):
        return "/".join(reversed(parts)).replace(CLASS_FIELD, "*"), words  # x_mask, x_mask_1: more of the same
    return ("/".join(reversed(parts)), words) if words and "" not in words else None


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
