import keras
import numpy as np
import pytest

from maskmill.models import build_model
from maskmill.models.xception_unet import build_xception_unet


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _parameters(channels: int, num_classes: int) -> int:
    """Work out all parameters by hand, a norm's averages among them: convolutions have biases, norms four values a filter."""

    def norm(filters: int) -> int:
        return 4 * filters

    def down(before: int, after: int) -> int:
        first = 9 * before + before * after + after  # one 3 x 3 kernel a feature, then 1 x 1
        second = 9 * after + after * after + after
        return first + second + 2 * norm(after) + (before * after + after)

    def up(before: int, after: int) -> int:
        return (9 * before * after + after) + (9 * after * after + after) + 2 * norm(after) + (before * after + after)

    entry = 9 * channels * 32 + 32 + norm(32)
    encoder = down(32, 64) + down(64, 128) + down(128, 256)
    decoder = up(256, 256) + up(256, 128) + up(128, 64) + up(64, 32)
    return entry + encoder + decoder + 9 * 32 * num_classes + num_classes


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_xception_unet(channels=3, num_classes=3)


def test_as_many_parameters_as_the_published_example(model: keras.Model) -> None:
    assert model.count_params() == _parameters(3, 3) == 2_058_979
    assert sum(int(np.prod(weight.shape)) for weight in model.non_trainable_weights) == 3_776


def test_parameters_at_other_bands_and_classes() -> None:
    assert build_xception_unet(channels=5, num_classes=7).count_params() == _parameters(5, 7)


def test_blocks_halve_and_double(model: keras.Model) -> None:
    names = ["entry_relu", "down1_add", "down2_add", "down3_add", "up1_up", "up2_up", "up3_up", "up4_up"]
    features = keras.Model(model.input, [model.get_layer(name).output for name in names])(_pictures(1, 64, 96, 3))
    strides = [2, 4, 8, 16, 8, 4, 2, 1]
    filters = [32, 64, 128, 256, 256, 128, 64, 32]
    expected = [(1, 64 // stride, 96 // stride, count) for stride, count in zip(strides, filters, strict=True)]
    assert [tuple(each.shape) for each in features] == expected


def test_blocks_add_what_came_in() -> None:
    """With norms that give 0 there is only what came by: a 1 x 1 convolution of each second pixel on the way down."""
    model = build_xception_unet(channels=3, num_classes=3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name != "entry_norm":
            layer.gamma.assign(np.zeros(layer.gamma.shape))
    names = ["entry_relu", *(f"down{block}_add" for block in (1, 2, 3)), *(f"up{block}_up" for block in (1, 2, 3, 4))]
    stages = keras.Model(model.input, [model.get_layer(name).output for name in names])(_pictures(1, 32, 48, 3))
    before, *after = (keras.ops.convert_to_numpy(stage) for stage in stages)
    for name, features in zip(names[1:], after, strict=True):
        block = name.split("_")[0]
        kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in model.get_layer(f"{block}_residual").weights)
        if block.startswith("down"):
            expected = before[:, ::2, ::2] @ kernel[0, 0] + bias
        else:
            expected = np.repeat(np.repeat(before @ kernel[0, 0] + bias, 2, axis=1), 2, axis=2)
        assert np.allclose(features, expected, atol=1e-4)
        before = features


def test_answers_like_the_published_order_of_the_last_step(model: keras.Model) -> None:
    """The example repeats the pixels of both branches, convolves the one that came by, and adds them then."""
    layers = [model.get_layer(name) for name in ("up3_up", "up4_2_norm", "up4_up")]
    came, changed, ours = keras.Model(model.input, [layer.output for layer in layers])(_pictures(1, 32, 48, 3))
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in model.get_layer("up4_residual").weights)
    repeated, branch = (np.repeat(np.repeat(keras.ops.convert_to_numpy(each), 2, 1), 2, 2) for each in (came, changed))
    assert np.allclose(branch + repeated @ kernel[0, 0] + bias, keras.ops.convert_to_numpy(ours), atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_odd_sizes_and_any_bands(channels: int) -> None:
    model = build_xception_unet(channels=channels, num_classes=3)
    picture = _pictures(1, 97, 131, channels)
    logits = model.predict_on_batch(picture)
    assert logits.shape == (1, 97, 131, 3)
    assert logits.dtype == np.float32
    picture[..., -1] = 255 - picture[..., -1]
    assert not np.allclose(model.predict_on_batch(picture), logits)  # the last band is seen


def test_last_layer_gives_logits(model: keras.Model) -> None:
    assert model.get_layer("logits").activation is keras.activations.linear
    assert model.get_layer("logits").kernel_size == (3, 3)


def test_sigmoid_head_learns_one_logit() -> None:
    model = build_model("xception_unet", channels=3, num_classes=2, head="sigmoid")
    assert model.count_params() == _parameters(3, 1)
    assert model.output_shape == (None, None, None, 2)
