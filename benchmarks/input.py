"""The online input: pictures a second out of grain, and what a training step waits for them; prints one JSON line.

256 x 256 pictures in batches of 8, augmented with the street recipe. In turns with the peer, the same albumentations Compose called
in a plain loop in one process, over the same pictures, which it neither shuffles, batches nor makes reproducible. Then a real
training, resnet18 U-Net, as `maskmill.training.fit` runs it: the time within the iterator's next() is the wait, the time from one
batch to the next is the step. The first SETTLED steps do not count: they compile, and find batches that were made meanwhile.
"""

import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ruamel.yaml import YAML

from maskmill import backend  # noqa: F401  before whatever else imports Keras
from maskmill.data import batches
from maskmill.data.augmentation import build_transform
from maskmill.models import build_model
from maskmill.terminal import console
from maskmill.training import fit
from maskmill.training.device import prepare_device
from maskmill.training.losses import build_loss

PRESET = Path(__file__).resolve().parents[1] / "presets" / "default.yaml"
SIDE, BATCH, NUM_CLASSES, CELL = 256, 8, 12, 16
PICTURES = {"train": 320, "val": 8}
ROUNDS, PICTURES_A_ROUND = 9, 400
THREADS = (1, 2)
SETTLED = batches.BUFFERED_BATCHES + 2  # steps
NOISE = 8  # grey levels either way

Transforms = Sequence[Mapping[str, Any]]


def main() -> None:
    console.quiet = True
    params = YAML(typ="safe", pure=True).load(PRESET)
    transforms = params["augment"]["recipes"]["street"]["transforms"]
    with tempfile.TemporaryDirectory(prefix="maskmill-input-") as folder:
        arrays = Path(folder)
        write_arrays(arrays)
        rounds = [measure_rates(arrays, transforms) for _ in range(ROUNDS)]
        rates = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        wait, step = measure_training(arrays, transforms, params["train"])
    used = min(os.cpu_count() or 1, max(THREADS))
    print(
        json.dumps(
            {
                "benchmark": "input",
                "unit": "pictures/s at 256 x 256, street recipe",
                "figure": round(rates[f"{used} threads"]),
                "peer": "bare albumentations, a plain loop in one process",
                "peer_figure": round(rates["bare"]),
                "ratio": round(statistics.median(each[f"{used} threads"] / each["bare"] for each in rounds), 2),
                "by_threads": {str(threads): round(rates[f"{threads} threads"]) for threads in THREADS},
                "wait_share": round(wait / step, 5),
                "wait_milliseconds": round(1000 * wait, 2),
                "step_milliseconds": round(1000 * step),
                "needed_pictures_per_second": round(BATCH / step, 1),
                "model": "resnet18 U-Net, batch 8",
                "cores": os.cpu_count(),
            }
        )
    )


def write_arrays(folder: Path) -> None:
    """Write packed arrays of smooth pictures with some noise, and masks of square fields."""
    generator = np.random.default_rng(0)
    for part, number in PICTURES.items():
        (folder / part).mkdir()
        coarse = generator.integers(0, 256, (number, SIDE // CELL, SIDE // CELL, 3), np.uint8)
        smooth = np.stack([cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for picture in coarse])
        noise = generator.integers(-NOISE, NOISE + 1, smooth.shape, np.int16)
        np.save(folder / part / "images.npy", (smooth + noise).clip(0, 255).astype(np.uint8))
        np.save(folder / part / "masks.npy", np.kron(coarse[..., 0] % NUM_CLASSES, np.ones((1, CELL, CELL), np.uint8)))


def measure_rates(arrays: Path, transforms: Transforms) -> dict[str, float]:
    """Return the pictures a second of the bare loop and of the input with so many threads."""
    rates = {"bare": measure_bare(arrays, transforms)}
    most = batches.MOST_THREADS
    for threads in THREADS:
        batches.MOST_THREADS = threads
        stream = iter(batches.training_batches(arrays, batch_size=BATCH, transforms=transforms, seed=0))
        for _ in range(batches.BUFFERED_BATCHES):  # what was made ahead while nobody counted
            next(stream)
        start = time.perf_counter()
        for _ in itertools.islice(stream, PICTURES_A_ROUND // BATCH):
            pass
        rates[f"{threads} threads"] = PICTURES_A_ROUND / (time.perf_counter() - start)
        stream.close()
    batches.MOST_THREADS = most
    return rates


def measure_bare(arrays: Path, transforms: Transforms) -> float:
    transform = build_transform(transforms, image_size=(SIDE, SIDE), channels=3)
    images, label_masks = (np.load(arrays / "train" / name) for name in ("images.npy", "masks.npy"))
    start = time.perf_counter()
    for number in range(PICTURES_A_ROUND):
        row = number % len(images)
        transform(image=images[row], mask=label_masks[row])
    return PICTURES_A_ROUND / (time.perf_counter() - start)


def measure_training(arrays: Path, transforms: Transforms, settings: Mapping[str, Any]) -> tuple[float, float]:
    """Return the mean wait and step of a training, in seconds."""
    prepare_device(seed=0, precision="float32")
    model = build_model(
        architecture="unet",
        backbone="resnet18",
        weights="none",
        channels=3,
        num_classes=NUM_CLASSES,
        **{name: settings[name] for name in ("base_filters", "depth", "decoder_filters", "dropout")},
    )
    spans: list[tuple[float, float]] = []
    fit.training_batches = lambda *args, **kwargs: Timed(batches.training_batches(*args, **kwargs), spans)
    fit.fit_model(
        model,
        arrays,
        transforms=transforms,
        epochs=1,
        batch_size=BATCH,
        seed=0,
        loss=build_loss(settings, "softmax", None),
        **{name: settings[name] for name in ("learning_rate", "weight_decay", "warmup")},
    )
    settled = spans[SETTLED:]
    waits = [end - start for start, end in settled[1:]]
    steps = [end - before for (_, before), (_, end) in itertools.pairwise(settled)]
    return statistics.mean(waits), statistics.mean(steps)


class Timed(batches.grain.IterDataset):
    """The same elements, with a note of when each was asked for and when it came."""

    def __init__(self, parent: batches.grain.IterDataset, spans: list[tuple[float, float]]) -> None:
        super().__init__(parent)
        self.spans = spans

    def __iter__(self) -> batches.grain.DatasetIterator:
        return TimedIterator(iter(self._parent), self.spans)


class TimedIterator(batches.grain.DatasetIterator):
    def __init__(self, parent: batches.grain.DatasetIterator, spans: list[tuple[float, float]]) -> None:
        super().__init__(parent)
        self.spans = spans

    def __next__(self) -> Any:
        start = time.perf_counter()
        element = next(self._parent)
        self.spans.append((start, time.perf_counter()))
        return element

    def get_state(self) -> dict[str, Any]:
        return self._parent.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        self._parent.set_state(state)


if __name__ == "__main__":
    main()
