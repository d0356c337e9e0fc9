"""Roads: asphalt with markings and cars, dirt tracks with ruts."""

import cv2
import numpy as np

from maskmill.sources.synthetic.canvas import (
    ROAD,
    WATER,
    Canvas,
    FloatMap,
    distance_to_curve,
    fractal_noise,
    linear,
    mix,
    random_curve,
)
from maskmill.sources.synthetic.flights import Flight

CAR_COLOURS = ((230, 232, 234), (40, 42, 48), (150, 40, 40), (60, 80, 130), (170, 174, 178))
TRACK_GRASS = (120, 124, 72)


def lay_asphalt(canvas: Canvas, rng: np.random.Generator, heading: float) -> tuple[FloatMap, float]:
    """Lay a paved road across the canvas, in the general direction `heading` (radians).

    Returns:
        its centre line, (N, 2) x, y in canvas pixels, and half its width in metres.
    """
    points = random_curve(rng, rng.uniform(0, 90), heading)
    half_width = float(rng.uniform(2.0, 3.9))
    distance = distance_to_curve(points) / canvas.scale
    tone = rng.uniform(92, 150)
    worn = 0.5 + 0.14 * fractal_noise(rng, 50, 4) + 0.16 * fractal_noise(rng, 3, 2)
    colour = mix((tone * 0.9, tone * 0.9, tone * 0.93), (tone * 1.1, tone * 1.08, tone * 1.06), worn)
    verge = (distance > half_width) & (distance < half_width + rng.uniform(0.4, 1.4))
    canvas.albedo[verge] = 0.5 * canvas.albedo[verge] + 0.5 * linear((156, 148, 118))
    canvas.height[verge] = 0
    canvas.cover(distance < half_width, colour, ROAD, 0.3)
    if half_width > 2.8:
        _mark(canvas, points)
    _drive(canvas, rng, points, half_width)
    return points, half_width


def lay_track(canvas: Canvas, rng: np.random.Generator, flight: Flight, heading: float) -> tuple[FloatMap, float]:
    """Lay a dirt track in the direction `heading` (radians): two pale ruts, often with grass between them, all of it road.

    Returns:
        its centre line, (N, 2) x, y in canvas pixels, and half its width in metres.
    """
    points = random_curve(rng, rng.uniform(10, 110), heading)
    half_width = float(rng.uniform(1.2, 2.0))
    distance = distance_to_curve(points) / canvas.scale
    grain = fractal_noise(rng, 4, 3)
    soil = np.asarray(flight.soil)
    colour = mix(soil, soil * 0.7 + 68, 0.5 + 0.16 * grain)
    grass = (np.clip(0.55 - distance, 0, 0.5) * 2 * np.clip(fractal_noise(rng, 100, 3) + 0.6, 0, 1))[..., np.newaxis]
    colour = colour * (1 - grass) + linear(TRACK_GRASS) * grass
    dry = canvas.labels != WATER  # a track fords a brook and ends at a lake
    canvas.cover((distance < half_width + 0.12 * grain) & dry, colour.astype(np.float32), ROAD)
    return points, half_width


def lay_driveway(canvas: Canvas, rng: np.random.Generator, start: FloatMap, end: FloatMap) -> None:
    """Lay a short gravel drive between two points x, y in canvas pixels."""
    drawing = np.zeros(canvas.labels.shape, np.uint8)
    thickness = max(round(rng.uniform(2.4, 3.4) * canvas.scale), 1)
    cv2.line(drawing, np.round(start).astype(int).tolist(), np.round(end).astype(int).tolist(), 1, thickness)
    tone = rng.uniform(130, 180)
    colour = mix((tone, tone * 0.96, tone * 0.88), (tone * 0.8,) * 3, 0.4 + 0.3 * fractal_noise(rng, 3, 2))
    canvas.cover(drawing.astype(bool), colour, ROAD)


def _mark(canvas: Canvas, points: FloatMap) -> None:
    """Paint the dashed centre line."""
    dash = max(round(4 * canvas.scale), 2)
    drawing = np.zeros(canvas.labels.shape, np.uint8)
    for start in range(0, len(points) - dash, 2 * dash):
        cv2.polylines(drawing, [np.round(points[start : start + dash]).astype(np.int32)], False, 1, 1)
    canvas.albedo[drawing.astype(bool)] = linear((206, 206, 200))


def _drive(canvas: Canvas, rng: np.random.Generator, points: FloatMap, half_width: float) -> None:
    """Put a few cars on the road; they count as road."""
    for _ in range(rng.poisson(1.6)):
        at = int(rng.integers(10, len(points) - 10))
        direction = points[at + 4] - points[at - 4]
        direction /= np.hypot(*direction) + 1e-6
        side = np.array([-direction[1], direction[0]]) * rng.choice([-1, 1])
        centre = points[at] + side * half_width * 0.5 * canvas.scale
        box = cv2.boxPoints(
            (centre.tolist(), (4.4 * canvas.scale, 1.8 * canvas.scale), float(np.degrees(np.arctan2(*direction[::-1]))))
        )
        drawing = np.zeros(canvas.labels.shape, np.uint8)
        cv2.fillConvexPoly(drawing, np.round(box).astype(np.int32), 1)
        canvas.cover(drawing.astype(bool), linear(CAR_COLOURS[rng.integers(len(CAR_COLOURS))]), ROAD, 1.7)
