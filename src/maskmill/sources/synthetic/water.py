"""Water: rivers and ponds with banks, depth, ripples, glint and algae."""

import numpy as np

from maskmill.sources.synthetic.canvas import (
    FIELD,
    WATER,
    Canvas,
    FloatMap,
    distance_to_curve,
    fractal_noise,
    linear,
    mix,
    random_curve,
    rotated_coordinates,
)
from maskmill.sources.synthetic.flights import Flight

ALGAE = ((62, 84, 40), (118, 128, 62))
SAND = (178, 162, 128)
REED = (98, 102, 58)


def lay_river(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> None:
    """Let a river or a brook cross the canvas."""
    half_width = rng.choice([rng.uniform(2.0, 4.0), rng.uniform(6.0, 16.0)])
    wander = fractal_noise(rng, 120, 3)
    distance = distance_to_curve(random_curve(rng, rng.uniform(50, 150), rng.uniform(0, 2 * np.pi))) / canvas.scale
    _fill(canvas, rng, flight, half_width * (1 + 0.16 * wander) - distance, algae=0.25 * flight.algae)


def lay_pond(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> None:
    """Put a pond or a lake's corner somewhere on the canvas."""
    along, across = rotated_coordinates(rng.uniform(0, np.pi))
    shift_along, shift_across = rng.uniform(-200, 200, 2)
    stretch = rng.uniform(1.0, 1.9)
    from_centre = np.hypot((along - shift_along) / stretch, across - shift_across) / canvas.scale
    radius = rng.uniform(7, 28)
    shore = radius * (1 + 0.22 * fractal_noise(rng, 110, 4))
    _fill(canvas, rng, flight, shore - from_centre, algae=flight.algae)


def _fill(canvas: Canvas, rng: np.random.Generator, flight: Flight, depth: FloatMap, algae: float) -> None:
    """Cover what lies below the shore line; `depth` is metres inside it, negative on land."""
    grain = fractal_noise(rng, 5, 3)
    _lay_bank(canvas, rng, depth, grain)
    shallow = np.exp(-np.maximum(depth, 0) / 2.5)
    bright = np.asarray(flight.water) * rng.uniform(0.85, 1.2)
    colour = mix(bright * 0.82, bright * 0.72 + np.array(SAND) * 0.28, 0.75 * shallow + 0.05 * fractal_noise(rng, 140, 3))
    colour *= (1 + 0.05 * _ripples(rng))[..., np.newaxis]
    green = np.clip(1.5 * fractal_noise(rng, 90, 5) + 4.5 * algae - 3.6 + shallow, 0, 1)[..., np.newaxis]
    colour = colour * (1 - 0.85 * green) + mix(*ALGAE, 0.5 + 0.22 * grain) * (0.85 * green)
    colour += _glint(rng, flight)[..., np.newaxis] * linear((235, 240, 245)) * (1 - green)
    canvas.cover(depth > 0, colour.astype(np.float32), WATER, -0.8)


def _lay_bank(canvas: Canvas, rng: np.random.Generator, depth: FloatMap, grain: FloatMap) -> None:
    """Line the shore with reeds or sand, which count as field: only open water is water."""
    width = rng.uniform(0.5, 2.5)
    bank = (depth <= 0) & (depth + 0.6 * grain > -width)
    material = SAND if rng.random() < 0.35 else REED
    canvas.cover(bank, mix(material, np.array(material) * 0.75, 0.5 + 0.4 * grain), FIELD, 0.2 + 0.2 * grain)


def _ripples(rng: np.random.Generator) -> FloatMap:
    """Return wind ripples of about unit amplitude, crests across a random direction."""
    along, _ = rotated_coordinates(rng.uniform(0, np.pi))
    return np.sin(along * rng.uniform(0.5, 1.0) + 1.8 * fractal_noise(rng, 40, 3)) * fractal_noise(rng, 60, 2)


def _glint(rng: np.random.Generator, flight: Flight) -> FloatMap:
    """Return how much of the sun each pixel mirrors: a broad sheen and sparkles within it."""
    sheen = np.clip(fractal_noise(rng, 320, 2) - 0.2, 0, 2)
    sparkle = np.clip(fractal_noise(rng, 2.5, 2) - 1.3, 0, 1.5)
    return (flight.glint * sheen * (0.08 + 0.22 * sparkle)).astype(np.float32)
