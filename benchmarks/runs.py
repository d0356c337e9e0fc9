"""Run lengths to a mask and back: maskmill against the loops of published notebooks; prints one JSON line.

One core, one 3000 x 3000 mask of buildings, counted down the columns, in turns with the published ways. A loop over the runs that
fills slices is the peer in decoding, one that sets pixel by pixel stands beside it; in encoding it is the loop over the pixels
of the objects. Ours also refuses what is wrong and answers in contiguous memory. All have to agree on every pixel.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.labels import decode_runs, encode_runs

SIDE, NUM_BUILDINGS = 3000, 1200  # at 0.3 m a pixel, as aerial sets have it: a fifth is roof
ROUNDS = 9

Size = tuple[int, int]


def main() -> None:
    cv2.setNumThreads(1)
    mask = paint_buildings(np.random.default_rng(0))
    text = encode_runs(mask, "column")
    ways: dict[str, Callable[[], Any]] = {
        "decode": lambda: decode_runs(text, mask.shape, "column"),
        "slices": lambda: decode_by_slices(text, mask.shape),
        "pixels": lambda: decode_by_pixels(text, mask.shape),
        "encode": lambda: encode_runs(mask, "column"),
        "parse": lambda: np.fromstring(text, np.int64, sep=" "),  # what no way of decoding text can do without
        "published_encode": lambda: encode_as_published(mask.view(np.uint8)),
    }
    answers = {name: way() for name, way in ways.items()}
    rounds = [{name: measure(way) for name, way in ways.items()} for _ in range(ROUNDS)]
    rates = {name: mask.size / 1e6 / statistics.median(seconds[name] for seconds in rounds) for name in ways}
    print(
        json.dumps(
            {
                "benchmark": "runs",
                "unit": "megapixels/s on one core",
                "runs": text.count(" ") // 2 + 1,
                "figure": round(rates["decode"]),
                "peer": "a Python loop over the runs that fills slices",
                "peer_figure": round(rates["slices"], 1),
                "ratio": round(rates["decode"] / rates["slices"], 1),
                "pixel_peer_figure": round(rates["pixels"], 1),
                "pixel_ratio": round(rates["decode"] / rates["pixels"], 1),
                "encode_figure": round(rates["encode"]),
                "encode_peer": "a Python loop over the pixels of the objects",
                "encode_peer_figure": round(rates["published_encode"], 1),
                "encode_ratio": round(rates["encode"] / rates["published_encode"], 1),
                "milliseconds": {name: milliseconds(rounds, name) for name in ("slices", "pixels", "decode", "parse")},
                "agrees_on_every_pixel": all(np.array_equal(answers[name], mask) for name in ("decode", "slices", "pixels")),
                "agrees_on_every_run": answers["encode"] == answers["published_encode"],
            }
        )
    )


def decode_by_slices(text: str, size: Size) -> NDArray[np.uint8]:
    """Fill one slice a run: what notebooks do."""
    values = text.split()
    starts, lengths = (np.asarray(column, dtype=int) for column in (values[0::2], values[1::2]))
    starts -= 1
    flat = np.zeros(size[0] * size[1], np.uint8)
    for low, high in zip(starts, starts + lengths, strict=True):
        flat[low:high] = 1
    return flat.reshape(size[1], size[0]).T


def decode_by_pixels(text: str, size: Size) -> NDArray[np.uint8]:
    """Set one pixel after the other of each run."""
    values = list(map(int, text.split()))
    flat = np.zeros(size[0] * size[1], np.uint8)
    for start, length in zip(values[0::2], values[1::2], strict=True):
        for place in range(start - 1, start - 1 + length):
            flat[place] = 1
    return flat.reshape(size[1], size[0]).T


def encode_as_published(mask: NDArray[np.uint8]) -> str:
    """Go through the pixels of the objects and lengthen the run, or begin one: what notebooks do."""
    numbers: list[int] = []
    previous = -2
    for place in np.where(mask.T.flatten() == 1)[0]:
        if place > previous + 1:
            numbers.extend((place + 1, 0))
        numbers[-1] += 1
        previous = place
    return " ".join(str(number) for number in numbers)


def paint_buildings(generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw turned rectangles, 20 to 60 pixels a side."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(NUM_BUILDINGS):
        centre, sides, angle = generator.uniform(0, SIDE, 2), generator.uniform(20, 60, 2), generator.uniform(0, 90)
        corners = cv2.boxPoints((centre.tolist(), sides.tolist(), angle))
        cv2.fillPoly(mask, [corners.astype(np.int32)], (1,))
    return mask.view(np.bool_)


def milliseconds(rounds: list[dict[str, float]], name: str) -> float:
    """Return the median of a way's times."""
    return round(1000 * statistics.median(seconds[name] for seconds in rounds), 2)


def measure(way: Callable[[], Any]) -> float:
    """Return the seconds that a call took."""
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
