"""The `segmentation` of an object in a COCO file: polygons, or run lengths, plain or compressed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_PIXELS = 2**48

Segmentation = list[list[float]] | dict[str, Any]


def measure_segmentation(segmentation: Segmentation, size: tuple[int, int]) -> float:
    """Check a segmentation before COCO's code, which trusts it, draws it; return its area in pixels.

    A polygon may reach beyond the picture, which cuts it off, by as much as the picture is long.

    Args:
        segmentation: rings [x, y, x, y, ...], or {"size": [height, width], "counts": numbers or text}.
        size: the picture's (height, width).

    Raises:
        ValueError: it cannot be drawn; the message says what is wrong.
    """
    if isinstance(segmentation, dict):
        return _measure_runs(segmentation, size)
    return sum(_measure_ring(ring, size) for ring in segmentation)


def read_counts(text: str) -> NDArray[np.int64]:
    """Decode COCO's compressed run lengths: int64, the lengths of pixels outside and inside in turn.

    Each number is written in digits of 5 bits, the lowest first, as characters from "0"; bit 5 says that more follow, the highest
    digit carries the sign. From the fourth number on it is the difference to the last but one.

    Raises:
        ValueError: other characters, or a number without its end.

    Source: maskApi.c of https://github.com/cocodataset/cocoapi
    """
    digits = np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64) - 48
    if not digits.size or digits.min() < 0 or digits.max() > 63 or digits[-1] & 32:
        raise ValueError("its counts are no compressed run lengths")
    ends = np.flatnonzero((digits & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    places = np.arange(digits.size) - np.repeat(starts, ends - starts + 1)
    if places.max() > 9:  # 50 bits hold any picture
        raise ValueError("its counts are no compressed run lengths")
    numbers = np.add.reduceat((digits & 31) << (5 * places), starts)
    numbers -= np.where(digits[ends] & 16, 1 << (5 * (places[ends] + 1)), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def _measure_runs(segmentation: dict[str, Any], size: tuple[int, int]) -> float:
    stated, counts = segmentation.get("size"), segmentation.get("counts")
    if not isinstance(stated, Sequence) or not isinstance(counts, str | list):
        raise ValueError("its run lengths have no size or no counts")
    if list(stated) != list(size):
        raise ValueError(f"its run lengths are for [height, width] {list(stated)}, the picture has {list(size)}")
    if isinstance(counts, list) and not all(isinstance(count, int) and abs(count) <= _MOST_PIXELS for count in counts):
        raise ValueError("its counts are no whole numbers of pixels")
    numbers = read_counts(counts) if isinstance(counts, str) else np.array(counts, np.int64)
    if (numbers < 0).any():
        raise ValueError(f"it has a run of {numbers.min()} pixels")
    if numbers.sum() != size[0] * size[1]:
        raise ValueError(f"its runs add up to {numbers.sum()} pixels, the picture has {size[0] * size[1]}")
    return float(numbers[1::2].sum())


def _measure_ring(ring: Any, size: tuple[int, int]) -> float:
    try:
        values = np.array(ring, np.float64)
    except (TypeError, ValueError):
        values = np.zeros((0, 0))
    if values.ndim != 1:
        raise ValueError("a polygon of it is no list of coordinates [x, y, x, y, ...]")
    if values.size % 2 or values.size < 6:
        raise ValueError(f"a polygon of it has {values.size} coordinates: an even number from 6 on is needed")
    if not np.isfinite(values).all():
        raise ValueError("a polygon of it has a coordinate that is no finite number")
    height, width = size
    x, y = values[::2], values[1::2]
    left, right, top, bottom = x.min(), x.max(), y.min(), y.max()
    is_outside = right < 0 or left > width or bottom < 0 or top > height
    if is_outside or left < -width or right > 2 * width or top < -height or bottom > 2 * height:
        where = "lies outside" if is_outside else "reaches far out"
        bounds = f"x {left:g} to {right:g}, y {top:g} to {bottom:g}"
        raise ValueError(f"a polygon of it {where}: {bounds}, in a picture of {width} x {height}")
    return float(abs(x[:-1] @ y[1:] - x[1:] @ y[:-1] + x[-1] * y[0] - x[0] * y[-1]) / 2)
