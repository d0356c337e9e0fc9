"""The encode stage from JPEG composites to palette PNGs, against a loop that only decodes and writes; prints one JSON line.

Both on all cores. The composites are 512 x 256 pixels: a photo of smooth areas with noise and its mask in class colours, as JPEG.
Ours is all that the stage does from scratch: read, look up every pixel, account for it, write, and put the folder in place. The
peer decodes the same files with the same reader, in as many processes, and writes both halves with the same encoders: the photo
as a PNG, and the label mask, which it is given. They take turns in the same processes, after a turn of each that does not count.

    python benchmarks/encode_stage.py [--count 400] [--rounds 7]
"""

import argparse
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image

from maskmill.data.encoding import encode_samples
from maskmill.labels import ClassTable, build_class_table
from maskmill.parallel import Workers
from maskmill.pictures import encode_label_mask, encode_picture, read_label_mask, read_picture
from maskmill.sources.manifest import COLUMNS
from maskmill.sources.settings import Reading

SIDE, NUM_CLASSES, JPEG_QUALITY = 256, 12, 90
NOISE = 8.0  # grey levels, the standard deviation
ALL_CORES = Workers()
COLOURS = np.random.default_rng(0).integers(0, 256, (NUM_CLASSES, 3), dtype=np.uint8)
CLASSES = [{"name": f"class{number}", "id": number, "colours": [colour]} for number, colour in enumerate(COLOURS.tolist())]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=400, help="composites")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_composites(folder / "source", arguments.count)
        encode(manifest, folder)  # starts the processes, which build their tables, and gives the peer its labels
        keep_labels(folder)
        write_only(manifest, folder)
        agrees = agree(folder)
        pairs = []
        for _ in range(arguments.rounds):
            clear(folder)
            pairs.append((measure(partial(encode, manifest, folder)), measure(partial(write_only, manifest, folder))))
    ours, peer = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    print(
        json.dumps(
            {
                "benchmark": "encode_stage",
                "unit": f"composites of {2 * SIDE} x {SIDE} pixels a second in {joblib.effective_n_jobs(-1)} processes",
                "figure": round(arguments.count / ours, 1),
                "peer": "decodes the JPEG and writes the same PNGs, the labels given",
                "peer_figure": round(arguments.count / peer, 1),
                "ratio": round(peer / ours, 3),
                "ratios_of_each_round": sorted(round(written / encoded, 3) for encoded, written in pairs),
                "writes_the_same_bytes": agrees,
            }
        )
    )


def write_composites(folder: Path, count: int) -> pd.DataFrame:
    """Write generated composites as JPEG; return their manifest."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        path = folder / f"{number:05d}.jpg"
        Image.fromarray(paint_composite(np.random.default_rng(number))).save(path, quality=JPEG_QUALITY)
        rows.append((path.stem, str(path), str(path), "", "", f"group{number // 10}", ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def paint_composite(generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return a photo and its mask side by side, (SIDE, 2 * SIDE, 3)."""
    fields = np.stack([stretch(generator.random((5, 6), np.float32)) for _ in range(NUM_CLASSES)])
    mask = COLOURS[fields.argmax(axis=0)]
    texture = stretch(generator.random((40, 40, 3), np.float32) * 100)
    photo = texture + mask / 2 + generator.normal(0, NOISE, mask.shape)
    return np.hstack([photo.clip(0, 255).astype(np.uint8), mask])


def stretch(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def encode(manifest: pd.DataFrame, folder: Path, *, workers: Workers = ALL_CORES) -> None:
    """Do what the stage does into `folder`/encoded; its messages go to standard error, which leaves the JSON line alone."""
    with contextlib.redirect_stdout(sys.stderr):
        encode_samples(
            manifest,
            form="composite",
            reading=Reading(),
            class_table=build_classes(),
            labels="exclusive",
            encoded_dir=folder / "encoded",
            tolerance=10.0,
            unmatched="nearest",
            mask_size="error",
            assign=lambda manifest, _: manifest.assign(split="train"),
            progress_dir=folder / "progress",
            workers=workers,
        )


def clear(folder: Path) -> None:
    """Delete what earlier rounds have written."""
    for name in ("encoded", "progress", "written"):
        shutil.rmtree(folder / name, ignore_errors=True)


def write_only(manifest: pd.DataFrame, folder: Path) -> None:
    """Do what cannot be left out, into `folder`/written."""
    for name in ("images", "masks"):
        (folder / "written" / name).mkdir(parents=True)
    palette = build_classes().palette
    tasks = [(Path(path), folder / "labels" / f"{name}.npy") for name, path in zip(manifest["id"], manifest["image"], strict=True)]
    Parallel(n_jobs=-1)(delayed(write_one)(*task, palette, folder / "written") for task in tasks)


def write_one(path: Path, labels: Path, palette: NDArray[np.uint8], folder: Path) -> None:
    photo = read_picture(path)[:, :SIDE]
    (folder / "images" / f"{path.stem}.png").write_bytes(encode_picture(photo))
    (folder / "masks" / f"{path.stem}.png").write_bytes(encode_label_mask(np.load(labels), palette))


def keep_labels(folder: Path) -> None:
    """Keep the label masks of the encoded folder as arrays, which cost next to nothing to read."""
    (folder / "labels").mkdir()
    for path in (folder / "encoded" / "masks").iterdir():
        np.save(folder / "labels" / f"{path.stem}.npy", read_label_mask(path))


def agree(folder: Path) -> bool:
    """Tell whether both have written the same files."""
    ours, peer = (list_files(folder / name) for name in ("encoded", "written"))
    return ours == peer and all(
        (folder / "encoded" / name).read_bytes() == (folder / "written" / name).read_bytes() for name in ours
    )


def list_files(folder: Path) -> Sequence[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.png"))


def build_classes() -> ClassTable:
    return build_class_table(CLASSES)


def measure(work: Callable[[], None]) -> float:
    """Return the seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
