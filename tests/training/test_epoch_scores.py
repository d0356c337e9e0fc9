"""The figures in an epoch's row are those of the confusion matrix of the same pictures, counted after the training."""

import keras
import numpy as np
import pytest

from maskmill.labels.bits import pack_bits
from maskmill.labels.classes import VOID_BIT
from maskmill.metrics import (
    binary_accuracy_per_class,
    confusion_matrix,
    headline_dice,
    headline_figure,
    headline_iou,
    overall_accuracy,
    true_positive_rate_per_class,
)
from maskmill.training.fit import fit_model
from maskmill.training.losses import WeightedSum

SETTINGS = {
    "transforms": [],
    "batch_size": 3,
    "optimizer": "adamw",
    "momentum": 0.9,
    "schedule": "cosine",
    "weight_decay": 0.0,
    "warmup": 0.0,
    "seed": 0,
}
KINDS = [("exclusive", 4), ("exclusive", 2), ("overlapping", 3)]


@pytest.fixture
def write_arrays(tmp_path):
    """Six training and four validation pictures, 33 x 47, whose classes mostly follow their colours; some void."""

    def write(kind, num_classes):
        generator = np.random.default_rng(0)
        for part, count in (("train", 6), ("val", 4)):
            (tmp_path / part).mkdir()
            pictures = generator.integers(0, 256, (count, 33, 47, 3), np.uint8)
            if kind == "overlapping":
                masks = pack_bits((pictures > 128) ^ (generator.random(pictures.shape) < 0.3))
                masks[:, :5] |= VOID_BIT
            else:
                drawn = generator.integers(0, num_classes, pictures.shape[:3])
                coloured = pictures[..., 0] // (256 // num_classes)
                masks = np.where(generator.random(drawn.shape) < 0.6, coloured, drawn).astype(np.uint8)
                masks[:, :5] = 255
            np.save(tmp_path / part / "images.npy", pictures)
            np.save(tmp_path / part / "masks.npy", masks)
        return tmp_path

    return write


def build_model(num_classes):
    keras.utils.set_random_seed(0)
    pictures = keras.Input((None, None, 3), dtype="uint8")
    features = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(keras.layers.Rescaling(1 / 255)(pictures))
    return keras.Model(pictures, keras.layers.Conv2D(num_classes, 1)(features))


def count_offline(model, arrays, part, kind, num_classes):
    logits = model.predict(np.load(arrays / part / "images.npy"), batch_size=3, verbose=0)
    prediction = pack_bits(logits > 0) if kind == "overlapping" else logits.argmax(-1).astype(np.uint8)
    return confusion_matrix(np.load(arrays / part / "masks.npy"), prediction, num_classes)


def fit(model, arrays, kind, *, learning_rate):
    loss = WeightedSum({"cross_entropy": 1.0}, head="sigmoids" if kind == "overlapping" else "softmax")
    return fit_model(model, arrays, epochs=2, learning_rate=learning_rate, loss=loss, **SETTINGS)


@pytest.mark.parametrize(("kind", "num_classes"), KINDS)
def test_validation_is_exact(write_arrays, kind, num_classes):
    arrays, model = write_arrays(kind, num_classes), build_model(num_classes)
    row = fit(model, arrays, kind, learning_rate=0.02)[-1]
    matrix = count_offline(model, arrays, "val", kind, num_classes)
    assert row["val_dice"] == pytest.approx(headline_dice(matrix), rel=0, abs=1e-9)
    assert row["val_iou"] == pytest.approx(headline_iou(matrix), rel=0, abs=1e-9)
    assert row["val_accuracy"] == pytest.approx(overall_accuracy(matrix), rel=0, abs=1e-9)
    for name, per_class in (("true_positive_rate", true_positive_rate_per_class), ("binary_accuracy", binary_accuracy_per_class)):
        assert row[f"val_{name}"] == pytest.approx(headline_figure(matrix, per_class(matrix)), rel=0, abs=1e-9)
    assert 0 < row["val_iou"] < row["val_dice"] < 1


@pytest.mark.parametrize(("kind", "num_classes"), KINDS)
def test_training_is_exact_where_the_weights_stay(write_arrays, kind, num_classes):
    arrays, model = write_arrays(kind, num_classes), build_model(num_classes)
    rows = fit(model, arrays, kind, learning_rate=0.0)
    dice = headline_dice(count_offline(model, arrays, "train", kind, num_classes))
    for row in rows:
        assert row["dice"] == pytest.approx(dice, rel=0, abs=1e-9)
        assert row["dice"] != row["val_dice"]
