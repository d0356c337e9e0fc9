import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from maskmill.models import build_model
from maskmill.models.unpooling import PoolWithPositions, Unpool

HAND = np.array([[1, 5, 2, 2], [3, 4, 2, 2], [-7, -8, 0, 0], [-9, -6, 0, 1]], np.float32).reshape(1, 4, 4, 1)


def _numpy(values: keras.KerasTensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(values)


def _in_windows(features: np.ndarray) -> np.ndarray:
    """(B, 2 H, 2 W, F) to (B, H, W, F, 4), the positions within each window last."""
    batch, height, width, channels = features.shape
    windows = features.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return windows.transpose(0, 1, 3, 5, 2, 4).reshape(batch, height // 2, width // 2, channels, 4)


def test_values_and_positions_of_an_example_by_hand() -> None:
    pooled, positions = PoolWithPositions()(HAND)
    assert _numpy(pooled).reshape(2, 2).tolist() == [[5, 2], [-6, 1]]
    assert _numpy(positions).reshape(2, 2).tolist() == [[1, 0], [3, 3]]  # of equal values the first
    unpooled = Unpool()(pooled, positions)
    assert _numpy(unpooled).reshape(4, 4).tolist() == [[0, 5, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, -6, 0, 1]]


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
    values=st.integers(2, 1000),  # few give many equal ones
    seed=st.integers(0, 2**32 - 1),
)
def test_every_value_returns_to_where_it_came_from(shape: tuple[int, int, int, int], values: int, seed: int) -> None:
    batch, height, width, channels = shape  # of the pooled features
    rng = np.random.default_rng(seed)
    features = rng.integers(-values, values, (batch, 2 * height, 2 * width, channels)).astype(np.float32)
    pooled, positions = PoolWithPositions()(features)
    unpooled = _numpy(Unpool()(pooled, positions))
    windows = _in_windows(features)
    first = windows.argmax(axis=-1)
    assert np.array_equal(_numpy(pooled), windows.max(axis=-1))
    assert np.array_equal(_numpy(positions), first)
    expected = np.where(np.arange(4) == first[..., None], windows, 0.0)
    assert np.array_equal(_in_windows(unpooled), expected)


def test_other_values_go_to_the_same_positions() -> None:
    _, positions = PoolWithPositions()(HAND)
    decoded = np.array([[10, 20], [30, 40]], np.float32).reshape(1, 2, 2, 1)
    unpooled = _numpy(Unpool()(decoded, positions))
    assert unpooled.reshape(4, 4).tolist() == [[0, 10, 20, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 30, 0, 40]]


def test_positions_are_those_of_tensorflow() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    features = np.random.default_rng(0).normal(size=(2, 6, 10, 3)).astype(np.float32)
    expected, places = tensorflow.nn.max_pool_with_argmax(features, 2, 2, "VALID")
    rows, columns = np.divmod(places.numpy() // 3, 10)  # of a place (row * width + column) * channels + channel
    pooled, positions = PoolWithPositions()(features)
    assert np.array_equal(_numpy(pooled), expected.numpy())
    assert np.array_equal(_numpy(positions), rows % 2 * 2 + columns % 2)


def _pool_and_unpool(policy: str) -> keras.Model:
    inputs = keras.Input((None, None, 3))
    pooled, positions = PoolWithPositions(dtype=policy)(inputs)
    assert keras.backend.standardize_dtype(positions.dtype) == "uint8"
    return keras.Model(inputs, [pooled, positions, Unpool(dtype=policy)(pooled, positions)])


@pytest.mark.parametrize(("policy", "dtype"), [("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float16")])
def test_positions_stay_integers_in_half_precision(policy: str, dtype: str) -> None:
    model = _pool_and_unpool(policy)
    features = np.random.default_rng(1).integers(-100, 100, (2, 90, 134, 3)).astype(np.float32)  # which half precision holds
    pooled, positions, unpooled = model(features)
    assert keras.backend.standardize_dtype(positions.dtype) == "uint8"
    assert {keras.backend.standardize_dtype(each.dtype) for each in (pooled, unpooled)} == {dtype}
    windows = _in_windows(features)
    expected = np.where(np.arange(4) == windows.argmax(axis=-1)[..., None], windows, 0.0)
    assert np.array_equal(_in_windows(_numpy(ops.cast(unpooled, "float32"))), expected)


def test_sizes_need_not_be_known_beforehand() -> None:
    model = _pool_and_unpool("float32")
    assert [tuple(output.shape) for output in model.outputs] == [(None, None, None, 3)] * 3
    assert model.predict(np.zeros((1, 6, 10, 3), np.float32), verbose=0)[2].shape == (1, 6, 10, 3)
    pooled, positions = PoolWithPositions()(keras.Input((6, 10, 3), batch_size=2))
    assert pooled.shape == positions.shape == (2, 3, 5, 3)
    assert Unpool()(pooled, positions).shape == (2, 6, 10, 3)


class Stored(keras.layers.Layer):
    """Adds values that training moves, so that one step of gradient descent shows their gradient."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__()
        self.values = self.add_weight(shape=values.shape, initializer=lambda *_, **__: ops.convert_to_tensor(values))

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs + self.values


def test_gradient_goes_to_the_maximum_alone() -> None:
    features = np.random.default_rng(2).permutation(4 * 6).reshape(1, 4, 6, 1).astype(np.float32)  # no two are equal
    stored = Stored(features)
    inputs = keras.Input((4, 6, 1))
    model = keras.Model(inputs, Unpool()(*PoolWithPositions()(stored(inputs))))
    # The gradient of half the sum of squares is the value itself: half a step of it halves the value.
    model.compile(keras.optimizers.SGD(0.5), loss=lambda _, found: ops.sum(found * found) / 2)
    model.train_on_batch(np.zeros_like(features), np.zeros_like(features))
    windows = _in_windows(features)
    expected = np.where(windows == windows.max(axis=-1, keepdims=True), windows / 2, windows)
    assert np.array_equal(_in_windows(_numpy(stored.values)), expected)


def test_what_segnet_hands_on_to_its_decoder() -> None:
    encoder = build_model("segnet", channels=3, num_classes=2).get_layer("backbone")
    features, *positions = encoder(np.random.default_rng(3).normal(size=(1, 32, 96, 3)).astype(np.float32))
    assert features.shape == (1, 1, 3, 512)
    assert [each.shape[1:] for each in positions] == [(16, 48, 64), (8, 24, 128), (4, 12, 256), (2, 6, 512), (1, 3, 512)]
    assert {keras.backend.standardize_dtype(each.dtype) for each in positions} == {"uint8"}
