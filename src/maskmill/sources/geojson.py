"""GeoJSON: polygons with properties, in degrees unless the file names another system."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape as build_geometry

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.geometry import Shape, Shapes, list_polygons

LABEL_NAMES = ("class", "label", "category", "type", "class_name", "classname", "class_id", "classid", "landuse", "name")


def read_geojson(path: Path, name: str, *, label_name: str | None, label: str | None) -> tuple[Shapes, str | None]:
    """Read a file.

    Args:
        path: the file.
        name: what messages call it.
        label_name: the property that is the label, letter case aside; None: the first of LABEL_NAMES that every feature has.
        label: the label of all features, where something else than a property says it.

    Returns:
        The polygons, and the coordinate system that the file names in a "crs" member; features without a geometry are left out.

    Raises:
        SourceError: no GeoJSON, features that are no areas, not finite or without a label; all of them are named.
    """
    document = _parse(path, name)
    features = [document] if document["type"] == "Feature" else document.get("features")
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise SourceError(f"{name} has no list of features", expected="a FeatureCollection", fix="export it again as GeoJSON")
    key = "" if label is not None else _choose_property(features, label_name, name)
    shapes: list[Shape] = []
    problems: list[str] = []
    for number, feature in enumerate(features, start=1):
        place = f"{name}, feature {number}"
        try:
            text = label if label is not None else _read_label(feature, key)
            shapes += [Shape(text, polygon, place) for polygon in _read_polygons(feature.get("geometry"))]
        except ValueError as error:
            problems.append(f"feature {number} {error}")
    if problems:
        raise SourceError(
            f"{name}: {len(problems)} of {len(features)} features cannot be used:\n{summarise_problems(problems)}",
            expected="polygons, each with a label",
            fix="correct or remove them; lines and points become areas by a buffer around them",
        )
    return Shapes(name, shapes), _read_system(document, name)


def _parse(path: Path, name: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise SourceError(f"{name} is no text in UTF-8", fix="save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise SourceError(f"{name} is not JSON: {error}", expected="a whole GeoJSON file", fix="export it again") from None
    if not isinstance(document, dict) or document.get("type") not in ("FeatureCollection", "Feature"):
        kind = document.get("type") if isinstance(document, dict) else None
        raise SourceError(
            f"{name} is JSON and no GeoJSON: its type is {kind!r}",
            expected="FeatureCollection or Feature",
            fix="source.form coco reads COCO files; other vector files become GeoJSON by ogr2ogr -f GeoJSON",
        )
    return document


def _choose_property(features: Sequence[Mapping[str, Any]], wanted: str | None, name: str) -> str:
    """Return the property that is the label, in lower case."""
    if wanted is not None or not features:
        return (wanted or "").casefold()
    known = [set(_read_properties(feature)) for feature in features]
    for candidate in LABEL_NAMES:
        if all(candidate in properties for properties in known):
            return candidate
    there = sorted(set().union(*known))
    raise SourceError(
        f"{name} has no property that says the class; its features have {', '.join(there[:20]) or 'no properties'}",
        expected=f"one of {', '.join(LABEL_NAMES)} in every feature",
        fix="name the property: source.columns {label: ...}; or, with a file for each class, put {label} into source.annotations",
    )


def _read_properties(feature: Mapping[str, Any]) -> dict[str, Any]:
    """Return a feature's properties that say something, names in lower case."""
    properties = feature.get("properties")
    items = properties.items() if isinstance(properties, dict) else ()
    return {key.casefold(): value for key, value in items if value not in (None, "")}


def _read_label(feature: Mapping[str, Any], key: str) -> str:
    value = _read_properties(feature).get(key.casefold())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float) and not (isinstance(value, float) and math.isnan(value)):
        return str(value).strip()
    raise ValueError(f"has no {key}")


def _read_polygons(geometry: Any) -> list[shapely.Polygon]:
    if geometry is None:
        return []
    try:
        with np.errstate(invalid="ignore"):  # shapely warns of NaN, which is refused below
            built = build_geometry(geometry)
    except Exception as error:  # whatever else stands there instead of numbers, lists and known types
        raise ValueError(f"has a geometry that cannot be read: {error}") from None
    return list_polygons(built)


def _read_system(document: Mapping[str, Any], name: str) -> str | None:
    member = document.get("crs")
    if member is None:
        return None
    try:
        return str(member["properties"]["name"])
    except (KeyError, TypeError):
        raise SourceError(
            f"{name} has a crs member that names no coordinate system",
            expected='{"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}',
            fix="correct it, or export the file in longitude and latitude",
        ) from None
