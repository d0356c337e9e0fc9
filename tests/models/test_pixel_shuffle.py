import keras
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskmill.models.pixel_shuffle import ICNR, AverageBlur, PixelShuffle, upsample_by_shuffle


def _answer(layer: keras.Layer, features: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(layer(features))


def test_channels_become_cells() -> None:
    features = np.arange(16, dtype=np.float32).reshape(1, 1, 2, 8)  # two places; two filters for each of the four pixels
    expected = [[[0, 1], [2, 3], [8, 9], [10, 11]], [[4, 5], [6, 7], [12, 13], [14, 15]]]
    assert _answer(PixelShuffle(2), features)[0].tolist() == expected


def test_sizes_need_not_be_known_beforehand() -> None:
    features = keras.Input((None, None, 18))
    shuffled = AverageBlur()(PixelShuffle(3)(features))
    assert shuffled.shape == (None, None, None, 2)
    model = keras.Model(features, shuffled)
    assert model.predict(np.zeros((2, 3, 5, 18), np.float32), verbose=0).shape == (2, 9, 15, 2)


def test_blur_averages_with_the_pixels_above_and_to_the_left() -> None:
    features = np.array([[0, 4, 8], [2, 6, 10]], np.float32).reshape(1, 2, 3, 1)
    assert _answer(AverageBlur(), features)[0, ..., 0].tolist() == [[0, 2, 6], [1, 3, 7]]


@given(
    scale=st.integers(2, 4), filters=st.integers(1, 3), bands=st.integers(1, 4), height=st.integers(1, 3), width=st.integers(1, 5)
)
def test_all_pixels_of_a_cell_start_equal(scale: int, filters: int, bands: int, height: int, width: int) -> None:
    convolution = keras.layers.Conv2D(filters * scale**2, 1, kernel_initializer=ICNR(scale, "he_normal"))
    features = np.random.default_rng(0).normal(size=(2, height, width, bands)).astype(np.float32)
    shuffled = _answer(PixelShuffle(scale), _answer(convolution, features))
    assert shuffled.shape == (2, height * scale, width * scale, filters)
    nearest = np.einsum("bhwi,io->bhwo", features, keras.ops.convert_to_numpy(convolution.kernel)[0, 0, :, :filters])
    assert np.allclose(shuffled, nearest.repeat(scale, axis=1).repeat(scale, axis=2), atol=1e-5)


def test_values_start_as_those_of_the_convolution_alone() -> None:
    keras.utils.set_random_seed(0)
    kernel = keras.ops.convert_to_numpy(ICNR(2, "he_normal")((1, 1, 200, 4 * 300)))
    assert abs(kernel.std() / np.sqrt(2 / 200) - 1) < 0.02
    filters = kernel[0, 0, :, :300]
    assert np.unique(filters).size > 0.99 * filters.size  # each filter has values of its own


def test_initialiser_comes_back_from_its_configuration() -> None:
    initialiser = ICNR(3, keras.initializers.Constant(2.0))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(initialiser))
    assert again.scale == 3
    assert np.array_equal(keras.ops.convert_to_numpy(again((1, 1, 2, 9))), np.full((1, 1, 2, 9), 2.0, np.float32))


def test_a_flat_map_stays_flat() -> None:
    features = keras.Input((None, None, 3))
    model = keras.Model(features, upsample_by_shuffle(features, filters=5, scale=2, name="up"))
    answer = _answer(model, np.full((1, 3, 4, 3), 0.5, np.float32))
    assert answer.shape == (1, 6, 8, 5)
    assert answer.max() > 0
    assert np.allclose(answer, answer[:, :1, :1], atol=1e-6)
