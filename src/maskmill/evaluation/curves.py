"""The curves of a training."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from maskmill.evaluation.charts import BLUE, FAINT, GRID, ORANGE, finish_axes, save_figure

GREEN = "#2f8f5b"
COLUMNS = {  # panel title: column of the history -> (label, colour, line)
    "loss": {"loss": ("train", BLUE, "-"), "val_loss": ("val", ORANGE, "-")},
    "dice and IoU": {"dice": ("train dice", BLUE, "-"), "val_dice": ("val dice", ORANGE, "-"), "val_iou": ("val IoU", GREEN, "-")},
}


def draw_curves(history: pd.DataFrame, path: Path, *, monitor: str = "val_dice") -> None:
    """Draw loss, dice and IoU over the epochs, with the epoch that was kept marked.

    Args:
        history: one row an epoch: epoch (from 1), and any of loss, val_loss, dice, val_dice, val_iou.
        path: PNG to write.
        monitor: the column that decided which epoch was kept; the lowest of a loss, else the highest.
    """
    figure = Figure(figsize=(10.0, 3.8), dpi=150, layout="constrained")
    for axes, title in zip(figure.subplots(1, 2), COLUMNS, strict=True):
        draw_panel(axes, history, title, monitor=monitor)
    save_figure(figure, path)


def draw_panel(axes: Axes, history: pd.DataFrame, title: str, *, monitor: str) -> None:
    """Draw one panel of the curves.

    Args:
        axes: empty axes.
        history, monitor: as `draw_curves`.
        title: which panel, of COLUMNS.
    """
    best = find_best(history, monitor)
    for column, (label, colour, line) in COLUMNS[title].items():
        if column in history:
            axes.plot(history["epoch"], history[column], line, color=colour, label=label, linewidth=1.8, marker="o", markersize=3)
    if best is not None:
        _mark_epoch(axes, int(best["epoch"]))
        if monitor in COLUMNS[title]:
            colour = COLUMNS[title][monitor][1]
            axes.plot(best["epoch"], best[monitor], "o", color=colour, markersize=9, markerfacecolor="white", zorder=3)
    axes.grid(color=GRID)
    axes.set_xlabel("epoch", color=FAINT)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    finish_axes(axes, title)
    axes.legend(frameon=False, fontsize=9)


def find_best(history: pd.DataFrame, monitor: str) -> pd.Series | None:
    """Return the row of the epoch that was kept, as `draw_curves` marks it; None where no epoch has the monitored figure."""
    if monitor not in history or history[monitor].isna().all():
        return None
    values = history[monitor].to_numpy()
    return history.iloc[int(np.nanargmin(values) if monitor.endswith("loss") else np.nanargmax(values))]


def _mark_epoch(axes: Axes, epoch: int) -> None:
    axes.axvline(epoch, color=FAINT, linewidth=1.0, linestyle=":")
    place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "va": "bottom", "ha": "center"}
    axes.annotate(f"kept: {epoch}", (epoch, 1.0), fontsize=8.5, color=FAINT, **place)
