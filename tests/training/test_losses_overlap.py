"""Soft dice, its logarithm, Jaccard and Tversky against figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from loss_scenes import AREAS, BITS, HEADS, IDS, SCENES, draw_scenes, find_loss

from maskmill.labels.classes import VOID_BIT


@pytest.mark.parametrize("head", HEADS)
def test_dice_is_the_mean_over_present_classes(head: str) -> None:
    expected = np.mean([1 - 2 * both / (true + predicted) for both, true, predicted in AREAS[head]])
    assert find_loss("dice", *SCENES[head], head) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_log_dice_takes_the_logarithm_of_each_class(head: str) -> None:
    expected = np.mean([-np.log(2 * both / (true + predicted)) for both, true, predicted in AREAS[head]])
    assert find_loss("log_dice", *SCENES[head], head) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_jaccard_is_the_mean_over_present_classes(head: str) -> None:
    expected = np.mean([1 - both / (true + predicted - both) for both, true, predicted in AREAS[head]])
    assert find_loss("jaccard", *SCENES[head], head) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_tversky_weighs_false_positives_and_false_negatives(head: str) -> None:
    expected = np.mean(
        [1 - both / (both + 0.2 * (predicted - both) + 0.9 * (true - both)) for both, true, predicted in AREAS[head]]
    )
    assert find_loss("tversky", *SCENES[head], head, tversky=(0.2, 0.9)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("term", ["dice", "jaccard", "log_dice", "tversky"])
def test_classes_without_truth_are_left_out(term: str) -> None:
    masks = np.where(IDS == 255, 255, 0).astype(np.uint8)
    both, true = 0.7 + 0.3 + 0.1 + 0.5 + 0.4, 5
    expected = {
        "dice": 1 - 2 * both / (both + true),
        "jaccard": 1 - both / true,
        "log_dice": -np.log(2 * both / (both + true)),
        "tversky": 1 - both / (both + 0.7 * (true - both)),
    }
    assert find_loss(term, masks, SCENES["softmax"][1], "softmax") == pytest.approx(expected[term], rel=1e-5)


def test_overlapping_classes_without_truth_are_left_out() -> None:
    both, true, predicted = AREAS["sigmoids"][0]
    without_second = BITS & (VOID_BIT | 0b01)
    expected = 1 - 2 * both / (true + predicted)
    assert find_loss("dice", without_second, SCENES["sigmoids"][1], "sigmoids") == pytest.approx(expected, rel=1e-5)


def test_a_class_that_is_missed_altogether_has_a_finite_logarithm() -> None:
    logits = np.full((1, 2, 3, 3), [1e4, 0, 0], np.float32)
    assert 20 < find_loss("log_dice", IDS, logits, "softmax") < 70


def test_a_batch_is_one_area() -> None:
    """The first picture lacks class 1, and counts for it all the same."""
    masks = np.array([[[0, 0]], [[1, 0]]], np.uint8)
    shares = np.array([[[[0.8, 0.2], [0.6, 0.4]]], [[[0.3, 0.7], [0.9, 0.1]]]])
    first = 2 * (0.8 + 0.6 + 0.9) / (3 + 0.8 + 0.6 + 0.3 + 0.9)
    second = 2 * 0.7 / (1 + 0.2 + 0.4 + 0.7 + 0.1)
    found = find_loss("dice", masks, np.log(shares).astype(np.float32), "softmax")
    assert found == pytest.approx(1 - (first + second) / 2, rel=1e-5)


@settings(max_examples=40)
@given(scene=draw_scenes())
def test_tversky_has_dice_and_jaccard_among_it(scene) -> None:
    for term, weights in (("dice", (0.5, 0.5)), ("jaccard", (1.0, 1.0))):
        same = find_loss("tversky", scene.masks, scene.logits, scene.head, tversky=weights)
        assert same == pytest.approx(find_loss(term, scene.masks, scene.logits, scene.head), rel=1e-4, abs=1e-5)


@settings(max_examples=40)
@given(scene=draw_scenes(heads=("sigmoid",)))
def test_jaccard_and_log_dice_follow_from_the_dice_of_a_class(scene) -> None:
    dice, jaccard, log_dice = (find_loss(term, scene.masks, scene.logits, "sigmoid") for term in ("dice", "jaccard", "log_dice"))
    assert 1 - jaccard == pytest.approx((1 - dice) / (1 + dice), rel=1e-4, abs=1e-5)  # J = D / (2 - D)
    assert log_dice == pytest.approx(-np.log(1 - dice), rel=1e-3, abs=1e-4)
