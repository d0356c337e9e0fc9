"""Weights as constants of the compiled function: the same answers, whatever becomes of the model."""

import keras
import numpy as np
import pytest

from maskmill.models import build_model
from maskmill.models.freezing import freeze_weights


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_frozen_model_answers_as_the_model_did(policy: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model("unet", channels=3, num_classes=4, backbone=None, base_filters=8, depth=3, dropout=0.2)
    finally:
        keras.config.set_dtype_policy(before)
    pictures = [np.random.default_rng(0).integers(0, 256, (n, h, w, 3), np.uint8) for n, h, w in ((1, 37, 53), (3, 64, 32))]
    expected = [model.predict_on_batch(each) for each in pictures]
    frozen = freeze_weights(model)
    assert (frozen.input_shape, frozen.output_shape) == (model.input_shape, model.output_shape)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    for right, each in zip(expected, pictures, strict=True):
        answer = frozen.predict_on_batch(each)
        assert answer.dtype == np.float32
        assert right.std() > 0
        np.testing.assert_allclose(answer, right, rtol=0, atol=1e-5 if policy == "float32" else 0.05 * right.std())


def test_a_model_too_large_for_a_graph_keeps_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model("unet", channels=3, num_classes=2, backbone=None, base_filters=2, depth=2)
    assert freeze_weights(model) is not model
    monkeypatch.setattr("maskmill.models.freezing.MOST_BYTES", 4 * model.count_params() - 1)
    assert freeze_weights(model) is model
