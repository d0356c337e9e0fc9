"""The index form: masks whose values are class or instance ids, found by list files (as CamVid has them) or by patterns."""

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError
from maskmill.pictures import read_ids
from maskmill.sources.lists import pair_by_lists
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Pair as `lists` say, which `images` then only reads fields from; without lists by the patterns `images` and `masks`."""
    if layout.lists and not layout.masks:
        return pair_by_lists(tree, layout.lists, layout.images)
    if layout.lists or not layout.images or not layout.masks:
        raise SourceError(
            "source.form index takes source.lists (with or without source.images), or source.images and source.masks",
            fix="set source.masks to null where the lists name the masks, else source.lists to {}",
        )
    return pair_by_fields(tree, layout.images, layout.masks)


def read_mask(files: SampleFiles, size: tuple[int, int], reading: Reading) -> NDArray[np.integer]:
    """Read a mask of ids, integers (H, W) of the file's own size."""
    return read_ids(files.mask, max_pixels=reading.max_pixels)
