"""Encoding a colour mask: maskmill against the published way, a distance per class and pixel in NumPy; prints one JSON line.

One core each, one 4096 x 4096 mask of 30 classes as a JPEG has it. The published way goes through it strip by strip; in turns with
that, ours goes through all of it. The answers have to agree on every pixel, and on all 2**24 colours with a palette of 12.
"""

import json
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.labels import encode_colours
from maskmill.labels.colours import _build_tables

SIDE, NUM_CLASSES, JPEG_QUALITY = 4096, 30, 90  # Cityscapes paints 30 classes
STRIPS = 16

Encode = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]


def main() -> None:
    cv2.setNumThreads(1)
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (NUM_CLASSES, 3), dtype=np.uint8)
    clean = colours[paint_labels(generator)]
    noisy = compress(clean)
    labels = encode_colours(noisy, colours)  # builds the table

    ours, published, on_clean, agreements = [], [], [], []
    for strip, strip_labels in zip(np.split(noisy, STRIPS), np.split(labels, STRIPS), strict=True):
        rate, published_labels = measure(encode_as_published, strip, colours)
        published.append(rate)
        agreements.append(np.array_equal(published_labels, strip_labels))
        ours.append(measure(encode_colours, noisy, colours)[0])
        on_clean.append(measure(encode_colours, clean, colours)[0])
    figure, peer = statistics.median(ours), statistics.median(published)
    print(
        json.dumps(
            {
                "benchmark": "encode",
                "unit": "megapixels/s on one core",
                "figure": round(figure, 1),
                "figure_without_jpeg": round(statistics.median(on_clean), 1),
                "peer": "a distance per class and pixel in NumPy, argmin",
                "peer_figure": round(peer, 3),
                "ratio": round(figure / peer, 1),
                "agrees_on_every_pixel": all(agreements),
                "agrees_on_every_colour": agree_on_every_colour(colours[:12]),
                "table_seconds": {str(count): round(build_tables(count), 3) for count in (12, 255)},
            }
        )
    )


def encode_as_published(colour_mask: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compare each pixel with each class colour, then take the nearest: what notebooks for these data sets do."""
    distances = [((colour_mask.astype(np.int32) - colour.astype(np.int32)) ** 2).sum(axis=-1) for colour in colours]
    return np.argmin(distances, axis=0).astype(np.uint8)


def paint_labels(generator: np.random.Generator) -> NDArray[np.intp]:
    """Draw smooth areas of NUM_CLASSES labels, some 100 pixels wide."""
    coarse = generator.random((NUM_CLASSES, SIDE // 64, SIDE // 64), np.float32)
    best, labels = np.full((SIDE, SIDE), -np.inf, np.float32), np.zeros((SIDE, SIDE), np.intp)
    for label, values in enumerate(coarse):
        field = cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        np.copyto(labels, label, where=field > best)
        np.maximum(best, field, out=best)
    return labels


def compress(colour_mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, encoded = cv2.imencode(".jpg", colour_mask[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def measure(encode: Encode, picture: NDArray[np.uint8], colours: NDArray[np.uint8]) -> tuple[float, NDArray[np.uint8]]:
    """Return the megapixels a second at which `encode` gets through a picture, and the answer."""
    start = time.perf_counter()
    labels = encode(picture, colours)
    return labels.size / 1e6 / (time.perf_counter() - start), labels


def agree_on_every_colour(colours: NDArray[np.uint8]) -> bool:
    values = np.arange(2**24, dtype=np.uint32).reshape(64, 1024, 256)
    for slab in values:
        mask = np.stack([slab >> 16, slab >> 8 & 255, slab & 255], axis=-1).astype(np.uint8)
        if not np.array_equal(encode_as_published(mask, colours), encode_colours(mask, colours)):
            return False
    return True


def build_tables(count: int) -> float:
    palette = np.random.default_rng(count).integers(0, 256, (count, 3), dtype=np.uint8)
    start = time.perf_counter()
    _build_tables(palette.tobytes())
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
