"""The sample's files: photo and colour mask side by side in one JPEG, as the Cityscapes pairs come."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskmill.errors import SourceError
from maskmill.outputs import new_folder
from maskmill.sources.synthetic.flights import SEASONS, build_flight
from maskmill.sources.synthetic.scenes import generate_scene
from maskmill.terminal import track

# In the order of scenes.CLASS_NAMES; presets/default.yaml names the same colours.
CLASS_COLOURS = ((214, 193, 96), (34, 110, 52), (42, 92, 196), (128, 128, 136), (206, 60, 48))
JPEG_QUALITY = 84
CHROMA_HALVED = 2  # 4:2:0, as cameras and such sets have it: colours bleed over the mask's edges
README_NAME = "README.md"
README = """# Synthetic sample

{scenes} aerial scenes of {flights} flights. Nobody flew: maskmill drew them, with the command

    python -m maskmill.sources.synthetic data --scenes {scenes} --flights {flights} --seed {seed}

Each `flightNN_SS.jpg` is 512 x 256: the photo on the left, the truth in colours on the right. Both halves are JPEG, so
the colours have bled and only come near the class colours:

| class | red, green, blue | what it covers |
| --- | --- | --- |
| field | 214, 193, 96 | crops, bare soil, meadows, scrub, lawns, banks and reeds |
| woods | 34, 110, 52 | forest, hedges, orchards, single trees |
| water | 42, 92, 196 | rivers and ponds, also under algae |
| road | 128, 128, 136 | asphalt, dirt tracks, drives, bridges, and the cars on them |
| building | 206, 60, 48 | roofs with all that is on them |

The truth is what is on top, as seen from above: a road under a crown is woods, and a shadow changes nothing.
The scenes of one flight share landscape, season, sun, air and camera: keep them on one side of a split (`source.group`).

Licence: CC0 1.0, or MIT like maskmill, as you prefer.
"""


def write_sample(folder: Path, *, scenes: int, flights: int, seed: int) -> NDArray[np.int64]:
    """Write the synthetic sample, whole or not at all, in place of what was in `folder`.

    Args:
        folder: where flightNN_SS.jpg and README.md go.
        scenes: number of pictures, dealt evenly to the flights.
        flights: number of flights, 1 to 99; their seasons take turns.
        seed: the same seed gives the same bytes with the same versions of OpenCV and Pillow.

    Returns:
        int64 (5,): pixels of each class over all masks.

    Raises:
        SourceError: fewer scenes than flights, a negative seed, or a folder that holds something else than a sample.
    """
    _check_request(folder, scenes, flights, seed)
    palette = np.array(CLASS_COLOURS, np.uint8)
    counts = np.zeros(len(palette), np.int64)
    with new_folder(folder) as temporary:
        for number in track(range(scenes), "drawing scenes", scenes):
            scene, flight_number = divmod(number, flights)
            # Every scene has a seed of its own: the first scenes stay the same when more are asked for.
            flight = build_flight(np.random.default_rng([seed, flight_number]), SEASONS[flight_number % len(SEASONS)])
            photo, label_mask = generate_scene(np.random.default_rng([seed, flight_number, scene]), flight)
            name = f"flight{flight_number + 1:02d}_{scene + 1:02d}.jpg"
            (temporary / name).write_bytes(encode_composite(photo, palette[label_mask]))
            counts += np.bincount(label_mask.ravel(), minlength=len(palette))
        (temporary / README_NAME).write_text(README.format(scenes=scenes, flights=flights, seed=seed), encoding="utf-8")
    return counts


def encode_composite(photo: NDArray[np.uint8], colour_mask: NDArray[np.uint8]) -> bytes:
    """Return photo and colour mask, both uint8 (H, W, 3) RGB, side by side as one JPEG that says "synthetic sample"."""
    buffer = io.BytesIO()
    composite = Image.fromarray(np.hstack([photo, colour_mask]))
    composite.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=CHROMA_HALVED, optimize=True, comment=b"synthetic sample")
    return buffer.getvalue()


def _check_request(folder: Path, scenes: int, flights: int, seed: int) -> None:
    if not 1 <= flights <= min(scenes, 99):
        raise SourceError(
            f"{scenes} scenes in {flights} flights", expected="1 to 99 flights, each with a scene or more", fix="give other numbers"
        )
    if seed < 0:
        raise SourceError(f"seed {seed}", expected="0 or more", fix="give another seed")
    if folder.is_file():
        raise SourceError(f"{folder} is a file", expected="a folder or a new name", fix="name another folder")
    strangers = [path.name for path in folder.glob("*") if path.name != README_NAME and not path.match("flight[0-9][0-9]_*.jpg")]
    if strangers:
        raise SourceError(
            f"{folder} holds {strangers[0]}",
            expected="an empty folder or an earlier sample, which is replaced",
            fix="name another folder",
        )
