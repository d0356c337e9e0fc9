"""Lists that choose among pictures which patterns have found, by whatever of their paths they give."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

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
    another machine. Empty lines and comments (#) are skipped, and so is the heading of a CSV.

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
    ends = index_ends(pair_of)
    chosen: dict[Path, tuple[Pair, ListLine]] = {}
    absent, repeated = [], []
    for line in read_list_lines(level, layout.lists):
        if line.text.startswith(COMMENT):
            continue
        image = find_picture(ends, line.text) or find_picture(ends, _take_first_word(line.text))
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


def index_ends(images: Iterable[Path]) -> dict[str, list[Path]]:
    """Return the pictures by every end of their paths, with and without the suffix, in lower case."""
    ends: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        parts = image.parts
        for start in range(len(parts)):
            path = "/".join(parts[start:]).casefold()
            for end in {path, drop_suffix(path)}:
                ends[end].append(image)
    return ends


def find_picture(ends: Mapping[str, Sequence[Path]], entry: str) -> Path | None:
    """Return the one picture that ends like `entry`, which may come from another machine: the longest end of it that is one's."""
    parts = [part for part in entry.replace("\\", "/").casefold().split("/") if part not in ("", ".")]
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        for candidate in (end, drop_suffix(end)):
            if len(found := ends.get(candidate, [])) == 1:
                return found[0]
    return None


def _take_first_word(text: str) -> str:
    return text.replace(",", " ").split()[0].strip("\"'")


def _is_heading(line: ListLine) -> bool:
    return line.place.endswith(":1") and PurePosixPath(line.place.removesuffix(":1")).suffix.lower() in (".csv", ".tsv")
