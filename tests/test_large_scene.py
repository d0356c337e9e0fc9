"""A scene of 6,000 x 6,000 pixels through the real stages, with the benchmark's own eye on their memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from maskmill.pictures import read_label_mask, read_picture
from maskmill.scaling import tile_starts

ROOT = Path(__file__).resolve().parents[1]
SIDE, TILE = 6000, 512
PARTS = {"train": SIDE, "val": 1024, "test": 1024}  # pixels of a side

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder that the benchmark ran the stages in, and what it said of them."""
    folder = tmp_path_factory.mktemp("large_scene")
    command = [sys.executable, ROOT / "benchmarks" / "memory.py", "--side", str(SIDE), "--folder", folder]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return folder, json.loads(answer.stdout)


def test_no_stage_takes_more_than_the_limit(run):
    _, figures = run
    assert all(0.05 < gigabytes < 1.5 for gigabytes in figures["rss"].values()), figures
    assert all(figures["pss"][stage] <= figures["rss"][stage] for stage in figures["rss"])


def test_the_encoded_tiles_put_together_are_the_scene(run):
    folder, _ = run
    manifest = pd.read_csv(folder / "build/raw/manifest.csv", keep_default_na=False)
    samples = pd.read_csv(folder / "build/encoded/samples.csv").merge(manifest[["id", "window"]], on="id")
    assert samples["split"].value_counts().to_dict() == {part: len(tile_starts(side, TILE)) ** 2 for part, side in PARTS.items()}
    for part, side in PARTS.items():
        picture, ids = np.zeros((side, side, 3), np.uint8), np.full((side, side), 255, np.uint8)
        for sample in samples[samples["split"] == part].itertuples():
            row, column, height, width = map(int, sample.window.split())
            picture[row : row + height, column : column + width] = read_picture(folder / "build/encoded" / sample.image)
            ids[row : row + height, column : column + width] = read_label_mask(folder / "build/encoded" / sample.mask)
        with rasterio.open(folder / f"data/{part}.tif") as raster, rasterio.open(folder / f"data/{part}_mask.tif") as mask:
            np.testing.assert_array_equal(picture, np.moveaxis(raster.read(), 0, 2))
            np.testing.assert_array_equal(ids, mask.read(1))


def test_every_training_tile_is_packed_with_its_copy(run):
    folder, _ = run
    arrays, encoded = folder / "build/arrays/train", folder / "build/encoded"
    rows = pd.read_csv(arrays / "samples.csv")
    images, label_masks = (np.load(arrays / name, mmap_mode="r") for name in ("images.npy", "masks.npy"))
    num_tiles = len(tile_starts(SIDE, TILE)) ** 2
    assert rows["copy"].value_counts().to_dict() == {0: num_tiles, 1: num_tiles}
    assert images.shape == (2 * num_tiles, TILE, TILE, 3)
    assert label_masks.shape == (2 * num_tiles, TILE, TILE)
    samples = pd.read_csv(encoded / "samples.csv").set_index("id")
    for place, row in rows[rows["copy"] == 0].iterrows():
        sample = samples.loc[row["parent"]]
        np.testing.assert_array_equal(images[place], read_picture(encoded / sample["image"]))
        np.testing.assert_array_equal(label_masks[place], read_label_mask(encoded / sample["mask"]))
