"""Black-and-white masks with noise, as JPEG and scanners leave them: which pixels are white."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.pictures import read_colours
from maskmill.sources.settings import Reading

LEAST_SPREAD = 64  # between the darkest and the brightest grey of a mask that has both black and white


def read_bright(path: Path, reading: Reading) -> NDArray[np.bool_]:
    """Read which pixels of a black-and-white mask are white, bool (H, W).

    Colours count by their brightness, 16-bit values by their high byte. A mask of 0 and 1 alone is what it says. Otherwise white is
    what lies above `reading.threshold`, or, with "otsu", above the grey value that parts the two peaks best (N. Otsu, "A Threshold
    Selection Method from Gray-Level Histograms", 1979); where the greys span less than 64 there is one peak, white if above 127.

    Raises:
        DataError: not readable.
    """
    grey = np.asarray(cv2.cvtColor(read_colours(path, max_pixels=reading.max_pixels), cv2.COLOR_RGB2GRAY))
    lowest, highest = int(grey.min()), int(grey.max())
    if highest <= 1:
        return grey > 0
    if reading.threshold != "otsu":
        return grey > reading.threshold
    if highest - lowest < LEAST_SPREAD:
        return np.full(grey.shape, (lowest + highest) / 2 > 127)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return grey > threshold
