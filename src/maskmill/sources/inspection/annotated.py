"""Annotation files beside pictures: COCO JSON, tables of run lengths or WKT, GeoJSON."""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

from maskmill.sources.inspection.candidates import Gallery, pair_patterns
from maskmill.sources.inspection.names import Name, find_split_word, name_part, read_names
from maskmill.sources.inspection.proposals import PairingProposal, Sample
from maskmill.sources.inspection.rules import keep_frequent, mine_rules
from maskmill.sources.inspection.writing import collect_values, generalise, rename_fields
from maskmill.sources.patterns import SPLIT_FIELD, compile_pattern
from maskmill.sources.tree import FileTree

Kind = Literal["coco", "rle", "wkt", "geojson"]
_MOST_BYTES = 1_000_000_000
_HEAD = 1_000_000
_RUNS = re.compile(r"\d+ \d+( \d+ \d+)*")
_WKT = re.compile(r"(MULTI)?POLYGON\b", re.IGNORECASE)
_SUFFIXES = (".geojson",)


@dataclass(frozen=True)
class _Annotated:
    """One annotation file: its kind, the pictures it names, what it names in vain, and why it was taken for one."""

    path: str
    kind: Kind
    pictures: tuple[str, ...]
    missing: tuple[str, ...]
    reason: str


def propose_annotations(tree: FileTree, prefix: str, gallery: Gallery, names: Sequence[Name]) -> list[PairingProposal]:
    """Return a proposal for each kind of annotation file that names pictures of the tree; scores stay below those of masks."""
    finder = _index_ends([prefix + name.path for name in names])
    families: dict[tuple[str, ...], list[_Annotated]] = defaultdict(list)
    for path in tree.files:
        found = _read_annotations(tree, path, finder)
        if found:
            bare = re.sub(r"train|val(id(ation)?)?|test|\d", "", PurePosixPath(path).stem.casefold())
            families[(found.kind, bare)].append(found)
    proposals = [_write(prefix, gallery, names, family) for family in families.values()]
    return [*proposals, *_propose_geojson(tree, prefix, names)]


def _write(prefix: str, gallery: Gallery, names: Sequence[Name], family: Sequence[_Annotated]) -> PairingProposal:
    part_of = {
        picture: name_part(find_split_word(found.path.rpartition("/")[2]) or find_split_word(found.path))
        for found in family
        for picture in found.pictures
    }
    chosen = [name for name in names if prefix + name.path in part_of]
    depth = max({len(name.folders) for name in chosen}, key=[len(name.folders) for name in chosen].count)
    general = generalise([name for name in chosen if len(name.folders) == depth])
    images = rename_fields([general], collect_values(gallery.match(general).values()))[0]
    fields = gallery.match(images)
    samples = [
        Sample(path, (), name_part(fields[name.path].get(SPLIT_FIELD, "")) or part_of[path])
        for name in sorted(chosen, key=lambda name: name.path)
        if name.path in fields and (path := prefix + name.path)
    ]
    return PairingProposal(
        layout="annotations",
        images=images,
        masks=None,
        samples=tuple(samples),
        pictures_without_mask=tuple(prefix + path for path in fields if prefix + path not in part_of),
        kind=family[0].kind,
        annotations=tuple(found.path for found in family),
        annotation_kind=family[0].kind,
        missing=tuple(entry for found in family for entry in found.missing),
        split_source="folders" if any(sample.split for sample in samples) else None,
        reasons=tuple(found.reason for found in family),
        score=0.5 + 0.2 * len(samples) / len(names),
    )


def _read_annotations(tree: FileTree, path: str, finder: dict[str, str]) -> _Annotated | None:
    suffix = PurePosixPath(path).suffix.lower()
    file = tree.root / path
    if suffix not in (".json", ".csv", ".tsv") or file.stat().st_size > _MOST_BYTES:
        return None
    if suffix == ".json":
        return _read_coco(file, path, finder)
    return _read_table(file, path, finder)


def _read_coco(file: Path, path: str, finder: dict[str, str]) -> _Annotated | None:
    """Read a JSON that has images, annotations and categories as COCO does; None for any other."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
        stream.seek(max(0, file.stat().st_size - _HEAD))
        tail = stream.read()
    if not all(key in head + tail for key in (b'"annotations"', b'"images"', b'"file_name"')):
        return None
    try:
        content = json.loads(file.read_bytes())
        named = [str(image["file_name"]) for image in content["images"]]
        has_masks = any(annotation.get("segmentation") for annotation in content["annotations"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not has_masks:
        return None
    return _match(
        path, "coco", named, finder, f"{path} is COCO JSON: {len(named)} pictures, {len(content['annotations'])} annotations"
    )


def _read_table(file: Path, path: str, finder: dict[str, str]) -> _Annotated | None:
    """Read a table one of whose columns holds run lengths or WKT, and another one pictures; None for any other."""
    csv.field_size_limit(2**30)
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = list(islice(_read_rows(stream), 200_000))
    if len(rows) < 2:
        return None
    heading, body = rows[0], rows[1:]
    for column in range(len(heading)):
        values = [row[column].strip() for row in body[:2000] if column < len(row) and row[column].strip()]
        kind = _tell_kind(values)
        if not kind:
            continue
        for other in range(len(heading)):
            named = list(dict.fromkeys(_strip_label(row[other], finder) for row in body if other < len(row)))
            reason = f"{path} has {kind} in column {heading[column]!r}, pictures in {heading[other]!r}"
            if other != column and (found := _match(path, kind, named, finder, reason)):
                return found
    return None


def _read_rows(stream: io.TextIOBase) -> Iterator[list[str]]:
    try:
        yield from csv.reader(stream)
    except csv.Error:
        return


def _tell_kind(values: Sequence[str]) -> Kind | None:
    if not values:
        return None
    if sum(bool(_WKT.match(value)) for value in values) > 0.9 * len(values):
        return "wkt"
    runs = sum(bool(_RUNS.fullmatch(value)) or value == "-1" for value in values)
    return "rle" if runs > 0.8 * len(values) and any(len(value.split()) > 2 for value in values) else None


def _strip_label(text: str, finder: dict[str, str]) -> str:
    """Return the picture in "0011165.jpg_Fish"."""
    text = text.strip()
    if _normalise(text) in finder or "_" not in text:
        return text
    head = text.rpartition("_")[0]
    return head if _normalise(head) in finder else text


def _match(path: str, kind: Kind, named: Sequence[str], finder: dict[str, str], reason: str) -> _Annotated | None:
    """Return the annotation file where at least a tenth of what it names are pictures of the tree, or three."""
    pictures = {text: _find(text, finder) for text in named if text}
    found = tuple(dict.fromkeys(picture for picture in pictures.values() if picture))
    if not found or (len(found) < 3 and len(found) < 0.1 * len(pictures)):
        return None
    missing = tuple(f"{path}: {text}" for text, picture in pictures.items() if not picture)
    return _Annotated(path, kind, found, missing, reason)


def _index_ends(paths: Iterable[str]) -> dict[str, str]:
    """Return the pictures by all ends of their paths without suffix; ends of several pictures are left out."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for path in paths:
        components = _normalise(path).split("/")
        for start in range(len(components)):
            end = "/".join(components[start:])
            if end in found:
                twice.add(end)
            found[end] = path
    return {end: path for end, path in found.items() if end not in twice}


def _find(text: str, finder: dict[str, str]) -> str | None:
    components = _normalise(text.replace("\\", "/")).split("/")
    ends = ("/".join(components[start:]) for start in range(len(components)))
    return next((finder[end] for end in ends if end in finder), None)


def _normalise(path: str) -> str:
    names = read_names([path])
    return "/".join([*names[0].folders, names[0].stem]).casefold() if names else path.casefold()


def _propose_geojson(tree: FileTree, prefix: str, names: Sequence[Name]) -> list[PairingProposal]:
    """Pair GeoJSON files with pictures by names, or take one for all of them."""
    below = [path.removeprefix(prefix) for path in tree.files if path.startswith(prefix)]
    vectors = read_names(below, _SUFFIXES)
    if not vectors or not names:
        return []
    gallery = Gallery(tree.root / prefix, [*names, *vectors])
    paths = {vector.path for vector in vectors}
    best: tuple[int, str, str, dict[str, str]] | None = None
    for rule, _ in keep_frequent(mine_rules([*names, *vectors]), len(names) + len(vectors))[:40]:
        for first, second in (rule, rule[::-1]):
            images, masks = first, re.sub(r"\.\w+$|\.\*$", ".geojson", second)
            if set(compile_pattern(images, "images").fields) != set(compile_pattern(masks, "masks").fields):
                continue
            found = pair_patterns(gallery, images, masks)
            pairs = {picture: files[0] for picture, files in found[0].items() if picture not in paths} if found else {}
            if len(pairs) > (best[0] if best else 0):
                best = len(pairs), images, masks, pairs
    if not best:
        return []
    _, images, masks, pairs = best
    values = collect_values(gallery.match(images)[path] for path in pairs)
    images, masks = rename_fields([images, masks], values)
    fields = gallery.match(images)
    return [
        PairingProposal(
            layout="annotations",
            images=images,
            masks=masks,
            samples=tuple(
                Sample(prefix + image, (prefix + pairs[image],), name_part(fields[image].get(SPLIT_FIELD, "")))
                for image in sorted(pairs)
            ),
            pictures_without_mask=tuple(prefix + path for path in fields if path not in pairs and path not in paths),
            kind="geojson",
            annotations=tuple(prefix + path for path in sorted(pairs.values())),
            annotation_kind="geojson",
            reasons=(f"{len(pairs)} pictures have GeoJSON of matching names",),
            score=0.5 + 0.2 * len(pairs) / len(names),
        )
    ]
