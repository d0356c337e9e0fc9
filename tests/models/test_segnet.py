from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models import build_model
from maskmill.models.backbones import build_backbone

VGG16 = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512), *[(512, 512)] * 5]
MIRRORED = [*[(512, 512)] * 5, (512, 256), (256, 256), (256, 256), (256, 128), (128, 128), (128, 64), (64, 64), (64, 64)]


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _numpy(values: keras.KerasTensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(values)


def _convolutions(layers: list[keras.layers.Layer]) -> list[tuple[int, int]]:
    """Filters in and out of each convolution."""
    return [tuple(layer.kernel.shape[2:]) for layer in layers if isinstance(layer, keras.layers.Conv2D)]


def _count(weights: list[keras.Variable]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.fixture(scope="module")
def segnet() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_model("segnet", channels=3, num_classes=4)


@pytest.fixture(scope="module")
def basic() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_model("segnet_basic", channels=3, num_classes=4)


@pytest.mark.parametrize("name", ["segnet", "basic"])
def test_logits_are_as_large_as_the_picture(name: str, request: pytest.FixtureRequest) -> None:
    logits = request.getfixturevalue(name)(_pictures(2, 97, 131, 3))
    assert tuple(logits.shape) == (2, 97, 131, 4)
    assert np.isfinite(_numpy(logits)).all()


def test_segnet_has_the_convolutions_of_vgg16_and_their_mirror_image(segnet: keras.Model) -> None:
    assert _convolutions(segnet.get_layer("backbone").layers) == VGG16
    assert _convolutions(segnet.layers) == [*MIRRORED, (64, 4)]


def test_parameters_of_segnet_worked_out_by_hand(segnet: keras.Model) -> None:
    kernels = sum(9 * inputs * outputs for inputs, outputs in VGG16 + MIRRORED)
    norms = sum(2 * outputs for _, outputs in VGG16 + MIRRORED)  # a scale and a shift each
    head = 64 * 4 + 4
    assert _count(segnet.trainable_weights) == kernels + norms + head == 29_472_324


def test_parameters_of_segnet_basic_worked_out_by_hand(basic: keras.Model) -> None:
    kernels = 49 * 3 * 64 + 7 * 49 * 64 * 64
    assert _count(basic.trainable_weights) == kernels + 8 * 2 * 64 + 64 * 4 + 4 == 1_415_620


def test_segnet_basic_decodes_without_relu(basic: keras.Model) -> None:
    relus = [layer.name for layer in basic.layers if isinstance(layer, keras.layers.Activation)]
    assert relus == [f"encoder{level}_relu" for level in (1, 2, 3, 4)]
    assert _convolutions(basic.layers) == [(3, 64), *[(64, 64)] * 7, (64, 4)]


def test_decoder_puts_values_where_the_encoder_found_maxima(basic: keras.Model) -> None:
    layers = [basic.get_layer(name).output for name in ("encoder1_relu", "decoder1_unpool")]
    found, placed = (_numpy(each) for each in keras.Model(basic.input, layers)(_pictures(1, 32, 64, 3)))
    in_cells = [each.reshape(1, 16, 2, 32, 2, 64) for each in (found, placed)]
    maxima = in_cells[0] == in_cells[0].max(axis=(2, 4), keepdims=True)
    assert (placed != 0).mean() == pytest.approx(0.25, abs=0.01)
    assert maxima[in_cells[1] != 0].all()


def test_starts_from_the_kernels_of_a_vgg16(tmp_path: Path) -> None:
    path = tmp_path / "vgg16.weights.h5"
    vgg = build_backbone("vgg16")
    vgg.save_weights(path)
    three, five = (build_model("segnet", channels=channels, num_classes=2, weights=str(path)) for channels in (3, 5))
    encoder = three.get_layer("backbone")
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for step in range(1, count + 1):
            name = f"block{block}_conv{step}"
            assert np.array_equal(_numpy(encoder.get_layer(name).kernel), _numpy(vgg.get_layer(name).kernel))
    grey = _pictures(1, 32, 64, 1).repeat(5, axis=3)
    seen, expected = (_numpy(_first_features(model, grey[..., : model.input_shape[-1]])) for model in (five, three))
    assert expected.std() > 0.01
    assert np.allclose(seen, expected, atol=1e-4)


def _first_features(model: keras.Model, pictures: np.ndarray) -> keras.KerasTensor:
    encoder = model.get_layer("backbone")
    scaled = keras.Model(model.input, model.get_layer("scale").output)(pictures)
    return keras.Model(encoder.input, encoder.get_layer("block1_conv1").output)(scaled)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_logits_stay_float32_in_mixed_precision(policy: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model("segnet_basic", channels=3, num_classes=2)
    finally:
        keras.config.set_dtype_policy(before)
    logits = model(_pictures(1, 37, 53, 3))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert model.get_layer("decoder1_conv").compute_dtype == policy.removeprefix("mixed_")
    assert np.isfinite(_numpy(logits)).all()


def test_weights_that_cannot_be_are_named() -> None:
    with pytest.raises(ModelError, match="weights imagnet: not the name of a weights file"):
        build_model("segnet", channels=3, num_classes=2, weights="imagnet")
