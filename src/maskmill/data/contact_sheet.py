"""The contact sheet: training pictures and what augmentation makes of them, each with its mask below, to be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maskmill.data.augmentation import augment_sample, build_transform
from maskmill.drawing import (
    FAINT,
    INK,
    LEGEND,
    MARGIN,
    NO_CLASS,
    PAPER,
    SWATCH,
    Entry,
    arrange_legend,
    draw_legend,
    load_font,
    paint_hatch,
    paint_mask,
    paint_picture,
    paint_swatch,
)
from maskmill.labels.bits import LabelMask
from maskmill.labels.classes import ClassTable, find_void
from maskmill.outputs import new_file
from maskmill.scaling import resize_label_mask, resize_picture

COLUMNS = 5  # of the sheet: a picture and four versions of it, or as many pictures
LINES = 5
CELL, TALLEST = 240, 320  # width of a column and most height of a picture, pixels
GAP, SEAM = 12, 4  # between columns, and between a picture and its mask
HEADING, CAPTION = 56, 40
LEAD = "classes"


@dataclass(frozen=True)
class Cell:
    """A picture of the sheet: uint8 (H, W, C), its mask of ids or bits (H, W), and what is written above it."""

    caption: str
    picture: NDArray[np.uint8]
    label_mask: LabelMask


Line = list[Cell]


def show_training(arrays_dir: Path, *, transforms: Sequence[Mapping[str, Any]], seed: int) -> tuple[str, list[Line]]:
    """Return what a training will be shown, and a note that says what it is: copies on disk, epochs to come, or neither.

    Args:
        arrays_dir: folder with train/images.npy, masks.npy and samples.csv.
        transforms: what training augments with; empty where the copies are on disk.
        seed: of the training.
    """
    if (_open_training(arrays_dir).rows["copy"] > 0).any():
        return "training pictures and their copies on disk", show_copies(arrays_dir)
    if transforms:
        return "training pictures, and as the first epochs show them", show_epochs(arrays_dir, transforms=transforms, seed=seed)
    return "training pictures, which stay as they are", show_originals(arrays_dir)


def show_originals(arrays_dir: Path) -> list[Line]:
    """Return a line of training pictures as they are packed, evenly spread over all of them."""
    training = _open_training(arrays_dir)
    return [[training.cell(row, training.name(row)) for row in training.choose(COLUMNS)]]


def show_copies(arrays_dir: Path) -> list[Line]:
    """Return some training pictures, each with its first copies as they are packed."""
    training = _open_training(arrays_dir)
    lines = []
    for row in training.choose(LINES):
        number = int((training.rows["copy"].iloc[row + 1 : row + COLUMNS] > 0).cumprod().sum())
        copies = [training.cell(row + copy, f"copy {copy}") for copy in range(1, number + 1)]
        lines.append([training.cell(row, training.name(row)), *copies])
    return lines


def show_epochs(arrays_dir: Path, *, transforms: Sequence[Mapping[str, Any]], seed: int) -> list[Line]:
    """Return some training pictures, each as the first epochs of a training show it.

    Args:
        arrays_dir, transforms, seed: as for `show_training`.
    """
    training = _open_training(arrays_dir)
    _, *image_size, channels = training.images.shape
    size = (image_size[0], image_size[1])
    transform = build_transform(transforms, image_size=size, channels=channels, mask_type=training.label_masks.dtype)
    lines = []
    for row in training.choose(LINES):
        original = training.cell(row, training.name(row))
        line = [original]
        for epoch in range(COLUMNS - 1):
            seen = augment_sample(transform, original.picture, original.label_mask, (seed, epoch, row))
            line.append(Cell(f"epoch {epoch + 1}", *seen))
        lines.append(line)
    return lines


def draw_contact_sheet(lines: Sequence[Line], path: Path, *, heading: str, note: str, classes: ClassTable) -> None:
    """Draw lines of pictures with their masks and a legend of the classes that occur, and write them as a PNG.

    Args:
        lines: at most COLUMNS cells each, all of one size.
        path: file to write.
        heading: what stands above the sheet.
        note: what is said behind the heading.
        classes: the classes' names and colours.
    """
    height, width = _fit(lines[0][0].picture)
    sheet_width = 2 * MARGIN + COLUMNS * CELL + (COLUMNS - 1) * GAP
    legend = arrange_legend(_list_entries(lines, classes), sheet_width, LEAD)
    line_height = CAPTION + 2 * height + SEAM
    canvas = Image.new("RGB", (sheet_width, MARGIN + HEADING + line_height * len(lines) + LEGEND * len(legend) + 2 * MARGIN), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, MARGIN + 20), heading, fill=INK, font=load_font(25, bold=True), anchor="lm")
    left = MARGIN + draw.textlength(heading, font=load_font(25, bold=True)) + 16
    draw.text((left, MARGIN + 21), note, fill=FAINT, font=load_font(21), anchor="lm")
    for number, line in enumerate(lines):
        top = MARGIN + HEADING + number * line_height
        for column, cell in enumerate(line):
            left = MARGIN + column * (CELL + GAP)
            draw.text((left, top + CAPTION - 10), _shorten(cell.caption), fill=INK, font=load_font(17), anchor="ls")
            picture = resize_picture(np.ascontiguousarray(paint_picture(cell.picture)), (height, width))
            mask = paint_mask(resize_label_mask(cell.label_mask, (height, width)), classes.palette)
            canvas.paste(Image.fromarray(picture), (left, top + CAPTION))
            canvas.paste(Image.fromarray(mask), (left, top + CAPTION + height + SEAM))
    draw_legend(canvas, legend, MARGIN + HEADING + line_height * len(lines) + MARGIN, LEAD)
    with new_file(path) as temporary:
        canvas.save(temporary)


@dataclass(frozen=True)
class _Training:
    """The packed training part, memory-mapped; `rows` is its samples.csv."""

    images: NDArray[np.uint8]
    label_masks: LabelMask
    rows: pd.DataFrame

    def choose(self, number: int) -> list[int]:
        """Return the rows of `number` originals (or all), evenly spread."""
        originals = np.flatnonzero(self.rows["copy"] == 0)
        places = np.linspace(0, len(originals) - 1, min(number, len(originals)))
        return originals[places.round().astype(int)].tolist()

    def cell(self, row: int, caption: str) -> Cell:
        return Cell(caption, np.array(self.images[row]), np.array(self.label_masks[row]))

    def name(self, row: int) -> str:
        """Return the sample's id, and for a tile further down or right its corner."""
        described = self.rows.iloc[row]
        corner = f" at {described['top']}, {described['left']}" if described["top"] or described["left"] else ""
        return f"{described['parent']}{corner}"


def _open_training(arrays_dir: Path) -> _Training:
    folder = arrays_dir / "train"
    images, label_masks = (np.load(folder / name, mmap_mode="r") for name in ("images.npy", "masks.npy"))
    return _Training(images, label_masks, pd.read_csv(folder / "samples.csv", dtype={"parent": "str"}, keep_default_na=False))


def _fit(picture: NDArray[np.uint8]) -> tuple[int, int]:
    """Return (height, width) of a picture on the sheet."""
    height, width = picture.shape[:2]
    scale = min(CELL / width, TALLEST / height)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _shorten(caption: str) -> str:
    """Leave out the beginning of what is wider than a column: names differ at their ends."""
    shown = caption
    while load_font(17).getlength(shown) > CELL:
        shown = "…" + shown.removeprefix("…")[1:]
    return shown


def _list_entries(lines: Sequence[Line], classes: ClassTable) -> list[Entry]:
    """Return swatch and text of what occurs on the sheet: classes, pixels of no class, void."""
    masks = cast(LabelMask, np.stack([cell.label_mask for line in lines for cell in line]))
    void = find_void(masks)
    labelled = masks[~void]
    overlapping = masks.dtype == np.uint16
    found = [bool((labelled >> k & 1).any()) if overlapping else bool((labelled == k).any()) for k in range(classes.num_classes)]
    entries = [(paint_swatch(classes.palette[k]), name) for k, name in enumerate(classes.names) if found[k]]
    if overlapping and (labelled == 0).any():
        entries.append((paint_swatch(NO_CLASS), "no class"))
    if void.any():
        entries.append((paint_hatch((SWATCH, SWATCH)), "void, not counted"))
    return entries
