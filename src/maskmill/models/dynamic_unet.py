"""The U-Net of fastai, whose decoder takes its widths from the backbone and upsamples by pixel shuffle."""

import keras
from keras import layers

from maskmill.errors import ModelError
from maskmill.models.blocks import classify, convolve_relu, normalise, pad_pictures, scale_bands
from maskmill.models.encoder import backbone_stride, encode_pictures
from maskmill.models.pixel_shuffle import upsample_by_shuffle
from maskmill.models.self_attention import SelfAttention


def build_dynamic_unet(
    *,
    channels: int,
    num_classes: int,
    backbone: str | None = "resnet18",
    weights: str = "none",
    self_attention: bool = False,
) -> keras.Model:
    """Build a dynamic U-Net; 41,221,268 parameters that are trained with resnet34, 3 bands and 3 classes, as many as fastai's.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        backbone: a key of BACKBONES.
        weights: what the backbone starts from: `none`, `imagenet` or a path.
        self_attention: whether the third last upsampling ends with self-attention.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes); its layer `backbone`
        is the encoder.

    Raises:
        ModelError: no or an unknown backbone, or weights that cannot be had.

    Source: fastai 2, fastai/vision/models/unet.py (DynamicUnet), with the settings of unet_learner and blur. Where the finest skip
    has stride 4, the last pixel shuffle is by 4; fastai shuffles by 2 and repeats pixels.
    """
    if backbone is None:
        raise ModelError(
            "architecture dynamic_unet: no backbone to build the decoder from",
            expected="a backbone",
            fix="name one in train.backbone, for example resnet34",
        )
    pictures, padded = pad_pictures(channels, backbone_stride(backbone))
    skips = encode_pictures(padded, backbone=backbone, weights=weights)
    features = _widen_and_narrow(skips.pop(max(skips)))
    last = len(skips)
    for number, stride in enumerate(sorted(skips, reverse=True), start=1):
        features = _join_skip(features, skips[stride], name=f"up{number}", shrink=2 if number == last else 1)
        if self_attention and number == last - 2:
            features = SelfAttention(name=f"up{number}_attention")(features)
    if stride > 1:
        features = upsample_by_shuffle(features, features.shape[-1], stride, "last_up")
    features = _join_picture(features, padded)
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=1), name="dynamic_unet")


def _widen_and_narrow(features: keras.KerasTensor) -> keras.KerasTensor:
    filters = features.shape[-1]
    features = layers.Activation("relu", name="middle_relu")(normalise(features, "middle_norm"))
    return convolve_relu(convolve_relu(features, 2 * filters, 3, "middle_conv1"), filters, 3, "middle_conv2")


def _join_skip(features: keras.KerasTensor, skip: keras.KerasTensor, name: str, shrink: int) -> keras.KerasTensor:
    """Upsample to the size of a skip and merge both; the result has the channels of both together, divided by `shrink`."""
    features = upsample_by_shuffle(features, features.shape[-1] // 2, 2, name)
    features = layers.Concatenate(name=f"{name}_concat")([features, normalise(skip, f"{name}_skip_norm")])
    filters = features.shape[-1] // shrink
    features = layers.Activation("relu", name=f"{name}_relu")(features)
    return convolve_relu(convolve_relu(features, filters, 3, f"{name}_conv1"), filters, 3, f"{name}_conv2")


def _join_picture(features: keras.KerasTensor, padded: keras.KerasTensor) -> keras.KerasTensor:
    """Put the picture itself beside the features, and both through a residual block."""
    picture = scale_bands(padded, "picture_scale")
    features = layers.Concatenate(name="last_concat")([features, picture])
    filters = features.shape[-1]
    change = convolve_relu(features, filters, 3, "last_conv1")
    change = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name="last_conv2")(change)
    return layers.Activation("relu", name="last_relu")(layers.Add(name="last_add")([features, change]))
