"""Near-duplicates: which altered pictures are found again, and which distinct ones are taken for the same; prints one JSON line.

The peer is what scripts do: imagehash.phash of both pictures as they are, up to the same number of bits.

    python benchmarks/near_duplicates.py [FOLDER]    # of distinct pictures, build/encoded/images; without, 400 are made
"""

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskmill.data.likeness import find_alike
from maskmill.data.thumbnails import make_thumbnail
from maskmill.pictures import read_picture

BITS = 10  # presets/default.yaml's validate.near_duplicate
MADE, MOST = 400, 500  # pictures
LARGE = 20_000  # pictures, of which a third is compared with two thirds

Picture = NDArray[np.uint8]


def save_again(picture: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def scale_brightness(picture: Picture, factor: float) -> Picture:
    return np.clip(picture * factor, 0, 255).astype(np.uint8)


def crop(picture: Picture, fraction: float) -> Picture:
    """Take a fraction of the side from each of the four edges."""
    height, width = picture.shape[:2]
    top, left = round(height * fraction), round(width * fraction)
    return picture[top : height - top, left : width - left]


def tilt(picture: Picture, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


ALTERED: dict[str, Callable[[Picture], Picture]] = {
    "JPEG of quality 50": lambda picture: save_again(picture, 50),
    "half the size": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "10 % brighter": lambda picture: scale_brightness(picture, 1.1),
    "10 % darker": lambda picture: scale_brightness(picture, 0.9),
    "mirrored": lambda picture: picture[:, ::-1],
    "turned by 90 degrees": np.rot90,
    "mirrored, turned, JPEG of quality 50": lambda picture: save_again(np.ascontiguousarray(np.rot90(picture[:, ::-1])), 50),
    "1.5 % off each edge": lambda picture: crop(picture, 0.015),
    "3 % off each edge": lambda picture: crop(picture, 0.03),
    "3 % off one edge": lambda picture: picture[:, round(0.03 * picture.shape[1]) :],
    "5 % off each edge": lambda picture: crop(picture, 0.05),
    "10 % off each edge": lambda picture: crop(picture, 0.1),
    "turned by 5 degrees": lambda picture: tilt(picture, 5),
}


def main() -> None:
    pictures = read_folder(Path(sys.argv[1])) if len(sys.argv) > 1 else make_pictures(MADE)
    thumbnails = shrink(pictures)
    hashes = [imagehash.phash(Image.fromarray(picture)) for picture in pictures]
    found, found_by_peer = {}, {}
    for name, alter in ALTERED.items():
        altered = [np.ascontiguousarray(alter(picture)) for picture in pictures]
        pairs = find_alike(thumbnails, shrink(altered), near_duplicate=BITS)
        found[name] = round(float((pairs["first"] == pairs["second"]).sum() / len(pictures)), 3)
        theirs = [imagehash.phash(Image.fromarray(picture)) for picture in altered]
        found_by_peer[name] = round(float(np.mean([own - their <= BITS for own, their in zip(hashes, theirs, strict=True)])), 3)
    alarms = find_alike(thumbnails, thumbnails, near_duplicate=BITS).query("first < second")
    alarms_of_peer = sum(int(hashes[i] - hashes[j] <= BITS) for j in range(len(hashes)) for i in range(j))
    figure, peer = np.mean(list(found.values())), np.mean(list(found_by_peer.values()))
    print(
        json.dumps(
            {
                "benchmark": "near_duplicates",
                "unit": "altered pictures found, mean over the kinds",
                "figure": round(float(figure), 3),
                "peer": f"imagehash.phash, up to {BITS} bits",
                "peer_figure": round(float(peer), 3),
                "ratio": round(float(figure / peer), 2),
                "pictures": len(pictures),
                "distinct_pairs": len(pictures) * (len(pictures) - 1) // 2,
                "false_alarms": len(alarms),
                "peer_false_alarms": alarms_of_peer,
                "found": found,
                "peer_found": found_by_peer,
                "seconds_20000_pictures": round(time_large(), 1),
            }
        )
    )


def read_folder(folder: Path) -> list[Picture]:
    """Read pictures in RGB, of many some evenly spread."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    kept = [paths[round(place)] for place in np.linspace(0, len(paths) - 1, min(len(paths), MOST))]
    return [np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3))) for picture in map(read_picture, kept)]


def make_pictures(number: int) -> list[Picture]:
    """Paint soft blots of several sizes in colours."""
    generator = np.random.default_rng(0)
    pictures = []
    for _ in range(number):
        layers = [generator.integers(0, 256, (rows, rows * 4 // 3, 3), np.uint8) for rows in (3, 9, 27)]
        large = [cv2.resize(layer, (320, 240), interpolation=cv2.INTER_CUBIC) for layer in layers]
        pictures.append(np.average(large, axis=0, weights=(2, 2, 1)).astype(np.uint8))
    return pictures


def shrink(pictures: list[Picture]) -> NDArray[np.uint8]:
    return np.stack([make_thumbnail(picture) for picture in pictures])


def time_large() -> float:
    """Return how many seconds 20,000 thumbnails take, two thirds against one third."""
    generator = np.random.default_rng(0)
    blots = generator.integers(0, 256, (LARGE, 8, 8), np.uint8)
    thumbnails = np.stack([cv2.resize(each, (32, 32), interpolation=cv2.INTER_CUBIC) for each in blots])
    started = time.perf_counter()
    find_alike(thumbnails[LARGE // 3 :], thumbnails[: LARGE // 3], near_duplicate=BITS)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
