"""The one confusion matrix, against counts made by hand and in the slow, obvious way."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as peer

from maskmill import metrics
from maskmill.labels.bits import unpack_bits
from maskmill.labels.classes import VOID_BIT
from maskmill.labels.layers import stack_ids

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
    # six pixels count; c is predicted but not there: nothing of it can be right; d appears under void only: absent
    rows = {  # dice, iou, precision, true_positive_rate, binary_accuracy, pixels
        "a": (4 / 5, 2 / 3, 2 / 2, 2 / 3, 5 / 6, 3),
        "b": (4 / 6, 2 / 4, 2 / 3, 2 / 3, 4 / 6, 3),
        "c": (0, 0, 0, np.nan, 5 / 6, 0),
        "d": (np.nan, np.nan, np.nan, np.nan, np.nan, 0),
    }
    for name, row in rows.items():
        assert figures["classes"][name] == pytest.approx(dict(zip([*metrics.FIGURES, "pixels"], row, strict=True)), nan_ok=True)
    assert figures["dice"] == figures["macro_dice"] == pytest.approx((4 / 5 + 4 / 6 + 0) / 3)  # over the present a, b, c
    assert figures["iou"] == figures["macro_iou"] == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)
    assert figures["macro_precision"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert figures["macro_true_positive_rate"] == pytest.approx(2 / 3)  # of a and b, which are there
    assert figures["macro_binary_accuracy"] == pytest.approx((5 + 4 + 5) / 18) == figures["micro_binary_accuracy"]
    assert figures["accuracy"] == figures["micro_dice"] == pytest.approx(4 / 6)
    assert figures["micro_precision"] == figures["micro_true_positive_rate"] == pytest.approx(4 / 6)
    assert figures["micro_iou"] == pytest.approx(4 / 8)


@st.composite
def bit_mask_pairs(draw):
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    bits = st.integers(0, 2**NUM_CLASSES - 1)
    truth = draw(arrays(np.uint16, shape, elements=st.one_of(bits, bits.map(lambda value: value | VOID_BIT))))
    return truth, draw(arrays(np.uint16, shape, elements=bits))


@given(bit_mask_pairs())
def test_counts_of_overlapping_classes_are_those_of_plain_loops(pair):
    truth, prediction = pair
    pixels = [(int(t), int(p)) for t, p in zip(truth.flat, prediction.flat, strict=True) if not t & VOID_BIT]
    matrix = metrics.confusion_matrix(truth, prediction, NUM_CLASSES)
    assert matrix.dtype == np.int64
    for k in range(NUM_CLASSES):
        counts = [[0, 0], [0, 0]]
        for t, p in pixels:
            counts[t >> k & 1][p >> k & 1] += 1
        assert matrix[k].tolist() == counts


@given(mask_pairs())
def test_each_class_against_the_rest_is_what_bits_of_the_same_masks_give(pair):
    truth, prediction = pair
    matrix = metrics.confusion_matrix(truth, prediction, NUM_CLASSES)
    stack = metrics.confusion_matrix(stack_ids(truth), stack_ids(prediction), NUM_CLASSES)
    np.testing.assert_array_equal(metrics.class_matrices(matrix), stack)
    names = list("abcd")
    exclusive, overlapping = metrics.summarise(matrix, names), metrics.summarise(stack, names)
    for figure in exclusive.keys() - {"accuracy"}:
        np.testing.assert_equal(overlapping[figure], exclusive[figure])
    np.testing.assert_equal(overlapping["classes"], exclusive["classes"])


def test_figures_of_overlapping_classes_by_hand():
    void = VOID_BIT
    truth = np.array([[0b001, 0b011, 0b000], [0b010, 0b011, void | 0b111]], np.uint16)
    prediction = np.array([[0b001, 0b001, 0b001], [0b010, 0b111, 0b1000]], np.uint16)
    matrix = metrics.confusion_matrix(truth, prediction, 4)
    assert matrix.tolist() == [
        [[1, 1], [0, 3]],  # a: true in 3 pixels, all found, and once where it is not
        [[2, 0], [1, 2]],  # b: true in 3, 2 found
        [[4, 1], [0, 0]],  # c: never true, once predicted
        [[5, 0], [0, 0]],  # d: under void alone
    ]
    figures = metrics.summarise(matrix, ["a", "b", "c", "d"])
    rows = {
        "a": (6 / 7, 3 / 4, 3 / 4, 1, 4 / 5, 3),
        "b": (4 / 5, 2 / 3, 1, 2 / 3, 4 / 5, 3),
        "c": (0, 0, 0, np.nan, 4 / 5, 0),
        "d": (np.nan, np.nan, np.nan, np.nan, np.nan, 0),
    }
    for name, row in rows.items():
        assert figures["classes"][name] == pytest.approx(dict(zip([*metrics.FIGURES, "pixels"], row, strict=True)), nan_ok=True)
    assert figures["dice"] == pytest.approx((6 / 7 + 4 / 5 + 0) / 3)  # macro over the present a, b, c
    assert figures["iou"] == pytest.approx((3 / 4 + 2 / 3 + 0) / 3)
    assert figures["micro_dice"] == pytest.approx(10 / (10 + 3))  # 5 bits found; 2 too many, 1 missed
    assert figures["micro_iou"] == pytest.approx(5 / 8)
    assert figures["micro_precision"] == pytest.approx(5 / 7)
    assert figures["micro_true_positive_rate"] == pytest.approx(5 / 6)
    assert figures["micro_binary_accuracy"] == pytest.approx((15 - 3) / 15)  # of a, b and c alone: nobody speaks of d
    assert figures["accuracy"] == pytest.approx((20 - 3) / 20)  # of 5 pixels' 4 bits


def test_two_overlapping_classes_have_no_background_and_headline_their_mean():
    matrix = np.array([[[5, 0], [0, 5]], [[8, 1], [1, 0]]])
    assert metrics.headline_dice(matrix) == metrics.headline_iou(matrix) == 0.5


def test_overlapping_classes_with_nothing_counted_give_nan_without_warnings():
    void = np.full((3, 2), VOID_BIT | 1, np.uint16)
    figures = metrics.summarise(metrics.confusion_matrix(void, np.zeros((3, 2), np.uint16), 2), ["x", "y"])
    assert all(np.isnan(figures[name]) for name in ("dice", "iou", "accuracy", "micro_dice", "micro_iou"))


def test_two_classes_headline_the_foreground():
    matrix = np.array([[900, 10], [20, 70]])
    figures = metrics.summarise(matrix, ["background", "stone"])
    assert figures["dice"] == figures["classes"]["stone"]["dice"] == pytest.approx(140 / 170)
    assert figures["iou"] == pytest.approx(70 / 100)
    assert figures["precision"] == pytest.approx(70 / 80)
    assert figures["true_positive_rate"] == pytest.approx(70 / 90)
    assert figures["binary_accuracy"] == figures["accuracy"] == pytest.approx(970 / 1000)
    assert figures["macro_dice"] == pytest.approx((140 / 170 + 1800 / 1830) / 2)  # both classes
    assert np.isnan(metrics.headline(np.array([1.0, np.nan])))  # no foreground anywhere: no figure, not the background's


@pytest.mark.parametrize("num_classes", [2, 3])
def test_nothing_counted_gives_nan_without_warnings(num_classes):
    void = np.full((3, 2), metrics.VOID, np.uint8)
    figures = metrics.summarise(metrics.confusion_matrix(void, np.zeros((3, 2), np.uint8), num_classes), ["x"] * num_classes)
    assert all(np.isnan(figures[name]) for name in ("dice", "iou", "accuracy", "micro_dice", "micro_iou"))


@given(mask_pairs())
def test_figures_are_those_of_scikit_learn(pair):
    truth, prediction = pair
    true, predicted = (mask[truth != metrics.VOID] for mask in pair)
    matrix = metrics.confusion_matrix(truth, prediction, NUM_CLASSES)
    assert metrics.confusion_matrix(true, predicted, NUM_CLASSES).tolist() == matrix.tolist()
    if not true.size:
        return
    labels = list(range(NUM_CLASSES))
    np.testing.assert_array_equal(matrix, peer.confusion_matrix(true, predicted, labels=labels))
    figures = metrics.summarise(matrix, "abcd")
    assert figures["accuracy"] == pytest.approx(peer.accuracy_score(true, predicted))
    hold_against_peer(figures, true, predicted, labels)
    for k in labels:
        score = figures["classes"]["abcd"[k]]["binary_accuracy"]
        assert np.isnan(score) or score == pytest.approx(peer.accuracy_score(true == k, predicted == k))


def hold_against_peer(figures, true, predicted, labels):
    """Where a figure is not defined, ours is NaN, and scikit-learn has the value that it is told."""
    scores = {
        "dice": peer.f1_score,
        "iou": peer.jaccard_score,
        "precision": peer.precision_score,
        "true_positive_rate": peer.recall_score,
    }
    for name, score in scores.items():
        ours = [figures["classes"]["abcd"[k]][name] for k in labels]
        undefined = np.isnan(ours)
        settings = {"labels": labels, "zero_division": 0.0}
        theirs = score(true, predicted, average=None, **settings)
        np.testing.assert_allclose(np.where(undefined, 0.0, ours), theirs, rtol=1e-12)
        np.testing.assert_allclose(figures[f"macro_{name}"], theirs[~undefined].mean() if not undefined.all() else np.nan)
        if not undefined.all():
            assert figures[f"micro_{name}"] == pytest.approx(score(true, predicted, average="micro", **settings), rel=1e-12)


@given(bit_mask_pairs())
def test_figures_of_overlapping_classes_are_those_of_scikit_learn(pair):
    truth, prediction = pair
    counted = truth < VOID_BIT
    true, predicted = (unpack_bits(mask[counted], NUM_CLASSES).astype(int) for mask in pair)
    matrix = metrics.confusion_matrix(truth, prediction, NUM_CLASSES)
    if not true.size:
        return
    np.testing.assert_array_equal(matrix, peer.multilabel_confusion_matrix(true, predicted))
    hold_against_peer(metrics.summarise(matrix, "abcd"), true, predicted, list(range(NUM_CLASSES)))


@pytest.mark.parametrize("bits", [False, True])
def test_pieces_add_up_to_the_whole(monkeypatch, bits):
    generator = np.random.default_rng(3)
    truth = generator.integers(0, NUM_CLASSES + 1, (37, 53)).astype(np.uint8)
    truth[truth == NUM_CLASSES] = metrics.VOID
    prediction = generator.integers(0, NUM_CLASSES, (53, 37)).astype(np.uint8).T  # rows that do not lie one after the other
    masks = [stack_ids(mask) if bits else mask for mask in (truth, prediction)]
    whole = metrics.confusion_matrix(*masks, NUM_CLASSES)
    monkeypatch.setattr("maskmill.metrics.confusion.PIECE", 100)
    np.testing.assert_array_equal(metrics.confusion_matrix(*masks, NUM_CLASSES), whole)
    assert class_pixels(whole) == [np.count_nonzero(truth == k) for k in range(NUM_CLASSES)]


def class_pixels(matrix):
    return metrics.class_matrices(matrix)[:, 1].sum(axis=-1).tolist()


def test_what_cannot_be_counted_is_refused():
    mask = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in shape"):
        metrics.confusion_matrix(mask, mask.T, 2)
    with pytest.raises(ValueError, match="truth holds id 2"):
        metrics.confusion_matrix(mask + 2, mask, 2)
    with pytest.raises(ValueError, match="prediction holds id 255"):
        metrics.confusion_matrix(mask, mask + 255, 2)
    bits = np.zeros((2, 3), np.uint16)
    with pytest.raises(ValueError, match="truth is uint16, prediction uint8"):
        metrics.confusion_matrix(bits, mask, 2)
    with pytest.raises(ValueError, match="truth holds id 2"):
        metrics.confusion_matrix(bits + 0b111, bits, 2)
    with pytest.raises(ValueError, match="prediction holds id 15"):
        metrics.confusion_matrix(bits, bits | VOID_BIT, 2)


def test_the_room_does_not_load_keras():
    program = "import sys, maskmill.metrics; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
