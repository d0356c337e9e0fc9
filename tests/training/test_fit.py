"""A real training on a few small pictures: it learns, resumes to the same bytes, and stops."""

from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.errors import TrainingError
from maskmill.labels.bits import pack_bits
from maskmill.labels.classes import VOID_BIT
from maskmill.models.blocks import normalise
from maskmill.training.checkpoints import Checkpoint
from maskmill.training.fit import fit_model
from maskmill.training.losses import WeightedSum
from maskmill.training.optimizers import build_schedule

SETTINGS = {
    "transforms": [{"name": "HorizontalFlip", "p": 0.5}],
    "batch_size": 2,
    "optimizer": "adamw",
    "momentum": 0.9,
    "schedule": "cosine",
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


def model_on_backbone() -> keras.Model:
    """As the models on a backbone are: it is a network within the network, with batch norm and dropout."""
    keras.utils.set_random_seed(0)
    inner = keras.Input((None, None, 3), name="features")
    features = normalise(keras.layers.Conv2D(8, 1, name="conv")(inner), "norm")
    features = keras.layers.Dropout(0.1, name="dropout")(keras.layers.Activation("relu", name="relu")(features))
    backbone = keras.Model(inner, features, name="backbone")
    inputs = keras.Input((None, None, 3), dtype="uint8", name="pictures")
    features = backbone(keras.layers.Rescaling(1 / 255, name="scale")(inputs))
    features = keras.layers.Activation("relu", name="decoder_relu")(
        normalise(keras.layers.Conv2D(8, 1, name="decoder")(features), "decoder_norm")
    )
    return keras.Model(inputs, keras.layers.Conv2D(2, 1, name="logits")(features), name="small")


def test_it_learns_and_ends_with_the_best_epoch(arrays: Path, tmp_path: Path) -> None:
    model = small_model()
    checkpoint = Checkpoint(tmp_path / "state", monitor="val_dice")
    history = fit_model(model, arrays, epochs=12, checkpoint=checkpoint, patience=12, **SETTINGS)
    assert [row["epoch"] for row in history] == list(range(1, 13))
    validated = {"val_loss", "val_dice", "val_iou", "val_accuracy", "val_true_positive_rate", "val_binary_accuracy"}
    assert set(history[0]) == {"epoch", "loss", "dice", "learning_rate"} | validated
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


def test_a_frozen_backbone_stays_to_the_bit_and_then_learns(arrays: Path) -> None:
    model = model_on_backbone()
    backbone, decoder = model.get_layer("backbone"), model.get_layer("decoder")
    seen = [(backbone.get_weights(), decoder.get_weights())]
    history = fit_model(
        model,
        arrays,
        epochs=4,
        freeze_epochs=2,
        on_epoch=lambda epoch, row: seen.append((backbone.get_weights(), decoder.get_weights())),
        **SETTINGS,
    )
    assert len(seen[0][0]) == 6  # kernel, bias, gamma, beta, and both moving statistics
    for epoch, ((backbone_before, decoder_before), (backbone_after, decoder_after)) in enumerate(pairwise(seen), start=1):
        pairs = zip(backbone_before, backbone_after, strict=True)
        assert all(np.array_equal(before, after) == (epoch <= 2) for before, after in pairs)
        assert not any(np.array_equal(before, after) for before, after in zip(decoder_before, decoder_after, strict=True))
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert all(layer.trainable for layer in model._flatten_layers())
    schedule = build_schedule(learning_rate=0.05, steps=16, warmup=0.1)  # one, of 4 steps in each of 4 epochs
    assert [row["learning_rate"] for row in history] == pytest.approx([float(schedule(4 * epoch)) for epoch in (1, 2, 3, 4)])


@pytest.mark.parametrize(("precision", "epoch"), [("float32", 2), ("float32", 3), ("mixed_float16", 4)])
def test_an_interrupted_training_of_two_phases_ends_with_the_same_bytes(
    arrays: Path, tmp_path: Path, precision: str, epoch: int
) -> None:
    """Within the frozen epochs, between both phases, and after."""
    settings = SETTINGS | {"epochs": 4, "patience": 9, "freeze_epochs": 2, "backbone_factor": 0.5}

    def interrupt(done: int, row: dict[str, float]) -> None:
        if done == epoch:
            raise KeyboardInterrupt

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        whole, cut = (Checkpoint(tmp_path / name, monitor="val_loss") for name in ("whole", "cut"))
        expected = fit_model(model_on_backbone(), arrays, checkpoint=whole, **settings)
        with pytest.raises(KeyboardInterrupt):
            fit_model(model_on_backbone(), arrays, checkpoint=cut, on_epoch=interrupt, **settings)
        assert len(cut.read_history()) == epoch - 1
        assert fit_model(model_on_backbone(), arrays, checkpoint=cut, **settings) == expected
    finally:
        keras.config.set_dtype_policy(before)
    states = [{path.name: path.read_bytes() for path in checkpoint.folder.iterdir()} for checkpoint in (whole, cut)]
    assert states[0] == states[1]


def test_patience_begins_after_the_frozen_epochs(arrays: Path, tmp_path: Path) -> None:
    """Every pixel is void, so that every loss is 0 and the first epoch stays the best."""
    for part in ("train", "val"):
        np.save(arrays / part / "masks.npy", np.full_like(np.load(arrays / part / "masks.npy"), 255))
    lengths = {}
    for name, model, freeze_epochs in (("thawed", model_on_backbone(), 3), ("none", small_model(), 3), ("never", small_model(), 0)):
        checkpoint = Checkpoint(tmp_path / name, monitor="val_loss")
        history = fit_model(model, arrays, epochs=9, freeze_epochs=freeze_epochs, patience=2, checkpoint=checkpoint, **SETTINGS)
        lengths[name] = len(history)
    assert lengths == {"thawed": 5, "none": 3, "never": 3}


def test_without_a_backbone_nothing_is_frozen_and_it_says_so(arrays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_model()
    before = model.get_weights()
    fit_model(model, arrays, epochs=1, freeze_epochs=1, backbone_factor=0.1, **SETTINGS)
    assert not any(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    said = capsys.readouterr().out
    assert "train.freeze_epochs has no effect: the model has no backbone" in said
    assert "train.backbone_factor has no effect: the model has no backbone" in said


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
