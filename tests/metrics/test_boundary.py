"""Boundary F1 against squares worked out by hand and against plain loops over pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskmill import metrics
from maskmill.labels.classes import VOID_BIT, find_void
from maskmill.labels.layers import stack_ids
from maskmill.metrics.boundary import boundary_f1_per_class, boundary_scores, count_boundaries

NUM_CLASSES = 3


def draw_square(left, size=4):
    """A square of class 1, four pixels high, in a picture of 10 x 14."""
    mask = np.zeros((10, 14), np.uint8)
    mask[3:7, left : left + size] = 1
    return mask


# The outline of a 4 x 4 square has 12 pixels. Shifted to the right by one, its upper and lower side lie on those of the first but
# for a pixel each, its left side has the inner two pixels on nothing, its right side all four.
@pytest.mark.parametrize(
    ("shift", "tolerance", "matched"),
    [
        (0, 0, 12),
        (1, 0, 6),  # three of each horizontal side
        (1, 1, 12),
        (2, 0, 4),  # two of each horizontal side
        (2, 1, 8),  # and one more of each, and of the left side, 2 pixels in the middle, each beside the other's right side
        (2, 2, 12),
        (3, 2, 8),  # 3 columns of each horizontal side are within 2, and 2 pixels of the left side, that is beside column 3
    ],
)
def test_shifted_squares_by_hand(shift, tolerance, matched):
    counts = count_boundaries(draw_square(3), draw_square(3 + shift), 2, tolerance=tolerance)
    assert counts.dtype == np.int64
    assert counts[1].tolist() == [[matched, 12], [matched, 12]]
    assert boundary_f1_per_class(counts)[1] == pytest.approx(matched / 12)


def test_precision_and_recall_by_hand():
    true, wide = draw_square(3), draw_square(3, size=8)  # 12 and 20 pixels; they share 4 + 4 + 2
    counts = count_boundaries(true, wide, 2, tolerance=0)
    assert counts[1].tolist() == [[10, 20], [10, 12]]
    precision, recall, f1 = boundary_scores(counts)[1]
    assert (precision, recall) == (0.5, pytest.approx(10 / 12))
    assert f1 == pytest.approx(2 * 0.5 * (10 / 12) / (0.5 + 10 / 12))


def test_the_pictures_edge_is_no_outline():
    mask = np.zeros((6, 9), np.uint8)
    mask[:, 5:] = 1
    counts = count_boundaries(mask, mask, 2, tolerance=0)
    assert counts[:, :, 1].tolist() == [[6, 6], [6, 6]]  # columns 4 and 5 alone


def test_void_has_no_outline_and_hides_the_predictions():
    truth, prediction = draw_square(3), draw_square(5)
    truth[:, 5:] = 255  # the square's right half; its left half has 2 + 2 + 2 pixels beside class 0
    counts = count_boundaries(truth, prediction, 2, tolerance=5)
    assert counts[1].tolist() == [[0, 0], [0, 6]]  # the prediction lies under void
    assert boundary_f1_per_class(counts)[1] == 0.0
    truth[:, 3:] = 255
    assert np.isnan(boundary_f1_per_class(count_boundaries(truth, prediction, 2, tolerance=5))).all()


def test_a_class_without_an_outline_has_no_figure():
    mask = np.zeros((5, 7), np.uint8)  # class 0 everywhere, 1 nowhere
    assert np.isnan(boundary_scores(count_boundaries(mask, mask, 2, tolerance=1))).all()
    missed = boundary_scores(count_boundaries(draw_square(3), draw_square(3) * 0, 2, tolerance=1))
    np.testing.assert_array_equal(missed[1], [np.nan, 0.0, 0.0])
    np.testing.assert_array_equal(missed[0], [np.nan, 0.0, 0.0])  # class 0 is everywhere in the prediction


def test_overlapping_classes_have_outlines_of_their_own():
    first, second = (stack_ids(draw_square(left)) & np.uint16(0b10) for left in (3, 4))
    truth, prediction = first >> 1 | second, second >> 1 | second  # class 0 shifted, class 1 equal, across each other
    truth[0] |= VOID_BIT
    counts = count_boundaries(truth, prediction, 3, tolerance=0)
    assert counts.tolist() == [[[6, 12], [6, 12]], [[12, 12], [12, 12]], [[0, 0], [0, 0]]]


@st.composite
def masks(draw):
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 9)))
    ids = st.integers(0, NUM_CLASSES - 1)
    truth = draw(arrays(np.uint8, shape, elements=st.one_of(ids, ids, st.just(metrics.VOID))))
    return truth, draw(arrays(np.uint8, shape, elements=ids))


@st.composite
def bit_masks(draw):
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 9)))
    bits = st.integers(0, 2**NUM_CLASSES - 1)
    truth = draw(arrays(np.uint16, shape, elements=st.one_of(bits, bits, bits.map(lambda value: value | VOID_BIT))))
    return truth, draw(arrays(np.uint16, shape, elements=bits))


def count_slowly(truth, prediction, tolerance):
    counted = ~find_void(truth)
    height, width = truth.shape
    has = lambda mask, k, y, x: bool(mask[y, x] >> k & 1) if mask.dtype == np.uint16 else mask[y, x] == k  # noqa: E731

    def outline(mask, k):
        found = []
        for y, x in np.argwhere(counted):
            beside = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
            inside = [(v, u) for v, u in beside if 0 <= v < height and 0 <= u < width and counted[v, u]]
            if has(mask, k, y, x) and any(not has(mask, k, v, u) for v, u in inside):
                found.append((y, x))
        return found

    counts = []
    for k in range(NUM_CLASSES):
        predicted, true = outline(prediction, k), outline(truth, k)
        near = lambda one, others: any(np.hypot(one[0] - y, one[1] - x) <= tolerance for y, x in others)  # noqa: E731
        counts.append([[sum(near(one, b) for one in a), len(a)] for a, b in ((predicted, true), (true, predicted))])
    return counts


@given(st.one_of(masks(), bit_masks()), st.integers(0, 4), st.sampled_from([1, 2**22]))
def test_counts_are_those_of_plain_loops_in_strips_of_any_height(pair, tolerance, strip):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("maskmill.metrics.boundary.STRIP", strip)
        counts = count_boundaries(*pair, NUM_CLASSES, tolerance=tolerance)
    assert counts.tolist() == count_slowly(*pair, tolerance)


def test_many_strips_give_what_one_gives(monkeypatch):
    generator = np.random.default_rng(0)
    small = generator.integers(0, NUM_CLASSES, (40, 12)).astype(np.uint8)
    truth, prediction = small.repeat(3, axis=0), np.roll(small, 1, axis=0).repeat(3, axis=0)
    whole = count_boundaries(truth, prediction, NUM_CLASSES, tolerance=2)
    monkeypatch.setattr("maskmill.metrics.boundary.STRIP", 1)
    np.testing.assert_array_equal(count_boundaries(truth, prediction, NUM_CLASSES, tolerance=2), whole)
    assert whole[:, 0, 0].min() > 0


def test_masks_that_do_not_go_together_are_refused():
    mask = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match="differ"):
        count_boundaries(mask, mask.T, 2, tolerance=1)
    with pytest.raises(ValueError, match="differ"):
        count_boundaries(mask, mask.astype(np.uint16), 2, tolerance=1)
