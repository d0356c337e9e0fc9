"""The index form: masks whose values are class ids, found by list files (as CamVid has them) or by patterns."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError
from maskmill.pictures import read_ids, read_picture
from maskmill.sources.lists import pair_by_lists
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.patterns import Split
from maskmill.sources.tree import FileTree


def find_pairs(tree: FileTree, *, images: str | None, masks: str | None, lists: Mapping[Split, str]) -> list[Pair]:
    """Pair as `lists` say, which `images` then only reads fields from; without lists by the patterns `images` and `masks`."""
    if lists and not masks:
        return pair_by_lists(tree, lists, images)
    if lists or not images or not masks:
        raise SourceError(
            "source.form index takes source.lists (with or without source.images), or source.images and source.masks",
            fix="set source.masks to null where the lists name the masks, else source.lists to {}",
        )
    return pair_by_fields(tree, images, masks)


def read_pair(
    image_path: Path, mask_path: Path, *, image_side: str, max_pixels: int
) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    """Read a picture and its mask of ids.

    Args:
        image_path: the picture.
        mask_path: the mask.
        image_side: plays no part here.
        max_pixels: larger ones are refused unread.

    Returns:
        uint8 (H, W, C) with C 1 or 3, and the ids uint8, uint16 or int32 (H, W), whose size is as the file has it.

    Raises:
        DataError: one of them is not readable, or the mask is painted in colours.
    """
    return read_picture(image_path, max_pixels=max_pixels), read_ids(mask_path, max_pixels=max_pixels)
