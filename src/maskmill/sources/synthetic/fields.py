"""Fields: parcels of crops, meadows and bare soil with their rows, tramlines and margins."""

from dataclasses import dataclass

import cv2
import numpy as np

from maskmill.sources.synthetic.canvas import CANVAS_SIZE, FIELD, Canvas, FloatMap, Where, fractal_noise, mix, rotated_coordinates
from maskmill.sources.synthetic.flights import Colour, Flight


@dataclass(frozen=True)
class Crop:
    """How a parcel looks: two sRGB colours it varies between, its rows and its roughness.

    Attributes:
        dark, light: sRGB 0..255.
        row_spacing: metres between rows.
        row_contrast: how far rows swing between the two colours, 0..1.
        mottling: how far patches swing between the two colours, 0..1.
        roughness: metres of height of the plants' relief, which the sun shades.
        tramlines: whether a tractor has left its tracks.
    """

    dark: Colour
    light: Colour
    row_spacing: float
    row_contrast: float
    mottling: float
    roughness: float
    tramlines: bool


MEADOW = Crop((86, 108, 54), (134, 146, 80), 3.0, 0.05, 0.28, 0.12, False)
PASTURE = Crop((104, 114, 62), (160, 156, 96), 4.5, 0.12, 0.30, 0.08, False)
YOUNG_CEREAL = Crop((84, 118, 56), (130, 152, 76), 2.0, 0.16, 0.14, 0.04, True)
RAPESEED = Crop((150, 146, 62), (206, 190, 76), 2.2, 0.12, 0.26, 0.14, True)
MAIZE = Crop((56, 84, 42), (92, 118, 58), 1.8, 0.26, 0.20, 0.35, False)
RIPE_CEREAL = Crop((184, 154, 88), (220, 192, 124), 2.2, 0.12, 0.14, 0.05, True)
STUBBLE = Crop((172, 150, 108), (212, 192, 146), 3.6, 0.28, 0.14, 0.03, True)
SCRUB = Crop((52, 74, 40), (124, 128, 72), 5.0, 0.0, 0.42, 0.75, False)
VINEYARD = Crop((66, 90, 46), (168, 146, 104), 2.6, 0.50, 0.10, 0.30, False)
DRY_GRASS = Crop((138, 126, 84), (182, 168, 118), 4.0, 0.06, 0.30, 0.10, False)

SEASON_CROPS = {
    "spring": (YOUNG_CEREAL, YOUNG_CEREAL, RAPESEED, MEADOW, SCRUB, VINEYARD),
    "summer": (MAIZE, YOUNG_CEREAL, RIPE_CEREAL, MEADOW, PASTURE, SCRUB, VINEYARD),
    "harvest": (RIPE_CEREAL, STUBBLE, STUBBLE, MAIZE, DRY_GRASS, PASTURE, VINEYARD),
    "autumn": (STUBBLE, MEADOW, DRY_GRASS, PASTURE, SCRUB, YOUNG_CEREAL),
}
BARE_SOIL_SHARE = 0.22
Rectangle = tuple[float, float, float, float]


def lay_fields(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> FloatMap:
    """Cover the whole canvas with parcels.

    Returns:
        float32 (CANVAS_SIZE, CANVAS_SIZE): metres to the edge of the parcel, for hedges to stand on.
    """
    along, across = rotated_coordinates(rng.uniform(0, np.pi))
    bend = fractal_noise(rng, 260, 2) * 5
    along, across = (along + bend) / canvas.scale, (across - bend) / canvas.scale
    reach = 0.75 * CANVAS_SIZE / canvas.scale
    patches, grain = fractal_noise(rng, 90, 5), fractal_noise(rng, 4, 3)
    edge = np.zeros_like(along)
    for left, top, right, bottom in _split_parcels(rng, (-reach, -reach, reach, reach), rng.uniform(38, 75)):
        inside = (along >= left) & (along < right) & (across >= top) & (across < bottom)
        if not inside.any():
            continue
        edge[inside] = np.minimum(np.minimum(along - left, right - along), np.minimum(across - top, bottom - across))[inside]
        rows = across if rng.random() < 0.7 else along
        x, y, width, height = cv2.boundingRect(inside.astype(np.uint8))
        part = np.s_[y : y + height, x : x + width]
        _sow(
            canvas.window(y, x, y + height, x + width),
            rng,
            inside[part],
            _pick_crop(rng, flight),
            rows=rows[part],
            patches=patches[part],
            grain=grain[part],
        )
    ragged_edge = edge + 0.5 * grain
    margin = mix(MEADOW.dark, MEADOW.light, 0.4 + 0.25 * grain)
    canvas.cover(ragged_edge < rng.uniform(0.2, 1.1), margin, FIELD, 0.1 + 0.1 * grain)
    return edge


def _split_parcels(rng: np.random.Generator, parcel: Rectangle, size: float) -> list[Rectangle]:
    """Cut a rectangle in metres into parcels about `size` wide, across its longer side, again and again."""
    left, top, right, bottom = parcel
    width, height = right - left, bottom - top
    if max(width, height) < size * rng.uniform(1.1, 2.2):
        return [parcel]
    cut = rng.uniform(0.3, 0.7)
    if width > height:
        middle = left + cut * width
        return _split_parcels(rng, (left, top, middle, bottom), size) + _split_parcels(rng, (middle, top, right, bottom), size)
    middle = top + cut * height
    return _split_parcels(rng, (left, top, right, middle), size) + _split_parcels(rng, (left, middle, right, bottom), size)


def _pick_crop(rng: np.random.Generator, flight: Flight) -> Crop:
    if rng.random() < BARE_SOIL_SHARE:
        red, green, blue = flight.soil
        dark = (red * 0.82, green * 0.82, blue * 0.82)
        return Crop(dark, (red * 1.12, green * 1.1, blue * 1.08), 2.4, 0.20, 0.30, 0.10, False)
    crops = SEASON_CROPS[flight.season]
    return crops[rng.integers(len(crops))]


def _sow(
    canvas: Canvas, rng: np.random.Generator, inside: Where, crop: Crop, *, rows: FloatMap, patches: FloatMap, grain: FloatMap
) -> None:
    """Cover one parcel with a crop; `rows` is metres across the rows."""
    phase = 2 * np.pi * rows / (crop.row_spacing * rng.uniform(0.85, 1.3)) + 0.25 * grain
    furrows = np.sin(phase)
    sign = rng.choice([-1.0, 1.0])
    weight = 0.5 + rng.uniform(-0.18, 0.18) + crop.row_contrast * furrows + crop.mottling * (0.6 * sign * patches + 0.45 * grain)
    colour = mix(crop.dark, crop.light, weight) * np.float32(rng.uniform(0.8, 1.15))
    relief = crop.roughness * (furrows if crop.row_contrast > 0.1 else 1.6 * grain + 0.6 * patches)
    canvas.cover(inside, colour, FIELD, relief)
    if crop.tramlines:
        spacing = rng.uniform(14, 22)
        from_track = np.abs(np.mod(rows + rng.uniform(0, spacing), spacing) - spacing / 2)
        canvas.albedo[inside & (np.abs(from_track - 0.9) < 0.28)] *= np.float32(rng.uniform(0.72, 0.86))
