"""Thresholds chosen on a validation part whose probabilities are written in its pictures."""

import keras
import numpy as np
import pytest

from maskmill.evaluation.inference import Predictor
from maskmill.labels.classes import VOID_BIT
from maskmill.metrics import confusion_matrix, dice_per_class
from maskmill.models.layers import BesideZero
from maskmill.training.thresholds import choose_thresholds


def build_model(head):
    """A logit for each band, from -2 at 0 to 2 at 255: that of the first band beside 0, or those of all three."""
    pictures = keras.Input((None, None, 3), dtype="uint8")
    planes = 1 if head == "sigmoid" else 3
    scaled = keras.layers.Rescaling(4 / 255, offset=-2.0)(pictures)
    convolution = keras.layers.Conv2D(planes, 1, use_bias=False)
    logits = convolution(scaled)
    convolution.set_weights([np.eye(3, planes, dtype=np.float32)[np.newaxis, np.newaxis]])
    return keras.Model(pictures, BesideZero()(logits) if head == "sigmoid" else logits)


def to_probability(value):
    return 1.0 / (1.0 + np.exp(2.0 - np.asarray(value, np.float64) * 4 / 255))


@pytest.fixture
def write_val(tmp_path):
    def write(pictures, masks):
        for part in ("train", "val"):
            (tmp_path / part).mkdir()
            np.save(tmp_path / part / "images.npy", pictures)
            np.save(tmp_path / part / "masks.npy", masks)
        return tmp_path

    return write


def draw_pictures():
    return np.random.default_rng(0).integers(0, 256, (5, 12, 20, 3), np.uint8)


def test_the_foregrounds_threshold_is_found_where_it_is(write_val):
    pictures = draw_pictures()
    masks = (pictures[..., 0] > 200).astype(np.uint8)
    masks[:, :3] = 255
    pictures[:, :3] = 255  # void that would spoil it
    (threshold,) = choose_thresholds(
        build_model("sigmoid"), write_val(pictures, masks), head="sigmoid", setting="auto", batch_size=2
    )
    assert to_probability(200) < threshold < to_probability(201)


def test_each_overlapping_class_has_its_own(write_val, capsys):
    pictures = draw_pictures()
    masks = (pictures[..., 0] > 200).astype(np.uint16) | (pictures[..., 1] > 60).astype(np.uint16) << 1
    masks[:, :3] |= VOID_BIT
    pictures[:, :3] = 255
    arrays = write_val(pictures, masks)
    thresholds = choose_thresholds(build_model("sigmoids"), arrays, head="sigmoids", setting="auto", batch_size=2)
    assert to_probability(200) <= thresholds[0] <= to_probability(201)
    assert to_probability(60) <= thresholds[1] <= to_probability(61)
    assert thresholds[2] == 0.5  # nowhere in the masks
    assert "no pixel of the validation part is of class 2: its threshold stays 0.5" in capsys.readouterr().out


def test_it_is_better_than_a_half_where_classes_cannot_be_told_apart(write_val):
    """Half of the pixels are sure; of the others every second one is of the class, and all have the same probability."""
    pictures = np.full((2, 12, 20, 3), 200, np.uint8)
    pictures[:, :6] = 60
    masks = np.ones((2, 12, 20), np.uint8)
    masks[:, :6, ::2] = 0
    (threshold,) = choose_thresholds(
        build_model("sigmoid"), write_val(pictures, masks), head="sigmoid", setting="auto", batch_size=1
    )
    assert to_probability(60) - 0.001 <= threshold < to_probability(60)
    predictions = [(to_probability(pictures[..., 0]) > t).astype(np.uint8) for t in (0.5, threshold)]
    dice = [dice_per_class(confusion_matrix(masks, prediction, 2))[1] for prediction in predictions]
    assert dice == [pytest.approx(2 / 2.5), pytest.approx(3 / 3.5)]


@pytest.mark.parametrize(("head", "thresholds"), [("softmax", []), ("sigmoid", [0.3]), ("sigmoids", [0.3, 0.3, 0.3])])
def test_a_given_threshold_is_that_of_all_and_looks_at_nothing(tmp_path, head, thresholds):
    assert choose_thresholds(build_model(head), tmp_path / "nowhere", head=head, setting=0.3, batch_size=2) == thresholds


@pytest.mark.parametrize("policy", ["fit", "native"])
def test_what_is_predicted_with_it_has_the_highest_dice(write_val, policy):
    """The predictor decides by the chosen threshold as the search for it did."""
    generator = np.random.default_rng(3)
    pictures = draw_pictures()
    masks = (generator.random(pictures.shape[:3]) < to_probability(pictures[..., 0]) ** 2).astype(np.uint8)
    model = build_model("sigmoid")
    (chosen,) = choose_thresholds(model, write_val(pictures, masks), head="sigmoid", setting="auto", batch_size=5)
    description = {
        "scale": {"policy": policy, "image_size": [12, 20], "factor": 1.0, "overlap": 0.25},
        "channels": 3,
        "classes": [{"id": k, "name": str(k), "colour": [k, k, k]} for k in range(2)],
    }

    def score(threshold):
        predictor = Predictor(model, {**description, "thresholds": [threshold]})
        predictions = np.stack([predictor.mask(picture) for picture in pictures])
        return dice_per_class(confusion_matrix(masks, predictions, 2))[1]

    others = [score(threshold) for threshold in (0.3, 0.5, chosen - 0.02, chosen + 0.02)]
    assert score(chosen) >= max(others)
    assert score(chosen) > min(others)
