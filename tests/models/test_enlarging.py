"""Bilinear upsampling against Keras's own, at sizes known only at run time, too."""

import keras
import numpy as np
import pytest

from maskmill.models.enlarging import BilinearUpsampling


def test_halfway_values_by_hand() -> None:
    features = np.array([0.0, 4.0], np.float32).reshape(1, 1, 2, 1)
    enlarged = keras.ops.convert_to_numpy(BilinearUpsampling(2)(features))
    np.testing.assert_allclose(enlarged[0, :, :, 0], [[0.0, 1.0, 3.0, 4.0]] * 2)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_values_are_those_of_keras(factor: int) -> None:
    features = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype(np.float32)
    expected = keras.layers.UpSampling2D(factor, interpolation="bilinear")(features)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(BilinearUpsampling(factor)(features)), keras.ops.convert_to_numpy(expected), atol=1e-5
    )


def test_one_model_takes_pictures_of_several_sizes() -> None:
    features = keras.Input((None, None, 2))
    model = keras.Model(features, BilinearUpsampling(4)(features))
    for height, width in ((5, 7), (6, 3), (1, 1)):
        assert model.predict_on_batch(np.zeros((1, height, width, 2), np.float32)).shape == (1, 4 * height, 4 * width, 2)
