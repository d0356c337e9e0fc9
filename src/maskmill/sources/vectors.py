"""Scenes with polygons from files beside them: GeoJSON of one scene or of many, or a table for all."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TypeVar

from maskmill.errors import DataError, MaskmillError, SourceError, summarise_problems
from maskmill.sources.annotations import Annotation
from maskmill.sources.geojson import read_geojson
from maskmill.sources.geometry import DrawnShape, Placement, Shapes, draw_shapes, stack_shapes
from maskmill.sources.pairing import Pair, settle
from maskmill.sources.patterns import SPLIT_FIELD, Pattern, compile_pattern, read_own_split
from maskmill.sources.placement import place_geojson, place_in_grid, place_in_system
from maskmill.sources.scenes import Scene
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree
from maskmill.sources.wkt import read_grid_sizes, read_wkt_table
from maskmill.terminal import say

LABEL_FIELD = "label"
TABLES = {".csv", ".tsv", ".txt"}
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Sheet:
    """Polygons of one source, the scenes (by place) that they may lie in, and the function that places them in one."""

    shapes: Shapes
    scenes: Sequence[int]
    place: Callable[[Scene], Placement]


@dataclass
class _Tally:
    """What is worth a line when all is drawn."""

    mended: list[str] = field(default_factory=list)
    num_outside: int = 0
    num_empty: int = 0


def annotate_scenes(tree: FileTree, scenes: Sequence[Scene], layout: Layout) -> list[Scene]:
    """Give scenes their annotations, in pixels.

    Polygons that cross themselves are mended, what lies outside of a scene is cut off; how often is said.

    Args:
        tree: the source's files.
        scenes: the scenes.
        layout: `annotations`, `columns`, `grid_sizes`, `overlaps` and `missing`.

    Raises:
        SourceError: no such files, files that cannot be read or placed, scenes that nothing describes and what describes no scene;
            or all polygons of a file, or of a table's picture, lie outside of their scenes.
    """
    level, files = _find_files(tree, str(layout.annotations), "source.annotations")
    pattern = compile_pattern(str(layout.annotations), "source.annotations") if "{" in str(layout.annotations) else None
    if {PurePosixPath(path).suffix.lower() for path in files} <= TABLES:
        sheets, splits = _read_tables(tree, level, files, pattern, scenes, layout)
    else:
        sheets, splits = _read_files(level, files, pattern, scenes, layout), {}
    described = {place for sheet in sheets for place in sheet.scenes}
    settle(
        f"pictures are in none of the files of source.annotations {layout.annotations!r}",
        [scene.name for place, scene in enumerate(scenes) if place not in described],
        layout.missing,
        fix="add what is missing, or narrow source.images",
    )
    if not described:
        raise SourceError(
            f"{layout.annotations} below {level.name} describes none of the pictures", fix="correct source.annotations"
        )
    return [
        replace(scenes[place], pair=replace(scenes[place].pair, mask=annotation, split=splits.get(place, scenes[place].pair.split)))
        for place, annotation in _draw(sheets, scenes, layout)
    ]


def _draw(sheets: Sequence[Sheet], scenes: Sequence[Scene], layout: Layout) -> list[tuple[int, Annotation]]:
    """Return the place and the annotation of each scene that sheets describe; say what was mended and left out."""
    drawn: dict[int, list[DrawnShape]] = {place: [] for sheet in sheets for place in sheet.scenes}
    tally = _Tally()

    def draw_sheet(sheet: Sheet) -> None:
        if not sheet.shapes.shapes:
            return
        inside = 0
        for place in sheet.scenes:
            shapes = draw_shapes(sheet.shapes, sheet.place(scenes[place]), scenes[place].profile.size)
            drawn[place] += shapes
            inside += len(shapes)
            tally.mended += [shape.shape.place for shape in shapes if shape.is_mended]
        if not inside:
            raise _explain_outside(sheet, scenes)
        if len(sheet.scenes) == 1:
            tally.num_outside += len(sheet.shapes.shapes) - inside

    _try_each(draw_sheet, sheets, "sources of polygons cannot be drawn")
    tally.num_empty = sum(not shapes for shapes in drawn.values())
    if tally.mended:
        say(f"mended: {len(tally.mended)} polygons that cross or touch themselves, e.g. {tally.mended[0]}")
    if tally.num_outside:
        say(f"left out: {tally.num_outside} polygons that lie outside of their picture or have no area")
    if tally.num_empty:
        say(f"{tally.num_empty} of {len(drawn)} pictures hold no polygon: all background")
    return [(place, Annotation(layers=list(stack_shapes(drawn[place], layout.overlaps)))) for place in sorted(drawn)]


def _explain_outside(sheet: Sheet, scenes: Sequence[Scene]) -> DataError:
    bounds = sheet.shapes.bounds
    span = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
    scene = scenes[sheet.scenes[0]]
    placement = sheet.place(scene)
    return DataError(
        f"{sheet.shapes.name}: all {len(bounds)} polygons lie outside of {scene.name}"
        f"{f' and {len(sheet.scenes) - 1} more' if len(sheet.scenes) > 1 else ''}: they span {_show(span)}, "
        f"the picture spans {_show(placement.bounds)} in {placement.system}",
        expected="polygons on the picture",
        fix="say in which system the coordinates are (GeoJSON: crs; tables: source.grid_sizes), or correct the pairing",
    )


def _show(bounds: tuple[float, float, float, float]) -> str:
    left, low, right, high = bounds
    return f"x {left:.7g} to {right:.7g}, y {low:.7g} to {high:.7g}"


def _read_files(
    level: FileTree, files: Mapping[str, Mapping[str, str]], pattern: Pattern | None, scenes: Sequence[Scene], layout: Layout
) -> list[Sheet]:
    """Read GeoJSON files, each for the scenes that have the same values of the fields that it has."""
    if layout.grid_sizes:
        raise SourceError("source.grid_sizes goes with a table of well-known text, not with GeoJSON", fix="set it to null")
    _check_fields(pattern, set(scenes[0].pair.fields) | {LABEL_FIELD})

    def read(path: str) -> Sheet:
        fields = {key: value.casefold() for key, value in files[path].items() if key != LABEL_FIELD}
        own = [
            place
            for place, scene in enumerate(scenes)
            if all(scene.pair.fields[key].casefold() == value for key, value in fields.items())
        ]
        label = files[path].get(LABEL_FIELD)
        shapes, system = read_geojson(
            level.root / path, f"{level.name}/{path}", label_name=layout.columns.get("label"), label=label
        )
        return Sheet(shapes, own, lambda scene: place_geojson(shapes, system, scene.profile, scene.name))

    sheets = _try_each(read, list(files), "annotation files cannot be used")
    settle(
        "annotation files have no picture",
        [sheet.shapes.name for sheet in sheets if not sheet.scenes],
        layout.missing,
        fix="add the pictures, or narrow source.annotations",
    )
    return [sheet for sheet in sheets if sheet.scenes]


def _read_tables(  # noqa: PLR0917
    tree: FileTree,
    level: FileTree,
    files: Mapping[str, Mapping[str, str]],
    pattern: Pattern | None,
    scenes: Sequence[Scene],
    layout: Layout,
) -> tuple[list[Sheet], dict[int, str]]:
    """Read tables of well-known text; return their sheets, and the part of each scene where {split} of the files says it."""
    _check_fields(pattern, {SPLIT_FIELD})
    places = _index_names([scene.pair for scene in scenes])
    ranges = None
    if layout.grid_sizes:
        grid_level, found = _find_files(tree, layout.grid_sizes, "source.grid_sizes")
        path = next(iter(found))
        ranges = read_grid_sizes(grid_level.root / path, f"{grid_level.name}/{path}")
    tables = _try_each(
        lambda path: read_wkt_table(level.root / path, f"{level.name}/{path}", layout.columns), list(files), "tables cannot be used"
    )
    sheets: list[Sheet] = []
    splits: dict[int, str] = {}
    strangers, without_range, repeated = [], [], []
    for path, table in zip(files, tables, strict=True):
        for image, shapes in table.items():
            place = places.get(image.casefold())
            limits = ranges.get(image.casefold()) if ranges is not None else None
            if place is None:
                strangers.append(f"{level.name}/{path}: {image}")
            elif ranges is not None and limits is None:
                without_range.append(image)
            elif splits.setdefault(place, read_own_split(files[path])) != read_own_split(files[path]):
                repeated.append(f"{level.name}/{path}: {image}")
            elif limits is not None:
                sheets.append(Sheet(shapes, [place], _place_by_grid(limits)))
            else:
                sheets.append(Sheet(shapes, [place], lambda scene: place_in_system(None, scene.profile, scene.name)))
    settle("pictures that the table names are not there", strangers, layout.missing, fix="add them, or correct source.images")
    settle(f"pictures are not in {layout.grid_sizes}", without_range, "error", fix="add their rows")
    settle("pictures are in the tables of several parts", repeated, "error", fix="take them out of one")
    return sheets, {place: split for place, split in splits.items() if split}


def _place_by_grid(limits: tuple[float, float]) -> Callable[[Scene], Placement]:
    return lambda scene: place_in_grid(limits, scene.profile.size)


def _find_files(tree: FileTree, text: str, setting: str) -> tuple[FileTree, dict[str, dict[str, str]]]:
    """Return the files that a pattern, or a path without fields, means, with their fields, and the level that they are below."""
    pattern = compile_pattern(text, setting) if "{" in text else None
    for level in tree.levels():
        if pattern:
            found = {path: fields for path in level.files if (fields := pattern.match(path)) is not None}
        else:
            found = {path: {} for path in level.files if path.casefold() == text.casefold()}
        if found:
            return level, found
    raise SourceError(
        f"no file below {tree.name} is {setting} {text!r}; some of the {len(tree.files)} files there:\n"
        f"{summarise_problems(tree.choose_examples())}",
        expected="GeoJSON files, or a CSV with polygons as well-known text: a path, or a pattern with the fields of source.images",
        fix=f"correct {setting}",
    )


def _check_fields(pattern: Pattern | None, known: set[str]) -> None:
    strange = sorted(set(pattern.fields) - known) if pattern else []
    if strange:
        raise SourceError(
            f"source.annotations has the fields {', '.join(strange)}",
            expected=f"{', '.join(sorted(known))}: their values tell which pictures a file is for",
            fix="put * for the rest",
        )


def _index_names(pairs: Sequence[Pair]) -> dict[str, int]:
    """Return the place of each scene by what a table may call it, in lower case: file, file without suffix, or fields."""
    names: dict[str, int] = {}
    spellings = [(pair.image.name, pair.image.stem, "_".join(pair.fields.values()), *pair.fields.values()) for pair in pairs]
    for kind in zip(*spellings, strict=True):
        times = Counter(name.casefold() for name in kind)
        for place, name in enumerate(kind):
            if times[name.casefold()] == 1:
                names.setdefault(name.casefold(), place)
    return names


def _try_each(work: Callable[[Item], Result], items: Sequence[Item], what: str) -> list[Result]:
    """Do something with each item; raise one SourceError with all that was wrong."""
    results: list[Result] = []
    errors: list[MaskmillError] = []
    for item in items:
        try:
            results.append(work(item))
        except (SourceError, DataError) as error:
            errors.append(error)
    if len(errors) == 1:
        raise SourceError(errors[0].what, expected=errors[0].expected, fix=errors[0].fix)
    if errors:
        lines = [f"{error.what}; fix: {error.fix}" for error in errors]
        raise SourceError(f"{len(errors)} {what}:\n{summarise_problems(lines)}", fix="see each line")
    return results
