"""The index form: masks whose values are class or instance ids, found by list files (as CamVid has them) or by patterns."""

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError
from maskmill.pictures import read_ids
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.lists import pair_by_lists
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Pair by the patterns `images` and `masks`, `lists` choosing among them; or, without `masks`, as the lines of `lists` say."""
    if layout.lists and not layout.masks:
        return pair_by_lists(tree, layout.lists, layout.images)
    if not layout.images or not layout.masks:
        raise SourceError(
            "source.form index takes source.images and source.masks, or source.lists whose lines name both",
            fix="give both patterns, or the lists",
        )
    pairs = pair_by_fields(tree, layout.images, layout.masks, layout.missing)
    return choose_by_lists(tree, pairs, layout) if layout.lists else pairs


def read_mask(files: SampleFiles, size: tuple[int, int], reading: Reading) -> NDArray[np.integer]:
    """Read a mask of ids, integers (H, W) of the file's own size."""
    return read_ids(files.mask, max_pixels=reading.max_pixels)
