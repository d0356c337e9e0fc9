"""The folders form: pictures and colour masks in separate files, paired by what their paths have in common."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError
from maskmill.pictures import read_colours, read_picture
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.patterns import Split
from maskmill.sources.tree import FileTree


def find_pairs(tree: FileTree, *, images: str | None, masks: str | None, lists: Mapping[Split, str]) -> list[Pair]:
    """Pair the files that fit `images` with those that fit `masks`; raise SourceError where one of them is not given."""
    if not images or not masks or lists:
        raise SourceError(
            "source.form folders takes source.images and source.masks, and no source.lists",
            fix="give both patterns, or use form index for lists",
        )
    return pair_by_fields(tree, images, masks)


def read_pair(
    image_path: Path, mask_path: Path, *, image_side: str, max_pixels: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read a picture and its painted mask.

    Args:
        image_path: the picture.
        mask_path: the mask.
        image_side: plays no part here.
        max_pixels: larger ones are refused unread.

    Returns:
        uint8 (H, W, C) with C 1 or 3, and the colour mask uint8 (H, W, 3), whose size is as the file has it.

    Raises:
        DataError: one of them is not readable.
    """
    return read_picture(image_path, max_pixels=max_pixels), read_colours(mask_path, max_pixels=max_pixels)
