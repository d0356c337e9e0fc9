"""Values of more than 8 bits to 8 bits."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

SAMPLED_SIDE = 1000  # pixels: larger rasters are thinned out to this for their percentiles
SAMPLED_ROWS = 512  # at a time

Stretch = tuple[float, float]  # percentiles
Limits = tuple[float, float]  # values


def to_8_bit(values: NDArray[Any], name: str, limits: Limits | None = None, nodata: float | None = None) -> NDArray[np.uint8]:
    """Bring values of any depth to 8 bits: between two limits, or by the high byte of 16 bits; 8 bits stay as they are.

    Raises:
        DataError: without limits, fractions and what does not fit in 16 bits.
    """
    if values.dtype == np.uint8:
        return values
    if limits is not None:
        low, high = limits
        measured = np.where(is_measured(values, nodata), values, low).clip(low, high)
        fractions = (measured - low) / (high - low) if high > low else np.zeros(values.shape)
        return np.rint(255.0 * fractions).astype(np.uint8)
    given = values if nodata is None else np.where(values == nodata, values.dtype.type(0), values)
    if given.dtype.kind not in "iu" or given.min() < 0 or given.max() > 65535:
        raise DataError(
            f"{name} holds {values.dtype} values from {_show(given, np.nanmin)} to {_show(given, np.nanmax)}",
            expected="8 or 16 bits a channel",
            fix="set source.stretch to two percentiles, [2, 98] say, which brings any values to 8 bits",
        )
    return (given.astype(np.uint16) >> 8).astype(np.uint8)


def percentile_limits(values: NDArray[Any], stretch: Stretch) -> Limits:
    """Return the values at two percentiles; where they coincide in values that differ, the smallest and the largest."""
    if not values.size:
        return 0.0, 0.0
    low, high = np.percentile(values.astype(np.float64, copy=False), stretch)
    return (float(low), float(high)) if high > low else (float(values.min()), float(values.max()))


def measure_limits(raster: "DatasetReader", bands: Sequence[int], stretch: Stretch) -> list[Limits]:
    """Find each band's values at two percentiles over the whole raster, thinned out; nodata, what is masked and NaN left out."""
    if raster.dtypes[0] == "uint8":
        return [(0.0, 255.0)] * len(bands)  # of no effect
    values, masks = _read_thinned(raster, bands)
    limits = []
    for band, of_band, mask in zip(bands, values, masks, strict=True):
        measured = is_measured(of_band, raster.nodatavals[band - 1]) & (mask > 0)
        limits.append(percentile_limits(of_band[measured], stretch))
    return limits


def is_measured(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    measured = np.isfinite(values)
    return measured if nodata is None else measured & (values != nodata)


def _show(values: NDArray[Any], extreme: Any) -> str:
    return f"{extreme(values):g}" if values.dtype.kind in "iuf" and not np.isnan(values).all() else "nothing"


def _read_thinned(raster: "DatasetReader", bands: Sequence[int]) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Read some bands and their masks thinned out, (C, H, W).

    It goes down the raster in strips: GDAL reads one band after the other, and its cache holds no whole raster, so that the same
    blocks would be decoded for every band anew.
    """
    down, across = (math.ceil(side / SAMPLED_SIDE) for side in raster.shape)
    most = down * max(1, SAMPLED_ROWS // down)
    parts = []
    for row in range(0, raster.height, most):
        height = min(most, raster.height - row)
        part = ((row, row + height), (0, raster.width))
        shape = (len(bands), math.ceil(height / down), math.ceil(raster.width / across))
        parts.append((raster.read(bands, window=part, out_shape=shape), raster.read_masks(bands, window=part, out_shape=shape)))
    values, masks = (np.concatenate(strips, axis=1) for strips in zip(*parts, strict=True))
    return values, masks
