"""The backbones of keras.applications."""

import warnings
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import applications, layers

from maskmill.models.backbone_kinds import GOOGLE, IMAGENET_DEVIATION, IMAGENET_MEAN, Backbone, skips_from

VGG_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
HALVES = (0.5, 0.5, 0.5)  # 0..255 to -1..1
HALVES_OF_256 = (128 / 255, 128 / 255, 128 / 255)  # x / 128 - 1


def _build(application: Callable[..., keras.Model], weights: str | None) -> keras.Model:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`input_shape` is undefined")  # weights of 224 x 224 are what we want
        return application(include_top=False, weights=weights, input_shape=(None, None, 3))


def _build_unscaled(application: Callable[..., keras.Model], weights: str | None) -> keras.Model:
    """Build a network without the layers before it that scale pictures: our models scale in float32, once, for all backbones."""
    network = _build(application, weights)
    scaling = [layer for layer in network.layers if isinstance(layer, layers.Rescaling | layers.Normalization)]
    return keras.Model(scaling[-1].output, network.output)


def _build_vgg(application: Callable[..., keras.Model], weights: str | None) -> keras.Model:
    network = _build(application, weights)
    if weights is not None:
        first = network.get_layer("block1_conv1")
        kernel, bias = first.get_weights()
        # Trained on BGR less the mean, values up to 255. Here it gets RGB of deviation 1, which suits random weights, too.
        rgb = kernel[:, :, ::-1]  # (3, 3, 3, F)
        first.set_weights([rgb * 255 * np.array(IMAGENET_DEVIATION, np.float32)[:, None], bias])
    return network


def _build_xception(weights: str | None) -> keras.Model:
    network = _build(applications.Xception, weights)
    for name in ("block1_conv1", "block1_conv2"):
        network.get_layer(name).padding = "same"  # in the copy: no skip would lie at its stride without
    return network


def _application(
    build: Callable[..., keras.Model],
    *arguments: Any,
    skips: MappingProxyType[int, str],
    scaling: tuple = (IMAGENET_MEAN, IMAGENET_DEVIATION),
) -> Backbone:
    mean, deviation = scaling
    return Backbone(
        build=partial(build, *arguments, None),
        fetch=partial(build, *arguments, "imagenet"),
        skips=skips,
        mean=mean,
        deviation=deviation,
        host=GOOGLE,
    )


def _vgg(application: Callable[..., keras.Model], last: int) -> Backbone:
    blocks = [f"block{block}_conv{count}" for block, count in enumerate((2, 2, last, last, last), start=1)]
    return _application(
        _build_vgg, application, skips=skips_from(1, *blocks, "block5_pool"), scaling=(VGG_MEAN, IMAGENET_DEVIATION)
    )


def _efficientnet(application: Callable[..., keras.Model]) -> Backbone:
    expanded = [f"block{block}a_expand_activation" for block in (2, 3, 4, 6)]
    return _application(_build_unscaled, application, skips=skips_from(2, *expanded, "top_activation"))


def _efficientnetv2(
    application: Callable[..., keras.Model], first: str, second: str, scaling: tuple = (IMAGENET_MEAN, IMAGENET_DEVIATION)
) -> Backbone:
    expanded = [f"block{block}a_expand_activation" for block in (4, 6)]
    return _application(
        _build_unscaled, application, skips=skips_from(2, first, second, *expanded, "top_activation"), scaling=scaling
    )


APPLICATION_BACKBONES: dict[str, Backbone] = {
    "vgg16": _vgg(applications.VGG16, 3),
    "vgg19": _vgg(applications.VGG19, 4),
    "mobilenetv2": _application(
        _build,
        applications.MobileNetV2,
        skips=skips_from(
            2, "block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu", "out_relu"
        ),
        scaling=(HALVES, HALVES),
    ),
    "mobilenetv3_small": _application(
        _build_unscaled,
        applications.MobileNetV3Small,
        skips=skips_from(
            2,
            "conv_bn_activation",
            "expanded_conv_1_expand_bn_relu",
            "expanded_conv_3_expand_bn_activation",
            "expanded_conv_8_expand_bn_activation",
            "conv_1_bn_activation",
        ),
        scaling=(HALVES, HALVES),
    ),
    "mobilenetv3_large": _application(
        _build_unscaled,
        applications.MobileNetV3Large,
        skips=skips_from(
            2,
            "expanded_conv_1_expand_bn_relu",
            "expanded_conv_3_expand_bn_relu",
            "expanded_conv_6_expand_bn_activation",
            "expanded_conv_12_expand_bn_activation",
            "conv_1_bn_activation",
        ),
        scaling=(HALVES, HALVES),
    ),
    "efficientnet_b0": _efficientnet(applications.EfficientNetB0),
    "efficientnet_b1": _efficientnet(applications.EfficientNetB1),
    "efficientnet_b2": _efficientnet(applications.EfficientNetB2),
    "efficientnet_b3": _efficientnet(applications.EfficientNetB3),
    "efficientnet_b4": _efficientnet(applications.EfficientNetB4),
    "efficientnet_b5": _efficientnet(applications.EfficientNetB5),
    "efficientnet_b6": _efficientnet(applications.EfficientNetB6),
    "efficientnet_b7": _efficientnet(applications.EfficientNetB7),
    "efficientnetv2_b0": _efficientnetv2(applications.EfficientNetV2B0, "block1a_project_activation", "block2b_add"),
    "efficientnetv2_b1": _efficientnetv2(applications.EfficientNetV2B1, "block1b_add", "block2c_add"),
    "efficientnetv2_b2": _efficientnetv2(applications.EfficientNetV2B2, "block1b_add", "block2c_add"),
    "efficientnetv2_b3": _efficientnetv2(applications.EfficientNetV2B3, "block1b_add", "block2c_add"),
    "efficientnetv2_s": _efficientnetv2(applications.EfficientNetV2S, "block1b_add", "block2d_add", (HALVES_OF_256, HALVES_OF_256)),
    "efficientnetv2_m": _efficientnetv2(applications.EfficientNetV2M, "block1c_add", "block2e_add", (HALVES_OF_256, HALVES_OF_256)),
    "efficientnetv2_l": _efficientnetv2(applications.EfficientNetV2L, "block1d_add", "block2g_add", (HALVES_OF_256, HALVES_OF_256)),
    "convnext_tiny": _application(
        _build_unscaled,
        applications.ConvNeXtTiny,
        skips=skips_from(
            4,
            "convnext_tiny_stage_0_block_2_identity_add",
            "convnext_tiny_stage_1_block_2_identity_add",
            "convnext_tiny_stage_2_block_8_identity_add",
            "convnext_tiny_stage_3_block_2_identity_add_layernormalization",
        ),
    ),
    "xception": _application(
        _build_xception,
        skips=skips_from(
            2,
            "block1_conv2_act",
            "block3_sepconv2_act",
            "block4_sepconv2_act",
            "block13_sepconv2_act",
            "block14_sepconv2_act",
        ),
        scaling=(HALVES, HALVES),
    ),
}
