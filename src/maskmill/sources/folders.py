"""The folders form: pictures and colour masks in separate files, paired by what their paths have in common."""

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError
from maskmill.pictures import read_colours
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Pair the files that fit `images` with those that fit `masks`; `lists`, where given, choose among them."""
    if not layout.images or not layout.masks:
        raise SourceError(
            "source.form folders takes source.images and source.masks",
            fix="give both patterns",
        )
    pairs = pair_by_fields(tree, layout.images, layout.masks, layout.missing)
    return choose_by_lists(tree, pairs, layout) if layout.lists else pairs


def read_mask(files: SampleFiles, size: tuple[int, int], reading: Reading) -> NDArray[np.uint8]:
    """Read a mask painted in colours, uint8 (H, W, 3) of the file's own size."""
    return read_colours(files.mask, max_pixels=reading.max_pixels)
