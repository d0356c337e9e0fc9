"""Where the coordinates of annotations lie in a scene: by the earth, by a grid of the source's own, or in pixels already."""

import math
from typing import Any

import numpy as np
import shapely

from maskmill.errors import DataError
from maskmill.rasters import Profile
from maskmill.sources.geometry import Bounds, Coordinates, Placement, Shapes

DEGREES = "EPSG:4326"  # RFC 7946, longitude first
Range = tuple[float, float]  # the largest x and the smallest y of a picture's coordinates


def place_geojson(source: Shapes, system: str | None, profile: Profile, image: str) -> Placement:
    """Say where a file's coordinates lie in a raster; in one without a georeference they are pixels.

    Raises:
        DataError: the file's coordinates are of the earth and the raster's are not, or the system is unknown.
    """
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if profile.crs is None:
        if system is not None or not profile.transform.is_identity or _is_in_degrees(source):
            raise DataError(
                f"{image} has no coordinate system, {source.name} is in {system or DEGREES}",
                expected="a raster with a coordinate system, or coordinates in its pixels",
                fix="give the raster the one it is in: rio edit-info --crs EPSG:NNNN",
            )
        return Placement(lambda points: points, (0.0, 0.0, float(profile.size[1]), float(profile.size[0])), "pixels")
    try:
        given = CRS.from_user_input(system or DEGREES)
    except CRSError:
        raise DataError(
            f"{source.name} names the coordinate system {system!r}, which is unknown",
            expected='a name such as "urn:ogc:def:crs:EPSG::32633"',
            fix="correct its crs member",
        ) from None
    return place_in_system(given, profile, f"{source.name} in {image}")


def place_in_system(system: Any, profile: Profile, name: str) -> Placement:
    """Say where coordinates of a `rasterio.crs.CRS` lie in a raster; None is the raster's own, pixels where it has none."""
    inverse = ~profile.transform
    height, width = profile.size
    corners = _apply(profile.transform, np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64))
    own: Bounds = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    called = profile.crs.to_string() if profile.crs else "pixels" if profile.transform.is_identity else "the raster's units"
    if system is None or system == profile.crs:
        return Placement(lambda points: _apply(inverse, points), own, called)
    return Placement(
        lambda points: _apply(inverse, _reproject(points, system, profile.crs, name)),
        _reproject_bounds(own, profile.crs, system),
        system.to_string(),
    )


def place_in_grid(limits: Range, size: tuple[int, int]) -> Placement:
    """Say where coordinates between 0 and (largest x, smallest y) lie in a picture, as DSTL's organisers state it.

    x = x / Xmax * W * W / (W + 1), and y with Ymin and H likewise, for a picture of `size` (H, W).
    """
    height, width = size
    x_max, y_min = limits
    scale = np.array([width * width / (width + 1) / x_max, height * height / (height + 1) / y_min])

    def locate(points: Coordinates) -> Coordinates:
        return points * scale

    return Placement(locate, (0.0, height / float(scale[1]), width / float(scale[0]), 0.0), "its grid")


def _is_in_degrees(source: Shapes) -> bool:
    """Tell whether all polygons together are smaller than a pixel, where they could be degrees: no one draws that."""
    if not source.shapes:
        return False
    left, low, right, high = shapely.total_bounds(source.polygons)
    return max(right - left, high - low) < 1 and -180 <= left <= right <= 180 and -90 <= low <= high <= 90


def _apply(transform: Any, points: Coordinates) -> Coordinates:
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f])


def _reproject(points: Coordinates, source: Any, target: Any, name: str) -> Coordinates:
    from rasterio._err import CPLE_BaseError  # what `transform` raises, and no public name
    from rasterio.warp import transform

    try:
        moved = np.column_stack(transform(source, target, points[:, 0], points[:, 1])[:2]).reshape(-1, 2)
    except CPLE_BaseError as error:
        reason = str(error)
    else:
        if np.isfinite(moved).all():
            return moved
        reason = "infinite coordinates"
    raise DataError(
        f"{name} cannot be brought from {source.to_string()} to {target.to_string()}: {reason}",
        fix="correct the file's coordinates, or its crs member",
    )


def _reproject_bounds(bounds: Bounds, source: Any, target: Any) -> Bounds:
    """Return a scene's bounds in another system; everywhere, where they cross its edge or have no place in it."""
    from rasterio._err import CPLE_BaseError
    from rasterio.warp import transform_bounds

    everywhere = (-math.inf, -math.inf, math.inf, math.inf)
    try:
        left, low, right, high = transform_bounds(source, target, *bounds)
    except CPLE_BaseError:
        return everywhere
    return (left, low, right, high) if np.isfinite([left, low, right, high]).all() and left <= right else everywhere
