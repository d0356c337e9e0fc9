"""The fast batch norm against Keras's own."""

import keras
import numpy as np
import pytest

from maskmill.models.norms import FastBatchNormalization

tf = pytest.importorskip("tensorflow")

SHAPE = (3, 5, 7, 6)


def measure(layer: keras.Layer, inputs: np.ndarray, towards: np.ndarray, training: bool) -> list[np.ndarray]:
    """Return outputs, gradients by inputs and trainable weights, and the weights after a call."""

    @tf.function
    def call(features):
        with tf.GradientTape() as tape:
            tape.watch(features)
            outputs = layer(features, training=training)
            loss = tf.reduce_sum(tf.cast(outputs, "float32") * towards)
        return [outputs, *tape.gradient(loss, [features, *(weight.value for weight in layer.trainable_weights)])]

    outputs = [np.asarray(tf.cast(each, "float32")) for each in call(tf.constant(inputs))]
    return outputs + layer.get_weights()


@pytest.mark.parametrize("mode", ["training", "inference", "frozen"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"axis": 3}], ids=str)
def test_results_gradients_and_statistics_are_those_of_keras(mode: str, policy: str, options: dict) -> None:
    rng = np.random.default_rng(0)
    inputs, towards = rng.normal(2.0, 3.0, SHAPE).astype(np.float32), rng.normal(size=SHAPE).astype(np.float32)
    found = []
    weights = None
    for kind in (keras.layers.BatchNormalization, FastBatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-5, dtype=policy, **options)
        layer.build(SHAPE)
        weights = weights or [rng.uniform(0.5, 2.0, weight.shape) for weight in layer.get_weights()]
        layer.set_weights(weights)
        layer.trainable = mode != "frozen"
        found.append(measure(layer, inputs, towards, training=mode != "inference"))
    for expected, result in zip(*found, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    moved = not np.allclose(found[1][-1], weights[-1])
    assert moved == (mode == "training")


def test_statistics_of_a_batch_by_hand() -> None:
    layer = FastBatchNormalization(momentum=0.5, epsilon=1e-5)
    outputs = layer(np.array([1.0, 2.0, 3.0, 6.0], np.float32).reshape(1, 2, 2, 1), training=True)
    # mean 3, variance of the batch (4 + 1 + 0 + 9) / 4 = 3.5
    np.testing.assert_allclose(np.ravel(outputs), (np.array([1, 2, 3, 6]) - 3) / np.sqrt(3.5), rtol=1e-4)
    np.testing.assert_allclose(np.ravel(layer.moving_mean), [0.5 * 0 + 0.5 * 3])
    np.testing.assert_allclose(np.ravel(layer.moving_variance), [0.5 * 1 + 0.5 * 3.5], rtol=1e-6)


def test_other_features_are_left_to_keras() -> None:
    flat = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    layer, peer = FastBatchNormalization(), keras.layers.BatchNormalization()
    np.testing.assert_allclose(np.asarray(layer(flat, training=True)), np.asarray(peer(flat, training=True)), rtol=1e-6)


def test_configuration_round_trip() -> None:
    layer = FastBatchNormalization(momentum=0.9, epsilon=1e-5, name="norm")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is FastBatchNormalization
    assert again.get_config() == layer.get_config()
