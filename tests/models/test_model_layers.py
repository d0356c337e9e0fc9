import keras
import numpy as np
import pytest

from maskmill.models import build_model
from maskmill.models.layers import CropToPictures, PadToStride


@pytest.mark.parametrize(("height", "width"), [(5, 7), (8, 8), (1, 3), (2, 1), (11, 4)])
def test_padding_mirrors_like_numpy(height: int, width: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    expected = np.pad(pictures, ((0, 0), (0, -height % 8), (0, -width % 8), (0, 0)), mode="reflect")
    padded = keras.ops.convert_to_numpy(PadToStride(8)(pictures))
    assert padded.dtype == np.uint8
    assert np.array_equal(padded, expected)


def test_padding_works_where_the_size_is_not_known_beforehand() -> None:
    pictures = keras.Input((None, None, 1), dtype="uint8")
    padded = PadToStride(4)(pictures)
    assert padded.shape == (None, None, None, 1)
    model = keras.Model(pictures, padded)
    row = np.array([10, 20, 30, 40, 50], np.uint8).reshape(1, 1, 5, 1)
    assert keras.ops.convert_to_numpy(model.predict(row, verbose=0))[0, 3, :, 0].tolist() == [10, 20, 30, 40, 50, 40, 30, 20]


def test_static_sizes_are_known_beforehand() -> None:
    pictures = keras.Input((37, 64, 3), batch_size=2, dtype="uint8")
    padded = PadToStride(32)(pictures)
    assert padded.shape == (2, 64, 64, 3)
    assert CropToPictures()(keras.Input((64, 64, 5), batch_size=2), pictures).shape == (2, 37, 64, 5)


def test_crop_keeps_the_upper_left_corner() -> None:
    logits = np.arange(2 * 4 * 4 * 1, dtype=np.float32).reshape(2, 4, 4, 1)
    cropped = CropToPictures()(logits, np.zeros((2, 3, 2, 3), np.uint8))
    assert np.array_equal(keras.ops.convert_to_numpy(cropped), logits[:, :3, :2])


def test_padded_picture_gets_the_logits_of_the_picture_padded_beforehand() -> None:
    model = build_model(
        "unet",
        channels=3,
        num_classes=3,
        backbone=None,
        weights="none",
        base_filters=4,
        depth=4,
        decoder_filters=[],
        dropout=0.0,
    )
    pictures = np.random.default_rng(1).integers(0, 256, (1, 21, 30, 3), dtype=np.uint8)
    mirrored = np.pad(pictures, ((0, 0), (0, 3), (0, 2), (0, 0)), mode="reflect")
    assert mirrored.shape == (1, 24, 32, 3)
    small, whole = (keras.ops.convert_to_numpy(model(each)) for each in (pictures, mirrored))
    assert np.allclose(small, whole[:, :21, :30], atol=1e-5)
