"""The U-Net with a backbone as its encoder."""

from collections.abc import Sequence

import keras
from keras import layers

from maskmill.errors import ModelError
from maskmill.models.blocks import classify, convolve_twice, pad_pictures
from maskmill.models.encoder import backbone_stride, encode_pictures

FEWEST_STAGES, MOST_STAGES = 3, 5


def build_backbone_unet(
    *, channels: int, num_classes: int, backbone: str, weights: str, decoder_filters: Sequence[int], dropout: float
) -> keras.Model:
    """Build a U-Net on a backbone; 14.3 million parameters with resnet18, 24.4 million with resnet34.

    Args:
        channels: bands of the pictures; other than 3, a 1 x 1 convolution in front of the backbone makes 3 of them,
            so that weights trained on RGB fit.
        num_classes: classes, void not among them.
        backbone: a key of BACKBONES; where it has no skip at stride 2, the decoder does without.
        weights: what the backbone starts from: `none`, `imagenet` or a path.
        decoder_filters: filters of the decoder's stages, the coarsest first. Each doubles the size; with fewer than 5 the
            backbone's last stages are left out.
        dropout: fraction 0..1 of the values dropped within each stage of the decoder while training.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes); its layer `backbone`
        is the encoder.

    Raises:
        ModelError: unknown backbone, weights that cannot be had, or a number of decoder stages that cannot be.

    Source: the decoder of segmentation_models.pytorch's Unet, https://github.com/qubvel-org/segmentation_models.pytorch.
    """
    if not FEWEST_STAGES <= len(decoder_filters) <= MOST_STAGES:
        raise ModelError(
            f"decoder_filters {list(decoder_filters)}: {len(decoder_filters)} stages",
            expected=f"{FEWEST_STAGES} to {MOST_STAGES}, one for each halving of the picture in the backbone",
        )
    pictures, padded = pad_pictures(channels, backbone_stride(backbone))
    skips = encode_pictures(padded, backbone=backbone, weights=weights, deepest=2 ** len(decoder_filters))
    stride = max(skips)
    features = skips[stride]
    for stage, filters in enumerate(decoder_filters, start=1):
        stride //= 2
        features = layers.UpSampling2D(2, name=f"decoder{stage}_up")(features)
        if stride in skips:
            features = layers.Concatenate(name=f"decoder{stage}_concat")([features, skips[stride]])
        features = convolve_twice(features, filters, dropout, f"decoder{stage}")
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=3), name="unet")
