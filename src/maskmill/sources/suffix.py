"""The suffix form: pictures and black-and-white masks in separate files, such as Image01.JPG with Image01_label.jpg."""

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.thresholds import read_bright
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Pair the files that fit `images` with those that fit `masks`; `lists`, where given, choose among them."""
    if not layout.images or not layout.masks:
        raise SourceError(
            "source.form suffix takes source.images and source.masks",
            fix='give both patterns, e.g. "{name}.*" and "{name}_label.*"',
        )
    pairs = pair_by_fields(tree, layout.images, layout.masks, layout.missing)
    return choose_by_lists(tree, pairs, layout) if layout.lists else pairs


def read_mask(files: SampleFiles, size: tuple[int, int], reading: Reading) -> NDArray[np.uint8]:
    """Read a black-and-white mask as ids, uint8 (H, W) of the file's own size: 1 above the threshold, else 0."""
    return read_bright(files.mask, reading).view(np.uint8)
