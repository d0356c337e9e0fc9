"""The files that describe masks, and the pictures that they name."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.annotations import Annotation
from maskmill.sources.lists import drop_suffix
from maskmill.sources.pairing import Pair, find_level, match_files, refuse_ambiguity
from maskmill.sources.patterns import PICTURE_SUFFIXES, SPLIT_FIELD, SPLIT_NAMES, Pattern, compile_pattern, read_own_split
from maskmill.sources.tree import FileTree

SETTING = "source.annotations"
_ANY_FOLDER = "(?P<any>[^/]+)/"


@dataclass(frozen=True)
class AnnotationFile:
    """A file that describes masks.

    Args:
        path: where it is.
        name: its path below the source's folder, for messages.
        fields: what the pattern found in that.
    """

    path: Path
    name: str
    fields: Mapping[str, str]


class Catalogue:
    """The annotation files of a source, and its pictures by the names that they call them.

    Args:
        tree: the source's files.
        images: pattern of the pictures.
        annotations: pattern of the annotation files; a file describes the pictures that have its value of a field, as {split}, that
            both patterns have.

    Raises:
        SourceError: nothing fits a pattern, pictures with the same field values, or a {split} of the annotations that is no part.
    """

    def __init__(self, tree: FileTree, images: str, annotations: str) -> None:
        pattern = _compile_annotations(annotations)
        level = find_level(tree, pattern, SETTING)
        self.files = [AnnotationFile(level.root / path, path, fields) for path, fields in match_files(level.files, pattern).items()]
        _refuse_unknown_parts(self.files)
        self._tree = find_level(tree, compile_pattern(images, "source.images"), "source.images")
        self.pictures = match_files(self._tree.files, compile_pattern(images, "source.images"))
        refuse_ambiguity(self._tree, {"source.images": self.pictures})
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for picture in self.pictures:
            name = PurePosixPath(picture).name.casefold()
            for key in {name, drop_suffix(name)}:
                self._by_name[key].append(picture)

    def find(self, file: AnnotationFile, entry: str) -> str | None:
        """Return the picture that `file` calls `entry`: a path or a name, with or without a suffix, letter case aside.

        Of several with that name it is the one whose folders are most like those of `entry`.

        Raises:
            SourceError: several are equally like it.
        """
        parts = [part for part in entry.strip().replace("\\", "/").casefold().split("/") if part not in ("", ".")]
        if not parts:
            return None
        named = self._by_name.get(parts[-1], [])
        if not named and PurePosixPath(parts[-1]).suffix in PICTURE_SUFFIXES:
            named = self._by_name.get(drop_suffix(parts[-1]), [])
        likeness = {picture: _count_common_end(picture, parts) for picture in named if self._belongs(file, picture)}
        best = [picture for picture, count in likeness.items() if count == max(likeness.values())]
        if len(best) > 1:
            raise SourceError(
                f"{file.name}: {entry} may be {' or '.join(best[:3])}",
                expected="names that tell the pictures apart",
                fix="narrow source.images, or put a field like {split} into both source.images and source.annotations",
            )
        return best[0] if best else None

    def build_pair(self, picture: str, annotation: Annotation, split: str) -> Pair:
        """Return the sample of a picture; without `split` its part is what its own path says."""
        fields = self.pictures[picture]
        return Pair(self._tree.root / picture, annotation, fields, split or read_own_split(fields))

    def _belongs(self, file: AnnotationFile, picture: str) -> bool:
        fields = self.pictures[picture]
        return all(_is_same(name, value, fields[name]) for name, value in file.fields.items() if name in fields)


def _compile_annotations(text: str) -> Pattern:
    """Compile the pattern of annotation files, which needs no field: one of them may describe all pictures."""
    if "{" in text:
        return compile_pattern(text, SETTING)
    pattern = compile_pattern("{any}/" + text, SETTING)
    expression = pattern.expression.pattern.removeprefix(_ANY_FOLDER)
    return Pattern(text, (), re.compile(expression, re.IGNORECASE), pattern.num_literals)


def _refuse_unknown_parts(files: list[AnnotationFile]) -> None:
    unknown = [file.name for file in files if SPLIT_FIELD in file.fields and not read_own_split(file.fields)]
    if unknown:
        raise SourceError(
            f"{{split}} in {SETTING} stands for no part of a data set:\n{summarise_problems(unknown)}",
            expected=f"one of {', '.join(SPLIT_NAMES)}",
            fix=f"narrow {SETTING}, or call the field something else",
        )


def _is_same(name: str, first: str, second: str) -> bool:
    if name == SPLIT_FIELD and (part := read_own_split({name: first})):
        return part == read_own_split({name: second})
    return first.casefold() == second.casefold()


def _count_common_end(picture: str, parts: list[str]) -> int:
    """Return how many folders, from the innermost one on, a picture's path shares with the parts of an entry."""
    count = 0
    for ours, theirs in zip(reversed(picture.casefold().split("/")[:-1]), reversed(parts[:-1]), strict=False):
        if ours != theirs:
            break
        count += 1
    return count
