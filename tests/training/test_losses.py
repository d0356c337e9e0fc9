"""Losses by name, and their sums."""

from typing import get_args

import keras
import numpy as np
import pytest
from loss_scenes import HEADS, NUM_CLASSES, SCENES, TERMS, find_loss
from pydantic import ValidationError

from maskmill.errors import ParamsError
from maskmill.train_sections import LossSum, LossTerm, TrainParams
from maskmill.training.losses import LOSS_SUMS, MASK_LOSSES, PLANE_LOSSES, WeightedSum, build_loss

SETTINGS = {"loss": "ce_dice", "label_smoothing": 0.0, "focal_gamma": 2.0, "tversky": (0.3, 0.7)}


@pytest.mark.parametrize("head", HEADS)
def test_settings_and_tables_name_the_same_losses(head: str) -> None:
    assert sorted([*MASK_LOSSES[head], *PLANE_LOSSES[head]]) == sorted(get_args(LossTerm))
    assert set(LOSS_SUMS) == set(get_args(LossSum))
    assert set(TERMS) == set(get_args(LossTerm))  # what the other tests go through


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("ce_dice", {"cross_entropy": 1, "dice": 1}),
        ("bce_jaccard", {"binary_cross_entropy": 1, "jaccard": 1}),
        ("dice_bce", {"binary_cross_entropy": 0.05, "dice": 1}),
        ("bce_log_dice", {"binary_cross_entropy": 1, "log_dice": 1}),
    ],
)
def test_published_sums_go_by_their_names(name: str, terms: dict[str, float], head: str) -> None:
    loss = build_loss(SETTINGS | {"loss": name}, head, None)
    expected = sum(weight * find_loss(term, *SCENES[head], head) for term, weight in terms.items())
    assert float(keras.ops.convert_to_numpy(loss(*SCENES[head]))) == pytest.approx(expected, rel=1e-5)


def test_all_settings_reach_the_losses() -> None:
    settings = {
        "loss": {"cross_entropy": 0.5, "focal": 2.0, "tversky": 3.0},
        "label_smoothing": 0.2,
        "focal_gamma": 1.5,
        "tversky": (0.1, 0.8),
    }
    loss = build_loss(settings, "softmax", [1.0, 2.0, 0.5])
    weights = {"class_weights": [1.0, 2.0, 0.5]}
    expected = (
        0.5 * find_loss("cross_entropy", *SCENES["softmax"], "softmax", label_smoothing=0.2, **weights)
        + 2 * find_loss("focal", *SCENES["softmax"], "softmax", focal_gamma=1.5, **weights)
        + 3 * find_loss("tversky", *SCENES["softmax"], "softmax", tversky=(0.1, 0.8))
    )
    assert float(keras.ops.convert_to_numpy(loss(*SCENES["softmax"]))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_a_sum_survives_saving(head: str) -> None:
    terms = {term: 0.5 + number for number, term in enumerate(TERMS)}
    weights = [3, 0.5, 1][: NUM_CLASSES[head]]
    loss = WeightedSum(terms, head, weights, label_smoothing=0.1, focal_gamma=1.0, tversky=(0.2, 0.5))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    expected, found = (float(keras.ops.convert_to_numpy(either(*SCENES[head]))) for either in (loss, again))
    assert found == expected


def test_a_weight_of_0_leaves_a_loss_out() -> None:
    assert WeightedSum({"cross_entropy": 1.0, "dice": 0.0}).terms == {"cross_entropy": 1.0}


def test_a_loss_that_is_none_is_refused() -> None:
    with pytest.raises(ParamsError, match="names 'jacard', which is no loss; did you mean jaccard\\?"):
        WeightedSum({"jacard": 1.0})


@pytest.mark.parametrize("head", HEADS)
def test_all_losses_train_in_a_compiled_step_with_mixed_precision(head: str) -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        keras.utils.set_random_seed(0)
        inputs = keras.Input((None, None, 3), dtype="uint8")
        features = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(keras.layers.Rescaling(1 / 255)(inputs))
        logits = keras.layers.Conv2D(NUM_CLASSES[head], 1, dtype="float32")(features)
        model = keras.Model(inputs, logits)
    finally:
        keras.config.set_dtype_policy(policy)
    model.compile(keras.optimizers.Adam(0.05), WeightedSum(dict.fromkeys(TERMS, 1.0), head), jit_compile=False)
    pictures = np.zeros((2, 9, 14, 3), np.uint8)
    pictures[:, 2:7, 3:9, 1] = 250
    masks = (pictures[..., 1] > 0).astype(np.uint16)
    losses = [float(model.train_on_batch(pictures, masks)) for _ in range(30)]
    assert losses[-1] < 0.4 * losses[0]
    assert np.isfinite(losses).all()


def test_a_tversky_loss_in_which_nothing_is_wrong_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one of the two must be above 0"):
        TrainParams.__pydantic_validator__.validate_assignment(TrainParams.model_construct(), "tversky", (0.0, 0.0))
