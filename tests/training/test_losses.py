"""Losses against figures worked out by hand."""

import keras
import numpy as np
import pytest

from maskmill.labels.classes import VOID_BIT
from maskmill.training.losses import WeightedSum, binary_cross_entropy, binary_soft_dice, cross_entropy, soft_dice

MASKS = np.array([[[0, 1, 255]]], np.uint8)  # (1, 1, 3), the last pixel void
LOGITS = np.log(np.array([[[[0.8, 0.2], [0.4, 0.6], [0.01, 0.99]]]], np.float32))  # (1, 1, 3, 2)

# overlapping: (1, 2, 3) bits of two classes, the last pixel void; each class's probability in each pixel
BITS = np.array([[[0b01, 0b11, 0b00], [0b10, 0b00, VOID_BIT | 0b11]]], np.uint16)
FIRST = np.array([[0.8, 0.6, 0.3], [0.2, 0.1, 0.9]])
SECOND = np.array([[0.4, 0.7, 0.5], [0.9, 0.2, 0.01]])
BIT_PROBABILITIES = np.stack([FIRST, SECOND], axis=-1)[np.newaxis]  # (1, 2, 3, 2)
BIT_LOGITS = np.log(BIT_PROBABILITIES / (1 - BIT_PROBABILITIES)).astype(np.float32)
FIRST_ENTROPY = -np.mean(np.log([0.8, 0.6, 0.7, 0.8, 0.9]))
SECOND_ENTROPY = -np.mean(np.log([0.6, 0.7, 0.5, 0.9, 0.8]))


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


def test_class_weights_weigh_the_true_classes_pixels() -> None:
    masks = np.array([[[0, 1, 255, 0]]], np.uint8)
    logits = np.concatenate([LOGITS, np.full((1, 1, 1, 2), np.log(0.5), np.float32)], axis=2)
    expected = -(3 * np.log(0.8) + 0.5 * np.log(0.6) + 3 * np.log(0.5)) / (3 + 0.5 + 3)
    assert number(cross_entropy(masks, logits, [3.0, 0.5])) == pytest.approx(expected, rel=1e-5)
    assert number(cross_entropy(masks, logits, [7.0, 7.0])) == pytest.approx(number(cross_entropy(masks, logits)), rel=1e-5)
    assert number(cross_entropy(MASKS, LOGITS, [0.0, 1.0])) == pytest.approx(-np.log(0.6), rel=1e-5)
    assert number(cross_entropy(np.zeros((1, 1, 3), np.uint8), LOGITS, [0.0, 1.0])) == 0


def test_overlapping_classes_have_a_cross_entropy_each() -> None:
    assert number(binary_cross_entropy(BITS, BIT_LOGITS)) == pytest.approx((FIRST_ENTROPY + SECOND_ENTROPY) / 2, rel=1e-5)
    weighted = (3 * FIRST_ENTROPY + 0.5 * SECOND_ENTROPY) / 3.5
    assert number(binary_cross_entropy(BITS, BIT_LOGITS, [3.0, 0.5])) == pytest.approx(weighted, rel=1e-5)


def test_overlapping_classes_have_a_soft_dice_each() -> None:
    first = 2 * (0.8 + 0.6) / (0.8 + 0.6 + 0.3 + 0.2 + 0.1 + 2)
    second = 2 * (0.7 + 0.9) / (0.4 + 0.7 + 0.5 + 0.9 + 0.2 + 2)
    assert number(binary_soft_dice(BITS, BIT_LOGITS)) == pytest.approx(1 - (first + second) / 2, rel=1e-5)
    without_second = BITS & (VOID_BIT | 0b01)
    assert number(binary_soft_dice(without_second, BIT_LOGITS)) == pytest.approx(1 - first, rel=1e-5)


@pytest.mark.parametrize("loss", [binary_cross_entropy, binary_soft_dice])
def test_void_pixels_of_overlapping_classes_do_not_matter(loss) -> None:
    other = BIT_LOGITS.copy()
    other[0, 1, 2] = [50.0, -30.0]
    assert number(loss(BITS, other)) == pytest.approx(number(loss(BITS, BIT_LOGITS)))
    assert number(loss(BITS | VOID_BIT, BIT_LOGITS)) == 0


def test_large_logits_stay_numbers() -> None:
    logits = np.full((1, 2, 3, 2), 1e4, np.float32)
    assert number(binary_cross_entropy(BITS, logits)) == pytest.approx(1e4 * (3 / 5 + 3 / 5) / 2, rel=1e-5)


def test_the_highest_class_survives_the_way_through_keras() -> None:
    """A loss is handed masks as float32, which has to hold all 16 bits."""
    bits = np.array([[[1 << 14 | 1, VOID_BIT | 1 << 14, 1 << 14]]], np.uint16)
    logits = np.zeros((1, 1, 3, 15), np.float32)
    logits[..., 14], logits[..., 0] = 2.0, 1.0
    right = np.array([[1.0, 0, 1.0]]), np.array([[1.0, 0, 0]])
    entropies = [np.log1p(np.exp(x)) - x * truth[0, [0, 2]].mean() for x, truth in zip((2.0, 1.0), right, strict=True)]
    expected = (entropies[0] + entropies[1] + 13 * np.log(2)) / 15
    loss = WeightedSum({"cross_entropy": 1.0}, head="sigmoids")
    assert number(loss(bits, logits)) == pytest.approx(expected, rel=1e-5)


def test_a_weighted_sum_of_overlapping_classes_survives_saving() -> None:
    loss = WeightedSum({"cross_entropy": 0.5, "dice": 2.0}, head="sigmoids", class_weights=[3, 0.5])
    expected = 0.5 * number(binary_cross_entropy(BITS, BIT_LOGITS, [3.0, 0.5])) + 2 * number(binary_soft_dice(BITS, BIT_LOGITS))
    assert number(loss(BITS, BIT_LOGITS)) == pytest.approx(expected, rel=1e-5)
    again = WeightedSum.from_config(loss.get_config())
    assert number(again(BITS, BIT_LOGITS)) == pytest.approx(expected, rel=1e-5)
