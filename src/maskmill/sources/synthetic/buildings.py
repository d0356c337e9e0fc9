"""Buildings: houses along roads and farms of their own, with gabled, hipped and flat roofs."""

from dataclasses import dataclass, replace

import numpy as np

from maskmill.sources.synthetic.canvas import (
    BUILDING,
    CANVAS_SIZE,
    FIELD,
    ROAD,
    WATER,
    Canvas,
    FloatMap,
    Where,
    fractal_noise,
    linear,
    mix,
)
from maskmill.sources.synthetic.flights import Colour
from maskmill.sources.synthetic.roads import lay_driveway

PITCHED_ROOFS: tuple[Colour, ...] = (
    (168, 84, 58),
    (152, 96, 70),
    (190, 112, 82),
    (118, 84, 66),
    (112, 112, 116),
    (86, 90, 96),
    (134, 132, 126),
    (96, 108, 82),
    (150, 140, 118),
)
FLAT_ROOFS: tuple[Colour, ...] = (
    (136, 136, 138),
    (168, 166, 160),
    (110, 112, 116),
    (204, 204, 200),
    (110, 122, 80),
    (128, 116, 100),
)
SOLAR_PANEL = (30, 40, 68)


@dataclass(frozen=True)
class Plan:
    """A building to be: centre x, y in canvas pixels, angle in radians, length, width and eaves in metres."""

    centre: FloatMap
    angle: float
    length: float
    width: float
    eaves: float


def place_along_road(canvas: Canvas, rng: np.random.Generator, road: tuple[FloatMap, float], density: float) -> None:
    """Build on both sides of a road; `density` is the share of plots in use, 0..1."""
    points, half_width = road
    step = rng.uniform(15, 22) * canvas.scale
    for at in np.arange(20, len(points) - 20, step).astype(int):
        for side in (-1, 1):
            if rng.random() > density:
                continue
            direction = points[at + 8] - points[at - 8]
            angle = float(np.arctan2(direction[1], direction[0]))
            length, width = rng.uniform(9, 17), rng.uniform(7, 11)
            setback = (half_width + rng.uniform(3, 8) + width / 2) * canvas.scale
            normal = np.array([-np.sin(angle), np.cos(angle)], np.float32) * side
            turned = angle + rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.05)
            plan = Plan(points[at] + normal * setback, float(turned), length, width, rng.uniform(3.0, 6.0))
            if _build_if_free(canvas, rng, plan, garden=True) and rng.random() < 0.5:
                # from the wall to the kerb, so that it stays off the roof
                lay_driveway(canvas, rng, plan.centre - normal * (length / 2 + 1) * canvas.scale, points[at])


def place_farm(canvas: Canvas, rng: np.random.Generator) -> None:
    """Build two to five barns and sheds around a yard, all in line with each other."""
    angle = rng.uniform(0, np.pi)
    yard = rng.uniform(0.15, 0.85, 2) * CANVAS_SIZE
    for _ in range(rng.integers(2, 6)):
        centre = yard + rng.normal(0, 16, 2) * canvas.scale
        turned = angle + rng.choice([0.0, np.pi / 2])
        plan = Plan(centre.astype(np.float32), float(turned), rng.uniform(12, 32), rng.uniform(8, 14), rng.uniform(4, 7))
        _build_if_free(canvas, rng, plan, garden=False)


def place_shed(canvas: Canvas, rng: np.random.Generator) -> None:
    """Build a hut somewhere: small, and easy to miss."""
    centre = rng.uniform(0.05, 0.95, 2).astype(np.float32) * CANVAS_SIZE
    plan = Plan(centre, rng.uniform(0, np.pi), rng.uniform(4, 7), rng.uniform(3, 5), rng.uniform(2.2, 3))
    _build_if_free(canvas, rng, plan, garden=False)


def _build_if_free(whole: Canvas, rng: np.random.Generator, plan: Plan, *, garden: bool) -> bool:
    """Build, unless a road, water or another building is in the way; tell whether it was built."""
    canvas, plan = _site(whole, plan)
    footprint = _footprint(canvas, plan, 1.5)
    if not footprint.any() or np.isin(canvas.labels[footprint], (ROAD, WATER, BUILDING)).any():
        return False
    if garden:
        _lay_garden(canvas, rng, plan)
    _build(canvas, rng, plan)
    if rng.random() < 0.35:  # an L: a wing across one end
        _build_wing(canvas, rng, plan)
    return True


def _site(canvas: Canvas, plan: Plan) -> tuple[Canvas, Plan]:
    """Return the window of the canvas that the building, its wing and its garden need, and the plan within it."""
    reach = int((plan.length + plan.width + 4) * canvas.scale)
    left, top = (int(value) - reach for value in plan.centre)
    window = canvas.window(top, left, top + 2 * reach, left + 2 * reach)
    return window, replace(plan, centre=plan.centre - np.array([max(left, 0), max(top, 0)], np.float32))


def _build_wing(canvas: Canvas, rng: np.random.Generator, plan: Plan) -> None:
    reach = plan.length / 2 - plan.width * 0.4
    along = np.array([np.cos(plan.angle), np.sin(plan.angle)])
    across = np.array([-along[1], along[0]]) * rng.choice([-1, 1])
    centre = plan.centre + (along * reach + across * plan.width * 0.8) * canvas.scale
    wing = Plan(centre.astype(np.float32), plan.angle + np.pi / 2, plan.width * 1.2, plan.width * 0.75, plan.eaves * 0.9)
    if not np.isin(canvas.labels[_footprint(canvas, wing, 0.5)], (ROAD, WATER)).any():
        _build(canvas, rng, wing)


def _local_coordinates(canvas: Canvas, plan: Plan) -> tuple[FloatMap, FloatMap]:
    """Return metres along and across the building, 0 in its centre."""
    rows, columns = np.ogrid[: canvas.labels.shape[0], : canvas.labels.shape[1]]
    x = (columns - plan.centre[0]).astype(np.float32) / canvas.scale
    y = (rows - plan.centre[1]).astype(np.float32) / canvas.scale
    cos, sin = np.float32(np.cos(plan.angle)), np.float32(np.sin(plan.angle))
    return cos * x + sin * y, -sin * x + cos * y


def _footprint(canvas: Canvas, plan: Plan, margin: float) -> Where:
    along, across = _local_coordinates(canvas, plan)
    return (np.abs(along) < plan.length / 2 + margin) & (np.abs(across) < plan.width / 2 + margin)


def _lay_garden(canvas: Canvas, rng: np.random.Generator, plan: Plan) -> None:
    """Lay a lawn around a house; it counts as field."""
    lawn = _footprint(canvas, plan, rng.uniform(3, 6)) & (canvas.labels == FIELD)
    colour = mix((88, 112, 54), (136, 150, 82), 0.4 + rng.uniform(-0.2, 0.2) + 0.2 * fractal_noise(rng, 5, 3, lawn.shape))
    canvas.cover(lawn, colour, FIELD, 0.05)


def _build(canvas: Canvas, rng: np.random.Generator, plan: Plan) -> None:
    """Put walls and a roof on the plan."""
    along, across = _local_coordinates(canvas, plan)
    roof = (np.abs(along) < plan.length / 2) & (np.abs(across) < plan.width / 2)
    if rng.random() < 0.25:
        canvas.cover(roof, *_flat_roof(rng, plan, along, across))
        return
    canvas.cover(roof, *_pitched_roof(rng, plan, along, across))
    if rng.random() < 0.2:
        panels = (np.abs(along) < plan.length * 0.36) & (across > plan.width * 0.1) & (across < plan.width * 0.38)
        seams = (np.mod(along, 1.6) < 0.15) | (np.mod(across, 1.2) < 0.12)
        canvas.albedo[panels & ~seams] = linear(SOLAR_PANEL)


def _pitched_roof(rng: np.random.Generator, plan: Plan, along: FloatMap, across: FloatMap) -> tuple[FloatMap, int, FloatMap]:
    """Return colour, label and height of a gabled or hipped roof; its faces are shaded through the height."""
    inwards = plan.width / 2 - np.abs(across)
    if rng.random() < 0.4:
        inwards = np.minimum(inwards, plan.length / 2 - np.abs(along))
    tiles = 0.12 * np.sin(2 * np.pi * inwards / 0.9) + 0.16 * fractal_noise(rng, 14, 4, along.shape)
    base = np.array(PITCHED_ROOFS[rng.integers(len(PITCHED_ROOFS))]) * rng.uniform(0.88, 1.12)
    colour = mix(base * 0.86, base * 1.14, 0.5 + tiles)
    colour[(np.abs(across) < 0.3) & (inwards > plan.width * 0.4)] *= np.float32(1.25)  # the ridge
    return colour, BUILDING, (plan.eaves + rng.uniform(0.35, 0.75) * inwards).astype(np.float32)


def _flat_roof(rng: np.random.Generator, plan: Plan, along: FloatMap, across: FloatMap) -> tuple[FloatMap, int, FloatMap]:
    """Return colour, label and height of a flat roof with a parapet and a few boxes on it."""
    base = np.array(FLAT_ROOFS[rng.integers(len(FLAT_ROOFS))]) * rng.uniform(0.9, 1.1)
    colour = mix(
        base * 0.9, base * 1.1, 0.5 + 0.2 * fractal_noise(rng, 20, 4, along.shape) + 0.15 * fractal_noise(rng, 3, 2, along.shape)
    )
    height = np.full(along.shape, plan.eaves, np.float32)
    from_edge = np.minimum(plan.length / 2 - np.abs(along), plan.width / 2 - np.abs(across))
    height[from_edge < 0.4] += np.float32(0.5)
    for _ in range(rng.integers(1, 4)):
        at_along, at_across = rng.uniform(-0.35, 0.35, 2) * (plan.length, plan.width)
        box = (np.abs(along - at_along) < rng.uniform(0.6, 1.5)) & (np.abs(across - at_across) < rng.uniform(0.5, 1.0))
        height[box] += np.float32(1.0)
        colour[box] = linear((190, 192, 194))
    return colour, BUILDING, height
