"""Small grey pictures of the samples, by which pictures that look alike are found without reading them again."""

import numpy as np
from numpy.typing import NDArray

from maskmill.scaling import resize_picture

SIDE = 32  # pixels


def make_thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a picture by area averaging, its sides each to SIDE pixels, to the mean grey of its bands.

    Args:
        picture: uint8 (H, W, C).

    Returns:
        uint8 (SIDE, SIDE).
    """
    rows, columns = (-(-SIDE // side) for side in picture.shape[:2])  # 1, or how often a small picture's pixels are repeated
    if rows > 1 or columns > 1:
        picture = picture.repeat(rows, axis=0).repeat(columns, axis=1)
    small = resize_picture(picture, (SIDE, SIDE))
    return np.rint(small.mean(axis=2)).astype(np.uint8)
