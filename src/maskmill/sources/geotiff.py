"""The geotiff form: rasters of any bands, whole or in tiles, with mask rasters, GeoJSON or tables of well-known text."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError, SourceError
from maskmill.labels.layers import Layers
from maskmill.pictures import read_colours
from maskmill.rasters import Profile, read_ids_window, read_profile, read_values
from maskmill.sources.annotations import SUFFIX, read_layers
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.pairing import Pair
from maskmill.sources.scenes import find_pairs, read_scenes
from maskmill.sources.settings import Layout, Reading, SampleFiles, Window
from maskmill.sources.tiling import cut_tiles
from maskmill.sources.tree import FileTree

MOST_BANDS_OF_IDS = 2  # grey, or a palette, with alpha
MOST_SHIFT = 0.5  # pixels between the corners of a picture and those of its mask


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Find scenes, and cut them into tiles.

    Args:
        tree: the source's files.
        layout: `images`, `band_files`, `lists`, `tile` and `tile_overlap`; and either `masks`, or `annotations`: GeoJSON files or
            tables of well-known text, with `columns`, `grid_sizes` and `overlaps`.

    Returns:
        The samples; those of one scene have its fields, and a window each where they are tiles.

    Raises:
        SourceError: nothing found, files without a partner or that cannot be opened, annotations that cannot be read or placed.
    """
    if not layout.images or bool(layout.masks) == bool(layout.annotations):
        raise SourceError(
            "source.form geotiff takes source.images, and source.masks or source.annotations",
            expected="rasters of masks, or one kind of files that describe them",
            fix='e.g. "{scene}.tif" with "{scene}_mask.tif", "{scene}.geojson" or "table.csv"; set the other one to null',
        )
    pairs = find_pairs(tree, layout)
    scenes = read_scenes(choose_by_lists(tree, pairs, layout) if layout.lists else pairs)
    if layout.annotations:
        from maskmill.sources.vectors import annotate_scenes

        scenes = annotate_scenes(tree, scenes, layout)
    return [
        replace(scene.pair, window=window)
        for scene in scenes
        for window in cut_tiles(scene.profile.size, layout.tile, layout.tile_overlap)
    ]


def read_mask(files: SampleFiles, size: tuple[int, int], reading: Reading) -> NDArray[np.integer] | Layers:
    """Read what annotations draw; or a window of a mask raster, which lies on the picture's own grid.

    Returns:
        Layers; or ids (H, W) of a raster of one band, colours uint8 (H, W, 3) of one of three, alpha aside. A mask without a
        window may be of another size than its picture.

    Raises:
        DataError: not readable, or a mask on another grid than its picture.
    """
    if files.mask.suffix == SUFFIX:
        return read_layers(files.mask, size=size, window=files.window, reading=reading)
    picture, mask = read_profile(files.images[0]), read_profile(files.mask)
    if files.window is not None or picture.size == mask.size:
        _check_grids(files, picture, mask)
    if mask.num_bands <= MOST_BANDS_OF_IDS:
        return read_ids_window(files.mask, files.window, max_pixels=reading.max_pixels)
    return _read_colours(files.mask, files.window, reading)


def _read_colours(path: Path, window: Window | None, reading: Reading) -> NDArray[np.uint8]:
    values = read_values(path, window=window, max_pixels=reading.max_pixels)
    if values.dtype == np.uint8 and values.shape[2] in (3, 4):
        return values[..., :3]
    colours = read_colours(path, max_pixels=reading.max_pixels)  # whole: only all of it tells what 16 bits mean
    if window is None:
        return colours
    return colours[window.row : window.row + window.height, window.column : window.column + window.width]


def _check_grids(files: SampleFiles, picture: Profile, mask: Profile) -> None:
    """Raise DataError unless a mask has its picture's size and, where both have one, its coordinates."""
    names = f"{files.mask} and its picture {files.images[0]}"
    fix = "bring the mask onto the picture's grid, nearest pixel: rio warp --like PICTURE MASK OUTPUT --resampling nearest"
    if mask.size != picture.size:
        sizes = " and ".join(f"{width} x {height}" for height, width in (mask.size, picture.size))
        raise DataError(f"{names} are {sizes} pixels", expected="one size, or no source.tile", fix=fix)
    if mask.crs and picture.crs and mask.crs != picture.crs:
        systems = f"{mask.crs.to_string()} and {picture.crs.to_string()}"
        raise DataError(f"{names} are in {systems}", expected="one coordinate system", fix=fix)
    if mask.transform.is_identity or picture.transform.is_identity:
        return
    shift = _measure_shift(picture, mask)
    if shift > MOST_SHIFT:
        raise DataError(f"{names} lie {shift:.1f} pixels apart", expected="one place and one pixel size", fix=fix)


def _measure_shift(picture: Profile, mask: Profile) -> float:
    """Return how far, in the picture's pixels, a corner of the mask is from the picture's at most."""
    height, width = picture.size
    corners = [(0, 0), (width, 0), (0, height), (width, height)]
    moved = [~picture.transform @ (mask.transform @ corner) for corner in corners]
    return float(np.abs(np.subtract(moved, corners)).max())
