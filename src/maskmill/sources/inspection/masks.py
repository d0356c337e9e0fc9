"""Look at masks and say what they hold: the door of this room's part that deals with mask values.

    analyse_masks(paths, tree=tree)                 files of masks
    analyse_colour_arrays(arrays, tree=tree)        colour masks that are parts of files: composites

Both give MaskFindings.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.sources.inspection.findings import MaskFindings
from maskmill.sources.tree import FileTree

MAX_FILES = 1000
MAX_PIXELS = 300_000_000  # looked at altogether, seconds of work; at least MIN_FILES masks
MIN_FILES = 20


def analyse_masks(
    paths: Sequence[Path], *, tree: FileTree | None = None, max_files: int = MAX_FILES, max_pixels: int = MAX_PIXELS
) -> MaskFindings:
    """Look at mask files, evenly chosen, and say what they hold.

    Args:
        paths: the masks of one set, in an order that does not change.
        tree: where class tables are looked for; None: nowhere.
        max_files: at most so many are read.
        max_pixels: files are left out evenly until about so many pixels remain.

    Returns:
        What was found; files that cannot be read are named in it.

    Raises:
        DataError: none of them can be read, or there is none.
    """
    raise NotImplementedError


def analyse_colour_arrays(
    arrays: Iterable[NDArray[np.uint8]], *, tree: FileTree | None = None, names: Sequence[str] = (), given: int | None = None
) -> MaskFindings:
    """Say what colour masks hold that are already in memory, the halves of composites say.

    Args:
        arrays: uint8 (H, W, 3) RGB or (H, W, 1) grey, read one at a time.
        tree: where class tables are looked for; None: nowhere.
        names: paths or file names that may hint at what the masks show.
        given: how many masks the set has; None: as many as there are arrays.

    Returns:
        What was found: kinds colours, binary or photo.

    Raises:
        DataError: there is none.
    """
    raise NotImplementedError
