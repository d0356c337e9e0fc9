"""A flight: what its scenes share, and what makes one flight look different from the next."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEASONS = ("spring", "summer", "harvest", "autumn")
Colour = tuple[float, float, float]

WATERS: tuple[Colour, ...] = ((38, 66, 84), (56, 88, 92), (70, 92, 64), (92, 92, 66), (46, 60, 58), (58, 84, 112))
SOILS: tuple[Colour, ...] = ((142, 110, 80), (122, 98, 76), (160, 134, 102), (104, 84, 68))


@dataclass(frozen=True)
class Flight:
    """One flight over one landscape on one day.

    Attributes:
        season: one of SEASONS; decides which crops stand and the colour of leaves.
        ground_sampling: metres a pixel of the photo.
        sun_azimuth: radians in the picture's plane, the direction that shadows fall to.
        sun_elevation: radians above the horizon.
        sunlight, skylight: linear RGB of direct and of diffuse light.
        haze: fraction of the light that the air adds.
        white_balance: RGB gains that the camera applied.
        contrast: exponent of the tone curve around middle grey.
        exposure: gain before the tone curve.
        saturation: of the developed colours, 1 as they are.
        blur: sigma of the optics in pixels of the photo.
        noise: sigma of the sensor's noise in grey levels.
        vignetting: fraction of light lost in the corners.
        cloud_shadow: fraction of the direct light that clouds take where they are.
        glint: how strongly ripples mirror the sun, 0..1.
        algae: how much of the still water is green, 0..1.
        water, soil: sRGB 0..255 of this landscape.
        conifers: fraction of needle trees.
    """

    season: str
    ground_sampling: float
    sun_azimuth: float
    sun_elevation: float
    sunlight: NDArray[np.float32]
    skylight: NDArray[np.float32]
    haze: float
    white_balance: NDArray[np.float32]
    contrast: float
    exposure: float
    saturation: float
    blur: float
    noise: float
    vignetting: float
    cloud_shadow: float
    glint: float
    algae: float
    water: Colour
    soil: Colour
    conifers: float


def build_flight(rng: np.random.Generator, season: str) -> Flight:
    """Draw a flight of the given season (one of SEASONS)."""
    elevation = float(np.radians(rng.uniform(28, 58)))
    warmth = rng.uniform(0.0, 1.0) * (1.3 - np.sin(elevation))  # a low sun is yellow
    return Flight(
        season=season,
        ground_sampling=float(rng.uniform(0.38, 0.7)),
        sun_azimuth=float(rng.uniform(0, 2 * np.pi)),
        sun_elevation=elevation,
        sunlight=np.array([1.0 + 0.12 * warmth, 1.0, 1.0 - 0.25 * warmth], np.float32) * 0.98,
        skylight=np.array([0.22, 0.27, 0.37], np.float32) * np.float32(rng.uniform(0.8, 1.25)),
        haze=float(rng.choice([0.0, 0.03, 0.07, 0.15])),
        white_balance=rng.uniform(0.93, 1.07, 3).astype(np.float32),
        contrast=float(rng.uniform(0.92, 1.15)),
        exposure=float(rng.uniform(0.95, 1.35)),
        saturation=float(rng.uniform(0.6, 0.9)),
        blur=float(rng.uniform(0.25, 0.85)),
        noise=float(rng.uniform(1.0, 4.0)),
        vignetting=float(rng.uniform(0.02, 0.22)),
        cloud_shadow=float(rng.choice([0.0, 0.0, 0.35, 0.55])),
        glint=float(rng.uniform(0.0, 1.0)),
        algae=float(rng.uniform(0.0, 1.0)),
        water=WATERS[rng.integers(len(WATERS))],
        soil=SOILS[rng.integers(len(SOILS))],
        conifers=float(rng.uniform(0.0, 0.7)),
    )
