"""Woods: forests, hedges, orchards, river trees and single trees, all made of crowns."""

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.sources.synthetic.canvas import (
    BUILDING,
    CANVAS_SIZE,
    ROAD,
    WATER,
    WOODS,
    Canvas,
    FloatMap,
    Where,
    distance_to,
    fractal_noise,
    linear,
    mix,
    rotated_coordinates,
)
from maskmill.sources.synthetic.flights import Colour, Flight

LEAVES: dict[str, tuple[Colour, ...]] = {
    "spring": ((74, 108, 46), (92, 126, 54), (110, 134, 66), (64, 94, 44)),
    "summer": ((48, 78, 38), (60, 90, 42), (72, 98, 48), (44, 70, 36)),
    "harvest": ((58, 82, 40), (74, 92, 46), (88, 98, 52), (52, 74, 38)),
    "autumn": ((128, 96, 44), (146, 84, 42), (104, 96, 46), (158, 122, 54), (80, 86, 42)),
}
NEEDLES: tuple[Colour, ...] = ((36, 62, 42), (42, 68, 42), (34, 56, 40))
FOREST_FLOOR = (40, 46, 28)


def plant_forest(canvas: Canvas, rng: np.random.Generator, flight: Flight, share: float) -> None:
    """Grow clumps of forest over about `share` of the canvas; roads, water and houses keep their gap, crowns may lean over it."""
    shape = fractal_noise(rng, rng.uniform(150, 320), 5)
    forest = (shape > np.quantile(shape, 1 - share)) & (_free_space(canvas) > 1.2)
    canvas.cover(forest, mix(FOREST_FLOOR, (70, 70, 44), 0.5 + 0.3 * fractal_noise(rng, 6, 3)), WOODS, 1.0)
    _plant(canvas, rng, flight, _jittered_grid(rng, rng.uniform(3.8, 5.6) * canvas.scale), forest, crown=rng.uniform(2.4, 3.4))


def plant_hedges(canvas: Canvas, rng: np.random.Generator, flight: Flight, parcel_edge: FloatMap) -> None:
    """Grow hedges along some of the parcels' edges; `parcel_edge` is metres to the edge."""
    line = (parcel_edge < 1.4) & (fractal_noise(rng, 260, 2) > rng.uniform(0.1, 1.2)) & (_free_space(canvas) > 2)
    _plant(canvas, rng, flight, _jittered_grid(rng, 2.6 * canvas.scale), line, crown=rng.uniform(1.3, 2.2))


def plant_shore(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> None:
    """Grow trees along parts of the water, leaning over it."""
    from_water = distance_to(canvas.labels == WATER) / canvas.scale
    shore = (
        (from_water > 0.5) & (from_water < 4) & (fractal_noise(rng, 130, 3) > 0.35) & (_free_space(canvas, (ROAD, BUILDING)) > 2)
    )
    _plant(canvas, rng, flight, _jittered_grid(rng, 4.5 * canvas.scale), shore, crown=rng.uniform(2.2, 3.2))


def plant_orchard(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> None:
    """Plant rows of small trees with grass between them."""
    along, across = rotated_coordinates(rng.uniform(0, np.pi))
    at_along, at_across = rng.uniform(-150, 150, 2)
    spacing = rng.uniform(5.5, 7.5) * canvas.scale
    inside = (np.abs(along - at_along) < rng.uniform(15, 28) * canvas.scale) & (
        np.abs(across - at_across) < rng.uniform(12, 22) * canvas.scale
    )
    in_rows = (np.mod(along, spacing) < 1) & (np.mod(across, spacing) < 1)
    seeds = np.argwhere(in_rows)
    _plant(canvas, rng, flight, seeds, inside & (_free_space(canvas) > 2), crown=rng.uniform(1.4, 2.0))


def plant_single_trees(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> None:
    """Scatter lone trees, more of them near houses."""
    free = _free_space(canvas) > 1.5
    near_houses = free & (distance_to(canvas.labels == BUILDING) < 14 * canvas.scale)
    for where, count in ((free, rng.poisson(6)), (near_houses, rng.poisson(14))):
        _plant(canvas, rng, flight, rng.integers(0, CANVAS_SIZE, (count, 2)), where, crown=rng.uniform(2.0, 3.6))


def _free_space(canvas: Canvas, labels: tuple[int, ...] = (ROAD, BUILDING, WATER)) -> FloatMap:
    """Return metres to the nearest pixel of `labels`."""
    return distance_to(np.isin(canvas.labels, labels)) / canvas.scale


def _jittered_grid(rng: np.random.Generator, spacing: float) -> np.ndarray:
    """Return (N, 2) rows and columns, about `spacing` canvas pixels apart."""
    ticks = np.arange(0, CANVAS_SIZE, spacing)
    grid = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.clip(grid + rng.uniform(-0.42, 0.42, grid.shape) * spacing, 0, CANVAS_SIZE - 1).astype(int)


def _plant(canvas: Canvas, rng: np.random.Generator, flight: Flight, seeds: np.ndarray, where: Where, *, crown: float) -> None:
    """Grow a tree on each seed that lies in `where`; `crown` is the mean radius in metres.

    Each pixel belongs to its nearest seed, so one distance transform draws all crowns and their touching edges.
    """
    seeds = seeds[where[seeds[:, 0], seeds[:, 1]]]
    if not len(seeds):
        return
    ground = np.ones(canvas.labels.shape, np.uint8)
    ground[seeds[:, 0], seeds[:, 1]] = 0
    distance, tree = cv2.distanceTransformWithLabels(ground, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    count = int(tree.max()) + 1
    radius = (crown * rng.uniform(0.7, 1.3, count)).astype(np.float32)[tree]
    needles = rng.random(count) < flight.conifers
    leaf_clumps, stand = fractal_noise(rng, 7, 3), fractal_noise(rng, 140, 2)
    inwards = 1 - (distance / canvas.scale + 0.28 * leaf_clumps) / radius
    dome = np.where(
        needles[tree], 0.25 + 0.75 * np.clip(inwards, 0, 1), 0.4 + 0.6 * np.sqrt(np.clip(inwards * (2 - inwards), 0, 1))
    )
    top = (crown * rng.uniform(1.9, 3.0, count)).astype(np.float32)[tree]
    height = np.maximum(top * dome + 0.35 * leaf_clumps, canvas.height)
    brightness = np.clip(1 + 0.14 * leaf_clumps + 0.08 * stand, 0.3, 2).astype(np.float32)
    colour = _crown_colours(rng, flight, needles)[tree] * cv2.merge([brightness] * 3)
    canvas.cover((inwards > 0) & (canvas.labels != BUILDING), colour, WOODS, height)


def _crown_colours(rng: np.random.Generator, flight: Flight, needles: NDArray[np.bool_]) -> FloatMap:
    """Return linear RGB (N, 3), one colour a tree, of needles or of the season's leaves."""
    count = len(needles)
    leaves, needle_tones = linear(LEAVES[flight.season]), linear(NEEDLES)
    leaf_colours = leaves[rng.integers(len(leaves), size=count)] * rng.uniform(0.75, 1.25, (count, 1))
    needle_colours = needle_tones[rng.integers(len(needle_tones), size=count)] * rng.uniform(0.8, 1.25, (count, 1))
    return np.where(needles[:, np.newaxis], needle_colours, leaf_colours).astype(np.float32)
