"""Lists that choose among pictures which patterns have found, by whatever of their paths they give."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from maskmill.errors import SourceError
from maskmill.sources.lists import ListLine, drop_suffix, find_list_level, read_list_lines
from maskmill.sources.pairing import Pair, settle
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree

COMMENT = "#"


def choose_by_lists(tree: FileTree, pairs: Sequence[Pair], layout: Layout) -> list[Pair]:
    """Take the pairs that lists name, in the parts of the lists; see `match_lines`."""
    return [replace(pair, split=line.split) for pair, line in match_lines(tree, pairs, layout)]


def match_lines(tree: FileTree, pairs: Sequence[Pair], layout: Layout) -> list[tuple[Pair, ListLine]]:
    """Find the pair of each line of the lists.

    A line, or its first word (up to a comma or a space), ends like a picture's path, with or without the suffix; it may come from
    another machine, see `find_pictures`. Empty lines and comments (#) are skipped, and so is the heading of a CSV.

    Args:
        tree: the source's files.
        pairs: what the patterns found.
        layout: its `lists`, and `missing`, which decides about lines that name no picture.

    Returns:
        The pairs in the order of the lists, each with its line.

    Raises:
        SourceError: a list is absent or no text, a picture is named twice, nothing is named, or lines name no picture of `pairs`.
    """
    level = find_list_level(tree, layout.lists)
    pair_of = {pair.image: pair for pair in pairs}
    lines = [line for line in read_list_lines(level, layout.lists) if not line.text.startswith(COMMENT)]
    found = find_pictures(pair_of, [entry for line in lines for entry in (line.text, _take_first_word(line.text))])
    chosen: dict[Path, tuple[Pair, ListLine]] = {}
    absent, repeated = [], []
    for line in lines:
        image = found.get(line.text) or found.get(_take_first_word(line.text))
        if image is None:
            if not _is_heading(line):
                absent.append(f"{line.place}: {line.text}")
        elif image in chosen:
            repeated.append(f"{line.place}: {image.name} was named before, in {chosen[image][1].place}")
        else:
            chosen[image] = pair_of[image], line
    settle("list lines name no picture with a mask", absent, layout.missing, fix="add the files, or correct the lists")
    settle("list lines repeat a picture", repeated, "error", fix="take one of them out")
    if not chosen:
        raise SourceError(
            f"the lists {', '.join(layout.lists.values())} below {level.name} name no picture", fix="correct source.lists"
        )
    return list(chosen.values())


def find_pictures(images: Iterable[Path], entries: Iterable[str]) -> dict[str, Path]:
    """Find the picture that each entry of a table's column, or of lists, names by the end of its path.

    Entries may come from another machine. Its root is the same number of leading folders in all of them, the smallest with which
    any of them is found: an entry that would need another number is about a picture that is not here, not about its namesake.
    Absolute and relative paths have a root each; bare file names have none.

    Args:
        images: the pictures there are.
        entries: ends of their paths, with any suffix or none, letter case aside; slashes or backslashes.

    Returns:
        The picture of each entry that names exactly one.
    """
    ends = _index_ends(images)
    parts_of = {entry: _split_path(entry) for entry in entries}
    roots: dict[bool, int] = {}
    for entry, parts in parts_of.items():
        dropped = next((number for number in range(len(parts)) if _look_up(ends, parts[number:])), None)
        if dropped is not None and len(parts) > 1:
            roots[_is_absolute(entry)] = min(dropped, roots.get(_is_absolute(entry), dropped))
    pictures = {}
    for entry, parts in parts_of.items():
        root = roots.get(_is_absolute(entry), 0) if len(parts) > 1 else 0
        if len(named := _look_up(ends, parts[root:])) == 1:
            pictures[entry] = named[0]
    return pictures


def _index_ends(images: Iterable[Path]) -> dict[str, list[Path]]:
    """Return the pictures by every end of their paths, with and without the suffix, in lower case."""
    ends: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        parts = image.parts
        for start in range(len(parts)):
            path = "/".join(parts[start:]).casefold()
            for end in {path, drop_suffix(path)}:
                ends[end].append(image)
    return ends


def _look_up(ends: Mapping[str, Sequence[Path]], parts: Sequence[str]) -> Sequence[Path]:
    """Return the pictures whose paths end so, or, where there are none, so before another suffix."""
    end = "/".join(parts)
    return ends.get(end) or ends.get(drop_suffix(end), [])


def _split_path(entry: str) -> list[str]:
    return [part for part in entry.replace("\\", "/").casefold().split("/") if part not in ("", ".")]


def _is_absolute(entry: str) -> bool:
    return bool(PureWindowsPath(entry).anchor)  # takes both kinds of slashes, and drives


def _take_first_word(text: str) -> str:
    return text.replace(",", " ").split()[0].strip("\"'")


def _is_heading(line: ListLine) -> bool:
    return line.place.endswith(":1") and PurePosixPath(line.place.removesuffix(":1")).suffix.lower() in (".csv", ".tsv")
