"""Every backbone: where its skips lie, what it is made of, what it expects, and that a U-Net learns on it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models import BACKBONES, build_model
from maskmill.models.archive import load_model, save_model
from maskmill.models.blocks import pad_pictures
from maskmill.models.encoder import backbone_stride, encode_pictures
from maskmill.train_sections import Backbone


@dataclass(frozen=True)
class Published:
    """Parameters that others count, and the channels of the skips.

    Args:
        whole: of the network for ImageNet, trained ones only.
        classifier: of its last layers, which a backbone does without.
        channels: of the skips, as the papers' tables have them.
    """

    whole: int
    classifier: int
    channels: tuple[int, ...]


def _dense(inputs: int, outputs: int = 1000) -> int:
    return inputs * outputs + outputs


PUBLISHED = {
    # torchvision's table of models
    "resnet18": Published(11_689_512, _dense(512), (64, 64, 128, 256, 512)),
    "resnet34": Published(21_797_672, _dense(512), (64, 64, 128, 256, 512)),
    "resnet50": Published(25_557_032, _dense(2048), (64, 256, 512, 1024, 2048)),
    "resnet101": Published(44_549_160, _dense(2048), (64, 256, 512, 1024, 2048)),
    "resnet152": Published(60_192_808, _dense(2048), (64, 256, 512, 1024, 2048)),
    "densenet121": Published(7_978_856, _dense(1024), (64, 256, 512, 1024, 1024)),
    "vgg16": Published(138_357_544, _dense(25088, 4096) + _dense(4096, 4096) + _dense(4096), (64, 128, 256, 512, 512, 512)),
    "vgg19": Published(143_667_240, _dense(25088, 4096) + _dense(4096, 4096) + _dense(4096), (64, 128, 256, 512, 512, 512)),
    "mobilenetv2": Published(3_504_872, _dense(1280), (96, 144, 192, 576, 1280)),
    "mobilenetv3_small": Published(2_542_856, _dense(576, 1024) + _dense(1024), (16, 72, 96, 288, 576)),
    "mobilenetv3_large": Published(5_483_032, _dense(960, 1280) + _dense(1280), (64, 72, 240, 672, 960)),
    "efficientnet_b0": Published(5_288_548, _dense(1280), (96, 144, 240, 672, 1280)),
    "efficientnet_b1": Published(7_794_184, _dense(1280), (96, 144, 240, 672, 1280)),
    "efficientnet_b2": Published(9_109_994, _dense(1408), (96, 144, 288, 720, 1408)),
    "efficientnet_b3": Published(12_233_232, _dense(1536), (144, 192, 288, 816, 1536)),
    "efficientnet_b4": Published(19_341_616, _dense(1792), (144, 192, 336, 960, 1792)),
    "efficientnet_b5": Published(30_389_784, _dense(2048), (144, 240, 384, 1056, 2048)),
    "efficientnet_b6": Published(43_040_704, _dense(2304), (192, 240, 432, 1200, 2304)),
    "efficientnet_b7": Published(66_347_960, _dense(2560), (192, 288, 480, 1344, 2560)),
    "efficientnetv2_s": Published(21_458_488, _dense(1280), (24, 48, 256, 960, 1280)),
    "efficientnetv2_m": Published(54_139_356, _dense(1280), (24, 48, 320, 1056, 1280)),
    "efficientnetv2_l": Published(118_515_272, _dense(1280), (32, 64, 384, 1344, 1280)),
    "convnext_tiny": Published(28_589_128, _dense(768), (96, 192, 384, 768)),
    # timm's results table (tf_efficientnetv2_b*, cspdarknet53), in which parameters are counted likewise
    "efficientnetv2_b0": Published(7_139_704, _dense(1280), (16, 32, 192, 672, 1280)),
    "efficientnetv2_b1": Published(8_141_052, _dense(1280), (16, 32, 192, 672, 1280)),
    "efficientnetv2_b2": Published(10_096_086, _dense(1408), (16, 32, 224, 720, 1408)),
    "efficientnetv2_b3": Published(14_358_406, _dense(1536), (16, 40, 224, 816, 1536)),
    "cspdarknet53": Published(27_642_184, _dense(1024), (64, 128, 256, 512, 1024)),
    # keras.applications' summary, of which 54,528 are the moving statistics of batch norm
    "xception": Published(22_910_480 - 54_528, _dense(2048), (64, 256, 728, 728, 2048)),
    # keras-hub's table of presets: with a classifier of 10 classes
    "mit_b0": Published(3_321_962, _dense(256, 10), (32, 64, 160, 256)),
    "mit_b1": Published(13_156_554, _dense(512, 10), (64, 128, 320, 512)),
    "mit_b2": Published(24_201_418, _dense(512, 10), (64, 128, 320, 512)),
    "mit_b3": Published(44_077_258, _dense(512, 10), (64, 128, 320, 512)),
    "mit_b4": Published(60_847_818, _dense(512, 10), (64, 128, 320, 512)),
    "mit_b5": Published(81_448_138, _dense(512, 10), (64, 128, 320, 512)),
}
# One of each family; `make test-slow` builds the others.
FAMILIES = [
    "resnet18",
    "resnet50",
    "densenet121",
    "cspdarknet53",
    "mit_b0",
    "vgg16",
    "mobilenetv2",
    "mobilenetv3_small",
    "mobilenetv3_large",
    "efficientnet_b0",
    "efficientnetv2_b0",
    "convnext_tiny",
    "xception",
]
QUICK = ["resnet18", "mit_b0", "vgg16", "mobilenetv2", "mobilenetv3_small", "efficientnet_b0", "convnext_tiny", "xception"]


def _slow_but(quick: list[str], names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]


def _build_unet(name: str, **changes: Any) -> keras.Model:
    settings = {"channels": 3, "num_classes": 3, "weights": "none", "decoder_filters": [8, 8, 4, 4, 4], "dropout": 0.0}
    return build_model("unet", backbone=name, **{**settings, **changes})


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _to_numpy(tensor: keras.KerasTensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def test_every_backbone_has_published_figures() -> None:
    assert set(PUBLISHED) == set(BACKBONES)


@pytest.fixture(scope="module", params=_slow_but(QUICK, BACKBONES))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(name: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    return _build_unet(name)


def test_trained_parameters_are_the_published_ones(name: str, model: keras.Model) -> None:
    weights = model.get_layer("backbone").trainable_weights
    assert sum(int(np.prod(weight.shape)) for weight in weights) == PUBLISHED[name].whole - PUBLISHED[name].classifier


def test_skips_lie_at_their_strides(name: str, model: keras.Model) -> None:
    strides = list(BACKBONES[name].skips)
    skips = model.get_layer("backbone")(np.zeros((1, 64, 96, 3), np.float32))
    expected = [(1, 64 // stride, 96 // stride, F) for stride, F in zip(strides, PUBLISHED[name].channels, strict=True)]
    assert [tuple(skip.shape) for skip in skips] == expected
    assert (strides, backbone_stride(name)) == (sorted(strides), 32)


def test_logits_are_finite_and_as_large_as_the_picture(model: keras.Model) -> None:
    logits = _to_numpy(model(_pictures(1, 37, 70, 3)))
    assert logits.shape == (1, 37, 70, 3)
    assert np.isfinite(logits).all()
    assert logits.std() > 0


def test_batch_norms_forget_fast(model: keras.Model) -> None:
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.9}


def test_a_second_build_has_the_same_configuration(name: str, model: keras.Model) -> None:
    """Names counted up through the process would make two files of the same weights differ."""
    again = _build_unet(name)
    assert json.dumps(keras.saving.serialize_keras_object(again)) == json.dumps(keras.saving.serialize_keras_object(model))


@pytest.mark.parametrize("name", _slow_but(["vgg16", "mobilenetv3_small"], FAMILIES))
def test_gradient_reaches_every_trainable_weight(name: str) -> None:
    keras.utils.set_random_seed(2)
    model = _build_unet(name)
    before = [_to_numpy(weight).copy() for weight in model.trainable_weights]
    # Lion's steps have one length: those of ConvNeXt, which starts with features times 1e-6, would be lost in rounding.
    model.compile(keras.optimizers.Lion(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    for _ in range(3):  # in a single step, stochastic depth may leave a block out for both pictures
        model.train_on_batch(_pictures(2, 64, 96, 3), np.random.default_rng(3).integers(0, 3, (2, 64, 96)))
    names = [
        weight.path for weight, old in zip(model.trainable_weights, before, strict=True) if np.array_equal(_to_numpy(weight), old)
    ]
    # A bias of the keys adds the same to every score of a query, which softmax takes away again.
    assert [name for name in names if "attention/key/bias" not in name] == []


@pytest.mark.parametrize("name", _slow_but(["convnext_tiny", "mobilenetv3_small"], FAMILIES))
def test_a_file_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    model = _build_unet(name)
    save_model(model, tmp_path / "model.keras", {})
    again, _ = load_model(tmp_path / "model.keras")
    picture = _pictures(1, 64, 96, 3)
    assert np.array_equal(_to_numpy(again(picture)), _to_numpy(model(picture)))


@pytest.mark.parametrize("name", _slow_but(["convnext_tiny", "mobilenetv3_small"], FAMILIES))
def test_half_precision_gives_finite_logits(name: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = _build_unet(name)
    finally:
        keras.config.set_dtype_policy(before)
    assert {skip.dtype for skip in model.get_layer("backbone").outputs} == {"bfloat16"}
    assert np.isfinite(_to_numpy(model(_pictures(1, 32, 64, 3)))).all()


def test_stages_beyond_the_deepest_stride_are_left_out() -> None:
    _, padded = pad_pictures(5, backbone_stride("mobilenetv3_small"))
    skips = encode_pictures(padded, backbone="mobilenetv3_small", weights="none", deepest=8)
    assert list(skips) == [2, 4, 8]
    layers = [layer.name for layer in skips[8]._keras_history.operation.layers]
    assert "expanded_conv_3_expand_bn_activation" in layers
    assert not [layer for layer in layers if layer.startswith("expanded_conv_4")]


@pytest.mark.parametrize(
    ("wrong", "meant"), [("mobilenet_v2", "mobilenetv2"), ("efficientnet_v2_b0", "efficientnetv2_b0"), ("vgg", "vgg19")]
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(ModelError, match=f"did you mean {meant}"):
        backbone_stride(wrong)


def test_the_settings_name_the_backbones_that_there_are() -> None:
    assert get_args(Backbone) == tuple(BACKBONES)
