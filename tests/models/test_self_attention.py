import keras
import numpy as np

from maskmill.models.self_attention import SelfAttention


def _features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 3, 5, 16)).astype(np.float32)


def test_nothing_is_added_at_first() -> None:
    assert np.array_equal(keras.ops.convert_to_numpy(SelfAttention()(_features())), _features())


def test_each_place_gets_the_mixture_that_its_scores_ask_for() -> None:
    layer, features = SelfAttention(), _features()
    layer(features)
    layer.gamma.assign(0.5)
    query, key, value = (keras.ops.convert_to_numpy(part.kernel) for part in (layer.query, layer.key, layer.value))
    assert query.shape == key.shape == (16, 2)
    expected = features.copy()
    for picture, result in zip(features.reshape(2, 15, 16), expected.reshape(2, 15, 16), strict=True):
        for place in range(15):
            scores = np.exp((picture @ key) @ (picture[place] @ query) / np.sqrt(2.0))
            result[place] += 0.5 * (scores / scores.sum()) @ (picture @ value)
    assert np.allclose(keras.ops.convert_to_numpy(layer(features)), expected, atol=1e-5)


def test_gradient_reaches_all_weights_once_gamma_has_moved() -> None:
    inputs = keras.Input((None, None, 16))
    model = keras.Model(inputs, SelfAttention(name="attention")(inputs))
    model.get_layer("attention").gamma.assign(0.5)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    model.compile("sgd", "mse")
    model.train_on_batch(_features(), np.random.default_rng(1).normal(size=(2, 3, 5, 16)).astype(np.float32))
    assert len(before) == 4
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert not np.array_equal(old, keras.ops.convert_to_numpy(weight)), weight.path
