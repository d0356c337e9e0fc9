"""Values of more than 8 bits to 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError

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


def is_measured(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    measured = np.isfinite(values)
    return measured if nodata is None else measured & (values != nodata)


def _show(values: NDArray[Any], extreme: Any) -> str:
    return f"{extreme(values):g}" if values.dtype.kind in "iuf" and not np.isnan(values).all() else "nothing"
