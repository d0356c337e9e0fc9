"""The metric of the live bar says what the NumPy module says."""

import keras
import numpy as np
import pytest

from maskmill import metrics
from maskmill.labels.bits import pack_bits, unpack_bits
from maskmill.labels.classes import VOID_BIT
from maskmill.metrics.streaming import BASE, StreamingDice, StreamingOverlapDice


def draw_batch(seed, num_classes, present):
    generator = np.random.default_rng(seed)
    masks = generator.choice([*present, metrics.VOID], (3, 20, 30)).astype(np.uint8)
    logits = generator.normal(size=(3, 20, 30, num_classes)).astype(np.float32)
    logits[..., list(set(range(num_classes)) - set(present))] -= 100.0  # an absent class is never predicted either
    return masks, logits


@pytest.mark.parametrize(("num_classes", "present"), [(2, [0, 1]), (2, [0]), (5, [0, 1, 2, 3, 4]), (5, [1, 4]), (3, [])])
def test_result_is_that_of_the_numpy_module(num_classes, present):
    metric = StreamingDice(num_classes)
    expected = np.zeros((num_classes, num_classes), np.int64)
    for seed in range(3):
        masks, logits = draw_batch(seed, num_classes, present)
        metric.update_state(masks, logits)
        expected += metrics.confusion_matrix(masks, logits.argmax(-1).astype(np.uint8), num_classes)
    matrix = metric.matrix()
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, expected)
    assert float(metric.result()) == pytest.approx(metrics.headline(metrics.dice_per_class(expected)), nan_ok=True)
    metric.reset_state()
    assert metric.matrix().sum() == 0


def draw_overlapping_batch(seed, num_classes, present):
    generator = np.random.default_rng(seed)
    masks = sum((generator.integers(0, 2, (3, 20, 30)) << k for k in present), generator.integers(0, 2, (3, 20, 30)) << 15)
    logits = generator.normal(size=(3, 20, 30, num_classes)).astype(np.float32)
    logits[..., list(set(range(num_classes)) - set(present))] = -1.0
    return masks.astype(np.uint16), logits


@pytest.mark.parametrize(("num_classes", "present"), [(1, [0]), (2, [0, 1]), (2, [0]), (15, range(15)), (5, [1, 4]), (3, [])])
def test_overlapping_classes_give_what_the_numpy_module_gives(num_classes, present):
    metric = StreamingOverlapDice(num_classes)
    expected = np.zeros((num_classes, 2, 2), np.int64)
    for seed in range(3):
        masks, logits = draw_overlapping_batch(seed, num_classes, present)
        metric.update_state(masks, logits)
        expected += metrics.confusion_matrix(masks, pack_bits(logits > 0), num_classes)
    np.testing.assert_array_equal(metric.matrix(), expected)
    assert float(metric.result()) == pytest.approx(metrics.headline_dice(expected), nan_ok=True)
    metric.reset_state()
    assert metric.matrix().sum() == 0


def test_overlapping_classes_by_hand():
    masks = np.array([[[0b01, 0b11, 0b00], [0b10, 0b11, VOID_BIT | 0b11]]], np.uint16)
    logits = np.where(unpack_bits(np.array([[[0b01, 0b01, 0b01], [0b10, 0b11, 0b11]]]), 2), 0.5, -3.0).astype(np.float32)
    metric = StreamingOverlapDice(2)
    metric.update_state(masks, logits)
    assert metric.matrix().tolist() == [[[1, 1], [0, 3]], [[2, 0], [1, 2]]]
    assert float(metric.result()) == pytest.approx((6 / 7 + 4 / 5) / 2)
    again = StreamingOverlapDice.from_config(metric.get_config())
    assert again.matrix().shape == (2, 2, 2)


def test_counts_stay_exact_beyond_what_one_float32_holds():
    metric = StreamingDice(2)
    metric.high.assign(np.full(4, 2**20, np.float32))  # 2**36 pixels in each cell already
    metric.low.assign(np.full(4, BASE - 1, np.float32))
    masks = np.ones((2, 1, BASE + 5), np.uint8)
    logits = np.zeros((2, 1, BASE + 5, 2), np.float32)
    logits[..., 1] = 1.0
    metric.update_state(masks, logits)
    before = 2**20 * BASE + BASE - 1
    np.testing.assert_array_equal(metric.matrix(), [[before, before], [before, before + 2 * (BASE + 5)]])


@pytest.mark.parametrize(("kind", "draw"), [(StreamingDice, draw_batch), (StreamingOverlapDice, draw_overlapping_batch)])
def test_it_runs_inside_the_compiled_step_and_over_a_last_smaller_batch(kind, draw):
    masks, logits = draw(0, 5, range(5))
    picture = keras.Input((20, 30, 5))
    model = keras.Model(picture, keras.layers.Identity()(picture))
    metric = kind(5)
    model.compile(loss=lambda truth, logits: keras.ops.mean(logits), metrics=[metric])
    logs = model.evaluate(logits, masks, batch_size=2, verbose=0, return_dict=True)
    prediction = logits.argmax(-1).astype(np.uint8) if kind is StreamingDice else pack_bits(logits > 0)
    expected = metrics.confusion_matrix(masks, prediction, 5)
    np.testing.assert_array_equal(metric.matrix(), expected)
    assert logs["dice"] == pytest.approx(metrics.headline_dice(expected))
