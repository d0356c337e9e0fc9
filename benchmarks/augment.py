"""Packing with augmented copies against bare albumentations in as many processes; prints one JSON line.

Both make the same augmented 256 x 256 pictures with each of the recipes of presets/default.yaml, in turns.

Ours is what the augment stage runs: it looks for labels, reads the encoded pictures and masks, cuts them, and writes originals and
copies as arrays with their table. The peer is the loop that one would write for this alone: it reads each picture and its mask
once (Pillow), and writes what the same `albumentations.Compose` returns, begun with the same seeds, into arrays of the same kind;
it checks nothing. Both share the work out by joblib to processes that are running already, where there is more than one. The
copies have to be the same, byte for byte. `ratio_from_memory` is against the same loop with the pictures in memory beforehand.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from maskmill.data.augmentation import begin_draw
from maskmill.data.packing import PICTURES_A_PROCESS, pack_arrays
from maskmill.data.recipes import build_compose
from maskmill.parallel import Workers
from maskmill.params import load_params
from maskmill.pictures import encode_label_mask
from maskmill.terminal import console

SIDE = 256  # pixels
COPIES = 15  # of each picture: the stones recipe makes 300 of some 20
RECIPES = ("stones", "satellite", "street")
ROUNDS = 5
PORTION = 4  # pictures of a task of the peer
ROOT = Path(__file__).resolve().parents[1]

Sample = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Transforms = Sequence[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, of us and of the peer")
    jobs = parser.parse_args().jobs
    console.quiet = True
    recipes = load_params(ROOT / "presets" / "default.yaml").augment.recipes
    number = 2 * jobs * PICTURES_A_PROCESS // COPIES  # so many that ours, too, starts all processes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = write_encoded(folder, number)
        compared = {recipe: compare(folder, samples, recipes[recipe].transforms, jobs) for recipe in RECIPES}
    worst = min(compared, key=lambda recipe: compared[recipe]["ratio"])
    print(
        json.dumps(
            {
                "benchmark": "augment",
                "unit": f"augmented {SIDE} x {SIDE} pictures/s, {jobs} process{'es' * (jobs > 1)}, recipe {worst}",
                "figure": round(compared[worst]["figure"], 1),
                "peer": "a loop that reads each picture once and applies the same albumentations.Compose",
                "peer_figure": round(compared[worst]["peer"], 1),
                "ratio": round(compared[worst]["ratio"], 3),
                "ratio_by_recipe": {recipe: round(found["ratio"], 3) for recipe, found in compared.items()},
                "ratio_from_memory": {recipe: round(found["from_memory"], 3) for recipe, found in compared.items()},
                "same_bytes": all(found["same"] for found in compared.values()),
            }
        )
    )


def compare(folder: Path, samples: pd.DataFrame, transforms: Transforms, jobs: int) -> dict[str, Any]:
    """Measure both in turns; return the median rates, the median of the ratios, and whether the copies are the same."""
    training = samples[samples["split"] == "train"]
    paths = [(folder / image, folder / mask) for image, mask in zip(training["image"], training["mask"], strict=True)]
    kept = [read(*each) for each in paths]
    rates = [
        (
            measure(lambda: pack(folder, samples, transforms, jobs), len(paths)),
            measure(lambda: augment_bare(folder, paths, transforms, jobs), len(paths)),
            measure(lambda: augment_bare(folder, kept, transforms, jobs), len(paths)),
        )
        for _ in range(1 + ROUNDS)
    ][1:]  # the first one starts the processes
    ours, bare, from_memory = zip(*rates, strict=True)
    return {
        "figure": statistics.median(ours),
        "peer": statistics.median(bare),
        "ratio": statistics.median(np.divide(ours, bare).tolist()),
        "from_memory": statistics.median(np.divide(ours, from_memory).tolist()),
        "same": all(np.array_equal(*copies) for copies in open_copies(folder, len(paths))),
    }


def write_encoded(folder: Path, number: int) -> pd.DataFrame:
    """Write smooth pictures and masks as encode would, one of them for validation; return their table."""
    generator = np.random.default_rng(0)
    palette = generator.integers(0, 256, (256, 3), np.uint8)
    ids = [str(place) for place in range(number + 1)]
    for name in ids:
        coarse = generator.integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
        picture = np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
        Image.fromarray(picture).save(folder / f"{name}.jpg", quality=90)
        (folder / f"{name}.png").write_bytes(encode_label_mask(picture[..., 0] // 64, palette))
    table = {"id": ids, "image": [f"{name}.jpg" for name in ids], "mask": [f"{name}.png" for name in ids], "channels": 3}
    return pd.DataFrame(table | {"split": ["train"] * number + ["val"]})


def pack(folder: Path, samples: pd.DataFrame, transforms: Transforms, jobs: int) -> None:
    pack_arrays(
        samples,
        folder,
        folder / "arrays",
        policy="fit",
        image_size=(SIDE, SIDE),
        factor=1.0,
        copies=COPIES,
        total=None,
        transforms=transforms,
        seed=0,
        workers=Workers("loky", jobs),
    )


def augment_bare(folder: Path, given: Sequence[Any], transforms: Transforms, jobs: int) -> None:
    """Fill arrays with COPIES outcomes of each picture, `given` as its two paths or its two arrays."""
    size = len(given) * COPIES
    np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(size, SIDE, SIDE, 3)).flush()
    np.lib.format.open_memmap(folder / "masks.npy", mode="w+", dtype=np.uint8, shape=(size, SIDE, SIDE)).flush()
    portions = range(0, len(given), PORTION)
    work = (joblib.delayed(augment_portion)(folder, given[first : first + PORTION], first, transforms) for first in portions)
    joblib.Parallel(n_jobs=jobs)(work)


def augment_portion(folder: Path, given: Sequence[Any], first: int, transforms: Transforms) -> None:
    compose = build_compose(transforms, image_size=(SIDE, SIDE), mask_type=np.uint8, where="transforms")
    images, label_masks = (np.load(folder / name, mmap_mode="r+") for name in ("images.npy", "masks.npy"))
    for number, each in enumerate(given, start=first):
        picture, label_mask = read(*each) if isinstance(each[0], Path) else each
        for copy in range(COPIES):
            begin_draw(compose, (0, 1 + copy, number))
            outcome = compose(image=picture, mask=label_mask)
            images[number * COPIES + copy], label_masks[number * COPIES + copy] = outcome["image"], outcome["mask"]


def read(image_path: Path, mask_path: Path) -> Sample:
    with Image.open(image_path) as image, Image.open(mask_path) as mask:
        return np.array(image), np.array(mask)


def open_copies(folder: Path, number: int) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return our copies, without the originals, and the peer's: pictures, then masks."""
    found = []
    for name in ("images.npy", "masks.npy"):
        ours = np.load(folder / "arrays" / "train" / name, mmap_mode="r")
        copies = ours.reshape(number, 1 + COPIES, *ours.shape[1:])[:, 1:]
        found.append((copies.reshape(-1, *ours.shape[1:]), np.load(folder / name, mmap_mode="r")))
    return found


def measure(work: Callable[[], None], number: int) -> float:
    """Return the augmented pictures a second that `work` makes of so many pictures."""
    start = time.perf_counter()
    work()
    return number * COPIES / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
