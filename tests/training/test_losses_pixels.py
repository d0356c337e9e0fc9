"""Cross-entropies and focal losses against figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from loss_scenes import BITS, IDS, SCENES, beside_zero, draw_scenes, find_gradient, find_loss

from maskmill.labels.classes import VOID_BIT

# the probability of the right answer, pixel by pixel, void left out
RIGHT = {"softmax": [0.7, 0.6, 0.8, 0.5, 0.4], "sigmoid": [0.8, 0.7, 0.9, 0.6, 0.4]}
# ... and of each class's yes or no
RIGHT_OF_PLANES = {
    "softmax": [[0.7, 0.7, 0.9, 0.5, 0.6], [0.8, 0.6, 0.9, 0.75, 0.4], [0.9, 0.9, 0.8, 0.75, 0.8]],
    "sigmoids": [[0.8, 0.6, 0.7, 0.8, 0.9], [0.6, 0.7, 0.5, 0.9, 0.8]],
}


def entropy(right: list[float]) -> float:
    return -np.mean(np.log(right))


def focus(right: list[float], gamma: float) -> float:
    return -np.mean((1 - np.array(right)) ** gamma * np.log(right))


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_cross_entropy_is_the_mean_over_labelled_pixels(head: str) -> None:
    assert find_loss("cross_entropy", *SCENES[head], head) == pytest.approx(entropy(RIGHT[head]), rel=1e-5)


def test_the_cross_entropy_of_two_classes_is_the_binary_one() -> None:
    assert find_loss("binary_cross_entropy", *SCENES["sigmoid"], "sigmoid") == pytest.approx(entropy(RIGHT["sigmoid"]), rel=1e-5)
    assert find_loss("cross_entropy", *SCENES["sigmoid"], "softmax") == pytest.approx(entropy(RIGHT["sigmoid"]), rel=1e-5)


@pytest.mark.parametrize("term", ["cross_entropy", "binary_cross_entropy"])
def test_overlapping_classes_have_a_cross_entropy_each(term: str) -> None:
    first, second = map(entropy, RIGHT_OF_PLANES["sigmoids"])
    assert find_loss(term, *SCENES["sigmoids"], "sigmoids") == pytest.approx((first + second) / 2, rel=1e-5)
    weighted = find_loss(term, *SCENES["sigmoids"], "sigmoids", class_weights=[3.0, 0.5])
    assert weighted == pytest.approx((3 * first + 0.5 * second) / 3.5, rel=1e-5)


def test_the_binary_cross_entropy_of_a_softmax_is_each_class_against_the_rest() -> None:
    first, second, third = map(entropy, RIGHT_OF_PLANES["softmax"])
    found = find_loss("binary_cross_entropy", *SCENES["softmax"], "softmax")
    assert found == pytest.approx((first + second + third) / 3, rel=1e-5)
    weighted = find_loss("binary_cross_entropy", *SCENES["softmax"], "softmax", class_weights=[3.0, 0.5, 0.0])
    assert weighted == pytest.approx((3 * first + 0.5 * second) / 3.5, rel=1e-5)


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
@pytest.mark.parametrize("gamma", [2.0, 0.5])
def test_focal_counts_less_where_it_is_right(head: str, gamma: float) -> None:
    assert find_loss("focal", *SCENES[head], head, focal_gamma=gamma) == pytest.approx(focus(RIGHT[head], gamma), rel=1e-5)


def test_overlapping_classes_have_a_focal_loss_each() -> None:
    first, second = (focus(right, 2.0) for right in RIGHT_OF_PLANES["sigmoids"])
    assert find_loss("focal", *SCENES["sigmoids"], "sigmoids") == pytest.approx((first + second) / 2, rel=1e-5)
    weighted = find_loss("focal", *SCENES["sigmoids"], "sigmoids", class_weights=[3.0, 0.5])
    assert weighted == pytest.approx((3 * first + 0.5 * second) / 3.5, rel=1e-5)


@pytest.mark.parametrize("head", ["softmax", "sigmoid", "sigmoids"])
def test_focal_with_gamma_0_is_the_cross_entropy(head: str) -> None:
    focal, plain = (find_loss(term, *SCENES[head], head, focal_gamma=0.0) for term in ("focal", "cross_entropy"))
    assert focal == pytest.approx(plain, rel=1e-5)


def test_class_weights_weigh_the_true_classes_pixels() -> None:
    weights = [3.0, 0.5, 2.0]
    of_pixels = np.array([3.0, 0.5, 2.0, 3.0, 0.5])  # classes 0, 1, 2, 0, 1
    losses = -np.log(RIGHT["softmax"])
    expected = (of_pixels * losses).sum() / 9
    assert find_loss("cross_entropy", *SCENES["softmax"], "softmax", class_weights=weights) == pytest.approx(expected, rel=1e-5)
    focused = losses * (1 - np.array(RIGHT["softmax"])) ** 2
    expected = (of_pixels * focused).sum() / 9
    assert find_loss("focal", *SCENES["softmax"], "softmax", class_weights=weights) == pytest.approx(expected, rel=1e-5)


def test_class_weights_weigh_background_and_foreground() -> None:
    of_pixels = np.array([0.5, 3.0, 3.0, 0.5, 0.5])  # classes 1, 0, 0, 1, 1
    expected = -(of_pixels * np.log(RIGHT["sigmoid"])).sum() / 7.5
    for term in ("cross_entropy", "binary_cross_entropy"):
        assert find_loss(term, *SCENES["sigmoid"], "sigmoid", class_weights=[3.0, 0.5]) == pytest.approx(expected, rel=1e-5)


def test_a_class_of_weight_0_may_be_all_there_is() -> None:
    masks, logits = np.zeros((1, 2, 3), np.uint8), SCENES["softmax"][1]
    assert find_loss("cross_entropy", masks, logits, "softmax", class_weights=[0.0, 1.0, 1.0]) == 0
    assert find_loss("cross_entropy", masks, logits, "softmax", class_weights=[7.0, 1.0, 1.0]) == pytest.approx(
        find_loss("cross_entropy", masks, logits, "softmax"), rel=1e-5
    )


def test_label_smoothing_spreads_a_part_of_the_label_over_all_classes() -> None:
    rows = np.log([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8], [0.5, 0.25, 0.25], [0.4, 0.4, 0.2]])
    right = [0, 1, 2, 0, 1]
    expected = -np.mean([0.7 * row[true] + 0.1 * row.sum() for row, true in zip(rows, right, strict=True)])
    assert find_loss("cross_entropy", *SCENES["softmax"], "softmax", label_smoothing=0.3) == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_of_two_classes_spreads_over_both() -> None:
    right = np.array(RIGHT["sigmoid"])
    expected = -np.mean(0.85 * np.log(right) + 0.15 * np.log(1 - right))
    assert find_loss("cross_entropy", *SCENES["sigmoid"], "sigmoid", label_smoothing=0.3) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", ["softmax", "sigmoids"])
def test_label_smoothing_of_planes_spreads_over_yes_and_no(head: str) -> None:
    right = np.array(RIGHT_OF_PLANES[head])
    expected = -np.mean(0.85 * np.log(right) + 0.15 * np.log(1 - right))
    assert find_loss("binary_cross_entropy", *SCENES[head], head, label_smoothing=0.3) == pytest.approx(expected, rel=1e-5)


def test_large_logits_stay_numbers() -> None:
    logits = np.full((1, 2, 3, 2), 1e4, np.float32)
    assert find_loss("binary_cross_entropy", BITS, logits, "sigmoids") == pytest.approx(1e4 * (3 / 5 + 3 / 5) / 2, rel=1e-5)
    assert find_loss("focal", BITS, logits, "sigmoids") == pytest.approx(1e4 * (3 / 5 + 3 / 5) / 2, rel=1e-5)


def test_a_softmax_that_is_sure_and_wrong_is_told_so() -> None:
    """log(1 - p) of a p that float32 rounds to 1 is the distance of the logits, and goes on growing."""
    logits = np.zeros((1, 2, 3, 3), np.float32)
    logits[..., 2] = 1e4  # right in the one pixel of class 2, wrong in four
    for_class_0 = 1e4 * 2 / 5
    for_class_2 = (1e4 - np.log(2)) * 4 / 5
    expected = (for_class_0 + for_class_0 + for_class_2) / 3
    assert find_loss("binary_cross_entropy", IDS, logits, "softmax") == pytest.approx(expected, rel=1e-5)
    gradient = find_gradient("binary_cross_entropy", IDS, logits, "softmax")
    assert (gradient[0, 0, 0] * [-1, 1, 1] > [0.01, -0.07, 0.01]).all()  # up with the true class, down with the one that is sure


@settings(max_examples=25)
@given(scene=draw_scenes(scale=4.0, heads=("softmax",)))
def test_one_against_the_rest_is_what_double_precision_says(scene) -> None:
    logits = scene.logits.astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    right = np.where(scene.truth, shares, 1 - shares)[scene.counted]
    found = find_loss("binary_cross_entropy", scene.masks, scene.logits, "softmax")
    assert found == pytest.approx(-np.log(right).mean(), rel=1e-4)


def test_the_highest_class_survives_the_way_through_keras() -> None:
    """A loss is handed masks as float32, which has to hold all 16 bits."""
    bits = np.array([[[1 << 14 | 1, VOID_BIT | 1 << 14, 1 << 14]]], np.uint16)
    logits = np.zeros((1, 1, 3, 15), np.float32)
    logits[..., 14], logits[..., 0] = 2.0, 1.0
    right = np.array([[1.0, 0, 1.0]]), np.array([[1.0, 0, 0]])
    entropies = [np.log1p(np.exp(x)) - x * truth[0, [0, 2]].mean() for x, truth in zip((2.0, 1.0), right, strict=True)]
    expected = (entropies[0] + entropies[1] + 13 * np.log(2)) / 15
    assert find_loss("cross_entropy", bits, logits, "sigmoids") == pytest.approx(expected, rel=1e-5)


def test_the_foreground_logit_is_the_second_one() -> None:
    logits = beside_zero(np.full((1, 1, 2), 3.0))
    assert find_loss("cross_entropy", np.ones((1, 1, 2), np.uint8), logits, "sigmoid") == pytest.approx(
        np.log1p(np.exp(-3)), rel=1e-4
    )
