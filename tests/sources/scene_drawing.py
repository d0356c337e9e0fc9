"""Small rasters, and the way from them to encoded samples."""

import json
import warnings

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from maskmill.data.encoding import encode_samples
from maskmill.labels import build_class_table
from maskmill.parallel import Workers
from maskmill.pictures import read_label_mask, read_picture
from maskmill.sources.forms import list_samples
from maskmill.sources.settings import Layout, Reading

UTM = "EPSG:32633"
ORIGIN = (500_000, 5_540_000)  # on the zone's central meridian, 15 degrees; pixels of 2 m
GRID = Affine(2, 0, ORIGIN[0], 0, -2, ORIGIN[1])
HEIGHT, WIDTH = 23, 37
CLASSES = [{"id": 0, "name": "background"}, {"id": 1, "name": "house"}, {"id": 2, "name": "field"}]


def write_raster(path, values, *, crs=UTM, transform=GRID, **profile):
    """Write (H, W) or (H, W, C)."""
    values = np.atleast_3d(values)
    height, width, count = values.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    profile |= {"height": height, "width": width, "count": count, "dtype": values.dtype, "crs": crs, "transform": transform}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="PNG" if path.suffix == ".png" else "GTiff", **profile) as raster:
            raster.write(np.moveaxis(values, 2, 0))


def make_scene(height=23, width=37, bands=5, dtype=np.uint16, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, np.iinfo(dtype).max, (height, width, bands), dtype=dtype, endpoint=True)


def ring(left, top, right, bottom, *, metres=True):
    """A rectangle of pixels as a ring, in metres of GRID or in pixels."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return [list(GRID @ corner) for corner in corners] if metres else corners


def write_geojson(path, features, *, crs=None, key="class"):
    """Write (label, list of rings or a geometry) as a FeatureCollection."""
    listed = [
        {
            "type": "Feature",
            "properties": {"id": number, key: label},
            "geometry": shape if isinstance(shape, dict) or shape is None else {"type": "Polygon", "coordinates": shape},
        }
        for number, (label, shape) in enumerate(features)
    ]
    document = {"type": "FeatureCollection", "features": listed}
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def find(root, folder, *, group=None, limit=None, **layout):
    """List the samples."""
    return list_samples(
        root, form="geotiff", layout=Layout(**layout), group=group, annotations_dir=folder / "annotations", limit=limit
    )


def encode(samples, folder, classes, *, labels="exclusive", mask_size="error", bands=None, stretch=(2.0, 98.0)):
    """Encode samples; return pictures and masks by id."""
    samples = samples.assign(split=samples["split"].where(samples["split"] != "", "train"))
    encode_samples(
        samples,
        form="geotiff",
        reading=Reading(bands=bands, stretch=stretch),
        class_table=build_class_table(classes),
        labels=labels,
        encoded_dir=folder / "encoded",
        progress_dir=folder / "progress",
        tolerance=0.0,
        unmatched="nearest",
        mask_size=mask_size,
        assign=lambda manifest, _: manifest,
        workers=Workers(jobs=1),
    )
    images = {path.stem: read_picture(path) for path in (folder / "encoded/images").iterdir()}
    return images, {path.stem: read_label_mask(path) for path in (folder / "encoded/masks").iterdir()}


def run(root, folder, classes=CLASSES, *, labels="exclusive", bands=None, stretch=(2.0, 98.0), mask_size="error", **settings):
    """From files to encoded samples; return the manifest, the pictures and the masks."""
    samples = find(root, folder, **settings)
    return samples, *encode(samples, folder, classes, labels=labels, bands=bands, stretch=stretch, mask_size=mask_size)


def assemble(samples, encoded, shape):
    """Lay the windows of one scene together again."""
    whole = np.zeros(shape, next(iter(encoded.values())).dtype)
    for name, text in zip(samples["id"], samples["window"], strict=True):
        row, column, height, width = map(int, text.split())
        whole[row : row + height, column : column + width] = encoded[name]
    return whole


FEATURES = [("house", [ring(12, 4, 15, 6)]), ("field", [ring(10, 2, 30, 17), ring(20, 8, 24, 13)])]
X_MAX, Y_MIN = 0.0074, -0.0046  # 37 and 23 pixels of 0.0002: a pixel of the organisers' is W / (W + 1) of that


def write_dstl(root, rows, scenes=("6010_1_2", "6010_4_4")):
    """Write scenes as the competition has them, small: 3 bands, and 8 at a third of the scale."""
    for seed, name in enumerate(scenes):
        write_raster(root / f"three_band/{name}.tif", make_scene(bands=3, seed=seed), crs=None, transform=None)
        write_raster(root / f"sixteen_band/{name}_M.tif", make_scene(8, 12, 8, seed=seed), crs=None, transform=None)
    (root / "train_wkt_v4.csv").write_text("ImageId,ClassType,MultipolygonWKT\n" + "".join(f"{row}\n" for row in rows))
    ranges = "".join(f"{name},{X_MAX},{Y_MIN}\n" for name in scenes)
    (root / "grid_sizes.csv").write_text(f",Xmax,Ymin\n{ranges}")


DSTL = {
    "images": "three_band/{region}_{row}_{column}.tif",
    "band_files": ("sixteen_band/{region}_{row}_{column}_M.tif",),
    "annotations": "train_wkt_v4.csv",
    "grid_sizes": "grid_sizes.csv",
    "group": "{region}-{row}-{column}",
}


def grid_box(left, top, right, bottom):
    """A rectangle of pixels in the coordinates of the grid, from the organisers' formula the other way round."""
    x = [column / (WIDTH * WIDTH / (WIDTH + 1)) * X_MAX for column in (left, right)]
    y = [row / (HEIGHT * HEIGHT / (HEIGHT + 1)) * Y_MIN for row in (top, bottom)]
    return f"(({x[0]!r} {y[0]!r}, {x[1]!r} {y[0]!r}, {x[1]!r} {y[1]!r}, {x[0]!r} {y[1]!r}, {x[0]!r} {y[0]!r}))"
