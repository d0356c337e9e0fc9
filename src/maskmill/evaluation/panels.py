"""Pictures to judge a model by: image, truth, prediction and errors side by side, drawn pixel by pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from maskmill.labels.bits import MOST_CLASSES, LabelMask
from maskmill.labels.classes import find_void
from maskmill.metrics import confusion_matrix, dice_per_class, headline_dice, headline_iou, overlaps
from maskmill.outputs import new_file
from maskmill.scaling import resize_label_mask, resize_picture

TITLES = ("image", "truth", "prediction", "errors")
PANEL = 416  # width of a panel in the drawing, pixels
TALLEST = 1.5  # of a panel, in its widths
GAP, MARGIN = 12, 28
HEADING, TITLE, LEGEND = 56, 34, 44  # heights of a row's heading, of the panels' titles, of a line of the legend
SWATCH = 22
INK, FAINT, PAPER = (24, 28, 36), (110, 116, 128), (255, 255, 255)
EDGE = (176, 180, 190)
LEAD = "dice by class"
WRONG = np.array([214, 24, 44], np.uint8)
NO_CLASS = np.array(PAPER, np.uint8)  # where none of several overlapping classes is


@dataclass(frozen=True)
class Sample:
    """A predicted picture to draw.

    Attributes:
        label: why it is shown, "best 1".
        id: the sample's id.
        picture: uint8 (H, W, C); of more than three bands the first three are shown, of two the first.
        truth: uint8 (H, W) ids, 255 = void; or uint16 (H, W) bits, bit 15 = void.
        prediction: ids or bits, like the truth.
        num_classes: void not among them.
    """

    label: str
    id: str
    picture: NDArray[np.uint8]
    truth: LabelMask
    prediction: LabelMask
    num_classes: int

    @cached_property
    def matrix(self) -> NDArray[np.int64]:
        """The picture's confusion matrix."""
        return confusion_matrix(self.truth, self.prediction, self.num_classes)


def draw_samples(samples: Sequence[Sample], names: Sequence[str], palette: NDArray[np.uint8], path: Path) -> None:
    """Draw one row of panels a sample and a legend of the classes that occur, and write them as a PNG.

    Args:
        samples: from top to bottom, at least one; their pictures may differ in size.
        names: class names in id order.
        palette: uint8 (256, 3), the colour of each id.
        path: file to write.
    """
    rows = [_paint_panels(sample, palette) for sample in samples]
    width = 2 * MARGIN + len(TITLES) * PANEL + (len(TITLES) - 1) * GAP
    matrix = np.sum([sample.matrix for sample in samples], axis=0)
    void = any(find_void(sample.truth).any() for sample in samples)
    legend = _arrange_legend(_list_entries(matrix, names, palette, void), width)
    rows_height = sum(HEADING + panels[0].shape[0] for panels in rows)
    canvas = Image.new("RGB", (width, rows_height + TITLE + 2 * MARGIN + LEGEND * len(legend)), PAPER)
    draw = ImageDraw.Draw(canvas)
    top = MARGIN
    for index, (sample, panels) in enumerate(zip(samples, rows, strict=True)):
        _write_heading(draw, sample, top, width)
        top += HEADING
        if index == 0:
            for column, title in enumerate(TITLES):
                draw.text((_panel_left(column), top + TITLE // 3), title, fill=FAINT, font=_font(19), anchor="lm")
            top += TITLE
        for column, panel in enumerate(panels):
            centred = _panel_left(column) + (PANEL - panel.shape[1]) // 2
            canvas.paste(Image.fromarray(panel), (centred, top))
        top += panels[0].shape[0]
    _draw_legend(canvas, legend, top + MARGIN // 2)
    with new_file(path) as temporary:
        canvas.save(temporary)


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
    painted[void] = _hatch(label_mask.shape)[void]
    return painted


def choose_bands(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bands of uint8 (H, W, C) that are shown: (H, W, 1), or (H, W, 3) as RGB."""
    return picture[..., : 3 if picture.shape[2] >= 3 else 1]


def paint_errors(picture: NDArray[np.uint8], truth: LabelMask, prediction: LabelMask) -> NDArray[np.uint8]:
    """Paint wrong pixels red over a grey or RGB picture, dimmed and without its colours, uint8 (H, W, 3); void is hatched.

    A pixel of several classes is wrong where one of them is missed or too many.
    """
    grey = picture if picture.shape[2] == 1 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    painted = np.repeat((140 + grey * 0.42).astype(np.uint8), 3, axis=2)
    void = find_void(truth)
    painted[void] = _hatch(truth.shape)[void]
    painted[(truth != prediction) & ~void] = WRONG
    return painted


def _paint_panels(sample: Sample, palette: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Bring a sample to the drawing's size and paint its four panels, each uint8 (h, w, 3)."""
    height, width = sample.truth.shape
    scale = min(PANEL / width, TALLEST * PANEL / height)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    photo = resize_picture(np.ascontiguousarray(choose_bands(sample.picture)), size)
    truth, prediction = (resize_label_mask(mask, size) for mask in (sample.truth, sample.prediction))
    colour = photo if photo.shape[2] == 3 else np.repeat(photo, 3, axis=2)
    return [colour, paint_mask(truth, palette), paint_mask(prediction, palette), paint_errors(photo, truth, prediction)]


def _write_heading(draw: ImageDraw.ImageDraw, sample: Sample, top: int, width: int) -> None:
    baseline = top + HEADING - 20
    draw.text((MARGIN, baseline), sample.label, fill=INK, font=_font(25, bold=True), anchor="ls")
    left = MARGIN + draw.textlength(sample.label, font=_font(25, bold=True)) + 16
    draw.text((left, baseline), sample.id, fill=FAINT, font=_font(21), anchor="ls")
    dice, iou = headline_dice(sample.matrix), headline_iou(sample.matrix)
    figures = f"dice {_say_figure(dice)}   IoU {_say_figure(iou)}"
    draw.text((width - MARGIN, baseline), figures, fill=INK, font=_font(23), anchor="rs")


Entry = tuple[NDArray[np.uint8], str]


def _list_entries(matrix: NDArray[np.int64], names: Sequence[str], palette: NDArray[np.uint8], void: bool) -> list[Entry]:
    """Return swatch and text of what occurs in the drawing: classes with their dice, void, wrong pixels."""
    dice = dice_per_class(matrix)
    swatch = np.ones((SWATCH, SWATCH, 1), np.uint8)
    entries = [(swatch * palette[k], f"{name}  {_say_figure(dice[k])}") for k, name in enumerate(names) if not np.isnan(dice[k])]
    if overlaps(matrix):
        entries.append((swatch * NO_CLASS, "no class"))
    if void:
        entries.append((_hatch((SWATCH, SWATCH)), "void, not counted"))
    return [*entries, (swatch * WRONG, "wrong")]


def _arrange_legend(entries: Sequence[Entry], width: int) -> list[list[tuple[int, Entry]]]:
    """Break the legend into lines of (left, entry)."""
    lines: list[list[tuple[int, Entry]]] = [[]]
    start = left = MARGIN + round(_font(20).getlength(LEAD)) + 30
    for entry in entries:
        needed = SWATCH + 10 + round(_font(20).getlength(entry[1])) + 34
        if lines[-1] and left + needed > width - MARGIN:
            lines.append([])
            left = start
        lines[-1].append((left, entry))
        left += needed
    return lines


def _draw_legend(canvas: Image.Image, lines: Sequence[Sequence[tuple[int, Entry]]], top: int) -> None:
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, top + LEGEND // 2), LEAD, fill=FAINT, font=_font(20), anchor="lm")
    for number, line in enumerate(lines):
        middle = top + number * LEGEND + LEGEND // 2
        for left, (swatch, text) in line:
            canvas.paste(Image.fromarray(swatch), (left, middle - SWATCH // 2))
            draw.rectangle((left, middle - SWATCH // 2, left + SWATCH - 1, middle + SWATCH // 2 - 1), outline=EDGE)
            draw.text((left + SWATCH + 10, middle), text, fill=INK, font=_font(20), anchor="lm")


def _hatch(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Diagonal stripes of two greys, uint8 (H, W, 3)."""
    rows, columns = np.indices(shape)
    stripes = np.where((rows + columns) % 10 < 5, 232, 206).astype(np.uint8)
    return np.repeat(stripes[..., np.newaxis], 3, axis=2)


def _panel_left(column: int) -> int:
    return MARGIN + column * (PANEL + GAP)


def _say_figure(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"  # noqa: RUF001  an en dash for "none"


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    # matplotlib brings these files, so that the drawing is the same on every machine
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)
