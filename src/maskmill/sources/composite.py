"""The composite form: a photo and its colour mask side by side in one picture, as pix2pix sets have them."""

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError, SourceError
from maskmill.pictures import read_picture
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.pairing import Pair, pair_single
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Take every picture that fits `images`; `lists`, where given, choose among them."""
    if not layout.images or layout.masks:
        raise SourceError(
            "source.form composite takes source.images, which hold the masks too, and no source.masks",
            fix="set source.masks to null, or use form folders or index",
        )
    pairs = pair_single(tree, layout.images)
    return choose_by_lists(tree, pairs, layout) if layout.lists else pairs


def read_halves(files: SampleFiles, reading: Reading) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the photo's half, uint8 (H, W, C) with C 1 or 3, and the painted one, uint8 (H, W, 3), from one decoding.

    Raises:
        DataError: the file is not readable, or of odd width.
    """
    path = files.images[0]
    composite = read_picture(path, max_pixels=reading.max_pixels)
    height, width = composite.shape[:2]
    if width % 2:
        raise DataError(
            f"{path} is {width} pixels wide and {height} high",
            expected="an even width: photo and mask of equal size side by side",
            fix="remove the file, or set source.form to what the files are",
        )
    left, right = composite[:, : width // 2], composite[:, width // 2 :]
    photo, mask = (left, right) if reading.image_side == "left" else (right, left)
    return photo, np.repeat(mask, 3, axis=2) if mask.shape[2] == 1 else mask
