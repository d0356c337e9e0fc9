"""The composite form: a photo and its colour mask side by side in one picture, as pix2pix sets have them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError, SourceError
from maskmill.pictures import read_picture
from maskmill.sources.pairing import Pair, pair_single
from maskmill.sources.patterns import Split
from maskmill.sources.tree import FileTree


def find_pairs(tree: FileTree, *, images: str | None, masks: str | None, lists: Mapping[Split, str]) -> list[Pair]:
    """Take every picture that fits `images`; raise SourceError where `masks` or `lists` say something else."""
    if not images or masks or lists:
        raise SourceError(
            "source.form composite takes source.images alone",
            fix="set source.masks to null and source.lists to {}, or use form folders or index",
        )
    return pair_single(tree, images)


def read_pair(
    image_path: Path, mask_path: Path, *, image_side: str, max_pixels: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut a composite into its halves.

    Args:
        image_path: the composite.
        mask_path: the same file.
        image_side: "left" or "right": the photo's half.
        max_pixels: of the whole composite; larger ones are refused unread.

    Returns:
        The photo uint8 (H, W, C) with C 1 or 3, and the colour mask uint8 (H, W, 3).

    Raises:
        DataError: not readable, or of odd width.
    """
    composite = read_picture(image_path, max_pixels=max_pixels)
    height, width, num_channels = composite.shape
    if width % 2:
        raise DataError(
            f"{image_path} is {width} pixels wide and {height} high",
            expected="an even width: photo and mask of equal size side by side",
            fix="remove the file, or set source.form to what the files are",
        )
    left, right = composite[:, : width // 2], composite[:, width // 2 :]
    photo, mask = (left, right) if image_side == "left" else (right, left)
    return photo, np.repeat(mask, 3, axis=2) if num_channels == 1 else mask
