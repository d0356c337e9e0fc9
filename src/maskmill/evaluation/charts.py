"""Charts with matplotlib, drawn through Figure objects: no window, no global state."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from maskmill.metrics import dice_per_class, iou_per_class, overlaps
from maskmill.outputs import new_file

INK, FAINT, GRID = "#181c24", "#6e7480", "#e3e6eb"
BLUE, ORANGE, GREY = "#2a5cc4", "#e07b28", "#b9bec8"
FEW_CLASSES = 12  # up to which every cell of a matrix has its number


def draw_confusion(matrix: NDArray[np.int64], names: Sequence[str], path: Path, *, title: str) -> None:
    """Draw a confusion matrix.

    Of exclusive classes as a heat map: of each true class's pixels, the percentage that went to each prediction. Of overlapping
    ones as bars: of the pixels where a class is or is predicted, the percentage found, missed and mistaken.

    Args:
        matrix: int64 (K, K) or (K, 2, 2), rows truth, columns prediction.
        names: class names in id order.
        path: PNG to write.
        title: what stands over it.
    """
    figure = _draw_agreement(matrix, names, title) if overlaps(matrix) else _draw_heat_map(matrix, names, title)
    save_figure(figure, path)


def draw_class_bars(matrix: NDArray[np.int64], names: Sequence[str], path: Path, *, title: str) -> None:
    """Draw dice and IoU of each class as pairs of bars, best dice first; an absent class has none.

    Args:
        matrix, names, path, title: as `draw_confusion`.
    """
    dice, iou = dice_per_class(matrix), iou_per_class(matrix)
    order = np.argsort(-np.nan_to_num(dice, nan=-1.0), kind="stable")
    figure = Figure(figsize=(7.2, 1.5 + 0.5 * len(names)), dpi=150, layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(names))
    for offset, values, colour, label in ((-0.19, dice, BLUE, "dice"), (0.19, iou, ORANGE, "IoU")):
        bars = axes.barh(rows + offset, np.nan_to_num(values[order]), height=0.36, color=colour, label=label)
        texts = ["absent" if np.isnan(value) else f"{value:.3f}" for value in values[order]]
        axes.bar_label(bars, texts, padding=4, fontsize=8, color=FAINT)
    axes.set_yticks(rows, [names[k] for k in order])
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.1)
    axes.set_xticks(np.linspace(0.0, 1.0, 6))
    axes.grid(axis="x", color=GRID)
    finish_axes(axes, title)
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 1.12), ncols=2, borderaxespad=0.0, fontsize=9)
    save_figure(figure, path)


def finish_axes(axes: Axes, title: str) -> None:
    """Give axes the look that all charts share."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(length=0, colors=FAINT, labelcolor=INK)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG without the name and version of what made it."""
    with new_file(path) as temporary:
        figure.savefig(temporary, metadata={"Software": None})


def _draw_heat_map(matrix: NDArray[np.int64], names: Sequence[str], title: str) -> Figure:
    totals = matrix.sum(axis=1, keepdims=True)
    percent = np.where(totals > 0, 100.0 * matrix / np.maximum(totals, 1), np.nan)
    side = 2.6 + 0.62 * len(names)
    figure = Figure(figsize=(side + 1.0, side), dpi=150, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(percent, cmap="Blues", vmin=0.0, vmax=100.0)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("prediction", color=FAINT)
    axes.set_ylabel("truth", color=FAINT)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) <= FEW_CLASSES:
        for (row, column), value in np.ndenumerate(percent):
            text = "absent" if np.isnan(value) and row == column else "" if np.isnan(value) else _say_percent(value)
            axes.text(column, row, text, ha="center", va="center", fontsize=8.5, color="white" if value > 55 else INK)
    bar = figure.colorbar(image, ax=axes, shrink=0.75, label="% of the true class's pixels")
    bar.outline.set_visible(False)
    return figure


def _draw_agreement(matrices: NDArray[np.int64], names: Sequence[str], title: str) -> Figure:
    parts = np.stack([matrices[:, 1, 1], matrices[:, 1, 0], matrices[:, 0, 1]])  # (3, K)
    totals = parts.sum(axis=0)
    percent = 100.0 * parts / np.maximum(totals, 1)
    figure = Figure(figsize=(7.2, 1.7 + 0.42 * len(names)), dpi=150, layout="constrained")
    axes = figure.subplots()
    left = np.zeros(len(names))
    for values, colour, label in zip(percent, (BLUE, GREY, ORANGE), ("found", "missed", "mistaken"), strict=True):
        bars = axes.barh(range(len(names)), values, left=left, height=0.62, color=colour, label=label)
        texts = [_say_percent(value) if value >= 6 else "" for value in values]
        axes.bar_label(bars, texts, label_type="center", fontsize=8, color=INK if colour == GREY else "white")
        left += values
    axes.set_yticks(range(len(names)), [name if total else f"{name} (absent)" for name, total in zip(names, totals, strict=True)])
    axes.invert_yaxis()
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("% of the pixels where the class is or is predicted", color=FAINT)
    finish_axes(axes, title)
    figure.legend(frameon=False, loc="outside upper right", ncols=3, fontsize=9)
    return figure


def _say_percent(value: float) -> str:
    return "0" if value == 0 else "<0.1" if value < 0.1 else f"{value:.1f}"
