"""Scenes: rasters, and further rasters of the same ground."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskmill.errors import DataError, SourceError, summarise_problems
from maskmill.rasters import Profile, read_profile
from maskmill.sources.pairing import Pair, explain_no_match, pair_by_fields, pair_single, settle
from maskmill.sources.patterns import Pattern, build_key, compile_pattern
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree


@dataclass(frozen=True)
class Scene:
    """A scene's files, and what its first raster says about itself."""

    pair: Pair
    profile: Profile

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.pair.image)


def find_pairs(tree: FileTree, layout: Layout) -> list[Pair]:
    """Find the scenes by `images`, with their masks by `masks` where given, and their `band_files`.

    A file that fits several patterns belongs to the one with more literal characters.

    Raises:
        SourceError: nothing matches, fields that differ, or files without a partner.
    """
    images = compile_pattern(str(layout.images), "source.images")
    patterns = [compile_pattern(text, "source.band_files") for text in layout.band_files]
    for pattern in patterns:
        if set(pattern.fields) != set(images.fields):
            raise SourceError(
                f"source.band_files {pattern.text!r} has the fields {', '.join(pattern.fields)}, "
                f"source.images has {', '.join(images.fields)}",
                expected="the same fields in both: their values pair the rasters of a scene",
                fix="name the parts that both have in common, and put * for the rest",
            )
    rest, found = _take_band_files(tree, images, patterns)
    if layout.masks:
        pairs = pair_by_fields(rest, str(layout.images), layout.masks, layout.missing)
    else:
        pairs = pair_single(rest, str(layout.images))
    return _add_band_files(pairs, tree, found, layout)


def read_scenes(pairs: Sequence[Pair]) -> list[Scene]:
    """Look at each scene's first raster; raise SourceError naming all that cannot be opened."""
    scenes, problems = [], []
    for pair in pairs:
        try:
            scenes.append(Scene(pair, read_profile(pair.image)))
        except DataError as error:
            problems.append(f"{error.what}; fix: {error.fix}")
    if problems:
        raise SourceError(
            f"{len(problems)} of {len(pairs)} rasters cannot be opened:\n{summarise_problems(problems)}",
            fix="correct or remove them, or narrow source.images",
        )
    return scenes


def _take_band_files(
    tree: FileTree, images: Pattern, patterns: Sequence[Pattern]
) -> tuple[FileTree, list[dict[tuple[str, ...], list[str]]]]:
    """Return the tree without the files of further bands, and those of each pattern by their fields' values."""
    taken: set[str] = set()
    found: list[dict[tuple[str, ...], list[str]]] = []
    for pattern in patterns:
        by_key: dict[tuple[str, ...], list[str]] = {}
        for path, inner in _list_matches(tree, pattern):
            fields = pattern.match(inner)
            if fields is not None and (images.match(inner) is None or pattern.num_literals >= images.num_literals):
                by_key.setdefault(build_key(fields), []).append(path)
                taken.add(path)
        if not by_key:
            raise explain_no_match(tree, pattern, "source.band_files")
        found.append(by_key)
    return replace(tree, files=tuple(path for path in tree.files if path not in taken)), found


def _list_matches(tree: FileTree, pattern: Pattern) -> list[tuple[str, str]]:
    """Return the files that fit, below the tree and below the level at which they do."""
    for level in tree.levels():
        above = level.root.relative_to(tree.root).as_posix()
        prefix = "" if above == "." else f"{above}/"
        if matches := [(prefix + path, path) for path in level.files if pattern.match(path) is not None]:
            return matches
    return []


def _add_band_files(
    pairs: Sequence[Pair], tree: FileTree, found: Sequence[dict[tuple[str, ...], list[str]]], layout: Layout
) -> list[Pair]:
    complete, problems, repeated = [], [], []
    for pair in pairs:
        key = build_key(pair.fields)
        files = [by_key.get(key, []) for by_key in found]
        problems += [f"{pair.image}: {text}" for text, paths in zip(layout.band_files, files, strict=True) if not paths]
        repeated += [f"{pair.image}: {' and '.join(paths)}" for paths in files if len(paths) > 1]
        if all(len(paths) == 1 for paths in files):
            complete.append(replace(pair, band_files=tuple(tree.root / paths[0] for paths in files)))
    settle("scenes have several files of the same bands", repeated, "error", fix="put a {field} in place of the *")
    settle("rasters of further bands are missing", problems, layout.missing, fix="add them, or narrow source.images")
    if not complete:
        raise SourceError(f"no scene below {tree.name} has all of source.band_files", fix="correct source.band_files")
    return complete
