"""Polygons in any coordinates, drawn in the pixels of a scene: checked, moved, mended, clipped, and put in layers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from maskmill.sources.annotations import Polygons
from maskmill.sources.settings import Overlaps

Bounds = tuple[float, float, float, float]  # left, lowest, right, highest
Coordinates = NDArray[np.float64]  # (N, 2): x, y


@dataclass(frozen=True)
class Shape:
    """One polygon with its label, and where its source says so, for messages."""

    label: str
    polygon: shapely.Polygon
    place: str


@dataclass(frozen=True)
class Shapes:
    """What one source says: its name for messages, and its polygons in its own coordinates."""

    name: str
    shapes: Sequence[Shape]

    @cached_property
    def polygons(self) -> NDArray[Any]:
        """The polygons as an array of objects (N,)."""
        return np.array([shape.polygon for shape in self.shapes], object)

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The bounds of each polygon, (N, 4)."""
        return shapely.bounds(self.polygons).reshape(-1, 4)


@dataclass(frozen=True)
class Placement:
    """Where coordinates lie in a scene.

    Args:
        locate: gives the pixels, as (x to the right, y downwards) from the scene's upper left corner; raises DataError.
        bounds: what the scene covers, in the coordinates.
        system: what messages call the coordinates.
    """

    locate: Callable[[Coordinates], Coordinates]
    bounds: Bounds
    system: str


@dataclass(frozen=True)
class DrawnShape:
    """A shape in pixels: what of it lies within the scene, and the `area` of all of it; `is_mended` where it crossed itself."""

    shape: Shape
    pieces: Sequence[shapely.Polygon]
    area: float
    is_mended: bool


def list_polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """Return the polygons of a geometry, however deep in collections; nothing for an empty one.

    Raises:
        ValueError: points or lines, which have no area, or coordinates that are no finite numbers.
    """
    leaves = list(_walk(geometry))
    strange = sorted({leaf.geom_type for leaf in leaves if not isinstance(leaf, shapely.Polygon)})
    if strange:
        raise ValueError(f"is a {' and a '.join(strange)}, which has no area")
    if not np.isfinite(shapely.get_coordinates(leaves)).all():
        raise ValueError("has coordinates that are NaN or infinite")
    return leaves


def draw_shapes(source: Shapes, placement: Placement, size: tuple[int, int]) -> list[DrawnShape]:
    """Return the shapes that reach into a scene of `size` (height, width), in its pixels.

    A polygon that crosses itself is mended: every area that its outline goes round belongs to it.

    Raises:
        DataError: coordinates that have no place in the scene's system.
    """
    left, low, right, high = placement.bounds
    bounds = source.bounds
    is_near = (bounds[:, 0] <= right) & (bounds[:, 2] >= left) & (bounds[:, 1] <= high) & (bounds[:, 3] >= low)
    near = np.flatnonzero(is_near).tolist()
    if not near:
        return []
    moved = shapely.transform(source.polygons[near], placement.locate)
    is_broken = ~shapely.is_valid(moved)
    moved[is_broken] = shapely.make_valid(moved[is_broken], method="structure", keep_collapsed=False)
    areas = shapely.area(moved)
    clipped = shapely.intersection(moved, shapely.box(0, 0, size[1], size[0]))
    return [
        DrawnShape(source.shapes[index], _list_areas(clipped[place]), float(areas[place]), bool(is_broken[place]))
        for place, index in enumerate(near)
        if shapely.area(clipped[place]) > 0
    ]


def stack_shapes(drawn: Sequence[DrawnShape], overlaps: Overlaps) -> list[Polygons]:
    """Put shapes into as few layers of one label each as keep what lies above what.

    Args:
        drawn: shapes of one scene.
        overlaps: "area": smaller ones lie above larger ones; "order": later ones above earlier ones.
    """
    ordered = sorted(drawn, key=lambda shape: -shape.area) if overlaps == "area" else list(drawn)
    layers: list[tuple[str, list[DrawnShape]]] = []
    place_of: list[int] = []
    for shape, below in zip(ordered, _find_below(ordered), strict=True):
        label = shape.shape.label
        lowest = max((place_of[index] + 1 for index in below), default=0)
        place = next((k for k in range(lowest, len(layers)) if layers[k][0] == label), len(layers))
        if place == len(layers):
            layers.append((label, []))
        layers[place][1].append(shape)
        place_of.append(place)
    return [
        Polygons(
            label=label, place=shapes[0].shape.place, polygons=[_list_rings(piece) for shape in shapes for piece in shape.pieces]
        )
        for label, shapes in layers
    ]


def _walk(geometry: BaseGeometry) -> Iterator[Any]:
    if isinstance(geometry, BaseMultipartGeometry):
        for part in geometry.geoms:
            yield from _walk(part)
    elif not geometry.is_empty:
        yield geometry


def _list_areas(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """Return the polygons among what a clipped one consists of: where it only touches the edge, points and lines are too."""
    return [leaf for leaf in _walk(geometry) if isinstance(leaf, shapely.Polygon)]


def _find_below(ordered: Sequence[DrawnShape]) -> list[list[int]]:
    """Return, for each shape, the earlier ones of other labels that it touches."""
    below: list[list[int]] = [[] for _ in ordered]
    united = np.array([shapely.MultiPolygon(list(shape.pieces)) for shape in ordered], object)
    for later, earlier in zip(*shapely.STRtree(united).query(united, predicate="intersects"), strict=True):
        if earlier < later and ordered[earlier].shape.label != ordered[later].shape.label:
            below[later].append(int(earlier))
    return below


def _list_rings(polygon: shapely.Polygon) -> list[list[tuple[float, float]]]:
    rings = (polygon.exterior, *polygon.interiors)
    return [[(float(x), float(y)) for x, y in shapely.get_coordinates(ring)] for ring in rings]
