"""Pictures and label masks at other sizes: resized, padded, cut into tiles; training and inference alike."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

CV2_CHANNELS = 4  # cv2.resize averages areas of no more at once
Label = TypeVar("Label", bound=np.unsignedinteger)  # of a label mask: uint8 ids or uint16 bits


def resize_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize uint8 (H, W, C) to `size` (height, width): area averaging downwards, bilinear upwards."""
    if picture.shape[:2] == size:
        return picture
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = np.empty((*size, picture.shape[2]), np.uint8)
    for first in range(0, picture.shape[2], CV2_CHANNELS):
        part = picture[..., first : first + CV2_CHANNELS]
        resized[..., first : first + CV2_CHANNELS] = cv2.resize(part, size[::-1], interpolation=interpolation).reshape(*size, -1)
    return resized


def resize_label_mask(label_mask: NDArray[Label], size: tuple[int, int]) -> NDArray[Label]:
    """Resize uint8 (H, W) ids or uint16 (H, W) bits to `size` (height, width) by nearest pixel centre."""
    return np.asarray(cv2.resize(label_mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT), label_mask.dtype)


def pad_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Mirror uint8 (H, W, C) over its bottom and right edges to at least `size` (height, width): training and inference alike."""
    below, beside = (max(0, wanted - given) for wanted, given in zip(size, picture.shape[:2], strict=True))
    if not below and not beside:
        return picture
    padded = cv2.copyMakeBorder(picture, 0, below, 0, beside, cv2.BORDER_REFLECT_101)
    return np.asarray(padded, np.uint8).reshape(*padded.shape[:2], picture.shape[2])  # cv2 drops a single channel


def tile_starts(length: int, tile: int, overlap: float = 0.0) -> list[int]:
    """Return where the fewest tiles begin that cover one side: evenly spread, the last one flush; [0] where one is enough.

    Args:
        length: pixels of the side.
        tile: pixels of a tile.
        overlap: the fraction of a tile, 0 to below 1, that neighbours share at least.
    """
    step = max(1, int(tile * (1.0 - overlap)))
    gaps = max(0, -((tile - length) // step))
    return [place * (length - tile) // gaps for place in range(gaps + 1)] if gaps else [0]
