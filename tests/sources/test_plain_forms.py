"""The forms whose masks are pictures, from raw files to encoded masks: composite, folders and index."""

from pathlib import Path

import numpy as np
import pytest
from encode_source import encode, find, grid, save
from PIL import Image

from maskmill.errors import DataError
from maskmill.params import read_yaml
from maskmill.pictures import read_picture

PRESETS = Path(__file__).resolve().parents[2] / "presets"
RED, GREEN, WHITE = (200, 0, 0), (0, 180, 20), (255, 255, 255)
CLASSES = [
    {"id": 0, "name": "roof", "colours": [RED]},
    {"id": 1, "name": "grass", "colours": [GREEN]},
    {"name": "none", "colours": [WHITE], "void": True},
]
PAINTED = np.array([[RED, RED, GREEN], [GREEN, WHITE, RED]], np.uint8)
LABELS = np.array([[0, 0, 1], [1, 255, 0]], np.uint8)
PHOTO = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 9


def test_composite(tmp_path):
    save(tmp_path / "data/train/a.png", np.hstack([PHOTO, PAINTED]))
    save(tmp_path / "data/val/a.png", np.hstack([PHOTO, PAINTED[:, ::-1]]))
    manifest = find(tmp_path, "composite", images="{split}/{name}.png")
    assert manifest["split"].tolist() == ["train", "val"]
    masks = encode(tmp_path, "composite", manifest, CLASSES)
    np.testing.assert_array_equal(masks["train-a"], LABELS)
    np.testing.assert_array_equal(masks["val-a"], LABELS[:, ::-1])
    np.testing.assert_array_equal(read_picture(tmp_path / "encoded/images/val-a.png"), PHOTO)


def save_palette(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).quantize(8).save(path)


def save_with_alpha(path, pixels):
    save(path, np.dstack([pixels, np.full(pixels.shape[:2], 7, np.uint8)]))


@pytest.mark.parametrize("write", [save, save_palette, save_with_alpha])
def test_folders(tmp_path, write):
    save(tmp_path / "data/images/a.png", PHOTO)
    write(tmp_path / "data/masks/a.png", PAINTED)
    manifest = find(tmp_path, "folders", images="images/{name}.png", masks="masks/{name}.png")
    np.testing.assert_array_equal(encode(tmp_path, "folders", manifest, CLASSES)["a"], LABELS)


@pytest.mark.parametrize(("kind", "suffix"), [(np.uint8, ".png"), (np.uint16, ".png"), (np.int32, ".tif"), (np.float32, ".tif")])
def test_instance_ids_become_one_class(tmp_path, kind, suffix):
    ids = (grid("0112", "0330") * np.uint8(60)).astype(kind)
    save(tmp_path / "data/a.jpg", np.zeros((2, 4, 3), np.uint8))
    save(tmp_path / f"data/a_mask{suffix}", ids)
    classes = [{"id": 0, "name": "background", "source_ids": [0]}, {"id": 1, "name": "stone", "source_ids": ["> 0"]}]
    manifest = find(tmp_path, "index", images="{name}.jpg", masks="{name}_mask.*")
    np.testing.assert_array_equal(encode(tmp_path, "index", manifest, classes)["a"], grid("0111", "0110"))


def test_cityscapes_34_ids_become_19_classes(tmp_path):
    benchmark = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]  # by train id
    ids = np.append(np.arange(34), 255).astype(np.uint8).reshape(5, 7)
    expected = np.array([benchmark.index(value) if value in benchmark else 255 for value in ids.reshape(-1)]).reshape(5, 7)
    save(tmp_path / "data/leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png", np.zeros((5, 7, 3), np.uint8))
    save(tmp_path / "data/gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png", ids)
    save(tmp_path / "data/gtFine/train/ulm/ulm_000000_000019_gtFine_instanceIds.png", ids)
    preset = read_yaml(PRESETS / "cityscapes.yaml")
    source = preset["source"]
    manifest = find(tmp_path, "index", images=source["images"], masks=source["masks"], group=source["group"])
    assert manifest[["split", "group"]].to_numpy().tolist() == [["train", "ulm"]]
    (mask,) = encode(tmp_path, "index", manifest, preset["classes"]).values()
    np.testing.assert_array_equal(mask, expected)


def test_an_id_of_no_class_is_named(tmp_path):
    save(tmp_path / "data/a.png", np.zeros((2, 4, 3), np.uint8))
    save(tmp_path / "data/a_mask.png", grid("0112", "0000"))
    manifest = find(tmp_path, "index", images="{name}.png", masks="{name}_mask.png")
    with pytest.raises(DataError, match=r"unknown ids in 1 of 8 pixels, most often 2 \(1\)"):
        encode(tmp_path, "index", manifest, [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}])
