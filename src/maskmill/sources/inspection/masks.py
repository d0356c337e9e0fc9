"""Look at masks and say what they hold: the door of this room's part that deals with mask values.

    analyse_masks(paths, tree=tree)                 files of masks
    analyse_colour_arrays(arrays, tree=tree)        colour masks that are parts of files: the halves of composites

Both give MaskFindings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill import pictures
from maskmill.errors import DataError, summarise_problems
from maskmill.sources.inspection.findings import Colour, MaskFindings, MaskReading
from maskmill.sources.inspection.histograms import ColourHistogram, pack_colours
from maskmill.sources.inspection.ids import IdStatistics
from maskmill.sources.inspection.palette import find_palette
from maskmill.sources.inspection.readings import Hints, read_colours, read_ids
from maskmill.sources.inspection.tables import find_tables
from maskmill.sources.tree import FileTree

MAX_FILES = 1000
MAX_PIXELS = 300_000_000  # looked at altogether, some seconds of work; but at least MIN_FILES masks
MIN_FILES = 20
LOSSY = {".jpg", ".jpeg", ".webp", ".jp2"}


class _Look:
    """What is gathered while masks are read one by one."""

    def __init__(self) -> None:
        self.colours = ColourHistogram()
        self.ids = IdStatistics()
        self.all_ids = True
        self.shown: dict[int, Colour] = {}
        self.has_palette = False
        self.one_palette = True
        self.unreadable: list[str] = []

    def add_file(self, path: Path) -> int:
        """Read a mask; return its pixels."""
        colours = pictures.read_colours(path)
        self.colours.add(colours)
        if self.all_ids:
            try:
                ids = pictures.read_ids(path)
            except DataError:
                self.all_ids = False
            else:
                self.ids.add(ids)
                self._add_palette(ids, colours)
        return colours.shape[0] * colours.shape[1]

    def _add_palette(self, ids: NDArray[np.integer], colours: NDArray[np.uint8]) -> None:
        """Note in which colours the ids are shown, and whether every mask shows them alike."""
        if ids.dtype != np.uint8 or (colours == colours[..., :1]).all():
            return  # grey; a palette of greys is looked at as values
        self.has_palette = True
        seen, places = np.unique(ids, return_index=True)
        codes = pack_colours(colours).ravel()[places].tolist()
        for value, code in zip(seen.tolist(), codes, strict=True):
            colour = (code >> 16, code >> 8 & 255, code & 255)
            self.one_palette &= self.shown.setdefault(value, colour) == colour


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
    look = _Look()
    for path in _choose(paths, max_files, max_pixels):
        try:
            look.add_file(path)
        except DataError as error:
            look.unreadable.append(error.what)
    if not look.colours.num_masks:
        raise DataError(
            f"none of {len(paths)} masks can be read:\n{summarise_problems(look.unreadable)}", fix="say which files are the masks"
        )
    hints = Hints(find_tables(tree) if tree else (), [path.as_posix() for path in paths])
    is_sure = look.colours.num_masks + len(look.unreadable) == len(paths) and not any(
        path.suffix.lower() in LOSSY for path in paths
    )
    readings, notes = _read_files(look, hints, is_sure=is_sure)
    if readings[0].form == "index" and any(path.suffix.lower() in LOSSY for path in paths):
        notes = [*notes, "the masks are JPEG or the like, which changes ids at every border: ask for PNG or TIFF"]
    return _conclude(readings, notes, look, len(paths))


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
        What was found: kinds colours, binary, instances or photo.

    Raises:
        DataError: there is none.
    """
    look = _Look()
    for array in arrays:
        look.colours.add(np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array)
    if not look.colours.num_masks:
        raise DataError("there are no masks to look at", fix="say which files hold the masks")
    hints = Hints(find_tables(tree) if tree else (), names)
    readings, notes = read_colours(find_palette(look.colours), hints, look.colours.num_masks)
    return _conclude(readings, notes, look, given or look.colours.num_masks)


def _read_files(look: _Look, hints: Hints, *, is_sure: bool) -> tuple[list[MaskReading], list[str]]:
    """Read by ids where every mask has clean ones, else by colours; palettes may be meant either way.

    Args:
        is_sure: whether no other value can be in masks that were not looked at, nor come from JPEG.
    """
    has_palettes = look.has_palette and not look.one_palette
    is_black_and_white = len(look.ids.values) == 2 and look.ids.highest == 255 and look.ids.values[1] - look.ids.values[0] > 64
    if not look.all_ids or not look.ids.is_clean or has_palettes or (is_black_and_white and not is_sure and not look.has_palette):
        readings, notes = read_colours(find_palette(look.colours), hints, look.colours.num_masks)
        return readings, [
            *notes,
            "palettes differ from mask to mask: the colours are meant, not the indices",
        ] if has_palettes else notes
    readings, notes = read_ids(look.ids, look.shown if look.has_palette else {}, hints)
    if look.has_palette:
        others, _ = read_colours(find_palette(look.colours), hints, look.colours.num_masks)
        readings += [replace(reading, likelihood=0.5) for reading in others if reading.kind == "colours"]
    return readings, notes


def _choose(paths: Sequence[Path], max_files: int, max_pixels: int) -> list[Path]:
    """Choose masks evenly: all, unless they are very many or large."""
    pixels = [_measure(path) for path in paths[:: max(1, len(paths) // 5)][:5]]
    size = max(1, int(np.mean(pixels))) if pixels else 1
    wanted = min(len(paths), max_files, max(MIN_FILES, max_pixels // size))
    return [paths[place * len(paths) // wanted] for place in range(wanted)]


def _measure(path: Path) -> int:
    try:
        picture = pictures.read_picture(path)
    except DataError:
        return 1
    return picture.shape[0] * picture.shape[1]


def _conclude(readings: list[MaskReading], notes: list[str], look: _Look, given: int) -> MaskFindings:
    best = readings[0]
    looked_at = look.colours.num_masks
    if looked_at < given - len(look.unreadable):
        notes = [*notes, f"{looked_at} of {given} masks were looked at, evenly chosen"]
    values = [(_describe(entry.source_ids, entry.colours), entry.fraction, entry.masks) for entry in best.classes]
    return MaskFindings(
        readings=tuple(readings),
        given=given,
        looked_at=looked_at,
        unreadable=tuple(look.unreadable),
        values=tuple(sorted(values, key=lambda value: -value[1])),
        notes=tuple(dict.fromkeys([*notes, *look.unreadable])),
    )


def _describe(source_ids: tuple[int | str, ...], colours: tuple[Colour, ...]) -> str:
    return ", ".join(map(str, source_ids)) or ", ".join("#{:02X}{:02X}{:02X}".format(*colour) for colour in colours) or "grey"
