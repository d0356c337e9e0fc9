"""The canvas that covers are laid on, and the noise, coordinates and curves they are made of."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

FIELD, WOODS, WATER, ROAD, BUILDING = range(5)
PHOTO_SIZE = 256
OVERSAMPLING = 2  # scenes are drawn finer than photographed, which smooths every edge
CANVAS_SIZE = PHOTO_SIZE * OVERSAMPLING

FloatMap = NDArray[np.floating]  # float32 wherever it is large
Where = NDArray[np.bool_]


@dataclass
class Canvas:
    """What lies on the ground, seen from above.

    Attributes:
        albedo: float32 (H, W, 3), linear RGB reflectance.
        height: float32 (H, W), metres above the ground.
        labels: uint8 (H, W), the class of what is on top.
        scale: canvas pixels a metre.
    """

    albedo: FloatMap
    height: FloatMap
    labels: NDArray[np.uint8]
    scale: float

    def cover(self, where: Where, colour: FloatMap, label: int, height: ArrayLike = 0.0) -> None:
        """Put a cover of linear RGB `colour` ((3,) or (H, W, 3)) on the pixels `where`."""
        self.albedo[where] = colour[where] if colour.ndim == 3 else colour
        self.height[where] = np.broadcast_to(np.asarray(height, np.float32), where.shape)[where]
        self.labels[where] = label

    def window(self, top: int, left: int, bottom: int, right: int) -> "Canvas":
        """Return a part of the canvas; what covers the part covers the whole."""
        rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        return Canvas(self.albedo[rows, columns], self.height[rows, columns], self.labels[rows, columns], self.scale)


def empty_canvas(ground_sampling: float) -> Canvas:
    """Return bare ground; `ground_sampling` is metres a pixel of the photo."""
    shape = (CANVAS_SIZE, CANVAS_SIZE)
    return Canvas(
        np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.uint8), OVERSAMPLING / ground_sampling
    )


def linear(colour: ArrayLike) -> FloatMap:
    """Return sRGB values 0..255 as linear reflectance 0..1."""
    return ((np.asarray(colour, np.float32) / 255) ** 2.2).astype(np.float32)


def mix(first: ArrayLike, second: ArrayLike, weight: FloatMap) -> FloatMap:
    """Return linear RGB (H, W, 3) between two sRGB colours; weight (H, W) 0..1 is the share of the second."""
    share = np.clip(weight, 0, 1).astype(np.float32)
    # plane by plane: broadcasting over a last axis of three is several times slower
    return cv2.merge([a + (b - a) * share for a, b in zip(linear(first), linear(second), strict=True)])


def fractal_noise(
    rng: np.random.Generator, cell: float, octaves: int = 4, shape: tuple[int, int] = (CANVAS_SIZE, CANVAS_SIZE)
) -> FloatMap:
    """Return smooth noise (H, W) of mean 0 and variance 1 whose largest features are `cell` canvas pixels wide."""
    octaves = min(octaves, int(np.log2(cell)) + 1)
    finest = cell / 2 ** (octaves - 1)
    nodes = [int(np.ceil(side / cell)) + 3 for side in shape]
    grid = rng.standard_normal(nodes, dtype=np.float32)
    for octave in range(1, octaves):  # finer detail is added on the way up, so only the last step is as large as the canvas
        grid = np.asarray(cv2.resize(grid, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.float32)
        grid += np.float32(0.55**octave) * rng.standard_normal(grid.shape, dtype=np.float32)
    noise = np.asarray(cv2.resize(grid, None, fx=finest, fy=finest, interpolation=cv2.INTER_CUBIC) if finest > 1 else grid)
    top, left = int(cell), int(cell)  # the cubic's border stays outside
    noise = noise[top : top + shape[0], left : left + shape[1]]
    return (noise - noise.mean()) / (noise.std() + np.float32(1e-6))


def rotated_coordinates(angle: float) -> tuple[FloatMap, FloatMap]:
    """Return canvas coordinates along and across the direction `angle`, both 0 in the centre."""
    rows, columns = np.mgrid[:CANVAS_SIZE, :CANVAS_SIZE].astype(np.float32) - CANVAS_SIZE / 2
    along = np.cos(angle) * columns + np.sin(angle) * rows
    across = -np.sin(angle) * columns + np.cos(angle) * rows
    return along.astype(np.float32), across.astype(np.float32)


def random_curve(rng: np.random.Generator, bend: float, heading: float) -> FloatMap:
    """Return a curve that crosses the canvas.

    Args:
        rng: where it swings and how far from the centre it passes.
        bend: its swing in canvas pixels.
        heading: its general direction in radians.

    Returns:
        float32 (N, 2): x, y, about a canvas pixel apart.
    """
    position = np.linspace(-0.85, 0.85, 900) * CANVAS_SIZE
    swing = np.zeros_like(position)
    for waves in (0.5, 1.1, 2.0):
        swing += (
            0.6 * bend / waves * rng.uniform(-1, 1) * np.sin(2 * np.pi * waves * position / CANVAS_SIZE + rng.uniform(0, 2 * np.pi))
        )
    swing += rng.uniform(-0.35, 0.35) * CANVAS_SIZE
    x = np.cos(heading) * position - np.sin(heading) * swing
    y = np.sin(heading) * position + np.cos(heading) * swing
    return (np.stack([x, y], axis=1) + CANVAS_SIZE / 2).astype(np.float32)


def distance_to_curve(points: FloatMap) -> FloatMap:
    """Return the distance of each canvas pixel to the curve, in canvas pixels."""
    margin = 64  # a curve just outside still reaches in
    drawing = np.full((CANVAS_SIZE + 2 * margin,) * 2, 255, np.uint8)
    cv2.polylines(drawing, [np.round(points + margin).astype(np.int32)], False, 0, 1)
    distance = np.asarray(cv2.distanceTransform(drawing, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
    return distance[margin:-margin, margin:-margin]


def distance_to(where: Where) -> FloatMap:
    """Return the distance of each canvas pixel to the nearest pixel of `where`, in canvas pixels (large where there is none)."""
    if not where.any():
        return np.full(where.shape, 1e4, np.float32)
    return np.asarray(cv2.distanceTransform((~where).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
