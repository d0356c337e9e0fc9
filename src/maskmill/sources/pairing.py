"""Pairing pictures with their masks by what their names have in common."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.annotations import Annotation
from maskmill.sources.patterns import MEANING, SPLIT_FIELD, SPLIT_NAMES, Pattern, build_key, compile_pattern, read_own_split
from maskmill.sources.settings import Missing, Window
from maskmill.sources.tree import FileTree
from maskmill.terminal import say

FORM_NAMES = (
    "composite (photo and mask side by side in one file), folders (colour masks), suffix (black and white masks), "
    "index (masks of ids), trimap (1 pet, 2 background, 3 border), layers (several mask files a picture), "
    "rle (run lengths in a CSV), coco (COCO JSON), "
    "geotiff (rasters with a mask raster, GeoJSON or WKT)"
)


@dataclass(frozen=True)
class Pair:
    """One sample's files.

    Args:
        image: the picture.
        mask: its mask, the same file in a composite; or what annotations say of it.
        fields: what the pattern found in the picture's path, in the pattern's order; they tell the pictures apart.
        split: "train", "val", "test", or "" where the source has no parts.
        band_files: files whose bands come after the picture's own.
        window: the part of a raster that the sample is; None: all of it.
        cells: what the table of the source says of the picture, by column.
    """

    image: Path
    mask: Path | Annotation
    fields: Mapping[str, str]
    split: str
    band_files: tuple[Path, ...] = ()
    window: Window | None = None
    cells: Mapping[str, str] = field(default_factory=dict)


def pair_single(tree: FileTree, images: str) -> list[Pair]:
    """Take every file that fits `images` as picture and mask in one."""
    pattern = compile_pattern(images, "source.images")
    level = find_level(tree, pattern, "source.images")
    found = match_files(level.files, pattern)
    refuse_ambiguity(level, {"source.images": found})
    pairs = [_build_pair(level, path, path, fields) for path, fields in found.items()]
    refuse_unknown_splits(pairs)
    return pairs


def pair_by_fields(tree: FileTree, images: str, masks: str, missing: Missing = "error") -> list[Pair]:
    """Pair the files that fit `images` with those that fit `masks` and have the same field values, letter case aside.

    A file that fits both patterns belongs to the one with more literal characters, to `masks` when they have equally many.

    Args:
        tree: the source's files.
        images: pattern of the pictures.
        masks: pattern of the masks.
        missing: "error", or "skip" to leave out pictures without a mask and masks without a picture.

    Raises:
        SourceError: nothing matches, the patterns' fields differ, several files have the same values, a {split} that is no part,
            or, with "error", a picture has no mask or a mask no picture.
    """
    image_pattern, mask_pattern = compile_pattern(images, "source.images"), compile_pattern(masks, "source.masks")
    _check_fields(image_pattern, mask_pattern)
    level = find_level(tree, image_pattern, "source.images")
    pictures, painted = match_files(level.files, image_pattern), match_files(level.files, mask_pattern)
    for path in pictures.keys() & painted.keys():
        del (pictures if mask_pattern.num_literals >= image_pattern.num_literals else painted)[path]
    for found, pattern, setting in ((pictures, image_pattern, "source.images"), (painted, mask_pattern, "source.masks")):
        if not found:
            raise explain_no_match(level, pattern, setting)
    refuse_ambiguity(level, {"source.images": pictures, "source.masks": painted})
    mask_of = {build_key(fields): path for path, fields in painted.items()}
    _settle_singles(level, pictures, painted, missing)
    pairs = [
        _build_pair(level, path, mask_of[build_key(fields)], fields)
        for path, fields in pictures.items()
        if build_key(fields) in mask_of
    ]
    refuse_unknown_splits(pairs)
    return pairs


def settle(what: str, problems: Sequence[str], missing: Missing, *, fix: str) -> None:
    """Say how many files or lines are left out where `missing` is "skip", raise SourceError naming them where it is "error"."""
    if problems and missing == "skip":
        say(f"left out: {len(problems)} {what}, e.g. {problems[0]}")
    elif problems:
        raise SourceError(
            f"{len(problems)} {what}:\n{summarise_problems(problems)}",
            fix=f"{fix}; or set source.missing to skip to leave them out",
        )


def refuse_unknown_splits(pairs: Sequence[Pair]) -> None:
    """Raise SourceError where a {split} says something that is no part: such samples would silently be trained on."""
    unknown = sorted({pair.fields[SPLIT_FIELD] for pair in pairs if SPLIT_FIELD in pair.fields and not pair.split})
    if unknown:
        raise SourceError(
            f"{{split}} in source.images stands for {', '.join(map(repr, unknown[:5]))}: no part of a data set",
            expected=f"one of {', '.join(SPLIT_NAMES)}, also with a year",
            fix="rename the folders, or call the field something else (then encode draws the parts), or give source.lists",
        )


def explain_no_match(tree: FileTree, pattern: Pattern, setting: str) -> SourceError:
    """Return the error for a pattern that fits no file: the pattern, the folder, what lies there, and the forms there are."""
    examples = summarise_problems(tree.choose_examples())
    return SourceError(
        f"no file below {tree.name} fits {setting} {pattern.text!r}; some of the {len(tree.files)} files there:\n{examples}",
        expected=f"a pattern relative to that folder: {MEANING}",
        fix=f"correct {setting}, or source.form: {FORM_NAMES}; an archive within the folder is named by source.path itself",
    )


def find_level(tree: FileTree, pattern: Pattern, setting: str) -> FileTree:
    """Return the tree, or the one below its single top folder, that has files that fit `pattern`.

    With "{split}/**/..." several levels do: the one whose {split} names parts is meant, not the packed folder's own name.
    """
    fitting = [(level, found) for level in tree.levels() if (found := match_files(level.files, pattern))]
    if not fitting:
        raise explain_no_match(tree, pattern, setting)
    named = (level for level, found in fitting if any(read_own_split(fields) for fields in found.values()))
    return next(named, fitting[0][0])


def match_files(files: Iterable[str], pattern: Pattern) -> dict[str, dict[str, str]]:
    return {path: fields for path in files if (fields := pattern.match(path)) is not None}


def _build_pair(tree: FileTree, image: str, mask: str, fields: Mapping[str, str]) -> Pair:
    return Pair(tree.root / image, tree.root / mask, fields, read_own_split(fields))


def _check_fields(images: Pattern, masks: Pattern) -> None:
    if set(images.fields) != set(masks.fields):
        raise SourceError(
            f"source.images has the fields {', '.join(images.fields)}, source.masks has {', '.join(masks.fields)}",
            expected="the same fields in both: their values pair a picture with its mask",
            fix="name the parts that both have in common, and put * for the rest",
        )


def refuse_ambiguity(tree: FileTree, found: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
    """Refuse files of one kind that have the same field values."""
    problems = []
    for setting, matches in found.items():
        paths_of: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for path, fields in matches.items():
            paths_of[build_key(fields)].append(path)
        problems += [f"{setting}: {' and '.join(paths)}" for paths in paths_of.values() if len(paths) > 1]
    if problems:
        raise SourceError(
            f"{len(problems)} times several files below {tree.name} have the same field values:\n{summarise_problems(problems)}",
            expected="values that tell all pictures apart",
            fix="put a {field} in place of the * or ** where their paths differ, or remove the copies",
        )


def _settle_singles(
    tree: FileTree, pictures: Mapping[str, Mapping[str, str]], painted: Mapping[str, Mapping[str, str]], missing: Missing
) -> None:
    """Refuse pictures without a mask and masks without a picture, all of them in one error; or say how many are left out."""
    without_mask = _list_missing(pictures, painted)
    without_picture = _list_missing(painted, pictures)
    if missing == "skip" and len(without_mask) < len(pictures):
        settle("pictures without a mask", without_mask, missing, fix="")
        settle("masks without a picture", without_picture, missing, fix="")
        return
    if not (without_mask or without_picture):
        return
    parts = [
        f"{len(paths)} {kind} below {tree.name} have no {other}:\n{summarise_problems(paths)}"
        for paths, kind, other in ((without_mask, "pictures", "mask"), (without_picture, "masks", "picture"))
        if paths
    ]
    raise SourceError(
        "\n".join(parts),
        expected="one mask with the same field values for each picture",
        fix="add what is missing, narrow source.images and source.masks, or set source.missing to skip to leave these out",
    )


def _list_missing(files: Mapping[str, Mapping[str, str]], partners: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    keys = {build_key(fields) for fields in partners.values()}
    return [path for path, fields in files.items() if build_key(fields) not in keys]
