"""What a few pictures look like: photographs, or masks painted in a few flat values."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image

_SIDE = 512
_TOLERANCE = 6
_DOMINANT = 12
LOOKS_PAINTED = 0.75
CLEARLY_MORE = 0.12
NOISILY_PAINTED, FAR_MORE = 0.4, 0.3  # a detailed mask after JPEG
SHARPER = 0.1  # of colours after JPEG nothing stays flat, but what changes still does so at few places
_FEW_PLACES = 0.15


@dataclass(frozen=True)
class Look:
    """What one picture looks like.

    Args:
        size: (height, width).
        paintedness: 0 to 1: how much of it is flat areas of few values.
        sharpness: 0 to 1: how much of all change lies at a few places, as the edges of painted areas do, JPEG's noise aside.
        num_values: number of different values or colours in the part that was read.
        values: the part that was read, (H, W) or (H, W, C) as stored.
    """

    size: tuple[int, int]
    paintedness: float
    sharpness: float
    num_values: int
    values: NDArray


def look_at(path: Path) -> Look | None:
    """Read the middle of a picture, at most 512 x 512 pixels as they are stored; None where it cannot be read."""
    try:
        size, values = _read_raster(path) if path.suffix.lower() in (".tif", ".tiff", ".jp2") else _read_picture(path)
    except Exception:  # a file that cannot be read says nothing here; download names it
        return None
    return Look(size, measure_paintedness(values), measure_sharpness(values), _count_values(values), values)


def measure_paintedness(values: NDArray) -> float:
    """Return 0 to 1 for (H, W) or (H, W, C): near 1 for painted masks, also after JPEG, below 0.5 for photographs."""
    pixels = values if values.ndim == 3 else values[..., None]
    pixels = pixels.astype(np.float32)
    steps = [np.abs(np.diff(pixels, axis=axis)).max(axis=2) for axis in (0, 1)]
    if not all(step.size for step in steps):
        return 0.0
    exact = float(np.mean([(step == 0).mean() for step in steps]))
    near = float(np.mean([(step <= _TOLERANCE).mean() for step in steps]))
    clean = 0.7 * exact + 0.3 * _measure_dominance(pixels)
    if pixels.max() > 255 or (exact < 0.3 and near < 0.8):
        return clean
    noisy = 0.5 * near + 0.5 * _measure_dominance(np.round(pixels / 16) * 16, 6)
    return max(clean, 0.85 * noisy)


def measure_sharpness(values: NDArray) -> float:
    """Return 0 to 1 for (H, W) or (H, W, C): the share of the changes that lies at few places; 0 for values of more than 8 bits."""
    if values.dtype != np.uint8 or min(values.shape[:2]) < 8:
        return 0.0
    pixels = values[..., :3] if values.ndim == 3 and values.shape[2] > 2 else values.reshape(*values.shape[:2], -1)[..., 0]
    calm = cv2.medianBlur(np.ascontiguousarray(pixels), 5).reshape(*values.shape[:2], -1).astype(np.float32)
    steps = [np.abs(np.diff(calm, axis=axis)).max(axis=2) for axis in (0, 1)]
    changes = np.sort(np.maximum(steps[0][:, 1:], steps[1][1:]).ravel())[::-1]
    return float(changes[: int(_FEW_PLACES * changes.size)].sum() / max(1.0, float(changes.sum())))


def _measure_dominance(pixels: NDArray[np.floating], most: int = _DOMINANT) -> float:
    """Return the fraction of the pixels that have one of the commonest values."""
    _, counts = np.unique(_flatten(pixels), return_counts=True)
    return float(np.sort(counts)[-most:].sum() / counts.sum())


def _count_values(values: NDArray) -> int:
    return len(np.unique(_flatten(values.astype(np.float32))))


def _flatten(pixels: NDArray) -> NDArray:
    """Return one number a pixel."""
    if pixels.ndim == 2:
        return pixels.ravel()
    weights = np.array([1.0, 257.0, 66049.0, *(16974593.0 + k for k in range(max(0, pixels.shape[2] - 3)))])
    return (pixels.astype(np.float64) @ weights[: pixels.shape[2]]).ravel()


def _read_picture(path: Path) -> tuple[tuple[int, int], NDArray]:
    with Image.open(path) as picture:
        width, height = picture.size
        left, top = max(0, (width - _SIDE) // 2), max(0, (height - _SIDE) // 2)
        part = picture.crop((left, top, min(width, left + _SIDE), min(height, top + _SIDE)))
        part.load()
        if part.mode in ("LA", "RGBA", "PA"):
            part = part.convert("L" if part.mode == "LA" else "RGB")
        return (height, width), np.asarray(part)


def _read_raster(path: Path) -> tuple[tuple[int, int], NDArray]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most TIFFs of the world have no georeference
        with rasterio.open(path) as raster:
            height, width = raster.shape
            left, top = max(0, (width - _SIDE) // 2), max(0, (height - _SIDE) // 2)
            window = rasterio.windows.Window(left, top, min(_SIDE, width), min(_SIDE, height))
            values = raster.read(list(range(1, min(raster.count, 3) + 1)), window=window)
    return (height, width), values[0] if values.shape[0] == 1 else np.moveaxis(values, 0, -1)
