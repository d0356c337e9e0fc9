"""Black-and-white masks with noise, as JPEG and scanners leave them: which pixels are white."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.pictures import KEPT_SUFFIXES, read_colours, read_ids
from maskmill.sources.settings import Reading

LEAST_SPREAD = 64  # between the darkest and the brightest grey of a mask that has both black and white


def read_bright(path: Path, reading: Reading) -> NDArray[np.bool_]:
    """Read which pixels of a black-and-white mask are white, bool (H, W).

    A colour counts by its brightest channel, so that any colour on black is white; 16-bit values by their high byte, unless none
    is above 255. Alpha plays no part. White is what lies above `reading.threshold`; with "otsu":

    - a lossless mask of 0 and 1 alone is what it says;
    - where the greys span less than 64 there is one peak, the rest is noise: all white if its middle is above 127, else all black;
    - else white lies above the grey that parts the two peaks best (N. Otsu, "A Threshold Selection Method from Gray-Level
      Histograms", 1979), kept within the middle half of the span: few white pixels in noisy black would have it part the noise.

    Raises:
        DataError: not readable.
    """
    grey = _read_grey(path, reading.max_pixels)
    if reading.threshold != "otsu":
        return grey > reading.threshold
    lowest, highest = int(grey.min()), int(grey.max())
    spread = highest - lowest
    if highest <= 1 and path.suffix.lower() not in KEPT_SUFFIXES["JPEG"]:
        return grey > 0
    if spread < LEAST_SPREAD:
        return np.full(grey.shape, lowest + highest > 2 * 127)
    parting, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return grey > np.clip(parting, lowest + spread // 4, highest - spread // 4)


def _read_grey(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    grey = read_colours(path, max_pixels=max_pixels).max(axis=2)
    if grey.any():
        return grey
    # 16-bit values up to 255 are black by their high byte, and so are the ids of a palette without colours
    return np.clip(read_ids(path, max_pixels=max_pixels), 0, 255).astype(np.uint8)
