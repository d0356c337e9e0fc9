"""Miniatures of the sets of rasters: several bands and depths, some with a place on earth, larger than a tile."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from scenes import Box, draw_boxes, draw_patches, fill_boxes, photograph

SCENE = (112, 168)  # of tiles of 64 x 96


def write_landcover_ai(folder: Path) -> None:
    """images/SHEET.tif of three bands and masks/SHEET.tif of ids, in the Polish national grid."""
    rng = np.random.default_rng(13)
    for number in range(7):
        ids = draw_patches(rng, list(range(5)), SCENE)
        sheet = f"M-33-{number + 7}-A-d-{number % 4 + 1}-{number % 2 + 1}.tif"
        for kind, values in (("images", photograph(rng, ids)), ("masks", ids)):
            place = Affine(0.25, 0, 300_000 + 5_000 * number, 0, -0.25, 500_000)
            save_raster(folder / kind / sheet, values, crs="EPSG:2180", transform=place)
    for part in ("train", "val", "test"):  # of tiles that the set's own script cuts
        (folder / f"{part}.txt").write_text("M-33-7-A-d-1-1_0\n")


def write_massachusetts_buildings(folder: Path) -> None:
    """{train,valid,test}/sat/NAME.tiff and {train,valid,test}/map/NAME.tif: red on black."""
    rng = np.random.default_rng(14)
    for part, number in (("train", 4), ("valid", 1), ("test", 1)):
        for _ in range(number):
            name = f"{rng.integers(22_000_000, 24_000_000)}_15"
            boxes = draw_boxes(rng, 9, SCENE, grid=(4, 6))
            ids = fill_boxes(boxes, [1] * 9, SCENE)
            red = np.dstack([ids * np.uint8(255), np.zeros((*SCENE, 2), np.uint8)])
            save_raster(folder / part / "sat" / f"{name}.tiff", photograph(rng, ids))
            save_raster(folder / part / "map" / f"{name}.tif", red)


def write_dstl(folder: Path) -> None:
    """three_band/SCENE.tif, the same ground in sixteen_band/SCENE_{A,M,P}.tif, each at its own scale; tables."""
    rng = np.random.default_rng(15)
    largest = (0.0092, -0.0062)
    rows, grids = "ImageId,ClassType,MultipolygonWKT\n", ",Xmax,Ymin\n"
    for region in (6010, 6040, 6060, 6090, 6100, 6120, 6140):
        name = f"{region}_{rng.integers(5)}_{rng.integers(5)}"
        boxes = draw_boxes(rng, 10, SCENE)
        boxes[5] = Box(4, 4, SCENE[0] - 4, SCENE[1] // 2)  # crops, with things upon them
        _save_bands(rng, folder, name, fill_boxes([boxes[5], *boxes[:5], *boxes[6:]], [6, 1, 2, 3, 4, 5, 7, 8, 9, 10], SCENE))
        grids += f"{name},{largest[0]},{largest[1]}\n"
        if region != 6140:  # most scenes have no polygons
            rows += "".join(f'{name},{kind},"{_outline(box, largest)}"\n' for kind, box in enumerate(boxes, start=1))
    (folder / "train_wkt_v4.csv").write_text(rows)
    (folder / "grid_sizes.csv").write_text(grids)


def save_raster(path: Path, values: NDArray, **place: object) -> None:
    """Write (H, W) or (H, W, C) as a GeoTIFF, with a place on earth or without."""
    values = np.atleast_3d(values)
    height, width, number = values.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"height": height, "width": width, "count": number, "dtype": values.dtype.name}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", **shape, **place) as raster:
            raster.write(np.moveaxis(values, 2, 0))


def _save_bands(rng: np.random.Generator, folder: Path, name: str, ids: NDArray[np.uint8]) -> None:
    """Write what the two cameras see of a scene, 11 bits in 16: colours and grey at a finer scale, short waves at a coarser one."""
    seen = photograph(rng, ids, channels=20).astype(np.uint16) * 8
    fine = seen[..., :4].repeat(2, axis=0).repeat(2, axis=1)
    save_raster(folder / f"three_band/{name}.tif", fine[..., :3])
    save_raster(folder / f"sixteen_band/{name}_P.tif", fine[..., 3])
    save_raster(folder / f"sixteen_band/{name}_M.tif", seen[..., 4:12])
    save_raster(folder / f"sixteen_band/{name}_A.tif", seen[::6, ::6, 12:20])


def _outline(box: Box, largest: tuple[float, float]) -> str:
    """Return a box as well-known text, in the coordinates that the table of grids spans."""
    height, width = SCENE
    x = [column * (width + 1) / width**2 * largest[0] for column in (box.left, box.right)]
    y = [row * (height + 1) / height**2 * largest[1] for row in (box.top, box.bottom)]
    return f"MULTIPOLYGON ((({x[0]} {y[0]}, {x[1]} {y[0]}, {x[1]} {y[1]}, {x[0]} {y[1]}, {x[0]} {y[0]})))"
