"""A real training on a few small pictures: it learns, resumes to the same bytes, and stops."""

from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.errors import TrainingError
from maskmill.labels.bits import pack_bits
from maskmill.labels.classes import VOID_BIT
from maskmill.training.checkpoints import Checkpoint
from maskmill.training.fit import fit_model
from maskmill.training.losses import WeightedSum

SETTINGS = {
    "transforms": [{"name": "HorizontalFlip", "p": 0.5}],
    "batch_size": 2,
    "learning_rate": 0.05,
    "weight_decay": 0.0001,
    "warmup": 0.1,
    "loss": WeightedSum({"cross_entropy": 1.0, "dice": 1.0}),
    "seed": 0,
}


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """Eight training and three validation pictures, 16 x 24, whose class is whether green exceeds red; some void."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 8), ("val", 3)):
        folder = tmp_path / "arrays" / part
        folder.mkdir(parents=True)
        images = np.repeat(np.repeat(generator.integers(0, 256, (count, 4, 6, 3), np.uint8), 4, axis=1), 4, axis=2)
        masks = (images[..., 1] > images[..., 0]).astype(np.uint8)
        masks[:, 0, 0] = 255
        np.save(folder / "images.npy", images)
        np.save(folder / "masks.npy", masks)
    return tmp_path / "arrays"


@pytest.fixture
def overlapping_arrays(tmp_path: Path) -> Path:
    """Like `arrays`, but with three classes as bits: red is high, green is high, and one that is nowhere."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 8), ("val", 3)):
        folder = tmp_path / "overlapping" / part
        folder.mkdir(parents=True)
        images = np.repeat(np.repeat(generator.integers(0, 256, (count, 4, 6, 3), np.uint8), 4, axis=1), 4, axis=2)
        bits = pack_bits(images > 150) & np.uint16(0b011)
        bits[:, 0, 0] |= VOID_BIT
        np.save(folder / "images.npy", images)
        np.save(folder / "masks.npy", bits)
    return tmp_path / "overlapping"


def small_model(num_classes: int = 2) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 1, activation="relu")(x)
    x = keras.layers.Dropout(0.1)(x)
    return keras.Model(inputs, keras.layers.Conv2D(num_classes, 1)(x))


def test_it_learns_and_ends_with_the_best_epoch(arrays: Path, tmp_path: Path) -> None:
    model = small_model()
    checkpoint = Checkpoint(tmp_path / "state", monitor="val_dice")
    history = fit_model(model, arrays, epochs=12, checkpoint=checkpoint, patience=12, **SETTINGS)
    assert [row["epoch"] for row in history] == list(range(1, 13))
    assert set(history[0]) >= {"loss", "dice", "val_loss", "val_dice", "val_iou", "val_accuracy", "learning_rate"}
    best = max(row["val_dice"] for row in history)
    assert best > 0.9
    logits = model.predict(np.load(arrays / "val" / "images.npy"), verbose=0)
    truth = np.load(arrays / "val" / "masks.npy")
    counted = truth != 255
    predicted = logits.argmax(-1)[counted] == 1
    actual = truth[counted] == 1
    assert 2 * (predicted & actual).sum() / (predicted.sum() + actual.sum()) == pytest.approx(best, abs=1e-6)


def test_it_learns_overlapping_classes(overlapping_arrays: Path, tmp_path: Path) -> None:
    model = small_model(3)
    loss = WeightedSum({"cross_entropy": 1.0, "dice": 1.0}, head="sigmoids")
    checkpoint = Checkpoint(tmp_path / "state", monitor="val_dice")
    history = fit_model(model, overlapping_arrays, epochs=20, checkpoint=checkpoint, patience=20, **SETTINGS | {"loss": loss})
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    best = max(history, key=lambda row: row["val_dice"])
    logits = model.predict(np.load(overlapping_arrays / "val" / "images.npy"), verbose=0)
    truth = np.load(overlapping_arrays / "val" / "masks.npy")
    counted = truth < VOID_BIT
    dice, right = [], []
    for k in range(3):
        predicted, actual = logits[..., k][counted] > 0, (truth[counted] >> k & 1) == 1
        right.append(predicted == actual)
        if k < 2:
            dice.append(2 * (predicted & actual).sum() / (predicted.sum() + actual.sum()))
            everywhere = 2 * actual.sum() / (actual.size + actual.sum())
            assert dice[-1] > everywhere + 0.25  # better than the most that can be had without looking
        else:
            assert not predicted.any()
    assert np.mean(dice) == pytest.approx(best["val_dice"], abs=1e-6)
    assert np.mean(right) == pytest.approx(best["val_accuracy"], abs=1e-6)


@pytest.mark.parametrize(("weights", "favoured"), [([20.0, 1.0], 0), ([1.0, 20.0], 1)])
def test_class_weights_tip_the_balance(arrays: Path, weights: list[float], favoured: int) -> None:
    """Without a picture to go by, the heavier class is predicted everywhere."""
    for part in ("train", "val"):
        images = np.load(arrays / part / "images.npy")
        np.save(arrays / part / "images.npy", images * 0)
    model = small_model()
    loss = WeightedSum({"cross_entropy": 1.0}, class_weights=weights)
    fit_model(model, arrays, epochs=3, **SETTINGS | {"loss": loss})
    assert (model.predict(np.load(arrays / "val" / "images.npy"), verbose=0).argmax(-1) == favoured).all()


def test_an_interrupted_training_ends_with_the_same_weights(arrays: Path, tmp_path: Path) -> None:
    whole = small_model()
    expected = fit_model(whole, arrays, epochs=4, checkpoint=Checkpoint(tmp_path / "a", monitor="val_loss"), patience=9, **SETTINGS)

    def interrupt(epoch: int, row: dict[str, float]) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    checkpoint = Checkpoint(tmp_path / "b", monitor="val_loss")
    with pytest.raises(KeyboardInterrupt):
        fit_model(small_model(), arrays, epochs=4, checkpoint=checkpoint, patience=9, on_epoch=interrupt, **SETTINGS)
    assert len(checkpoint.read_history()) == 2
    resumed = small_model()
    history = fit_model(resumed, arrays, epochs=4, checkpoint=checkpoint, patience=9, **SETTINGS)
    assert history == expected
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_finished_training_trains_no_more(arrays: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state", monitor="val_dice")
    model = small_model()
    first = fit_model(model, arrays, epochs=2, checkpoint=checkpoint, patience=9, **SETTINGS)
    again = small_model()
    assert fit_model(again, arrays, epochs=2, checkpoint=checkpoint, patience=9, **SETTINGS) == first
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])


def test_patience_ends_it(arrays: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state", monitor="val_loss")
    stuck = SETTINGS | {"learning_rate": 1e-12, "transforms": []}
    model = small_model()
    history = fit_model(model, arrays, epochs=9, checkpoint=checkpoint, patience=1, **stuck)
    assert len(history) < 9


def test_a_loss_that_is_no_number_stops_with_what_to_do(arrays: Path) -> None:
    with pytest.raises(TrainingError, match="epoch 1") as caught:
        fit_model(small_model(), arrays, epochs=3, **(SETTINGS | {"learning_rate": 1e30, "warmup": 0.0}))
    assert "train.learning_rate" in str(caught.value)
