"""The one confusion matrix, against counts made by hand and in the slow, obvious way."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskmill import metrics

NUM_CLASSES = 4
ids = st.integers(0, NUM_CLASSES - 1)


@st.composite
def mask_pairs(draw):
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    truth = draw(arrays(np.uint8, shape, elements=st.one_of(ids, st.just(metrics.VOID))))
    return truth, draw(arrays(np.uint8, shape, elements=ids))


@given(mask_pairs())
def test_counts_and_figures_are_those_of_plain_loops(pair):
    truth, prediction = pair
    pixels = [(t, p) for t, p in zip(truth.flat, prediction.flat, strict=True) if t != metrics.VOID]
    matrix = metrics.confusion_matrix(truth, prediction, NUM_CLASSES)
    assert matrix.dtype == np.int64
    assert matrix.sum() == len(pixels)
    dice, iou = metrics.dice_per_class(matrix), metrics.iou_per_class(matrix)
    for k in range(NUM_CLASSES):
        true, predicted = (
            {n for n, pixel in enumerate(pixels) if pixel[0] == k},
            {n for n, pixel in enumerate(pixels) if pixel[1] == k},
        )
        if not true | predicted:
            assert np.isnan(dice[k])
            assert np.isnan(iou[k])
            continue
        assert dice[k] == pytest.approx(2 * len(true & predicted) / (len(true) + len(predicted)))
        assert iou[k] == pytest.approx(len(true & predicted) / len(true | predicted))
        assert dice[k] == pytest.approx(2 * iou[k] / (1 + iou[k]))


@given(mask_pairs(), mask_pairs())
def test_matrices_add_up(first, second):
    flat = [np.concatenate([one.ravel(), other.ravel()]) for one, other in zip(first, second, strict=True)]
    together = metrics.confusion_matrix(*flat, NUM_CLASSES)
    apart = sum(metrics.confusion_matrix(*pair, NUM_CLASSES) for pair in (first, second))
    np.testing.assert_array_equal(together, apart)


def test_figures_by_hand():
    truth = np.array([[0, 0, 0, 1], [1, 1, 255, 255]], np.uint8)
    prediction = np.array([[0, 0, 1, 1], [1, 2, 0, 3]], np.uint8)
    figures = metrics.summarise(metrics.confusion_matrix(truth, prediction, 4), ["a", "b", "c", "d"])
    assert figures["classes"]["a"] == pytest.approx({"dice": 4 / 5, "iou": 2 / 3, "accuracy": 2 / 3, "pixels": 3})
    assert figures["classes"]["b"] == pytest.approx({"dice": 4 / 6, "iou": 2 / 4, "accuracy": 2 / 3, "pixels": 3})
    # c is predicted but not there: nothing of it can be right, and it has no recall; d appears under void only: absent
    assert figures["classes"]["c"] == pytest.approx({"dice": 0, "iou": 0, "accuracy": np.nan, "pixels": 0}, nan_ok=True)
    assert figures["classes"]["d"] == pytest.approx({"dice": np.nan, "iou": np.nan, "accuracy": np.nan, "pixels": 0}, nan_ok=True)
    assert figures["dice"] == pytest.approx((4 / 5 + 4 / 6 + 0) / 3)  # macro over the present a, b, c
    assert figures["iou"] == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)
    assert figures["accuracy"] == figures["micro_dice"] == pytest.approx(4 / 6)
    assert figures["micro_iou"] == pytest.approx(4 / 8)


def test_two_classes_headline_the_foreground():
    matrix = np.array([[900, 10], [20, 70]])
    figures = metrics.summarise(matrix, ["background", "stone"])
    assert figures["dice"] == figures["classes"]["stone"]["dice"] == pytest.approx(140 / 170)
    assert figures["iou"] == pytest.approx(70 / 100)
    assert np.isnan(metrics.headline(np.array([1.0, np.nan])))  # no foreground anywhere: no figure, not the background's


@pytest.mark.parametrize("num_classes", [2, 3])
def test_nothing_counted_gives_nan_without_warnings(num_classes):
    void = np.full((3, 2), metrics.VOID, np.uint8)
    figures = metrics.summarise(metrics.confusion_matrix(void, np.zeros((3, 2), np.uint8), num_classes), ["x"] * num_classes)
    assert all(np.isnan(figures[name]) for name in ("dice", "iou", "accuracy", "micro_dice", "micro_iou"))


def test_what_cannot_be_counted_is_refused():
    mask = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in shape"):
        metrics.confusion_matrix(mask, mask.T, 2)
    with pytest.raises(ValueError, match="truth holds id 2"):
        metrics.confusion_matrix(mask + 2, mask, 2)
    with pytest.raises(ValueError, match="prediction holds id 255"):
        metrics.confusion_matrix(mask, mask + 255, 2)


def test_the_room_does_not_load_keras():
    program = "import sys, maskmill.metrics; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
