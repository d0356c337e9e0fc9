"""Pictures within the page: data URIs of a sensible size."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from maskmill.evaluation.curves import COLUMNS, draw_panel

QUALITY = 72  # of WebP: drawings of masks stay sharp, photos small


@dataclass(frozen=True)
class Picture:
    """A picture to be embedded.

    Attributes:
        uri: a data URI.
        width, height: in pixels.
        text: what it shows, for those who do not see it.
        caption: what stands below it.
    """

    uri: str
    width: int
    height: int
    text: str
    caption: str


def embed_picture(path: Path, *, widest: int, text: str, caption: str) -> Picture | None:
    """Read a picture file, shrink it to at most `widest` pixels across, and put it into a data URI; None where there is none."""
    if not path.exists():
        return None
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    if picture.width > widest:
        picture = picture.resize((widest, round(picture.height * widest / picture.width)), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=QUALITY, method=6)
    return Picture(_to_uri(stream.getvalue(), "image/webp"), *picture.size, text, caption)


def draw_curves(history: pd.DataFrame, *, monitor: str) -> list[Picture]:
    """Draw loss, and dice with IoU, over the epochs, as a picture each, which a phone shows one below the other.

    Args:
        history: one row an epoch: epoch (from 1), and any of loss, val_loss, dice, val_dice, val_iou.
        monitor: the column that decided which epoch was kept.
    """
    drawn = []
    for title, columns in COLUMNS.items():
        if any(column in history for column in columns):
            figure = Figure(figsize=(4.8, 3.2), layout="constrained")  # inches of 72 px: at a phone's width letters keep their size
            draw_panel(figure.subplots(), history, title, monitor=monitor)
            stream = io.BytesIO()
            with matplotlib.rc_context({"svg.hashsalt": title}):  # else the names within differ from run to run
                figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
            text = f"{title} of the training and validation parts over {len(history)} epochs"
            drawn.append(Picture(_to_uri(stream.getvalue(), "image/svg+xml"), 480, 320, text, ""))
    return drawn


def _to_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
