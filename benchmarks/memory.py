"""The memory that a scene of 20,000 x 20,000 pixels takes from file to training arrays; prints one JSON line.

The scene is a tiled GeoTIFF of three bands with a raster of class ids beside it, both written strip by strip, and two small ones
for val and test. The real stages
download, encode, validate and augment run on it, with tiles of 512 pixels and one augmented copy each. Some ten times a second
the resident memory of a stage and all its worker processes is added up, in two ways: RSS counts a page that two processes share
twice; PSS counts it once, and so is what the stage really takes of the machine. The limit is held against RSS, the larger one.
Pages of memory-mapped files are in both as long as they are mapped. validate is run because augment wants its answer, and is
reported by itself.

The peer reads the scene and its mask whole, the first line of most notebooks: it has no tiles yet.

    python benchmarks/memory.py [--side 6000] [--folder FOLDER]

Without a folder the files go to a temporary one, and away: about 6 GB on the way at 20,000 pixels.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.windows import Window
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("download", "encode", "validate", "augment")
IN_LIMIT = ("download", "encode", "augment")
LIMIT = 1_500_000_000  # bytes
TILE, STRIP, SMALL = 512, 512, 1024  # pixels
COLOURS = np.array([(196, 182, 120), (40, 96, 52), (52, 86, 140), (128, 126, 130), (170, 84, 66)], np.int16)
NOISE = 8  # grey levels either way
WAVES = 6  # of each class's field
PAUSE = 0.08  # seconds between two looks at the memory
READ_WHOLE = "import rasterio; arrays = [rasterio.open(path).read() for path in ('data/train.tif', 'data/train_mask.tif')]"


class Usage(NamedTuple):
    """What a command took: seconds, and the peaks of the summed memory of its processes, in bytes."""

    seconds: float
    rss: int
    pss: int


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=20_000, help="pixels")
    parser.add_argument("--folder", type=Path, help="to leave the files in")
    arguments = parser.parse_args()
    if arguments.folder:
        print(json.dumps(measure_stages(arguments.folder, arguments.side)))
    else:
        with tempfile.TemporaryDirectory(prefix="maskmill-memory-") as folder:
            print(json.dumps(measure_stages(Path(folder), arguments.side)))


def measure_stages(folder: Path, side: int) -> dict[str, object]:
    """Write a scene below a folder, run the stages on it there, and return what the JSON line says."""
    for seed, (name, length) in enumerate({"train": side, "val": SMALL, "test": SMALL}.items()):
        write_scene(folder / "data", name, length, seed)
    write_params(folder / "params.yaml")
    peer = run_watched([sys.executable, "-c", READ_WHOLE], folder)
    usages = {}
    for stage in STAGES:
        usages[stage] = run_watched([sys.executable, str(ROOT / "stages" / f"{stage}.py")], folder)
        print(f"{stage}: {usages[stage].seconds:.0f} s, {gigabytes(usages[stage].rss)} GB", file=sys.stderr)
    peak = max(usages[stage].rss for stage in IN_LIMIT)
    return {
        "benchmark": "memory",
        "unit": "GB resident at the peak, all processes of a stage added up",
        "side": side,
        "figure": gigabytes(peak),
        "figure_pss": gigabytes(max(usages[stage].pss for stage in IN_LIMIT)),
        "limit": gigabytes(LIMIT),
        "is_within_limit": peak < LIMIT,
        "peer": "the scene and its mask read whole by rasterio",
        "peer_figure": gigabytes(peer.rss),
        "ratio": round(peer.rss / peak, 2),
        "rss": {stage: gigabytes(usage.rss) for stage, usage in usages.items()},
        "pss": {stage: gigabytes(usage.pss) for stage, usage in usages.items()},
        "seconds": {stage: round(usage.seconds, 1) for stage, usage in usages.items()},
        "gigabytes_on_disk": {name: gigabytes(count_bytes(folder / name)) for name in ("data", "build/encoded", "build/arrays")},
        "tiles": len(list((folder / "build/encoded/masks").iterdir())),
    }


def write_scene(folder: Path, name: str, side: int, seed: int) -> None:
    """Write NAME.tif and NAME_mask.tif, strip by strip: smooth areas of five classes, each of one colour and some noise."""
    folder.mkdir(parents=True, exist_ok=True)
    layout = {
        "height": side,
        "width": side,
        "dtype": "uint8",
        "crs": "EPSG:32633",
        "transform": from_origin(400_000, 5e6, 0.3, 0.3),
    }
    layout |= {"driver": "GTiff", "tiled": True, "compress": "deflate", "zlevel": 1, "num_threads": 2}
    with (
        rasterio.open(folder / f"{name}.tif", "w", count=3, predictor=2, photometric="RGB", **layout) as scene,
        rasterio.open(folder / f"{name}_mask.tif", "w", count=1, **layout) as mask,
    ):
        for row, picture, ids in paint_strips(side, seed):
            window = Window(0, row, side, len(ids))
            scene.write(np.moveaxis(picture, 2, 0), window=window)
            mask.write(ids, 1, window=window)


def paint_strips(side: int, seed: int) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield the first row, the picture (H, W, 3) and the ids (H, W) of each strip of a scene."""
    generator = np.random.default_rng(seed)
    shape = (len(COLOURS), WAVES)
    lengths, phases = generator.uniform(150, 900, (2, *shape, 1)), generator.uniform(0, 2 * np.pi, (2, *shape, 1))
    places = np.arange(side)
    down, across = np.sin(2 * np.pi * places / lengths + phases).astype(np.float32)  # (class, wave, side)
    for row in range(0, side, STRIP):
        fields = np.einsum("kwy,kwx->kyx", down[..., row : row + STRIP], across, optimize=True)
        ids = fields.argmax(axis=0).astype(np.uint8)
        noise = generator.integers(-NOISE, NOISE + 1, (*ids.shape, 3), np.int8)
        yield row, (COLOURS[ids] + noise).astype(np.uint8), ids


def write_params(path: Path) -> None:
    """Write the default settings with those of the scene laid over them."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(ROOT / "presets" / "default.yaml")
    params["source"] |= {
        "form": "geotiff",
        "images": "{split}.tif",
        "masks": "{split}_mask.tif",
        "tile": [TILE, TILE],
        "group": None,
    }
    params["validate"]["leakage"] = "warn"  # tiles of one scene look alike
    params["scale"] |= {"policy": "native", "image_size": [TILE, TILE]}
    params["augment"]["recipes"]["satellite"]["copies"] = 1
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def run_watched(command: Sequence[str], folder: Path) -> Usage:
    """Run a command in a folder to its end, what it prints sent to standard error."""
    start = time.perf_counter()
    process = psutil.Popen(command, cwd=folder, stdout=sys.stderr)
    rss = pss = 0
    while process.poll() is None:
        of_each = [measure_memory(each) for each in list_processes(process)]
        rss, pss = max(rss, sum(each[0] for each in of_each)), max(pss, sum(each[1] for each in of_each))
        time.sleep(PAUSE)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Usage(time.perf_counter() - start, rss, pss)


def list_processes(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def measure_memory(process: psutil.Process) -> tuple[int, int]:
    """Return the RSS and PSS of one process; nothing of one that has ended."""
    try:
        memory = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
        return 0, 0
    return memory.rss, memory.pss


def gigabytes(size: int) -> float:
    return round(size / 1e9, 3)


def count_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
