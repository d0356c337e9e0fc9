"""List files: lines of "picture mask" whose paths may come from another machine."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.pairing import Pair
from maskmill.sources.patterns import PICTURE_SUFFIXES, Split, compile_pattern
from maskmill.sources.tree import FileTree

PATH_FIELD = "path"


@dataclass(frozen=True)
class ListLine:
    """One line of a list: where it stands, the part of the list, and its text."""

    place: str
    split: str
    text: str


class PathFinder:
    """Finds files by the end of a path that another machine wrote."""

    def __init__(self, files: Iterable[str]) -> None:
        self._by_path: dict[str, str] = {}
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in files:
            self._by_path.setdefault(path.casefold(), path)
            if PurePosixPath(path).suffix.lower() in PICTURE_SUFFIXES:
                self._by_stem[drop_suffix(path).casefold()].append(path)

    def find(self, entry: str) -> str | None:
        """Return the file that is the longest end of `entry`: as written before any other picture suffix, letter case aside."""
        components = [part for part in entry.replace("\\", "/").split("/") if part not in ("", ".")]
        for start in range(len(components)):
            end = "/".join(components[start:]).casefold()
            if end in self._by_path:
                return self._by_path[end]
            if len(same_stem := self._by_stem.get(drop_suffix(end), [])) == 1:
                return same_stem[0]
        return None


def pair_by_lists(tree: FileTree, lists: Mapping[Split, str], images: str | None) -> list[Pair]:
    """Pair pictures with masks as list files say.

    Args:
        tree: the source's files.
        lists: part ("train", "val", "test") -> list file below the root, with lines of picture and mask.
        images: a pattern that gives the pictures' fields; without one their only field is `path`, the path without its suffix.

    Raises:
        SourceError: a list is absent or no text, entries name no file below the root (all of them are listed), a picture is named
            twice, or does not fit `images`.
    """
    level = find_list_level(tree, lists)
    pattern = compile_pattern(images, "source.images") if images else None
    finder = PathFinder(level.files)
    problems: list[str] = []
    pairs: list[Pair] = []
    place_of: dict[str, str] = {}
    for line in read_list_lines(level, lists):
        found = _find_both(finder, line.text)
        if isinstance(found, str):
            problems.append(f"{line.place}: {found}")
            continue
        image, mask = found
        fields = pattern.match(image) if pattern else {PATH_FIELD: drop_suffix(image)}
        if fields is None:
            problems.append(f"{line.place}: {image} does not fit source.images {images!r}")
        elif image in place_of:
            problems.append(f"{line.place}: {image} was named before, in {place_of[image]}")
        else:
            pairs.append(Pair(level.root / image, level.root / mask, fields, line.split))
        place_of.setdefault(image, line.place)
    if problems:
        raise SourceError(
            f"{len(problems)} lines of the lists below {level.name} cannot be used:\n{summarise_problems(problems)}",
            expected="lines of picture and mask, each the end of a path below that folder (any picture suffix, any letter case)",
            fix="add the files, or correct the lists or source.images",
        )
    if not pairs:
        raise SourceError(f"the lists {', '.join(lists.values())} below {level.name} are empty", fix="correct source.lists")
    return pairs


def find_list_level(tree: FileTree, lists: Mapping[Split, str]) -> FileTree:
    """Return the tree, or the one below its single top folder, that has all list files."""
    for level in tree.levels():
        if all((level.root / name).is_file() for name in lists.values()):
            return level
    absent = [name for name in lists.values() if not (tree.root / name).is_file()]
    raise SourceError(
        f"no list {' or '.join(absent)} below {tree.name}; some of the files there:\n{summarise_problems(tree.choose_examples())}",
        fix="correct source.lists",
    )


def read_list_lines(tree: FileTree, lists: Mapping[Split, str]) -> Iterator[ListLine]:
    for split, name in lists.items():
        path: Path = tree.root / name
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise SourceError(f"{path} is no text file in UTF-8", fix="correct source.lists, or convert the file") from None
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield ListLine(f"{name}:{number}", split, line.strip())


def _find_both(finder: PathFinder, text: str) -> tuple[str, str] | str:
    """Return a line's picture and mask, or what is wrong with it; paths with spaces leave open where the second one begins."""
    words = text.split()
    if len(words) < 2:
        return f"{text!r} is one path, not a picture and a mask"
    halves = [(" ".join(words[:middle]), " ".join(words[middle:])) for middle in range(1, len(words))]
    for image, mask in halves:
        found = finder.find(image), finder.find(mask)
        if found[0] and found[1]:
            return found[0], found[1]
    if len(words) > 2:
        return f"{text!r}: no two files"
    missing = [word for word in words if not finder.find(word)]
    return f"no file for {' and '.join(missing)}"


def drop_suffix(path: str) -> str:
    return path[: len(path) - len(PurePosixPath(path).suffix)]
