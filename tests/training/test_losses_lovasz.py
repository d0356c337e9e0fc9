"""The Lovasz extension against its definition, and against figures worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from loss_scenes import SCENES, beside_zero, draw_scenes, find_gradient, find_loss


def jaccard_loss(wrong: set[int], true: set[int]) -> float:
    """Return one minus the Jaccard index of a prediction that is wrong in a set of pixels."""
    return len(wrong) / len(true | wrong)


def extend(errors: list[float], true: set[int]) -> float:
    """Return the Lovasz extension by its definition: an integral of the set function over all levels of error."""
    levels = sorted({0.0, *errors})
    return sum(
        (above - below) * jaccard_loss({pixel for pixel, error in enumerate(errors) if error >= above}, true)
        for below, above in pairwise(levels)
    )


def find_expected(scene) -> float:
    losses = []
    for number in range(1 if scene.head == "sigmoid" else 0, scene.logits.shape[-1]):
        is_true = scene.truth[..., number][scene.counted]
        logits = scene.logits.astype(np.float64)[scene.counted]
        if scene.head == "softmax":
            share = np.exp(logits[:, number]) / np.exp(logits).sum(axis=-1)
            errors = np.abs(is_true - share)
        else:
            errors = np.maximum(0, 1 - np.where(is_true, 1, -1) * logits[:, number])
        if is_true.any():
            losses.append(extend(errors.tolist(), set(np.flatnonzero(is_true).tolist())))
    return float(np.mean(losses))


@settings(max_examples=60)
@given(scene=draw_scenes())
def test_it_is_what_the_definition_says(scene) -> None:
    found = find_loss("lovasz", scene.masks, scene.logits, scene.head)
    assert found == pytest.approx(find_expected(scene), rel=1e-4, abs=1e-5)


def test_softmax_worked_out_by_hand() -> None:
    # class 0, true in pixels a and e: errors a .3, b .3, d .1, e .5, f .4
    first = 0.5 * 1 / 2 + 0.4 * (2 / 3 - 1 / 2) + 0.3 * (3 / 3 - 2 / 3) + 0.3 * (4 / 4 - 3 / 3) + 0.1 * 0  # e, f, a, b, d
    # class 1, true in b and f: errors a .2, b .4, d .1, e .25, f .6
    second = 0.6 * 1 / 2 + 0.4 * (2 / 2 - 1 / 2)  # f, b: all true pixels wrong, nothing more to lose
    # class 2, true in d: errors a .1, b .1, d .2, e .25, f .2
    third = 0.25 * 1 / 2 + 0.2 * (2 / 2 - 1 / 2)  # e, d
    assert find_loss("lovasz", *SCENES["softmax"], "softmax") == pytest.approx((first + second + third) / 3, rel=1e-5)


def test_hinge_worked_out_by_hand() -> None:
    masks = np.array([[[1, 0, 1, 255]]], np.uint8)
    logits = beside_zero(np.array([[[0.5, -0.2, -0.7, 9.0]]]))  # errors .5, .8, 1.7
    expected = 1.7 * 1 / 2 + 0.8 * (2 / 3 - 1 / 2) + 0.5 * (3 / 3 - 2 / 3)
    assert find_loss("lovasz", masks, logits, "sigmoid") == pytest.approx(expected, rel=1e-5)
    gradient = find_gradient("lovasz", masks, logits, "sigmoid")[0, 0, :, 1]
    assert gradient == pytest.approx([-1 / 3, 1 / 6, -1 / 2, 0], rel=1e-5)


def test_of_a_sure_prediction_it_is_the_jaccard_loss() -> None:
    masks = np.array([[[0, 0, 1, 1], [1, 2, 2, 255]]], np.uint8)
    predicted = np.array([[[0, 1, 1, 1], [2, 2, 2, 0]]])
    logits = 60 * np.eye(3, dtype=np.float32)[predicted]
    expected = 1 - (1 / 2 + 2 / 4 + 2 / 3) / 3
    assert find_loss("lovasz", masks, logits, "softmax") == pytest.approx(expected, rel=1e-5)
    assert find_loss("jaccard", masks, logits, "softmax") == pytest.approx(expected, rel=1e-5)


def test_many_pixels_do_not_wear_the_steps_away() -> None:
    """All errors alike make the Jaccard loss of everything wrong, times the error, however small each step is."""
    masks = (np.arange(300 * 500) % 7 == 0).astype(np.uint8).reshape(1, 300, 500)
    logits = beside_zero(np.where(masks == 1, -1.0, 1.0))
    assert find_loss("lovasz", masks, logits, "sigmoid") == pytest.approx(2.0, rel=1e-4)
