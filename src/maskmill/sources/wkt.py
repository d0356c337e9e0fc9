"""Tables of polygons as well-known text, as DSTL's train_wkt_v4.csv, with its table of coordinate ranges."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from maskmill.errors import SourceError, suggest, summarise_problems
from maskmill.sources.geometry import Shape, Shapes, list_polygons
from maskmill.sources.placement import Range

USUAL_NAMES = {
    "image": ("imageid", "image_id", "image", "imagename", "image_name", "filename", "file_name", "scene", "id"),
    "label": ("classtype", "class_type", "class", "label", "classid", "class_id", "category", "type", "name"),
    "geometry": ("multipolygonwkt", "polygonwkt", "wkt", "geometry", "geom", "polygon"),
}


def read_wkt_table(path: Path, name: str, columns: Mapping[str, str]) -> dict[str, Shapes]:
    """Read a table with a row for each picture and label.

    Args:
        path: a CSV, with commas, semicolons or tabs.
        name: what messages call it.
        columns: what its columns image, label and geometry are called; absent ones are found by their usual names.

    Returns:
        The polygons of each picture that it names, in its order; none where all of them are empty.

    Raises:
        SourceError: not such a table, or rows that are no areas, not finite or cannot be read; all of them are named.
    """
    table = read_table(path, name)
    images, labels, geometries = (table[_find_column(table, kind, columns, name)] for kind in USUAL_NAMES)
    with np.errstate(invalid="ignore"):  # shapely warns of NaN, which is refused below
        parsed = shapely.from_wkt(geometries.to_numpy(object), on_invalid="ignore")
    found: dict[str, list[Shape]] = defaultdict(list)
    problems: list[str] = []
    for line, image, label, geometry, text in zip(table.index, images, labels, parsed, geometries, strict=True):
        found[image] += []
        try:
            if geometry is None:
                raise ValueError(f"has a geometry that cannot be read: {text[:40]!r}")
            if not image.strip() or not label.strip():
                raise ValueError("names no picture" if not image.strip() else "has no label")
            found[image] += [Shape(label.strip(), polygon, f"{name}:{line}") for polygon in list_polygons(geometry)]
        except ValueError as error:
            problems.append(f"line {line} {error}")
    if problems:
        raise SourceError(
            f"{name}: {len(problems)} of {len(table)} rows cannot be used:\n{summarise_problems(problems)}",
            expected="well-known text of polygons, e.g. MULTIPOLYGON (((0 0, 4 0, 4 3, 0 0)))",
            fix="correct these lines",
        )
    return {image: Shapes(f"{name}, {image}", shapes) for image, shapes in found.items()}


def read_grid_sizes(path: Path, name: str) -> dict[str, Range]:
    """Read DSTL's table of coordinate ranges: the picture (its heading is empty), Xmax and Ymin; pictures in lower case.

    Raises:
        SourceError: not such a table, or values that are no range; all of them are named.
    """
    table = read_table(path, name)
    known = {column.casefold(): column for column in table.columns}
    if "xmax" not in known or "ymin" not in known or len(table.columns) < 3:
        raise SourceError(
            f"{name} has the columns {', '.join(map(repr, table.columns))}",
            expected="the picture first, Xmax and Ymin",
            fix="correct source.grid_sizes",
        )
    ranges: dict[str, Range] = {}
    problems = []
    rows = zip(table.index, table.iloc[:, 0], table[known["xmax"]], table[known["ymin"]], strict=True)
    for line, image, x_max, y_min in rows:
        key = image.strip().casefold()
        limits = _read_range(x_max, y_min)
        if limits is None:
            problems.append(f"line {line}: Xmax {x_max!r} and Ymin {y_min!r} are no range: numbers above 0 and below 0")
        elif ranges.setdefault(key, limits) != limits:
            problems.append(f"line {line}: {image} has other values above")
    if problems:
        raise SourceError(
            f"{name}: {len(problems)} rows cannot be used:\n{summarise_problems(problems)}", fix="correct these lines"
        )
    return ranges


def read_table(path: Path, name: str) -> pd.DataFrame:
    """Read a CSV as text, its index the line that a row begins on; raise SourceError where it is none."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            separator = max(",;\t", key=file.readline().count)
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False)
    except UnicodeDecodeError:
        raise SourceError(f"{name} is no text in UTF-8", fix="save it as UTF-8") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SourceError(f"{name} is no table: {error}", expected="a CSV with a heading", fix="correct it") from None
    if not isinstance(table.index, pd.RangeIndex):
        fix = "put polygons between quotation marks: they hold commas"
        raise SourceError(f"{name} has rows with more cells than its heading", expected="as many", fix=fix)
    table = table.fillna("")  # of short rows and empty lines
    table.index = pd.Index(_number_lines(table))
    is_blank = (table == "").all(axis=1)
    return table[~is_blank]


def _number_lines(table: pd.DataFrame) -> Sequence[int]:
    """Return the line that each row begins on: quoted cells may hold line breaks."""
    breaks = np.sum([table[column].str.count("\n") for column in table.columns], axis=0)
    return (2 + np.arange(len(table)) + np.cumsum(breaks) - breaks).tolist()


def _find_column(table: pd.DataFrame, kind: str, columns: Mapping[str, str], name: str) -> str:
    known = {column.strip().casefold(): column for column in table.columns}
    wanted = columns.get(kind)
    for candidate in (wanted.casefold(),) if wanted else USUAL_NAMES[kind]:
        if candidate in known:
            return known[candidate]
    hint = suggest(wanted, table.columns) if wanted else ""
    raise SourceError(
        f"{name} has no column {wanted or 'for the ' + kind}{hint}; it has {', '.join(map(repr, table.columns))}",
        expected=wanted or f"one of {', '.join(USUAL_NAMES[kind])}",
        fix=f"name it: source.columns {{{kind}: ...}}",
    )


def _read_range(x_max: str, y_min: str) -> Range | None:
    try:
        limits = float(x_max), float(y_min)
    except ValueError:
        return None
    return limits if np.isfinite(limits).all() and limits[0] > 0 > limits[1] else None
