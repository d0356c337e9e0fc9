"""Black-and-white masks as they come: with noise, in colours, in 16 bits, empty or full."""

import cv2
import numpy as np
import pytest
from PIL import Image

from maskmill.errors import DataError
from maskmill.sources.settings import Reading
from maskmill.sources.thresholds import read_bright

STONE = np.zeros((37, 50), np.bool_)
STONE[5:20, 11:33] = True
OTSU = Reading()


def save(path, pixels, **settings):
    Image.fromarray(pixels).save(path, **settings)
    return path


def test_a_jpeg_whose_noise_lies_on_both_sides_of_any_low_threshold(tmp_path):
    path = save(tmp_path / "m.jpg", STONE.astype(np.uint8) * 255, quality=40)
    grey = np.asarray(Image.open(path))
    assert len(np.unique(grey)) > 20  # there is noise
    assert not np.array_equal(grey > 0, STONE)
    assert not np.array_equal(grey > 250, STONE)
    np.testing.assert_array_equal(read_bright(path, OTSU), STONE)
    np.testing.assert_array_equal(read_bright(path, Reading(threshold=127)), STONE)


@pytest.mark.parametrize(("black", "white"), [(0, 255), (0, 64), (20, 140), (100, 255), (0, 1)])
def test_peaks_anywhere(black, white, tmp_path):
    path = save(tmp_path / "m.png", np.where(STONE, white, black).astype(np.uint8))
    np.testing.assert_array_equal(read_bright(path, OTSU), STONE)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(
    ("low", "high", "is_white"), [(0, 0, False), (0, 30, False), (225, 255, True), (255, 255, True), (115, 150, True)]
)
def test_noise_around_one_peak_is_not_parted(low, high, is_white, suffix, tmp_path):
    noise = np.random.default_rng(0).integers(low, high + 1, (20, 30)).astype(np.uint8)
    assert read_bright(save(tmp_path / f"m.{suffix}", noise, quality=90), OTSU).all() == is_white
    assert read_bright(tmp_path / f"m.{suffix}", OTSU).any() == is_white


def test_ones_in_a_jpeg_are_noise(tmp_path):
    path = save(tmp_path / "m.jpg", np.ones((16, 24), np.uint8), quality=100)
    assert np.asarray(Image.open(path)).max() == 1
    assert not read_bright(path, OTSU).any()


def test_few_white_pixels_in_noise(tmp_path):
    grey = np.random.default_rng(0).integers(0, 30, (200, 300)).astype(np.uint8)
    grey[7, 8:11] = 250
    parting, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    assert parting < 30  # Otsu alone parts the noise
    assert np.argwhere(read_bright(save(tmp_path / "m.png", grey), OTSU)).tolist() == [[7, 8], [7, 9], [7, 10]]


def test_colours_count_by_their_brightest_channel(tmp_path):
    colours = np.zeros((37, 50, 3), np.uint8)
    colours[STONE] = 0, 0, 255
    np.testing.assert_array_equal(read_bright(save(tmp_path / "m.png", colours), OTSU), STONE)


@pytest.mark.parametrize(("white", "threshold"), [(65535, "otsu"), (65535, 127), (255, "otsu"), (1, "otsu")])
def test_16_bits(white, threshold, tmp_path):
    path = save(tmp_path / "m.png", STONE.astype(np.uint16) * np.uint16(white))
    np.testing.assert_array_equal(read_bright(path, Reading(threshold=threshold)), STONE)


@pytest.mark.parametrize(("threshold", "expected"), [(9, [False, True, True]), (10, [False, False, True]), (0, [True, True, True])])
def test_a_threshold_is_the_highest_black(threshold, expected, tmp_path):
    path = save(tmp_path / "m.png", np.array([[1, 10, 11]], np.uint8))
    assert read_bright(path, Reading(threshold=threshold)).tolist() == [expected]


def test_unreadable(tmp_path):
    (tmp_path / "m.png").write_text("no picture")
    with pytest.raises(DataError, match=r"m\.png is not a picture"):
        read_bright(tmp_path / "m.png", OTSU)
