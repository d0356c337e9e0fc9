"""Losses against figures worked out by hand."""

import keras
import numpy as np
import pytest

from maskmill.training.losses import WeightedSum, cross_entropy, soft_dice

MASKS = np.array([[[0, 1, 255]]], np.uint8)  # (1, 1, 3), the last pixel void
LOGITS = np.log(np.array([[[[0.8, 0.2], [0.4, 0.6], [0.01, 0.99]]]], np.float32))  # (1, 1, 3, 2)


def number(loss: keras.KerasTensor) -> float:
    return float(keras.ops.convert_to_numpy(loss))


def test_cross_entropy_is_the_mean_over_labelled_pixels() -> None:
    assert number(cross_entropy(MASKS, LOGITS)) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2, rel=1e-5)


def test_soft_dice_is_the_mean_over_present_classes() -> None:
    first = 2 * 0.8 / (0.8 + 0.4 + 1)
    second = 2 * 0.6 / (0.2 + 0.6 + 1)
    assert number(soft_dice(MASKS, LOGITS)) == pytest.approx(1 - (first + second) / 2, rel=1e-5)


def test_soft_dice_leaves_out_classes_without_truth() -> None:
    masks = np.array([[[0, 0, 255]]], np.uint8)
    assert number(soft_dice(masks, LOGITS)) == pytest.approx(1 - 2 * 1.2 / (1.2 + 2), rel=1e-5)


def test_nothing_labelled_gives_no_loss_and_no_gradient_explosion() -> None:
    void = np.full((1, 1, 3), 255, np.uint8)
    assert number(cross_entropy(void, LOGITS)) == 0
    assert number(soft_dice(void, LOGITS)) == 0


def test_void_pixels_do_not_matter() -> None:
    other = LOGITS.copy()
    other[0, 0, 2] = [5.0, -3.0]
    for loss in (cross_entropy, soft_dice):
        assert number(loss(MASKS, LOGITS)) == pytest.approx(number(loss(MASKS, other)))


def test_weighted_sum_adds_and_survives_saving() -> None:
    loss = WeightedSum({"cross_entropy": 0.5, "dice": 2.0})
    expected = 0.5 * number(cross_entropy(MASKS, LOGITS)) + 2 * number(soft_dice(MASKS, LOGITS))
    assert number(loss(MASKS, LOGITS)) == pytest.approx(expected, rel=1e-5)
    again = WeightedSum.from_config(loss.get_config())
    assert number(again(MASKS, LOGITS)) == pytest.approx(expected, rel=1e-5)
