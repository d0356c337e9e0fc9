"""The values of a set of masks that may hold ids: what occurs, where, and whether each value is one thing."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.sources.inspection.histograms import count_values, measure_spread, rim

BLOBBED_MASKS = 60  # looked at for instances
BLOBBED_PIXELS = 1_000_000  # of one of them
MOST_BLOBS = 60  # values of one of them
MOST_PAIRED = 8  # values of a set whose neighbourhoods are counted


@dataclass
class IdStatistics:
    """Counts over the values of id masks, gathered mask by mask.

    Args:
        pixels: value -> pixels.
        flat: value -> pixels whose 3 x 3 neighbourhood has the same value throughout.
        border: value -> pixels on the outermost rows and columns.
        masks: value -> masks that hold it.
        touching: (value, larger value) -> places where they lie side by side; of masks with few values.
        counted: per mask, how many things its values 1, 2, 3 ... count; 0 where they are not consecutive.
        wholeness: per value of such masks, the share of its pixels that its largest connected area has.
        total: pixels.
        num_masks: masks.
        highest: the highest value that the masks' dtype could hold.
    """

    pixels: dict[int, int] = field(default_factory=dict)
    flat: dict[int, int] = field(default_factory=dict)
    border: dict[int, int] = field(default_factory=dict)
    masks: dict[int, int] = field(default_factory=dict)
    touching: dict[tuple[int, int], int] = field(default_factory=dict)
    counted: list[int] = field(default_factory=list)
    wholeness: list[float] = field(default_factory=list)
    total: int = 0
    num_masks: int = 0
    highest: int = 0

    def add(self, ids: NDArray[np.integer]) -> None:
        """Count the values of one mask, integers (H, W)."""
        values, pixels = count_values(ids)
        places = np.searchsorted(values, ids).astype(np.uint16 if len(values) <= 1 << 16 else np.int32)
        is_flat = measure_spread(places) == 0 if places.dtype == np.uint16 else np.zeros(ids.shape, bool)
        for counts, chosen in ((self.flat, ids[is_flat]), (self.border, rim(ids))):
            _add(counts, *count_values(chosen))
        _add(self.pixels, values, pixels)
        _add(self.masks, values, np.ones(len(values), np.int64))
        if len(values) <= MOST_PAIRED:
            self._add_touching(ids)
        if self.num_masks < BLOBBED_MASKS:
            self._add_blobs(ids, values)
        self.total += ids.size
        self.num_masks += 1
        self.highest = max(self.highest, int(np.iinfo(ids.dtype).max))

    @property
    def values(self) -> list[int]:
        """The values that occur, ascending."""
        return sorted(self.pixels)

    @property
    def is_clean(self) -> bool:
        """Whether the values are ids, each filling areas, and not shades of a few greys at soft or noisy edges."""
        solid = sum(self.flat.get(value, 0) >= max(1, 0.02 * count) for value, count in self.pixels.items())
        return len(self.pixels) <= max(4, 2 * solid)

    @property
    def counts_instances(self) -> bool:
        """Whether values number the things in each mask: 1, 2, 3 ... without a gap, differing in number, each in one piece."""
        counted = [count for count in self.counted if count]
        empty = self.num_masks and self.masks.get(0, 0) == self.num_masks and len(self.pixels) == 1
        if empty or not counted or max(counted) < 3 or len(counted) < 0.9 * len(self.counted):
            return False
        differ = len(set(counted)) > 1 or max(counted) > 30
        return differ and float(np.mean(self.wholeness)) >= 0.9 and float(np.median(self.wholeness)) >= 0.98

    def _add_touching(self, ids: NDArray[np.integer]) -> None:
        for first, second in ((ids[:, :-1], ids[:, 1:]), (ids[:-1], ids[1:])):
            differ = first != second
            low = np.minimum(first[differ], second[differ]).astype(np.int64)
            high = np.maximum(first[differ], second[differ]).astype(np.int64)
            for code, times in zip(*np.unique(low << 32 | high, return_counts=True), strict=True):
                pair = (int(code) >> 32, int(code) & 0xFFFFFFFF)
                self.touching[pair] = self.touching.get(pair, 0) + int(times)

    def _add_blobs(self, ids: NDArray[np.integer], values: NDArray[np.integer]) -> None:
        """Note how many things a mask numbers, and how much of each is in one piece."""
        things = values[values != 0]
        if not len(things):
            return
        is_consecutive = bool(things[0] == 1 and things[-1] == len(things))
        self.counted.append(len(things) if is_consecutive else 0)
        if not is_consecutive:
            return
        step = max(1, int((ids.size / BLOBBED_PIXELS) ** 0.5))
        small = np.ascontiguousarray(ids[::step, ::step])
        for thing in things[:: max(1, len(things) // MOST_BLOBS)]:
            areas = cv2.connectedComponentsWithStats((small == thing).astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
            if areas.sum():
                self.wholeness.append(float(areas.max() / areas.sum()))


def _add(counts: dict[int, int], values: NDArray[np.integer], times: NDArray[np.int64]) -> None:
    for value, count in zip(values.tolist(), times.tolist(), strict=True):
        counts[value] = counts.get(value, 0) + count
