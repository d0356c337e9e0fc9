"""Pictures to masks, with models whose right answer is known by hand."""

import threading

import keras
import numpy as np
import pytest

from maskmill.errors import DataError, ModelError
from maskmill.evaluation.decisions import DECISIONS
from maskmill.evaluation.inference import Predictor, adapt_channels, predict_logits, predict_mask
from maskmill.labels.bits import unpack_bits
from maskmill.scaling import tile_starts

FIT = {"policy": "fit", "image_size": (16, 24), "factor": 1.0, "overlap": 0.25}
NATIVE = {"policy": "native", "image_size": (16, 24), "factor": 1.0, "overlap": 0.25}


def build_brightness_model(channels=3):
    """Class 1 where the channels' mean is over 128, else class 0: logits are the linear (0, mean - 128)."""
    picture = keras.Input((None, None, channels), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1.0)(picture)))
    kernel = np.zeros((1, 1, channels, 2), np.float32)
    kernel[..., 1] = 1.0 / channels
    model.layers[-1].set_weights([kernel, np.array([0.0, -128.0], np.float32)])
    return model


def note_shapes(predictor, shapes):
    """Have the predictor's model note the shape of every batch it is given."""
    inner = predictor.model.predict_on_batch

    def predict_on_batch(batch):
        shapes.append(batch.shape)
        return inner(batch)

    predictor.model.predict_on_batch = predict_on_batch


def describe(scale=FIT, channels=3, labels="exclusive"):
    return {
        "format": 2,
        "labels": labels,
        "scale": scale,
        "channels": channels,
        "classes": [{"id": 0, "name": "dark", "colour": [1, 2, 3]}, {"id": 1, "name": "bright", "colour": [9, 8, 7]}],
    }


def draw_halves(height, width, split):
    """Dark on the left of column `split`, bright from there on."""
    picture = np.full((height, width, 3), 20, np.uint8)
    picture[:, split:] = 230
    return picture, (np.arange(width) >= split)[np.newaxis].repeat(height, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    return build_brightness_model()


def test_fit_answers_at_the_pictures_own_size(model):
    picture, truth = draw_halves(37, 71, 40)
    mask = Predictor(model, describe()).mask(picture)
    assert mask.dtype == np.uint8
    assert mask.shape == (37, 71)
    far = np.abs(np.arange(71) - 39.5) > 3  # one of the 24 columns is three of the picture's: the edge itself may shift by it
    np.testing.assert_array_equal(mask[:, far], truth[:, far])


def test_fit_at_the_training_size_is_the_model_itself(model):
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    expected = picture.astype(np.float32).mean(axis=-1) - 128.0
    logits = predict_logits(model, picture, **FIT, batch_size=2)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits[..., 1], expected, atol=1e-3)
    np.testing.assert_array_equal(logits[..., 0], 0.0)


@pytest.mark.parametrize("size", [(16, 24), (5, 7), (16, 25), (50, 24), (61, 83), (1, 100)])
def test_tiles_of_a_pointwise_model_equal_the_whole(model, size):
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    whole = picture.astype(np.float64).mean(axis=-1) - 128.0
    logits = predict_logits(model, picture, **NATIVE, batch_size=4)
    assert logits.shape == (*size, 2)
    expected = np.clip(1.0 / (1.0 + np.exp(-whole)), 1e-7, None)
    np.testing.assert_allclose(np.exp(logits[..., 1]), expected, atol=1e-5)
    sure = np.abs(whole) > 1e-3
    np.testing.assert_array_equal(predict_mask(model, picture, **NATIVE, batch_size=4)[sure], (whole > 0)[sure])


@pytest.mark.parametrize("factor", [0.5, 2.0, 0.01])
def test_native_scales_there_and_back(model, factor):
    picture, truth = draw_halves(45, 90, 50)
    mask = predict_mask(model, picture, **{**NATIVE, "factor": factor}, batch_size=4)
    assert mask.shape == (45, 90)
    if factor != 0.01:  # which leaves one pixel of the picture, and must not fail
        far = np.abs(np.arange(90) - 49.5) > 2
        np.testing.assert_array_equal(mask[:, far], truth[:, far])


@pytest.mark.parametrize("scale", [FIT, NATIVE])
def test_the_mask_is_the_arg_max_of_the_logits(scale):
    model = keras.Sequential(
        [keras.Input((None, None, 3), dtype="uint8"), keras.layers.Rescaling(0.02), keras.layers.Conv2D(5, 3, padding="same")]
    )
    picture = np.random.default_rng(2).integers(0, 256, (33, 41, 3), np.uint8)
    logits = predict_logits(model, picture, **scale, batch_size=3)
    np.testing.assert_array_equal(predict_mask(model, picture, **scale, batch_size=3), logits.argmax(axis=-1))


def build_colour_model(num_classes=2):
    """Overlapping classes: the first where red is over 128, the second where green is over 100, further ones nowhere."""
    picture = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(num_classes, 1)(keras.layers.Rescaling(0.02)(picture)))
    kernel = np.zeros((1, 1, 3, num_classes), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1.0
    model.layers[-1].set_weights([kernel, 0.02 * np.array([-128.0, -100.0] + [-10.0] * (num_classes - 2), np.float32)])
    return model


def test_overlapping_classes_by_hand():
    colours = [[200, 0, 0], [0, 200, 0], [200, 200, 0], [0, 0, 0], [129, 99, 255], [127, 101, 255]]
    picture = np.array([colours, colours[::-1]], np.uint8)  # 2 x 6
    mask = Predictor(build_colour_model(), describe(NATIVE, labels="overlapping")).mask(picture)
    assert mask.dtype == np.uint16
    assert mask.tolist() == [[0b01, 0b10, 0b11, 0, 0b01, 0b10], [0b10, 0b01, 0, 0b11, 0b10, 0b01]]


@pytest.mark.parametrize("scale", [FIT, NATIVE, {**NATIVE, "factor": 0.5}])
def test_bits_are_those_of_positive_logits(scale):
    picture = np.random.default_rng(3).integers(0, 256, (33, 41, 3), np.uint8)
    predictor = Predictor(build_colour_model(), describe(scale, labels="overlapping"))
    logits = predictor.logits(picture)
    assert logits.shape == (33, 41, 2)
    np.testing.assert_array_equal(unpack_bits(predictor.mask(picture), 2), logits > 0.0)


def build_foreground_model(channels=3):
    """A sigmoid head: 0, and a twentieth of how much the channels' mean is over 128."""
    picture = keras.Input((None, None, channels), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1.0)(picture)))
    kernel = np.zeros((1, 1, channels, 2), np.float32)
    kernel[..., 1] = 0.05 / channels
    model.layers[-1].set_weights([kernel, np.array([0.0, -128.0 * 0.05], np.float32)])
    return model


@pytest.mark.parametrize("scale", [FIT, NATIVE])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_the_foreground_begins_at_its_threshold(scale, threshold):
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(2, axis=1)[:, :24].repeat(3, axis=2)  # as large as a tile
    description = {**describe(scale), "head": "sigmoid", "thresholds": [threshold]}
    mask = Predictor(build_foreground_model(), description).mask(picture)
    probability = 1.0 / (1.0 + np.exp(-0.05 * (picture[..., 0].astype(np.float64) - 128.0)))
    assert mask.dtype == np.uint8
    assert 0 < mask.mean() < 1
    sure = np.abs(probability - threshold) > 1e-5
    np.testing.assert_array_equal(mask[sure], (probability > threshold)[sure])


@pytest.mark.parametrize("scale", [FIT, NATIVE])
def test_each_overlapping_class_begins_at_its_threshold(scale):
    picture = np.random.default_rng(6).integers(0, 256, (16, 24, 3), np.uint8)
    description = {**describe(scale, labels="overlapping"), "head": "sigmoids", "thresholds": [0.2, 0.75]}
    mask = Predictor(build_colour_model(), description).mask(picture)
    probabilities = 1.0 / (1.0 + np.exp(-0.02 * (picture[..., :2].astype(np.float64) - [128.0, 100.0])))
    sure = np.abs(probabilities - [0.2, 0.75]) > 1e-5
    np.testing.assert_array_equal(unpack_bits(mask, 2)[sure], (probabilities > [0.2, 0.75])[sure])


def test_a_half_is_what_decides_without_thresholds():
    picture = np.random.default_rng(7).integers(0, 256, (21, 33, 3), np.uint8)
    for model, labels, halves in (
        (build_foreground_model(), "exclusive", [0.5]),
        (build_colour_model(), "overlapping", [0.5, 0.5]),
    ):
        for scale in (FIT, NATIVE):
            description = describe(scale, labels=labels)
            masks = [Predictor(model, {**description, **more}).mask(picture) for more in ({}, {"thresholds": []})]
            masks.append(Predictor(model, {**description, "thresholds": halves}).mask(picture))
            for mask in masks[1:]:
                np.testing.assert_array_equal(mask, masks[0])


@pytest.mark.parametrize(
    ("labels", "thresholds"),
    [("exclusive", [0.5, 0.5]), ("overlapping", [0.5]), ("exclusive", [0.0]), ("overlapping", [0.5, 1.0]), ("exclusive", ["high"])],
)
def test_thresholds_that_do_not_go_with_the_model_are_refused(model, labels, thresholds):
    with pytest.raises(ModelError, match=r"threshold|high"):
        Predictor(model, {**describe(labels=labels), "thresholds": thresholds})


def test_tiles_of_overlapping_classes_keep_their_probabilities():
    picture = np.random.default_rng(4).integers(0, 256, (50, 61, 3), np.uint8)
    expected = 0.02 * (picture[..., :2].astype(np.float64) - [128.0, 100.0])
    logits = predict_logits(build_colour_model(), picture, **NATIVE, batch_size=4, labels="overlapping")
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_sure_logits_of_overlapping_classes_stay_finite():
    for sign in (1.0, -1.0):
        logits = np.full((2, 3, 2), sign * 1e4, np.float32)
        again = DECISIONS["overlapping"].unsquash(DECISIONS["overlapping"].squash(logits))
        assert np.isfinite(again).all()
        assert (np.sign(again) == sign).all()


@pytest.mark.parametrize(("scale", "shapes"), [(FIT, {(1, 16, 24, 3)}), (NATIVE, {(1, 16, 24, 3), (4, 16, 24, 3)})])
def test_forward_passes_keep_their_shape(scale, shapes):
    seen = []
    predictor = Predictor(build_brightness_model(), describe(scale), batch_size=4)
    note_shapes(predictor, seen)
    for size in [(16, 24), (9, 70), (64, 64), (40, 25)]:
        predictor.mask(np.zeros((*size, 3), np.uint8))
    assert set(seen) == shapes


def test_many_threads_get_the_answers_of_one():
    predictor = Predictor(build_brightness_model(), describe(NATIVE), batch_size=4)
    pictures = [np.random.default_rng(n).integers(0, 256, (20 + n, 40 - n, 3), np.uint8) for n in range(8)]
    answers = [None] * len(pictures)

    def answer(n):
        answers[n] = predictor.mask(pictures[n])

    threads = [threading.Thread(target=answer, args=(n,)) for n in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for picture, mask in zip(pictures, answers, strict=True):
        np.testing.assert_array_equal(mask, predictor.mask(picture))


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "starts"),
    [(100, 100, 0.25, [0]), (101, 100, 0.0, [0, 1]), (250, 100, 0.25, [0, 75, 150]), (200, 100, 0.0, [0, 100])],
)
def test_tile_starts(length, tile, overlap, starts):
    assert tile_starts(length, tile, overlap) == starts


def test_channels_are_adapted():
    grey = np.array([[[7], [200]]], np.uint8)
    np.testing.assert_array_equal(adapt_channels(grey, 3), np.array([[[7, 7, 7], [200, 200, 200]]]))
    colour = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    np.testing.assert_array_equal(adapt_channels(colour, 1)[..., 0], [[76, 150, 29, 9]])  # ITU-R 601 luma
    assert adapt_channels(colour, 3) is colour
    with pytest.raises(DataError, match="has 3 channels, the model takes 4"):
        adapt_channels(colour, 4)
    for unfit in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(DataError, match="expected: uint8"):
            adapt_channels(unfit, 3)


def test_a_grey_picture_suits_a_colour_model_and_the_other_way_round(model):
    picture, truth = draw_halves(16, 24, 10)
    np.testing.assert_array_equal(Predictor(model, describe()).mask(picture[..., :1]), truth)
    bands = np.concatenate([picture, picture], axis=2)
    np.testing.assert_array_equal(Predictor(build_brightness_model(channels=6), describe(channels=6)).mask(bands), truth)
    grey = Predictor(build_brightness_model(channels=1), describe(channels=1))
    np.testing.assert_array_equal(grey.mask(picture), truth)


def test_a_predictor_tells_its_classes_and_colours(model):
    predictor = Predictor(model, describe())
    assert predictor.class_names == ("dark", "bright")
    assert predictor.num_classes == 2
    np.testing.assert_array_equal(predictor.palette[[0, 1, 2, 255]], [[1, 2, 3], [9, 8, 7], [255] * 3, [255] * 3])


def test_descriptions_that_do_not_fit_are_refused(model):
    with pytest.raises(ModelError, match="'scale'"):
        Predictor(model, {"classes": [], "channels": 3})
    with pytest.raises(ModelError, match="tells 2 classes apart, its description names 1"):
        Predictor(model, {**describe(), "classes": describe()["classes"][:1]})
    with pytest.raises(ModelError, match="says layered labels of 2 classes"):
        Predictor(model, describe(labels="layered"))
    many = [{"id": k, "name": str(k), "colour": [k, k, k]} for k in range(16)]
    with pytest.raises(ModelError, match="at most 15 classes"):
        Predictor(model, {**describe(labels="overlapping"), "classes": many})
    with pytest.raises(ModelError, match="'panorama' is unknown"):
        Predictor(model, describe({**FIT, "policy": "panorama"})).mask(np.zeros((4, 4, 3), np.uint8))
