"""Pictures to judge a model by: image, truth, prediction and errors side by side, drawn pixel by pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

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
    choose_bands,
    draw_legend,
    load_font,
    paint_hatch,
    paint_mask,
    paint_picture,
    paint_swatch,
)
from maskmill.labels.bits import LabelMask
from maskmill.labels.classes import find_void
from maskmill.metrics import confusion_matrix, dice_per_class, headline_dice, headline_iou, overlaps
from maskmill.outputs import new_file
from maskmill.scaling import resize_label_mask, resize_picture

TITLES = ("image", "truth", "prediction", "errors")
PANEL = 416  # width of a panel in the drawing, pixels
TALLEST = 1.5  # of a panel, in its widths
GAP = 12
HEADING, TITLE = 56, 34  # heights of a row's heading, of the panels' titles
LEAD = "dice by class, of what is shown"
WRONG = np.array([214, 24, 44], np.uint8)


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
    legend = arrange_legend(_list_entries(matrix, names, palette, void), width, LEAD)
    rows_height = sum(HEADING + panels[0].shape[0] for panels in rows)
    canvas = Image.new("RGB", (width, rows_height + TITLE + 2 * MARGIN + LEGEND * len(legend)), PAPER)
    draw = ImageDraw.Draw(canvas)
    top = MARGIN
    for index, (sample, panels) in enumerate(zip(samples, rows, strict=True)):
        _write_heading(draw, sample, top, width)
        top += HEADING
        if index == 0:
            for column, title in enumerate(TITLES):
                draw.text((_panel_left(column), top + TITLE // 3), title, fill=FAINT, font=load_font(19), anchor="lm")
            top += TITLE
        for column, panel in enumerate(panels):
            centred = _panel_left(column) + (PANEL - panel.shape[1]) // 2
            canvas.paste(Image.fromarray(panel), (centred, top))
        top += panels[0].shape[0]
    draw_legend(canvas, legend, top + MARGIN // 2, LEAD)
    with new_file(path) as temporary:
        canvas.save(temporary)


def paint_errors(picture: NDArray[np.uint8], truth: LabelMask, prediction: LabelMask) -> NDArray[np.uint8]:
    """Paint wrong pixels red over a grey or RGB picture, dimmed and without its colours, uint8 (H, W, 3); void is hatched.

    A pixel of several classes is wrong where one of them is missed or too many.
    """
    grey = picture if picture.shape[2] == 1 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    painted = np.repeat((140 + grey * 0.42).astype(np.uint8), 3, axis=2)
    void = find_void(truth)
    painted[void] = paint_hatch(truth.shape)[void]
    painted[(truth != prediction) & ~void] = WRONG
    return painted


def _paint_panels(sample: Sample, palette: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Bring a sample to the drawing's size and paint its four panels, each uint8 (h, w, 3)."""
    height, width = sample.truth.shape
    scale = min(PANEL / width, TALLEST * PANEL / height)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    photo = resize_picture(np.ascontiguousarray(choose_bands(sample.picture)), size)
    truth, prediction = (resize_label_mask(mask, size) for mask in (sample.truth, sample.prediction))
    return [
        paint_picture(photo),
        paint_mask(truth, palette),
        paint_mask(prediction, palette),
        paint_errors(photo, truth, prediction),
    ]


def _write_heading(draw: ImageDraw.ImageDraw, sample: Sample, top: int, width: int) -> None:
    baseline = top + HEADING - 20
    draw.text((MARGIN, baseline), sample.label, fill=INK, font=load_font(25, bold=True), anchor="ls")
    left = MARGIN + draw.textlength(sample.label, font=load_font(25, bold=True)) + 16
    draw.text((left, baseline), sample.id, fill=FAINT, font=load_font(21), anchor="ls")
    dice, iou = headline_dice(sample.matrix), headline_iou(sample.matrix)
    figures = f"dice {_say_figure(dice)}   IoU {_say_figure(iou)}"
    draw.text((width - MARGIN, baseline), figures, fill=INK, font=load_font(23), anchor="rs")


def _list_entries(matrix: NDArray[np.int64], names: Sequence[str], palette: NDArray[np.uint8], void: bool) -> list[Entry]:
    """Return swatch and text of what occurs in the drawing: classes with their dice, void, wrong pixels."""
    dice = dice_per_class(matrix)
    entries = [
        (paint_swatch(palette[k]), f"{name}  {_say_figure(dice[k])}") for k, name in enumerate(names) if not np.isnan(dice[k])
    ]
    if overlaps(matrix):
        entries.append((paint_swatch(NO_CLASS), "no class"))
    if void:
        entries.append((paint_hatch((SWATCH, SWATCH)), "void, not counted"))
    return [*entries, (paint_swatch(WRONG), "wrong")]


def _panel_left(column: int) -> int:
    return MARGIN + column * (PANEL + GAP)


def _say_figure(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"  # noqa: RUF001  an en dash for "none"
