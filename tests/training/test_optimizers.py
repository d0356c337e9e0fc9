"""The schedule's corners, and what decays."""

import keras
import numpy as np
import pytest

from maskmill.training.optimizers import build_optimizer, build_schedule


def test_rate_rises_to_the_given_one_and_falls_to_nothing() -> None:
    schedule = build_schedule(learning_rate=0.01, steps=100, warmup=0.1)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(101)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(0.005)
    assert rates[10] == pytest.approx(0.01)
    assert rates[55] == pytest.approx(0.005, rel=1e-3)  # half of the cosine
    assert rates[100] == pytest.approx(0, abs=1e-8)
    assert np.argmax(rates) == 10


def test_without_warmup_it_starts_at_the_top() -> None:
    assert float(keras.ops.convert_to_numpy(build_schedule(learning_rate=0.01, steps=100, warmup=0.0)(0))) == pytest.approx(0.01)


def test_only_kernels_decay() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    optimizer = build_optimizer(learning_rate=1.0, weight_decay=0.1, steps=10, warmup=0.0)
    optimizer.build(model.trainable_variables)
    decaying = {variable.name for variable in model.trainable_variables if optimizer._use_weight_decay(variable)}
    assert decaying == {"kernel"}
