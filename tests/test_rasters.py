import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from maskmill import depth
from maskmill.errors import DataError
from maskmill.rasters import read_bands, read_ids_window, read_profile, read_size

METRES = "EPSG:32633"


def write(path: Path, values: np.ndarray, **options) -> Path:
    """Write (H, W, C) as a TIFF."""
    height, width, count = values.shape
    layout = {"height": height, "width": width, "count": count, "dtype": values.dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", **layout, **options) as raster:
            raster.write(np.moveaxis(values, 2, 0))
    return path


def scene(height: int = 6, width: int = 10, count: int = 2) -> np.ndarray:
    return np.arange(height * width * count, dtype=np.uint8).reshape(height, width, count)


def test_a_window(tmp_path):
    path = write(tmp_path / "a.tif", scene())
    np.testing.assert_array_equal(read_bands([path], window=(1, 2, 3, 4)), scene()[1:4, 2:6])
    np.testing.assert_array_equal(read_bands([path], window=(1, 2, 3, 4), bands=[2]), scene()[1:4, 2:6, 1:])
    np.testing.assert_array_equal(read_bands([path]), scene())


@pytest.mark.parametrize("window", [(-1, 0, 2, 2), (0, 9, 2, 2), (5, 0, 2, 2), (0, 0, 0, 2)])
def test_a_window_that_is_not_within_is_refused(tmp_path, window):
    with pytest.raises(DataError, match=r"a\.tif is 10 x 6 pixels(.|\n)*a window of"):
        read_bands([write(tmp_path / "a.tif", scene())], window=window)


def test_the_bound_is_on_the_window(tmp_path):
    path = write(tmp_path / "a.tif", scene())
    assert read_bands([path], window=(0, 0, 3, 4), max_pixels=12).shape == (3, 4, 2)
    with pytest.raises(DataError, match="declares 10 x 6 pixels"):
        read_bands([path], max_pixels=59)


def test_a_window_of_a_large_file_leaves_the_rest_unread(tmp_path):
    options = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    path = write(tmp_path / "a.tif", np.full((1024, 2048, 1), 7, np.uint8), **options)
    os.truncate(path, path.stat().st_size // 2)  # the lower half is gone
    assert (read_bands([path], window=(10, 1000, 100, 200)) == 7).all()
    with pytest.raises(DataError, match=r"a\.tif cannot be decoded"):
        read_bands([path], window=(900, 1000, 100, 200))


def test_windows_of_one_scene_share_its_stretch(tmp_path):
    ramp = np.repeat(np.arange(0, 60, dtype=np.uint16)[np.newaxis, :, np.newaxis] * 100, 6, axis=0)
    path = write(tmp_path / "a.tif", ramp)
    whole = read_bands([path], stretch=(2, 98))
    assert whole.min() == 0
    assert whole.max() == 255
    np.testing.assert_array_equal(read_bands([path], window=(1, 20, 4, 10), stretch=(2, 98)), whole[1:5, 20:30])


def test_a_scene_that_changes_is_measured_again(tmp_path):
    path = write(tmp_path / "a.tif", np.array([[[0], [100]]], np.uint16))
    np.testing.assert_array_equal(read_bands([path], stretch=(0, 100)), [[[0], [255]]])
    write(path, np.array([[[0], [100], [200]]], np.uint16))
    os.utime(path, (1, 1))
    np.testing.assert_array_equal(read_bands([path], stretch=(0, 100)), [[[0], [128], [255]]])


def test_large_scenes_are_thinned_out_for_their_percentiles(tmp_path, monkeypatch):
    monkeypatch.setattr(depth, "SAMPLED_SIDE", 10)
    ramp = np.repeat(np.arange(200, dtype=np.uint16)[np.newaxis, :, np.newaxis], 40, axis=0)
    stretched = read_bands([write(tmp_path / "a.tif", ramp)], stretch=(0, 100))
    # Ten of 200 columns: the lowest and highest of them are within a tenth of the ends.
    assert abs(int(stretched[0, 100, 0]) - 128) <= 13
    assert stretched[0, 0, 0] == 0
    assert stretched[0, -1, 0] == 255


def test_strips_that_are_thinned_out_cover_the_scene(tmp_path, monkeypatch):
    monkeypatch.setattr(depth, "SAMPLED_SIDE", 20)
    monkeypatch.setattr(depth, "SAMPLED_ROWS", 7)  # every fifth row of 90: strips of 5
    ramp = np.repeat(np.arange(90, dtype=np.uint16)[:, np.newaxis, np.newaxis], 6, axis=1)
    path = write(
        tmp_path / "a.tif", np.dstack([ramp, 2 * ramp, np.full_like(ramp, 9)]), nodata=9, transform=from_origin(0, 0, 1, 1)
    )
    with rasterio.open(path) as raster:
        limits = depth.measure_limits(raster, (1, 2, 3), (0, 100))
    middle = 2  # of each five rows
    assert limits == [(middle, 85 + middle), (2 * middle, 170 + 2 * middle), (0, 0)]


def test_gdal_keeps_but_little_of_a_large_scene(tmp_path):
    values = np.zeros((4096, 4096, 8), np.uint16)
    write(tmp_path / "a.tif", values, tiled=True, compress="deflate", zlevel=1, photometric="MINISBLACK", alpha="NO")
    look = """
import pathlib, re, sys, rasterio, rasterio.vrt
from maskmill.rasters import read_bands
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
before = peak()
read_bands([pathlib.Path(sys.argv[1])], window=(0, 0, 100, 100), stretch=(2, 98))
print(peak() - before)
"""
    environment = {name: value for name, value in os.environ.items() if name != "GDAL_CACHEMAX"}
    command = [sys.executable, "-c", look, str(tmp_path / "a.tif")]
    taken = int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert taken < values.nbytes


# Several rasters


def test_bands_count_on_through_the_rasters(tmp_path):
    first, second = write(tmp_path / "a.tif", scene(count=2)), write(tmp_path / "b.tif", scene(count=3) + np.uint8(50))
    both = np.dstack([scene(count=2), scene(count=3) + np.uint8(50)])
    np.testing.assert_array_equal(read_bands([first, second]), both)
    np.testing.assert_array_equal(read_bands([first, second], bands=[5, 1], window=(2, 1, 2, 5)), both[2:4, 1:6, [4, 0]])
    with pytest.raises(DataError, match=r"a\.tif \| .*b\.tif has 5 bands, and source.bands asks for band 6"):
        read_bands([first, second], bands=[6])


def test_a_coarser_raster_without_georeference_shows_the_same_ground(tmp_path):
    fine = write(tmp_path / "a.tif", scene(8, 12, 1))
    coarse = np.array([[0, 60, 120], [0, 60, 120]], np.uint8)  # a quarter of the size: 4 pixels become one
    second = write(tmp_path / "b.tif", coarse[..., np.newaxis])
    whole = read_bands([fine, second], bands=[2])[..., 0]
    # Pixel centres of the fine grid lie at 1/8, 3/8, 5/8, ... of the coarse pixels; the values between centres are linear.
    expected = np.interp((np.arange(12) + 0.5) / 4, [0.5, 1.5, 2.5], [0, 60, 120])
    assert np.abs(whole - expected).max() <= 1
    np.testing.assert_array_equal(read_bands([fine, second], bands=[2], window=(2, 0, 3, 12))[..., 0], whole[2:5])


def test_rasters_are_laid_over_each_other_by_georeference(tmp_path):
    first = write(tmp_path / "a.tif", scene(6, 10, 1), crs=METRES, transform=from_origin(500_000, 5_000_000, 1, 1))
    further = scene(8, 14, 1)  # begins 3 m west and 2 m north of the first
    second = write(tmp_path / "b.tif", further, crs=METRES, transform=from_origin(499_997, 5_000_002, 1, 1))
    np.testing.assert_array_equal(read_bands([first, second], bands=[2]), further[2:8, 3:13])
    np.testing.assert_array_equal(read_bands([first, second], bands=[2], window=(1, 2, 3, 4)), further[3:6, 5:9])


def test_a_raster_in_other_coordinates_is_warped(tmp_path):
    values = np.zeros((40, 60, 1), np.uint8)
    values[10:20, 20:40] = 200
    first = write(tmp_path / "a.tif", values, crs=METRES, transform=from_origin(500_000, 5_000_000, 10, 10))
    with rasterio.open(first) as raster:
        west, south, east, north = rasterio.warp.transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    degrees = rasterio.transform.from_bounds(west, south, east, north, 60, 40)
    second = write(tmp_path / "b.tif", values, crs="EPSG:4326", transform=degrees)  # near the middle meridian: hardly turned
    assert np.mean(read_bands([first, second], bands=[2]) == values) > 0.95


# What a raster says


def test_profiles(tmp_path):
    transform = from_origin(500_000, 5_000_000, 2, 2)
    profile = read_profile(write(tmp_path / "a.tif", scene(), crs=METRES, transform=transform, nodata=255))
    assert (profile.size, profile.num_bands, profile.dtype, profile.nodata) == ((6, 10), 2, "uint8", 255)
    assert profile.transform == transform
    assert profile.crs.to_epsg() == 32633
    plain = read_profile(write(tmp_path / "b.tif", scene()))
    assert plain.crs is None
    assert plain.transform.is_identity
    assert read_size(tmp_path / "b.tif") == (6, 10)


def test_ids_of_a_window(tmp_path):
    ids = np.arange(60, dtype=np.int32).reshape(6, 10, 1) * 1000
    np.testing.assert_array_equal(read_ids_window(write(tmp_path / "a.tif", ids), (1, 2, 3, 4)), ids[1:4, 2:6, 0])
    whole = write(tmp_path / "b.tif", ids.astype(np.float32))
    assert read_ids_window(whole).dtype == np.int64
    np.testing.assert_array_equal(read_ids_window(whole), ids[..., 0])


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_fractions_are_no_ids(tmp_path, value):
    values = np.zeros((2, 3, 1), np.float32)
    values[1, 1] = value
    with pytest.raises(DataError, match=r"a\.tif holds no ids: its 1 bands of float32"):
        read_ids_window(write(tmp_path / "a.tif", values))


def test_an_absent_raster_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.tif does not exist"):
        read_size(tmp_path / "gone.tif")
