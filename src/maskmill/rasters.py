"""Rasters of any band count and depth, whole or in windows, as 8-bit pictures or as ids.

Values of more than 8 bits become 8 by their high byte, or by a stretch between two percentiles of the whole scene, so that
the windows of one scene agree. A window is (row, column, height, width) in pixels of the scene. rasterio takes half a second
to import: only the functions here that open a file do so.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskmill.depth import Limits, Stretch, measure_limits, to_8_bit
from maskmill.errors import DataError

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader
    from rasterio.transform import Affine

MAX_PIXELS = 200_000_000
DRIVERS = ["GTiff", "PNG", "JP2OpenJPEG", "JPEG", "WEBP", "BMP", "GIF", "PNM"]  # GDAL's others open further files and addresses
os.environ.setdefault("GDAL_CACHEMAX", "128")  # MB of decoded blocks; GDAL's own default, in each process, is 5 % of all memory

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Profile:
    """What a raster says about itself: `size` is (height, width), `crs` None and `transform` the identity without georeference."""

    size: tuple[int, int]
    num_bands: int
    dtype: str
    crs: "CRS | None"
    transform: "Affine"
    nodata: float | None


def read_profile(path: Path) -> Profile:
    """Read what a raster says about itself, its pixels left alone."""
    with _opened(path, str(path)) as raster:
        return Profile(raster.shape, raster.count, raster.dtypes[0], raster.crs, raster.transform, raster.nodata)


def read_size(path: Path) -> tuple[int, int]:
    """Read the (height, width) of a raster, its pixels left alone."""
    return read_profile(path).size


def read_bands(
    paths: Sequence[Path],
    *,
    window: Window | None = None,
    bands: Sequence[int] | None = None,
    stretch: Stretch | None = None,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Read a window of a scene whose bands lie in one or several rasters.

    The first raster's pixels are the picture's. Others are resampled to them (bilinear): by georeference where both have one,
    else as if both showed the same ground.

    Args:
        paths: the rasters; a band's number counts on through them.
        window: of the first raster; None: all of it.
        bands: 1-based numbers in the order wanted; None: all but alpha bands.
        stretch: the percentiles of each band, over its whole raster, that become 0 and 255; None: the high byte.
        max_pixels: larger windows are refused unread.

    Returns:
        uint8 (H, W, C). Nodata and NaN become 0 where values have more than 8 bits.

    Raises:
        DataError: a file cannot be read, a band or the window is beyond it, or its values fit no 16 bits and there is no stretch.
    """
    with ExitStack() as opened:
        rasters = [opened.enter_context(_opened(path, str(path))) for path in paths]
        names = " | ".join(map(str, paths))
        row, column, height, width = _check_window(rasters[0], window, names, max_pixels)
        chosen = _choose_bands(rasters, bands, names)
        picture = np.empty((height, width, len(chosen)), np.uint8)
        for number in {number for number, _ in chosen}:
            raster, path = rasters[number], paths[number]
            places = [place for place, (of, _) in enumerate(chosen) if of == number]
            wanted = tuple(chosen[place][1] for place in places)
            values = _read_aligned(raster, wanted, rasters[0], (row, column, height, width))
            limits = _remembered_limits(path, path.stat().st_mtime_ns, wanted, stretch) if stretch else None
            picture[..., places] = _to_picture(values, raster, wanted, limits, str(path))
    return picture


def read_raster(
    source: Path | bytes, *, name: str, bands: Sequence[int] | None, stretch: Stretch | None, max_pixels: int
) -> NDArray[np.uint8]:
    """Read a whole raster from a file or its bytes; arguments, result and errors otherwise as `read_bands`."""
    with _opened(source, name) as raster:
        _check_window(raster, None, name, max_pixels)
        wanted = tuple(band for _, band in _choose_bands([raster], bands, name))
        limits = measure_limits(raster, wanted, stretch) if stretch else None
        return _to_picture(raster.read(wanted), raster, wanted, limits, name)


def read_values(source: Path, *, window: Window | None = None, max_pixels: int = MAX_PIXELS) -> NDArray[Any]:
    """Read the values of a raster as they are stored, (H, W, C), alpha bands left out."""
    with _opened(source, str(source)) as raster:
        row, column, height, width = _check_window(raster, window, str(source), max_pixels)
        wanted = [band for _, band in _choose_bands([raster], None, str(source))]
        return np.moveaxis(raster.read(wanted, window=_rasterio_window(row, column, height, width)), 0, 2)


def read_ids_window(path: Path, window: Window | None = None, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.integer]:
    """Read a window of a raster whose values are class or instance ids.

    Returns:
        integers (H, W), of the raster's type; int64 for whole numbers that are stored as fractions.

    Raises:
        DataError: as `read_bands`; also for bands that differ, or fractions, which are no ids.
    """
    values = read_values(path, window=window, max_pixels=max_pixels)
    if (values == values[..., :1]).all():  # False for NaN
        ids = values[..., 0]
        if ids.dtype.kind in "iu":
            return ids
        if ids.dtype.kind == "f" and (np.isfinite(ids) & (ids == np.trunc(ids))).all():
            return ids.astype(np.int64)
    raise DataError(
        f"{path} holds no ids: its {values.shape[2]} bands of {values.dtype} are colours, or hold fractions or NaN",
        expected="a mask of ids: a palette or grey picture, or one band of whole numbers",
        fix="use source.form folders, which reads colours, or give the index masks",
    )


def encode_raster(picture: NDArray[np.uint8]) -> bytes:
    """Return uint8 (H, W, C) as a deflated TIFF whose bands are no colours and no alpha, the same bytes for the same picture."""
    from rasterio.io import MemoryFile

    height, width, num_bands = picture.shape
    layout = {"height": height, "width": width, "count": num_bands, "dtype": "uint8", "interleave": "pixel"}
    with _quiet(), MemoryFile() as file:
        with file.open(driver="GTiff", compress="deflate", predictor=2, photometric="MINISBLACK", alpha="NO", **layout) as raster:
            raster.write(np.moveaxis(picture, 2, 0))
        return bytes(file.getbuffer())


@contextmanager
def _quiet() -> Iterator[None]:
    from rasterio import Env
    from rasterio.errors import NotGeoreferencedWarning

    with Env(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a photograph is none the worse for it
        yield


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator["DatasetReader"]:
    """Open a raster and turn every way of failing to read it into DataError."""
    from rasterio.errors import RasterioError
    from rasterio.io import DatasetReader, MemoryFile

    if isinstance(source, Path) and not source.exists():
        raise DataError(f"{name} does not exist", fix="put it back or take it out of the data set")
    with ExitStack() as opened:
        opened.enter_context(_quiet())
        try:
            if isinstance(source, Path):
                raster = opened.enter_context(DatasetReader(source, driver=DRIVERS))  # rasterio.open takes but one driver
            else:
                raster = opened.enter_context(opened.enter_context(MemoryFile(source)).open(driver=DRIVERS))
        except (RasterioError, ValueError):  # ValueError: no bytes at all
            raise DataError(
                f"{name} is not a picture", expected="PNG, JPEG, WebP, TIFF, JPEG 2000 or BMP", fix="replace or remove it"
            ) from None
        if any(dtype.startswith("complex") for dtype in raster.dtypes):
            raise DataError(f"{name} holds complex numbers", expected="real ones", fix="convert it to one band of magnitudes")
        try:
            yield raster
        except RasterioError as error:
            raise DataError(
                f"{name} cannot be decoded: {error}", expected="a whole picture file", fix="copy it again or remove it"
            ) from None


def _check_window(raster: "DatasetReader", window: Window | None, name: str, max_pixels: int) -> Window:
    row, column, height, width = window or (0, 0, *raster.shape)
    if row < 0 or column < 0 or height < 1 or width < 1 or row + height > raster.height or column + width > raster.width:
        raise DataError(
            f"{name} is {raster.width} x {raster.height} pixels",
            expected=f"a window of {width} x {height} pixels at column {column}, row {row}, within it",
            fix="dvc repro --force download",
        )
    if height * width > max_pixels:
        raise DataError(
            f"{name} declares {width} x {height} pixels",
            expected=f"at most {max_pixels:,} pixels",
            fix="cut it into smaller pictures, or raise encode.max_pixels in params.yaml",
        )
    return row, column, height, width


def _choose_bands(rasters: "Sequence[DatasetReader]", bands: Sequence[int] | None, name: str) -> list[tuple[int, int]]:
    """Return the place of the raster and the band within it of each band wanted."""
    from rasterio.enums import ColorInterp

    known = [(place, band) for place, raster in enumerate(rasters) for band in range(1, raster.count + 1)]
    if bands is None:
        plain = [(place, band) for place, band in known if rasters[place].colorinterp[band - 1] != ColorInterp.alpha]
        return plain or known
    return [known[number - 1] for number in check_bands(bands, len(known), name)]


def check_bands(bands: Sequence[int], num_bands: int, name: str) -> Sequence[int]:
    """Return 1-based band numbers, or raise DataError for one beyond `num_bands`."""
    for number in bands:
        if not 1 <= number <= num_bands:
            raise DataError(
                f"{name} has {num_bands} bands, and source.bands asks for band {number}",
                expected=f"numbers from 1 to {num_bands}",
                fix="correct source.bands in params.yaml",
            )
    return bands


def _rasterio_window(row: float, column: float, height: float, width: float) -> Any:
    from rasterio.windows import Window as RasterioWindow

    return RasterioWindow(column, row, width, height)


def _read_aligned(raster: "DatasetReader", bands: Sequence[int], reference: "DatasetReader", window: Window) -> NDArray[Any]:
    """Read bands in a window of the reference raster, (C, H, W)."""
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT
    from rasterio.windows import transform as transform_of

    row, column, height, width = window
    if raster is reference:
        return raster.read(bands, window=_rasterio_window(*window))
    if not raster.transform.is_identity and not reference.transform.is_identity:
        # Coordinates without a system are taken for the other raster's; which one plays no part when both are the same.
        system = reference.crs or raster.crs or "EPSG:3857"
        with WarpedVRT(
            raster,
            src_crs=raster.crs or system,
            crs=system,
            transform=transform_of(_rasterio_window(*window), reference.transform),
            height=height,
            width=width,
            resampling=Resampling.bilinear,
        ) as aligned:
            return aligned.read(bands)
    down, across = raster.height / reference.height, raster.width / reference.width
    part = _rasterio_window(row * down, column * across, height * down, width * across)
    return raster.read(bands, window=part, out_shape=(len(bands), height, width), resampling=Resampling.bilinear)


def _to_picture(
    values: NDArray[Any], raster: "DatasetReader", bands: Sequence[int], limits: Sequence[Limits] | None, name: str
) -> NDArray[np.uint8]:
    """Bring the values (C, H, W) of some bands to 8 bits, (H, W, C)."""
    planes = [
        to_8_bit(values[place], name, limits[place] if limits else None, raster.nodatavals[band - 1])
        for place, band in enumerate(bands)
    ]
    return np.stack(planes, axis=-1)


@lru_cache(maxsize=1024)
def _remembered_limits(path: Path, _changed: int, bands: tuple[int, ...], stretch: Stretch) -> list[Limits]:
    with _opened(path, str(path)) as raster:
        return measure_limits(raster, bands, stretch)
