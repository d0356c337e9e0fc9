"""Tables of polygons as well-known text, as DSTL's train_wkt_v4.csv, with its table of coordinate ranges."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.geometry import Shape, Shapes, list_polygons
from maskmill.sources.placement import Range
from maskmill.sources.tables import read_table, require_column

USUAL_NAMES = {
    "image": ("image id", "image", "image name", "file name", "scene", "id"),
    "label": ("class type", "class", "label", "class id", "class name", "category", "type", "name"),
    "geometry": ("multipolygon wkt", "polygon wkt", "wkt", "geometry", "geom", "polygon"),
}


def read_wkt_table(path: Path, name: str, columns: Mapping[str, str]) -> dict[str, Shapes]:
    """Read a table with a row for each picture and label.

    Args:
        path: a table, as `read_table` takes it.
        name: what messages call it.
        columns: what its columns image, label and geometry are called; absent ones are found by their usual names.

    Returns:
        The polygons of each picture that it names, in its order; none where all of them are empty.

    Raises:
        SourceError: not such a table, or rows that are no areas, not finite or cannot be read; all of them are named.
    """
    table = read_table(path)
    images, labels, geometries = (
        table[require_column(table, path, role, given=columns.get(role), usual=usual)] for role, usual in USUAL_NAMES.items()
    )
    with np.errstate(invalid="ignore"):  # shapely warns of NaN, which is refused below
        parsed = shapely.from_wkt(geometries.to_numpy(object), on_invalid="ignore")
    found: dict[str, list[Shape]] = defaultdict(list)
    problems: list[str] = []
    for line, image, label, geometry, text in zip(table.index, images, labels, parsed, geometries, strict=True):
        found[image] += []
        try:
            if geometry is None:
                raise ValueError(f"has a geometry that cannot be read: {text[:40]!r}")
            if not image or not label:
                raise ValueError("names no picture" if not image else "has no label")
            found[image] += [Shape(label, polygon, f"{name}:{line}") for polygon in list_polygons(geometry)]
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
    table = read_table(path)
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
        key = image.casefold()
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


def _read_range(x_max: str, y_min: str) -> Range | None:
    try:
        limits = float(x_max), float(y_min)
    except ValueError:
        return None
    return limits if np.isfinite(limits).all() and limits[0] > 0 > limits[1] else None
