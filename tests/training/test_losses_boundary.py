"""The boundary loss on strips that can be worked out by hand, and against a brute-force reading of its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from loss_scenes import beside_zero, draw_scenes, find_gradient, find_loss, log_odds

ROWS = 3


def find_strip_loss(truth: list[int], shares: list[float]) -> float:
    """Return the loss of a foreground whose rows are all alike: its boundary runs from the upper edge to the lower one."""
    masks = np.tile(np.array(truth, np.uint8), (1, ROWS, 1))
    logits = log_odds(np.tile(np.clip(shares, 1e-12, 1 - 1e-12), (1, ROWS, 1)))
    return find_loss("boundary", masks, beside_zero(logits), "sigmoid")


TRUTH = [1, 1, 1, 0, 0, 0, 0, 0, 0]  # its boundary is column 2


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([1, 1, 1, 0, 0, 0, 0, 0, 0], 0),
        ([1, 1, 1, 1, 1, 0, 0, 0, 0], 0),  # column 4 is near enough
        ([1, 0, 0, 0, 0, 0, 0, 0, 0], 0),  # column 0, too
        ([1, 1, 1, 1, 1, 1, 0, 0, 0], 1),  # column 5 is not
        ([0.8, 0.8, 0.8, 0.8, 0, 0, 0, 0, 0], 1 - 2 * 1 * 0.8 / (1 + 0.8)),  # precision 1, recall 0.8
        ([0.9, 0.9, 0.9, 0, 0, 0, 0, 0.6, 0], 1 - 2 * 0.6 * 0.9 / (0.6 + 0.9)),  # precision 0.9 of 1.5, recall 0.9
    ],
)
def test_strips_worked_out_by_hand(shares: list[float], expected: float) -> None:
    assert find_strip_loss(TRUTH, shares) == pytest.approx(expected, abs=1e-5)


def test_the_edge_of_a_picture_is_no_boundary() -> None:
    assert find_strip_loss([1, 1, 1, 1, 1], [0.9, 0.2, 0.7, 0.4, 0.6]) == 0  # all foreground: nothing to find


def test_the_edge_of_void_is_no_boundary() -> None:
    assert find_strip_loss([1, 1, 255, 0, 0], [0.9, 0.2, 0.7, 0.4, 0.6]) == 0
    beside_void = find_strip_loss([1, 0, 255, 1, 1, 1], [1, 0, 0.3, 1, 1, 1])
    assert beside_void == pytest.approx(0, abs=1e-5)


def test_a_boundary_is_pulled_to_its_place() -> None:
    masks = np.tile(np.array([1, 1, 0, 0, 0, 0, 0, 0], np.uint8), (1, ROWS, 1))
    logits = log_odds(np.tile([0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.7, 0.1], (1, ROWS, 1)))
    gradient = find_gradient("boundary", masks, beside_zero(logits), "sigmoid")[0, ..., 1]
    assert gradient[:, 1].max() < 0  # more of the true boundary
    assert gradient[:, 6].min() > 0  # less of the one that is nowhere near


def find_boundary(areas: np.ndarray, counted: np.ndarray) -> np.ndarray:
    height, width = areas.shape
    found = np.zeros((height, width))
    for row, column in zip(*np.nonzero(counted), strict=True):
        around = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        found[row, column] = areas[row, column] - min(areas[around][counted[around]])
    return found


def find_highest(values: np.ndarray, row: int, column: int) -> float:
    return values[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3].max()


@settings(max_examples=40)
@given(scene=draw_scenes())
def test_it_is_what_the_definition_says(scene) -> None:
    logits, counted = scene.logits.astype(np.float64)[0], scene.counted[0]
    exponentials = np.exp(logits)
    shares = exponentials / (1 + exponentials) if scene.head == "sigmoids" else exponentials / exponentials.sum(-1, keepdims=True)
    losses = []
    for number in range(1 if scene.head == "sigmoid" else 0, logits.shape[-1]):
        true = find_boundary(scene.truth[0, ..., number].astype(float), counted)
        predicted = find_boundary(shares[..., number], counted)
        if true.any():
            places = list(np.ndindex(*counted.shape))
            precision = sum(predicted[place] * find_highest(true, *place) for place in places) / predicted.sum()
            recall = sum(true[place] * find_highest(predicted, *place) for place in places) / true.sum()
            losses.append(1 - 2 * precision * recall / (precision + recall) if precision + recall else 1)
    expected = np.mean(losses) if losses else 0
    assert find_loss("boundary", scene.masks, scene.logits, scene.head) == pytest.approx(expected, rel=1e-3, abs=1e-4)
