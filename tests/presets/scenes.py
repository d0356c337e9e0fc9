"""Small generated scenes that can be learnt: patches and things, each class in a colour of its own under uneven light."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Size = tuple[int, int]  # height, width


class Box(NamedTuple):
    """A thing: the rows and columns that it covers, the latter two excluded."""

    top: int
    left: int
    bottom: int
    right: int


def draw_patches(rng: np.random.Generator, values: list[int], size: Size) -> NDArray[np.uint8]:
    """Return uint8 (H, W): patches of all `values`, each of which occurs."""
    height, width = size
    columns = int(np.ceil(np.sqrt(len(values) * width / height)))
    rows = int(np.ceil(len(values) / columns))
    of_patch = rng.permutation(np.resize(values, rows * columns))
    places = np.stack(np.mgrid[:rows, :columns], axis=-1).reshape(-1, 2) + rng.uniform(0.2, 0.8, (rows * columns, 2))
    middles = places * (height / rows, width / columns)
    pixels = np.stack(np.mgrid[:height, :width], axis=-1)
    distances = np.linalg.norm(pixels[:, :, np.newaxis] - middles, axis=-1)
    return of_patch[distances.argmin(axis=-1)].astype(np.uint8)


def draw_boxes(rng: np.random.Generator, number: int, size: Size, grid: tuple[int, int] = (3, 4)) -> list[Box]:
    """Return `number` things that do not touch, each in its own cell of a grid (rows, columns)."""
    height, width = size[0] // grid[0], size[1] // grid[1]
    boxes = []
    for cell in rng.permutation(grid[0] * grid[1])[:number]:
        top, left = cell // grid[1] * height, cell % grid[1] * width
        ends = (
            [rng.integers(1, 1 + side // 4) for side in (height, width)],
            [rng.integers(side * 3 // 4, side) for side in (height, width)],
        )
        boxes.append(Box(int(top + ends[0][0]), int(left + ends[0][1]), int(top + ends[1][0]), int(left + ends[1][1])))
    return boxes


def fill_boxes(boxes: list[Box], values: list[int], size: Size) -> NDArray[np.uint8]:
    """Return uint8 (H, W): each box in its value upon 0."""
    ids = np.zeros(size, np.uint8)
    for box, value in zip(boxes, values, strict=True):
        ids[box.top : box.bottom, box.left : box.right] = value
    return ids


def photograph(rng: np.random.Generator, ids: NDArray[np.uint8], channels: int = 3) -> NDArray[np.uint8]:
    """Return uint8 (H, W, channels): each value in its own colour, the same in all pictures, under uneven light, with noise."""
    colours = np.random.default_rng(0).uniform(60, 240, (256, channels))
    light = cv2.resize(rng.uniform(0.6, 1.05, (4, 5)), ids.shape[::-1], interpolation=cv2.INTER_CUBIC)[..., np.newaxis]
    return np.clip(colours[ids] * light + rng.normal(0, 5, (*ids.shape, channels)), 0, 255).astype(np.uint8)


def save(path: Path, pixels: NDArray[np.uint8], **options: int) -> None:
    """Write a picture as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def save_palette(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write colours (H, W, 3), not more than 256 of them, as a PNG with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).quantize(256).save(path)
