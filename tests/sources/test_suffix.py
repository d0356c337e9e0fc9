"""The suffix form: black-and-white JPEG masks beside their pictures."""

import numpy as np
import pytest
from encode_source import encode, find, grid, save
from PIL import Image

from maskmill.errors import DataError, SourceError
from maskmill.pictures import read_picture

CLASSES = [{"id": 0, "name": "background"}, {"id": 1, "name": "stone"}]
PATTERNS = {"images": "{name}.JPG", "masks": "{name}_label.jpg"}
STONE = np.kron(grid("......", ".1111.", ".11...", "......"), np.ones((7, 9), np.uint8))


def save_jpeg(path, pixels, quality=75):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "JPEG", quality=quality)


@pytest.fixture
def stones(tmp_path):
    rng = np.random.default_rng(0)
    for name, mask in (("Image01", STONE), ("Image02", STONE[::-1]), ("Image10", np.zeros_like(STONE))):
        save_jpeg(tmp_path / f"data/{name}.JPG", rng.integers(0, 256, (*mask.shape, 3), np.uint8))
        save_jpeg(tmp_path / f"data/{name}_label.jpg", np.where(mask, 255, 0).astype(np.uint8))
    return tmp_path


def test_jpeg_noise_does_not_matter(stones):
    greys = read_picture(stones / "data/Image01_label.jpg")
    assert set(np.unique(greys)) - {0, 255}, "the fixture has no noise"
    manifest = find(stones, "suffix", **PATTERNS)
    assert manifest["id"].tolist() == ["Image01", "Image02", "Image10"]
    masks = encode(stones, "suffix", manifest, CLASSES)
    np.testing.assert_array_equal(masks["Image01"], STONE)
    np.testing.assert_array_equal(masks["Image02"], STONE[::-1])
    assert not masks["Image10"].any()


def test_a_fixed_threshold_where_noise_crosses_it(tmp_path):
    noisy = np.where(STONE, 255, 0).astype(np.uint8)
    noisy[0, 0], noisy[12, 12] = 140, 120  # a dirty spot of the background, a dark one within the stone
    save(tmp_path / "data/a.png", np.zeros((*STONE.shape, 3), np.uint8))
    save(tmp_path / "data/a_mask.png", noisy)
    manifest = find(tmp_path, "suffix", images="{name}.png", masks="{name}_mask.png")
    low = encode(tmp_path, "suffix", manifest, CLASSES, threshold=127)["a"]
    assert (low[0, 0], low[12, 12]) == (1, 0)
    assert np.count_nonzero(low != STONE) == 2
    high = encode(tmp_path, "suffix", manifest, CLASSES, threshold=150)["a"]
    assert np.count_nonzero(high != STONE) == 1


@pytest.mark.parametrize("peak", [38, 128, 200])
def test_any_peak_is_found(tmp_path, peak):
    save(tmp_path / "data/a.png", np.zeros((*STONE.shape, 3), np.uint8))
    save(tmp_path / "data/a_mask.png", STONE * np.uint8(peak))
    manifest = find(tmp_path, "suffix", images="{name}.png", masks="{name}_mask.png")
    mask = encode(tmp_path, "suffix", manifest, CLASSES, threshold=peak // 2)["a"]
    np.testing.assert_array_equal(mask, STONE)
    if peak >= 64:  # below, one peak and its noise are more likely
        np.testing.assert_array_equal(encode(tmp_path, "suffix", manifest, CLASSES)["a"], STONE)


def test_a_truncated_mask_is_named(stones):
    path = stones / "data/Image02_label.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"Image02_label\.jpg cannot be decoded"):
        encode(stones, "suffix", find(stones, "suffix", **PATTERNS), CLASSES)


def test_a_pattern_is_missing(stones):
    with pytest.raises(SourceError, match=r"takes source\.images and source\.masks"):
        find(stones, "suffix", images="{name}.JPG")


def test_masks_of_another_size(tmp_path):
    picture = np.zeros((8, 12, 3), np.uint8)
    save(tmp_path / "data/a.png", picture)
    save(tmp_path / "data/a_mask.png", grid("11....", "1.....", "......", ".....1") * np.uint8(255))
    manifest = find(tmp_path, "suffix", images="{name}.png", masks="{name}_mask.png")
    with pytest.raises(DataError, match=r"a_mask\.png is 6 x 4 pixels, its picture .*a\.png is 12 x 8(.|\n)*encode\.mask_size"):
        encode(tmp_path, "suffix", manifest, CLASSES)
    mask = encode(tmp_path, "suffix", manifest, CLASSES, mask_size="resize")["a"]
    rows = ["1111........"] * 2 + ["11.........."] * 2 + ["............"] * 2 + ["..........11"] * 2
    np.testing.assert_array_equal(mask, grid(*rows))


def test_a_larger_mask_is_shrunk_to_the_nearest_pixel(tmp_path):
    save(tmp_path / "data/a.png", np.zeros((2, 3, 3), np.uint8))
    wide = np.zeros((6, 9), np.uint8)
    wide[1, 1], wide[4, 7], wide[0, 3] = 255, 255, 255  # the centres of two pixels, and a corner
    save(tmp_path / "data/a_mask.png", wide)
    manifest = find(tmp_path, "suffix", images="{name}.png", masks="{name}_mask.png")
    mask = encode(tmp_path, "suffix", manifest, CLASSES, mask_size="resize")["a"]
    np.testing.assert_array_equal(mask, grid("1..", "..1"))


def test_a_mask_of_another_shape_is_not_resized(tmp_path):
    save(tmp_path / "data/a.png", np.zeros((8, 12, 3), np.uint8))
    save(tmp_path / "data/a_mask.png", np.zeros((12, 8), np.uint8))
    manifest = find(tmp_path, "suffix", images="{name}.png", masks="{name}_mask.png")
    with pytest.raises(DataError, match=r"a_mask\.png is 8 x 12 pixels, .* is 12 x 8; expected: sides in the same ratio"):
        encode(tmp_path, "suffix", manifest, CLASSES, mask_size="resize")
