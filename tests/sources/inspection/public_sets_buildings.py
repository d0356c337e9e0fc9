"""Buildings from above in miniature: outlines beside rasters, before and after, masks painted twice."""

import json
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from public_sets_drawing import (
    SIZE,
    Expected,
    bands,
    grey3,
    paint,
    photo,
    save,
    some_regions,
    things,
    write,
)
from public_sets_making import ANY, Made, many_colours, two_values, uuid


def whu_building(root: Path, rng: np.random.Generator) -> Expected:
    """Why: folder names with numbers and full stops; names repeat from part to part, starting at 0."""
    made, parts = Made(root, rng), {}
    base = "3. The cropped image tiles and raster labels"
    for part, number in (("train", 6), ("val", 3), ("test", 3)):
        for index in range(number):
            houses = two_values(things(rng, 9), 1)
            image = f"{base}/{part}/image/{index}.tif"
            parts[image] = part
            made.put(image, f"{base}/{part}/label/{index}.tif", houses, two_values(houses))
    write(root / "1. README.txt", "WHU building dataset\n")
    return Expected(made.truth, ANY, masks=made.masks, parts=parts)


def levir_change(root: Path, rng: np.random.Generator) -> Expected:
    """Why: two pictures (before, after) and one mask of what changed: one picture alone is not what the mask is about."""
    made, parts = Made(root, rng), {}
    for part, number in (("train", 6), ("val", 3), ("test", 3)):
        for index in range(1, number + 1):
            houses = two_values(things(rng, 5), 1)
            name = f"{part}_{index}.png"
            parts[f"{part}/A/{name}"] = part
            made.put(f"{part}/A/{name}", f"{part}/label/{name}", houses, two_values(houses))
            save(root / f"{part}/B/{name}", photo(rng))
    return Expected(made.truth, ANY, masks=made.masks, parts=parts, picture_files=2, asks="may")


def airs(root: Path, rng: np.random.Generator) -> Expected:
    """Why: in one folder the mask as 0 and 1 and once more as _vis in 0 and 255; lists of file names, of which some are missing."""
    plain, shown, parts = Made(root, rng), {}, {}
    for part, numbers in (("train", range(6)), ("val", (100, 101))):
        for number in numbers:
            roofs = two_values(things(rng, 8), 1)
            base = f"trainval/{part}"
            image = f"{base}/image/christchurch_{number}.tif"
            parts[image] = part
            plain.put(image, f"{base}/label/christchurch_{number}.tif", roofs, roofs)
            shown[image] = f"{base}/label/christchurch_{number}_vis.tif"
            save(root / shown[image], grey3(two_values(roofs)))
        write(root / f"trainval/{part}.txt", "".join(f"christchurch_{number}.tif\n" for number in [*numbers, 999]))
    other = Expected(plain.truth, ANY, masks=shown, parts=parts)
    return Expected(plain.truth, ANY, masks=plain.masks, parts=parts, asks="may", alternatives=(other,))


def _tile(path: Path, rng: np.random.Generator, place: Affine, channels: int, dtype: str) -> None:
    """Write a GeoTIFF in degrees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = bands(rng, channels, top=255 if dtype == "uint8" else 2000).astype(dtype)
    with rasterio.open(
        path, "w", driver="GTiff", width=SIZE[1], height=SIZE[0], count=channels, dtype=dtype, crs="EPSG:4326", transform=place
    ) as raster:
        raster.write(pixels)


def _place(number: int) -> Affine:
    """Return where a tile lies: pixels to degrees."""
    return Affine(2.7e-6, 0, -115.30 + number * 0.01, 0, -2.7e-6, 36.12)


def _footprints(rng: np.random.Generator, place: Affine, properties: dict, number: int = 4) -> tuple[NDArray, list[dict]]:
    """Return (truth, features) of rectangles on whole pixels."""
    drawn, features = np.zeros(SIZE, np.uint8), []
    for left, top in [(4, 6), (30, 20), (8, 30), (44, 4)][:number]:
        width, height = (int(v) for v in rng.integers(6, 14, 2))
        drawn[top : top + height, left : left + width] = 1
        corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height), (left, top)]
        ring = [[*(place @ corner), 0.0] for corner in corners]
        features.append({"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    return drawn, features


def spacenet(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a GeoJSON a tile, whose name differs from the raster's in the middle; other products of the same tile beside."""
    truth = {}
    base = "SN2_buildings_train_AOI_2_Vegas"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    for number in (1, 2, 3, 10, 11, 100, 1001):
        image = f"{base}/PS-RGB/{base}_PS-RGB_img{number}.tif"
        place = _place(number)
        _tile(root / image, rng, place, 3, "uint16")
        truth[image], features = _footprints(rng, place, {"partialBuilding": 0.0, "OBJECTID": 0}, number=0 if number == 3 else 4)
        content = {"type": "FeatureCollection", "name": f"img{number}", "crs": crs, "features": features}
        write(root / f"{base}/geojson_buildings/{base}_geojson_buildings_img{number}.geojson", json.dumps(content))
        _tile(root / f"{base}/PAN/{base}_PAN_img{number}.tif", rng, place, 1, "uint16")
    write(root / f"{base}/summaryData/{base}_Train_Building_Solutions.csv", "ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo\n")
    return Expected(truth, frozenset({"geotiff"}), agreement=0.97, asks="may")


def open_cities(root: Path, rng: np.random.Generator) -> Expected:
    """Why: RGBA scenes, each in its folder, with outlines in a folder beside (665946-labels/665946.geojson) and STAC items."""
    truth = {}
    for city, number in (("acc", 665946), ("acc", 375605), ("dar", 353093), ("kam", 4), ("nia", 825747), ("zan", 42)):
        image = f"train_tier_1/{city}/{number:06d}/{number:06d}.tif"
        place = _place(number % 30)
        _tile(root / image, rng, place, 4, "uint8")
        with rasterio.open(root / image, "r+") as raster:
            pixels = raster.read()
            pixels[3] = 255
            raster.write(pixels)
            raster.colorinterp = [rasterio.enums.ColorInterp[c] for c in ("red", "green", "blue", "alpha")]
        truth[image], features = _footprints(rng, place, {"building": "yes", "area": 12.5})
        write(
            root / f"train_tier_1/{city}/{number:06d}-labels/{number:06d}.geojson",
            json.dumps({"type": "FeatureCollection", "features": features}),
        )
        item = {"type": "Feature", "id": f"{number:06d}", "stac_version": "0.8.1", "properties": {}, "assets": {}, "links": []}
        write(root / f"train_tier_1/{city}/{number:06d}/{number:06d}.json", json.dumps(item))
    write(root / "train_tier_1/catalog.json", json.dumps({"id": "train_tier_1", "links": []}))
    return Expected(truth, frozenset({"geotiff"}), agreement=0.97, asks="may")


def xbd(root: Path, rng: np.random.Generator) -> Expected:
    """Why: before and after in one folder, targets named _target in another, outlines in JSON beside."""
    made = Made(root, rng)
    for place in ("guatemala-volcano_00000000", "guatemala-volcano_00000003", "hurricane-harvey_00000015", "socal-fire_00000101"):
        for when in ("pre", "post"):
            name = f"{place}_{when}_disaster"
            objects = things(rng, 8)
            ids = np.where(objects > 0, 1 if when == "pre" else 1 + objects % 4, 0).astype(np.uint8)
            made.put(f"train/images/{name}.png", f"train/targets/{name}_target.png", ids, ids)
            feature = {"properties": {"feature_type": "building", "uid": uuid(rng)}, "wkt": "POLYGON ((1 1, 5 1, 5 5, 1 1))"}
            write(root / f"train/labels/{name}.json", json.dumps({"features": {"lng_lat": [], "xy": [feature]}, "metadata": {}}))
    return Expected(made.truth, ANY, classes=(None,) * 5, masks=made.masks)


def rescuenet(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids in _lab.png, the same painted in another tree whose folders have other part names (ColorMasks-TrainSet)."""
    made, painted, parts = Made(root, rng), {}, {}
    for part, title, numbers in (
        ("train", "Train", range(10778, 10784)),
        ("val", "Val", (14000, 14007)),
        ("test", "Test", (15001, 15002)),
    ):
        for number in numbers:
            ids = some_regions(rng, 11, 5, always=(number % 11, (number + 5) % 11))
            image = f"RescueNet/{part}/{part}-org-img/{number}.jpg"
            parts[image] = part
            made.put(image, f"RescueNet/{part}/{part}-label-img/{number}_lab.png", ids, ids)
            painted[image] = f"ColorMasks-RescueNet/ColorMasks-{title}Set/{number}_lab.png"
            save(root / painted[image], paint(ids, many_colours(11)))
    other = Expected(made.truth, ANY, classes=(None,) * 11, masks=painted, parts=parts)
    return Expected(made.truth, ANY, classes=(None,) * 11, masks=made.masks, parts=parts, asks="may", alternatives=(other,))


SETS = {
    build.__name__: build
    for build in (
        whu_building,
        levir_change,
        airs,
        spacenet,
        open_cities,
        xbd,
        rescuenet,
    )
}
