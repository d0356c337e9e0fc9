"""The chosen thresholds against a search over all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskmill import metrics
from maskmill.labels.bits import pack_bits
from maskmill.metrics.thresholds import BINS, EDGES, count_logits, log_odds, pick_thresholds


def test_thresholds_are_those_of_thousandths():
    assert EDGES[[0, 499, -1]].tolist() == [0.001, 0.5, 0.999]
    assert log_odds(0.5) == 0.0
    assert log_odds(0.5).dtype == np.float32
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-log_odds(EDGES).astype(float))), EDGES, rtol=1e-6)


def test_a_threshold_by_hand():
    probabilities = np.array([0.1, 0.3, 0.3, 0.35, 0.6, 0.9])
    truth = np.array([False, True, True, True, False, True])[:, np.newaxis]
    logits = log_odds(probabilities)[:, np.newaxis]
    counted = np.ones(6, bool)
    # above 0.1: 4 found, 1 mistaken: 8 / 9; above 0.3: 2 found, 1 mistaken: 4 / 7; above 0.35 or 0.6: less
    (threshold,) = pick_thresholds(count_logits(logits, truth, counted))
    assert threshold == pytest.approx(0.299)  # of 0.1 to 0.299, all as good, the nearest to a half
    counted[4] = False  # the mistake is void: nothing changes below, as 1 is the best there is
    assert pick_thresholds(count_logits(logits, truth, counted)).tolist() == [pytest.approx(0.299)]


def test_a_class_that_is_nowhere_keeps_a_half():
    logits = np.array([[3.0, 3.0], [-2.0, 1.0]], np.float32)
    truth = np.array([[False, True], [False, False]])
    thresholds = pick_thresholds(count_logits(logits, truth, np.ones(2, bool)))
    assert thresholds[0] == 0.5
    assert thresholds[1] == pytest.approx(0.732)  # between sigmoid(1) = 0.7311 and sigmoid(3)
    assert pick_thresholds(np.zeros((3, 2, BINS), np.int64)).tolist() == [0.5] * 3


@st.composite
def samples(draw):
    size, planes = draw(st.integers(1, 30)), draw(st.integers(1, 3))
    on_edges = st.integers(0, BINS - 2).map(lambda n: float(log_odds(EDGES)[n]))
    values = st.one_of(st.floats(-12, 12, width=32), st.sampled_from([0.0, -1.0, 1.0]), on_edges)
    logits = draw(arrays(np.float32, (size, planes), elements=values))
    return logits, draw(arrays(np.bool_, (size, planes))), draw(arrays(np.bool_, (size,)))


@given(samples())
def test_no_other_threshold_has_a_higher_dice(sample):
    logits, truth, counted = sample
    half = len(logits) // 2
    parts = (count_logits(logits[part], truth[part], counted[part]) for part in (np.s_[:half], np.s_[half:]))
    thresholds = pick_thresholds(sum(parts))
    num_planes = logits.shape[-1]
    true = pack_bits(truth, ~counted)
    by_threshold = [
        metrics.dice_per_class(metrics.confusion_matrix(true, pack_bits(logits > edge), num_planes)) for edge in log_odds(EDGES)
    ]
    for k in range(num_planes):
        if not truth[counted, k].any():
            assert thresholds[k] == 0.5
            continue
        dice = np.array([row[k] for row in by_threshold])
        best = EDGES[dice == dice.max()]
        assert thresholds[k] in best
        assert abs(thresholds[k] - 0.5) == pytest.approx(np.abs(best - 0.5).min())
