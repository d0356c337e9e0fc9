"""What drawings share: masks in class colours, hatched void, the legend below, the letters."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from maskmill.labels.bits import MOST_CLASSES, LabelMask
from maskmill.labels.classes import find_void

INK, FAINT, PAPER = (24, 28, 36), (110, 116, 128), (255, 255, 255)
EDGE = (176, 180, 190)
NO_CLASS = np.array(PAPER, np.uint8)  # where none of several overlapping classes is
MARGIN = 28
LEGEND, SWATCH = 44, 22  # heights of a line of the legend and of a colour in it, pixels

Entry = tuple[NDArray[np.uint8], str]  # of a legend: a swatch of (SWATCH, SWATCH, 3), and what it says
Legend = list[list[tuple[int, Entry]]]  # its lines: each entry with where it begins from the left


@cache
def load_font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the drawings' typeface at a size in pixels."""
    # matplotlib brings these files, so that the drawing is the same on every machine
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def choose_bands(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bands of uint8 (H, W, C) that are shown: (H, W, 1), or (H, W, 3) as RGB."""
    return picture[..., : 3 if picture.shape[2] >= 3 else 1]


def paint_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return uint8 (H, W, C) of any bands as RGB to look at, uint8 (H, W, 3)."""
    return np.broadcast_to(choose_bands(picture), (*picture.shape[:2], 3))


def paint_mask(label_mask: LabelMask, palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint (H, W) ids or bits in their colours, uint8 (H, W, 3); void is hatched in greys, which no class is.

    Of overlapping classes the later ones lie over the earlier ones.
    """
    if label_mask.dtype == np.uint8:
        painted = palette[label_mask]
    else:
        painted = np.empty((*label_mask.shape, 3), np.uint8)
        painted[:] = NO_CLASS
        for k in range(MOST_CLASSES):
            painted[(label_mask >> k & 1).astype(np.bool_)] = palette[k]
    void = find_void(label_mask)
    painted[void] = paint_hatch(label_mask.shape)[void]
    return painted


def paint_hatch(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Paint diagonal stripes of two greys over (H, W), uint8 (H, W, 3)."""
    rows, columns = np.indices(shape)
    stripes = np.where((rows + columns) % 10 < 5, 232, 206).astype(np.uint8)
    return np.repeat(stripes[..., np.newaxis], 3, axis=2)


def paint_swatch(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint a legend's square in one colour, uint8 (SWATCH, SWATCH, 3)."""
    return np.ones((SWATCH, SWATCH, 1), np.uint8) * colour


def arrange_legend(entries: Sequence[Entry], width: int, lead: str) -> Legend:
    """Break a legend that begins with the words `lead` into lines that fit a drawing of `width` pixels."""
    lines: Legend = [[]]
    start = left = MARGIN + round(load_font(20).getlength(lead)) + 30
    for entry in entries:
        needed = SWATCH + 10 + round(load_font(20).getlength(entry[1])) + 34
        if lines[-1] and left + needed > width - MARGIN:
            lines.append([])
            left = start
        lines[-1].append((left, entry))
        left += needed
    return lines


def draw_legend(canvas: Image.Image, legend: Legend, top: int, lead: str) -> None:
    """Draw an arranged legend, LEGEND pixels a line, from `top` down."""
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, top + LEGEND // 2), lead, fill=FAINT, font=load_font(20), anchor="lm")
    for number, line in enumerate(legend):
        middle = top + number * LEGEND + LEGEND // 2
        for left, (swatch, text) in line:
            canvas.paste(Image.fromarray(swatch), (left, middle - SWATCH // 2))
            draw.rectangle((left, middle - SWATCH // 2, left + SWATCH - 1, middle + SWATCH // 2 - 1), outline=EDGE)
            draw.text((left + SWATCH + 10, middle), text, fill=INK, font=load_font(20), anchor="lm")
