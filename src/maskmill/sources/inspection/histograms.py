"""How often each colour occurs in a set of masks, and how often inside areas of it rather than at their edges."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

NEAR = 8  # levels a channel may differ within a 3 x 3 neighbourhood that counts as flat despite noise
KEPT_PIXELS = 1_000_000  # of one mask that are kept for a second look
KEPT_MASKS = 60

Codes = NDArray[np.uint32]


class ColourCounts(NamedTuple):
    """Counts over the N colours that occur, in no order.

    Args:
        colours: int32 (N, 3) RGB.
        pixels: int64 (N,): pixels of the colour.
        flat: int64 (N,): those whose 3 x 3 neighbourhood has the same colour throughout.
        near: int64 (N,): those whose neighbourhood differs by at most NEAR levels.
        border: int64 (N,): those on the outermost rows and columns.
        masks: int64 (N,): masks that hold the colour.
    """

    colours: NDArray[np.int32]
    pixels: NDArray[np.int64]
    flat: NDArray[np.int64]
    near: NDArray[np.int64]
    border: NDArray[np.int64]
    masks: NDArray[np.int64]


class ColourHistogram:
    """Exact counts over all 24-bit colours, gathered mask by mask; pages of colours that never occur cost no memory."""

    def __init__(self) -> None:
        self._counts = np.zeros((5, 1 << 24), np.int64)
        self.num_masks = 0
        self.kept: list[NDArray[np.uint8]] = []

    def add(self, colour_mask: NDArray[np.uint8]) -> None:
        """Count the colours of one mask, uint8 (H, W, 3)."""
        pixels, flat, near, border, masks = self._counts
        codes = pack_colours(colour_mask)
        spread = measure_spread(colour_mask)
        for counts, chosen in ((pixels, codes), (flat, codes[spread == 0]), (near, codes[spread <= NEAR]), (border, rim(codes))):
            found, times = count_values(chosen)
            counts[found] += times
            if counts is pixels:
                masks[found] += 1
        self.num_masks += 1
        if len(self.kept) < KEPT_MASKS:
            self.kept.append(np.ascontiguousarray(crop_centre(colour_mask, KEPT_PIXELS)))

    def collect(self) -> ColourCounts:
        """Return the counts of the colours that occur."""
        codes = np.flatnonzero(self._counts[0])
        return ColourCounts(unpack_colours(codes), *self._counts[:, codes])


def pack_colours(colour_mask: NDArray[np.uint8]) -> Codes:
    """Return uint32 (H, W): red << 16 | green << 8 | blue."""
    codes = colour_mask[..., 0].astype(np.uint32)
    for channel in (1, 2):
        codes <<= 8
        codes |= colour_mask[..., channel]
    return codes


def unpack_colours(codes: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the colours int32 (N, 3) of N packed ones."""
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1).astype(np.int32)


def measure_spread(mask: NDArray) -> NDArray:
    """Return how much each pixel's 3 x 3 neighbourhood differs in uint8 or uint16 (H, W[, C]): (H, W), the largest channel's."""
    kernel = np.ones((3, 3), np.uint8)
    mask = np.ascontiguousarray(mask)
    spread = np.asarray(cv2.subtract(cv2.dilate(mask, kernel), cv2.erode(mask, kernel)))
    return spread if spread.ndim == 2 else np.asarray(spread.max(axis=2))


def count_values(values: NDArray) -> tuple[NDArray, NDArray[np.int64]]:
    """Return the distinct values of an array and how often each occurs; areas of one value make it fast."""
    line = values.reshape(-1)
    if not line.size:
        return line, np.zeros(0, np.int64)
    starts = np.flatnonzero(line[1:] != line[:-1]) + 1
    if len(starts) > line.size // 4:
        return np.unique(line, return_counts=True)
    starts = np.concatenate([[0], starts])
    lengths = np.diff(starts, append=line.size)
    found, places = np.unique(line[starts], return_inverse=True)
    return found, np.bincount(places, lengths).astype(np.int64)


def rim(values: NDArray) -> NDArray:
    """Return the pixels of the outermost rows and columns, as a line."""
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def crop_centre(mask: NDArray, most: int) -> NDArray:
    """Return the middle of a mask, of at most `most` pixels and its own proportions."""
    height, width = mask.shape[:2]
    scale = min(1.0, (most / (height * width)) ** 0.5)
    rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
    top, left = (height - rows) // 2, (width - columns) // 2
    return mask[top : top + rows, left : left + columns]
