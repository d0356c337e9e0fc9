import re
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from ruamel.yaml import YAML

from maskmill.errors import ModelError
from maskmill.models import blocks, build_model
from maskmill.models.plain_unet import Upsampling, build_plain_unet
from maskmill.train_sections import TrainParams

SMALL: dict[str, Any] = {"channels": 3, "num_classes": 4, "base_filters": 2, "depth": 3}

CITYSCAPES_PAIRS = {"base_filters": 32, "depth": 6, "norm": "none", "dropout": [0, 0, 0, 0.1, 0.3, 0.3, 0, 0, 0, 0, 0]}
SATELLITE_BUILDINGS = {
    "base_filters": 16,
    "depth": 5,
    "activation": "elu",
    "dropout": [0.1, 0.1, 0.2, 0.2, 0.3],
    "input_noise": 0.4,
}
MODELS_PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _answer(model: keras.Model, pictures: np.ndarray, **options: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(pictures, **options))


def _count(weights: list[keras.Variable]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _dropouts(model: keras.Model) -> dict[str, float]:
    return {layer.name.removesuffix("_dropout"): layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}


def _levels(base_filters: int, depth: int) -> list[int]:
    return [base_filters * 2**level for level in range(depth)]


def _kernels(channels: int, filters: list[int], num_classes: int) -> int:
    """Weights of all kernels: two 3 x 3 a block, 2 x 2 upwards, 1 x 1 at the end."""
    down = sum(9 * (before + after) * after for before, after in zip([channels, *filters], filters, strict=False))
    up = sum(4 * 2 * after * after + 9 * (2 * after + after) * after for after in filters[:-1])
    return down + up + filters[0] * num_classes


def test_the_page_gives_the_settings_of_both_forms() -> None:
    blocks = re.findall(r"^train: \{.*?\}$", MODELS_PAGE.read_text(), re.MULTILINE | re.DOTALL)
    plain = {"architecture": "unet", "backbone": None}
    assert [YAML(typ="safe").load(block)["train"] for block in blocks] == [
        plain | CITYSCAPES_PAIRS,
        plain | SATELLITE_BUILDINGS | {"head": "sigmoid"},
    ]


def test_relu_form_has_the_parameters_worked_out_by_hand() -> None:
    filters = _levels(32, 6)
    assert filters[-1] == 32 * 32
    # Biases: two a block of each level, those on the way up with one more for the transposed convolution, one a class.
    biases = 2 * sum(filters) + 3 * sum(filters[:-1]) + 13
    model = build_plain_unet(channels=3, num_classes=13, **CITYSCAPES_PAIRS)
    assert model.count_params() == _kernels(3, filters, 13) + biases == 31_094_893
    assert _count(model.trainable_weights) == model.count_params()


def test_relu_form_has_five_poolings_no_norm_and_three_dropouts() -> None:
    model = build_plain_unet(channels=3, num_classes=13, **CITYSCAPES_PAIRS)
    kinds = [type(layer) for layer in model.layers]
    assert kinds.count(keras.layers.MaxPooling2D) == kinds.count(keras.layers.Conv2DTranspose) == 5
    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert _dropouts(model) == {"encoder4": 0.1, "encoder5": 0.3, "bottleneck": 0.3}
    assert model.get_layer("logits").activation is keras.activations.linear
    small = keras.Model(model.input, model.get_layer("bottleneck_2_relu").output)
    assert small(_pictures(1, 96, 160, 3)).shape == (1, 3, 5, 1024)


def test_elu_form_has_the_parameters_worked_out_by_hand() -> None:
    filters = _levels(16, 5)
    norms = 2 * sum(filters) + 2 * sum(filters[:-1])  # filters that are normalised: two convolutions a block
    biases = sum(filters[:-1]) + 1  # of the transposed convolutions and the one logit
    model = build_model("unet", channels=3, num_classes=2, head="sigmoid", backbone=None, **SATELLITE_BUILDINGS)
    trained = _kernels(3, filters, 1) + biases + 2 * norms  # scale and shift
    assert _count(model.trainable_weights) == trained == 1_942_577
    assert model.count_params() == trained + 2 * norms  # mean and variance


def test_elu_form_has_four_poolings_dropout_by_level_and_noise() -> None:
    model = build_plain_unet(channels=3, num_classes=1, **SATELLITE_BUILDINGS)
    kinds = [type(layer) for layer in model.layers]
    assert kinds.count(keras.layers.MaxPooling2D) == kinds.count(keras.layers.Conv2DTranspose) == 4
    assert model.get_layer("noise").stddev == 0.4
    down = {"encoder1": 0.1, "encoder2": 0.1, "encoder3": 0.2, "encoder4": 0.2, "bottleneck": 0.3}
    assert _dropouts(model) == down | {"decoder4": 0.2, "decoder3": 0.2, "decoder2": 0.1, "decoder1": 0.1}


@pytest.mark.parametrize("form", [CITYSCAPES_PAIRS, SATELLITE_BUILDINGS], ids=["relu", "elu"])
@pytest.mark.parametrize("upsampling", get_args(Upsampling))
@pytest.mark.parametrize("channels", [1, 5])
def test_odd_sizes_and_any_bands(form: dict[str, Any], upsampling: str, channels: int) -> None:
    model = build_plain_unet(channels=channels, num_classes=3, **{**form, "base_filters": 2, "upsampling": upsampling})
    picture = _pictures(1, 97, 131, channels)
    logits = model.predict_on_batch(picture)  # as a graph, in which the size is not known beforehand
    assert logits.shape == (1, 97, 131, 3)
    assert np.isfinite(logits).all()
    picture[..., -1] = 255 - picture[..., -1]
    assert not np.allclose(model.predict_on_batch(picture), logits)  # the last band is seen


def test_elu_lets_negative_values_pass() -> None:
    """With shifts of -1 and no other weights every activation is relu(-1) = 0 or elu(-1) = 1/e - 1."""
    for activation, expected in (("relu", 0.0), ("elu", np.expm1(-1.0))):
        model = build_plain_unet(**SMALL, activation=activation)
        model.set_weights([np.full(weight.shape, -1.0 if weight.name == "beta" else 0.0) for weight in model.weights])
        for name in (f"encoder1_1_{activation}", f"bottleneck_2_{activation}", f"decoder1_2_{activation}"):
            features = _answer(keras.Model(model.input, model.get_layer(name).output), _pictures(1, 8, 12, 3))
            assert np.allclose(features, expected, atol=1e-6)


def test_without_norm_there_are_biases_in_its_place() -> None:
    normed, bare = (build_plain_unet(**SMALL, norm=norm) for norm in ("batch", "none"))
    filters = 2 * (2 + 4 + 8) + 2 * (4 + 2)  # of all 3 x 3 convolutions
    assert normed.count_params() - bare.count_params() == 4 * filters - filters
    assert {layer.use_bias for layer in bare.layers if isinstance(layer, keras.layers.Conv2D)} == {True}
    assert not [weight.path for weight in bare.weights if "norm" in weight.path]


def test_kernels_start_from_the_initializer() -> None:
    """A normal draw, cut off at two deviations, reaches farther than a uniform one of the same variance; fans by hand."""
    for initializer, kind in (("he_normal", keras.initializers.HeNormal), ("he_uniform", keras.initializers.HeUniform)):
        model = build_plain_unet(channels=3, num_classes=4, base_filters=16, depth=2, initializer=initializer)
        for name in ("encoder1_2_conv", "bottleneck_2_conv", "decoder1_up", "decoder1_2_conv"):
            assert type(model.get_layer(name).kernel_initializer) is kind
        resized = build_plain_unet(**SMALL, initializer=initializer, upsampling="nearest")
        assert type(resized.get_layer("decoder1_up_conv").kernel_initializer) is kind
        kernel = keras.ops.convert_to_numpy(model.get_layer("bottleneck_2_conv").kernel)  # (3, 3, 32, 32)
        variance = 2 / (9 * 32)
        assert kernel.var() == pytest.approx(variance, rel=0.1)
        reach = np.sqrt(3 * variance) if initializer == "he_uniform" else 2 * np.sqrt(variance) / 0.87962566
        assert np.abs(kernel).max() == pytest.approx(reach, rel=0.02)


def test_upsampling_doubles_by_the_named_interpolation() -> None:
    row = np.array([0.0, 4.0, 8.0], np.float32).reshape(1, 1, 3, 1)
    expected = {"nearest": [0, 0, 4, 4, 8, 8], "bilinear": [0, 1, 3, 5, 7, 8]}  # a quarter and three quarters of neighbours
    for upsampling, values in expected.items():
        model = build_plain_unet(**SMALL, upsampling=upsampling)
        doubled = keras.ops.convert_to_numpy(model.get_layer("decoder1_up")(row))
        assert doubled.shape == (1, 2, 6, 1)
        assert np.allclose(doubled, np.array([values, values]).reshape(1, 2, 6, 1))
        assert model.get_layer("decoder1_up_conv").kernel_size == (2, 2)
        assert model.count_params() == build_plain_unet(**SMALL).count_params()


def test_noise_has_the_deviation_of_the_setting_and_only_in_training() -> None:
    model = build_plain_unet(**SMALL, input_noise=0.4)
    picture = _pictures(1, 96, 160, 3)
    scaled = (picture / 255.0 - 0.5) / 0.25
    noisy = keras.Model(model.input, model.get_layer("noise").output)
    assert np.allclose(_answer(noisy, picture, training=False), scaled, atol=1e-5)
    noise = _answer(noisy, picture, training=True) - scaled
    assert noise.std() == pytest.approx(0.4, rel=0.05)
    assert abs(noise.mean()) < 0.02
    assert noise.std() * 0.25 == pytest.approx(0.1, rel=0.05)  # of pictures in 0..1, as published


@pytest.mark.parametrize("changes", [{"dropout": 0.5}, {"dropout": [0.0, 0.5, 0.0]}, {"input_noise": 0.5}])
def test_chance_acts_only_in_training(changes: dict[str, Any]) -> None:
    model = build_plain_unet(**SMALL, norm="none", **changes)
    picture = _pictures(1, 16, 24, 3)
    quiet, again = (_answer(model, picture, training=False) for _ in range(2))
    assert np.array_equal(quiet, again)
    assert not np.array_equal(_answer(model, picture, training=True), _answer(model, picture, training=True))


@pytest.mark.parametrize(
    ("dropout", "expected"),
    [
        (0.0, {}),
        (0.2, {"encoder1": 0.2, "encoder2": 0.2, "bottleneck": 0.2, "decoder2": 0.2, "decoder1": 0.2}),
        ((0.1, 0.0, 0.3), {"encoder1": 0.1, "bottleneck": 0.3, "decoder1": 0.1}),
        ([0.1, 0.2, 0.3, 0.4, 0.5], {"encoder1": 0.1, "encoder2": 0.2, "bottleneck": 0.3, "decoder2": 0.4, "decoder1": 0.5}),
    ],
)
def test_dropout_by_block(dropout: Any, expected: dict[str, float]) -> None:
    assert _dropouts(build_plain_unet(**SMALL, dropout=dropout)) == expected


def test_choices_are_those_of_the_train_section() -> None:
    fields = TrainParams.model_fields
    ours = {
        "activation": blocks.Activation,
        "norm": blocks.Norm,
        "initializer": blocks.Initializer,
        "upsampling": Upsampling,
    }
    assert {name: fields[name].annotation for name in ours} == ours


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dropout": [0.1, 0.2]}, ["dropout [0.1, 0.2] has 2 fractions", "depth is 3", "3 for the levels", "5 for the blocks"]),
        ({"dropout": [0.1] * 4}, ["4 fractions", "one fraction for all blocks"]),
        ({"activation": "eluu"}, ["activation 'eluu'", "did you mean elu?"]),
        ({"norm": "bach"}, ["norm 'bach'", "batch, none"]),
        ({"initializer": "glorot_uniform"}, ["initializer 'glorot_uniform'", "he_normal, he_uniform"]),
        ({"upsampling": "bicubic"}, ["upsampling 'bicubic'", "transposed, nearest, bilinear"]),
        ({"input_noise": 1.5}, ["input_noise 1.5", "0 to 1"]),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ModelError) as caught:
        build_plain_unet(**SMALL, **changes)
    assert all(word in str(caught.value) for word in words)
