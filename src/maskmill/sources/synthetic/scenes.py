"""One scene: what is laid on what, and how often."""

import numpy as np
from numpy.typing import NDArray

from maskmill.sources.synthetic.buildings import place_along_road, place_farm, place_shed
from maskmill.sources.synthetic.camera import label_majority, photograph
from maskmill.sources.synthetic.canvas import Canvas, FloatMap, empty_canvas
from maskmill.sources.synthetic.fields import lay_fields
from maskmill.sources.synthetic.flights import Flight
from maskmill.sources.synthetic.roads import lay_asphalt, lay_track
from maskmill.sources.synthetic.water import lay_pond, lay_river
from maskmill.sources.synthetic.woods import plant_forest, plant_hedges, plant_orchard, plant_shore, plant_single_trees

CLASS_NAMES = ("field", "woods", "water", "road", "building")


def generate_scene(rng: np.random.Generator, flight: Flight) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw one aerial scene and its truth.

    The truth is what is on top, as seen from above: a road under a crown is woods, a bridge is road, a car is road, a shadow
    changes nothing, and reeds, lawns and banks are field.

    Args:
        rng: all randomness of this scene.
        flight: the light, season and camera it shares with its flight.

    Returns:
        photo uint8 (256, 256, 3) RGB and label_mask uint8 (256, 256) of ids in the order of CLASS_NAMES.
    """
    canvas = empty_canvas(flight.ground_sampling)
    parcel_edge = lay_fields(canvas, rng, flight)
    _lay_waters(canvas, rng, flight)
    roads = _lay_roads(canvas, rng, flight)
    _place_buildings(canvas, rng, roads)
    _plant_trees(canvas, rng, flight, parcel_edge)
    return photograph(canvas, rng, flight), label_majority(canvas, len(CLASS_NAMES))


def _lay_waters(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> None:
    if rng.random() < 0.5:
        lay_river(canvas, rng, flight)
    for _ in range(rng.poisson(0.6)):
        lay_pond(canvas, rng, flight)


def _lay_roads(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> list[tuple[FloatMap, float]]:
    """Lay tracks, then paved roads over them, each about square to the one before; return all of them, paved ones first."""
    heading = rng.uniform(0, np.pi)
    tracks, paved = [], []
    for _ in range(rng.poisson(0.9)):
        tracks.append(lay_track(canvas, rng, flight, heading))
        heading += rng.normal(np.pi / 2, 0.35)
    for _ in range(rng.choice([0, 1, 2], p=[0.25, 0.5, 0.25])):
        paved.append(lay_asphalt(canvas, rng, heading))
        heading += rng.normal(np.pi / 2, 0.35)
    return paved + tracks


def _place_buildings(canvas: Canvas, rng: np.random.Generator, roads: list[tuple[FloatMap, float]]) -> None:
    if roads and rng.random() < 0.75:
        place_along_road(canvas, rng, roads[0], density=rng.uniform(0.3, 1.0))
    if len(roads) > 1 and rng.random() < 0.5:
        place_along_road(canvas, rng, roads[1], density=rng.uniform(0.2, 0.8))
    for _ in range(rng.poisson(1.1)):
        place_farm(canvas, rng)
    for _ in range(rng.poisson(1.2)):
        place_shed(canvas, rng)


def _plant_trees(canvas: Canvas, rng: np.random.Generator, flight: Flight, parcel_edge: FloatMap) -> None:
    plant_hedges(canvas, rng, flight, parcel_edge)
    plant_shore(canvas, rng, flight)
    if rng.random() < 0.2:
        plant_orchard(canvas, rng, flight)
    if rng.random() < 0.8:
        plant_forest(canvas, rng, flight, share=rng.beta(1.6, 3.2))
    plant_single_trees(canvas, rng, flight)
