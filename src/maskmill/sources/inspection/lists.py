"""List files that divide a set: names of pictures, in whatever form, found by what they name."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, cast

from maskmill.sources.inspection.names import name_part, split_tokens
from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.patterns import PICTURE_SUFFIXES, Split
from maskmill.sources.tree import FileTree

_SUFFIXES = (".txt", ".csv", ".lst", ".list", ".tsv")
_MOST_BYTES = 20_000_000
_ENOUGH = 0.5
_OTHER_WORDS = {"trainval": "train", "trn": "train", "tr": "train", "tst": "test", "ts": "test", "te": "test"}
ListStyle = Literal["pairs", "paths", "stems"]


@dataclass(frozen=True)
class FoundLists:
    """The lists of a set.

    Args:
        lists: part -> list file.
        part_of: picture -> part.
        style: what a line holds.
        missing: entries that name no picture of the tree, as "list:line: text".
        num_found: pictures with a mask that are named.
        repeated: pictures that are named more than once.
    """

    lists: Mapping[Split, str]
    part_of: Mapping[str, Split]
    style: ListStyle
    missing: tuple[str, ...]
    num_found: int
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """One list as read: its pictures, what it names in vain, how its lines look."""

    path: str
    part: Split
    pictures: tuple[str, ...]
    missing: tuple[str, ...]
    style: ListStyle


def read_lists(tree: FileTree, proposal: PairingProposal) -> FoundLists | None:
    """Find the list files that divide the pictures of a proposal; None where there are none.

    Of several folders with lists (as VOC has for its tasks) the one counts whose lists name most of the pictures.
    """
    finder = _Finder(tree, proposal)
    by_folder: dict[str, list[_Reading]] = defaultdict(list)
    for path in tree.files:
        part = _read_part(path)
        if part and (reading := _read_list(tree, path, part, finder)):
            by_folder[path.rpartition("/")[0]].append(reading)
    if not by_folder:
        return None
    readings = max(by_folder.values(), key=lambda group: (_rate(group), -len(group[0].path)))
    found = _combine(readings, finder.paired)
    return None if len(found.lists) == 1 and finder.paired <= found.part_of.keys() else found  # one part of all divides nothing


def _read_part(path: str) -> Split | None:
    """Return the part that a list's name says, or None for files that are no lists of a part; trainval counts as train."""
    name = PurePosixPath(path)
    if name.suffix.lower() not in _SUFFIXES:
        return None
    words = [token.casefold() for token in split_tokens(name.stem)]
    parts = {_OTHER_WORDS.get(word) or name_part(word) for word in words} - {""}
    return cast(Split, parts.pop()) if len(parts) == 1 else None


class _Finder:
    """Finds the picture that an entry names: by the end of its path, or by its stem where that is one picture's alone."""

    def __init__(self, tree: FileTree, proposal: PairingProposal) -> None:
        self.paired = {sample.image for sample in proposal.samples}
        partner = {mask: sample.image for sample in proposal.samples for mask in sample.masks}
        pictures = [*self.paired, *proposal.pictures_without_mask]
        self._of_end: dict[str, set[str]] = defaultdict(set)
        for path, picture in [*((path, path) for path in pictures), *partner.items()]:
            components = _drop_suffix(path).casefold().split("/")
            for start in range(len(components)):
                self._of_end["/".join(components[start:])].add(picture)

    def find(self, entry: str) -> str | None:
        components = [part for part in _drop_suffix(entry).replace("\\", "/").casefold().split("/") if part not in ("", ".")]
        for start in range(len(components)):
            pictures = self._of_end.get("/".join(components[start:]), set())
            if len(pictures) == 1:
                return next(iter(pictures))
        return None


def _read_list(tree: FileTree, path: str, part: Split, finder: _Finder) -> _Reading | None:
    """Read a list; None where less than half of its first column names pictures."""
    pictures, missing, styles = [], [], []
    for number, line in enumerate(_read_lines(tree, path), start=1):
        words = _read_words(line)
        if not words or words[0].startswith("#"):
            continue
        found = finder.find(words[0]) or finder.find(line.strip())
        if found:
            pictures.append(found)
            styles.append(_read_style(words, finder))
        else:
            missing.append(f"{path}:{number}: {line.strip()[:120]}")
    if missing and re.match(r"[^:]*:1:", missing[0]) and len(missing) == 1:
        missing = []  # a heading
    if len(pictures) < max(1, _ENOUGH * (len(pictures) + len(missing))):
        return None
    style = max(set(styles), key=styles.count)
    return _Reading(path, part, tuple(pictures), tuple(missing), style)


def _read_lines(tree: FileTree, path: str) -> Iterator[str]:
    file = tree.root / path
    if file.stat().st_size > _MOST_BYTES:
        return
    content = file.read_bytes()
    try:
        yield from content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        yield from content.decode("latin-1").splitlines()


def _read_words(line: str) -> list[str]:
    return [word.strip("\"' ") for word in re.split(r"[,;\t ]+", line.strip()) if word.strip("\"' ")]


def _read_style(words: Sequence[str], finder: _Finder) -> ListStyle:
    if len(words) > 1 and PurePosixPath(words[1]).suffix and finder.find(words[1]):
        return "pairs"
    return "paths" if PurePosixPath(words[0]).suffix.lower() in PICTURE_SUFFIXES else "stems"


def _rate(readings: Sequence[_Reading]) -> float:
    """Return how well lists fit: pictures with masks that they name, less the lists that it takes beyond one a part."""
    named = {picture for reading in readings for picture in reading.pictures}
    return len(named) - 0.01 * len(readings) - sum(len(reading.missing) for reading in readings) * 0.1


def _combine(readings: Sequence[_Reading], paired: set[str]) -> FoundLists:
    """Keep one list a part: the shortest name says most plainly what it is, and "train" beside "trainval" is train."""
    lists: dict[Split, str] = {}
    part_of: dict[str, Split] = {}
    missing: list[str] = []
    chosen: dict[Split, _Reading] = {}
    for reading in sorted(readings, key=lambda reading: (len(reading.path), reading.path)):
        chosen.setdefault(reading.part, reading)
    for part in ("train", "val", "test"):
        if reading_of_part := chosen.get(cast(Split, part)):
            lists[cast(Split, part)] = reading_of_part.path
            missing += reading_of_part.missing
            for picture in reading_of_part.pictures:
                part_of.setdefault(picture, cast(Split, part))
    style = next(iter(chosen.values())).style
    counts = Counter(picture for reading in chosen.values() for picture in reading.pictures)
    repeated = tuple(sorted(picture for picture, count in counts.items() if count > 1))
    return FoundLists(lists, part_of, style, tuple(missing), len(part_of.keys() & paired), repeated)


def _drop_suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return path[: len(path) - len(suffix)] if suffix.lower() in PICTURE_SUFFIXES else path
