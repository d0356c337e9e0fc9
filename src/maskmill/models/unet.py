"""The U-Net: plain, or with a backbone as its encoder."""

from collections.abc import Sequence

import keras

from maskmill.errors import ModelError
from maskmill.models.backbone_unet import build_backbone_unet
from maskmill.models.blocks import Activation, Initializer, Norm
from maskmill.models.plain_unet import Upsampling, build_plain_unet


def build_unet(
    *,
    channels: int,
    num_classes: int,
    backbone: str | None = "resnet18",
    weights: str = "none",
    base_filters: int = 32,
    depth: int = 5,
    decoder_filters: Sequence[int] = (256, 128, 64, 32, 16),
    dropout: float | Sequence[float] = 0.0,
    activation: Activation = "relu",
    norm: Norm = "batch",
    initializer: Initializer = "he_normal",
    upsampling: Upsampling = "transposed",
    input_noise: float = 0.0,
) -> keras.Model:
    """Build the U-Net that the settings ask for: on a backbone where one is named, else the plain one.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        backbone: a key of BACKBONES, or None.
        weights: what the backbone starts from: `none`, `imagenet` or a path.
        base_filters: plain U-Net: filters of its first level.
        depth: plain U-Net: levels.
        decoder_filters: U-Net on a backbone: filters of the decoder's stages, the coarsest first.
        dropout: fraction 0..1 of the values dropped within each block while training; plain U-Net: also one for each level, or
            for each block.
        activation: plain U-Net: after its convolutions.
        norm: plain U-Net: before its activations.
        initializer: plain U-Net: what its kernels start from.
        upsampling: plain U-Net: how its decoder doubles the size; that on a backbone takes the nearest pixel.
        input_noise: plain U-Net: standard deviation of the noise on the scaled picture while training.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Raises:
        ModelError: the settings do not go together.

    Source: `build_plain_unet` and `build_backbone_unet`, which also say how many parameters there are.
    """
    if backbone is not None:
        if isinstance(dropout, Sequence):
            raise ModelError(
                f"dropout {list(dropout)}: only the plain U-Net takes several fractions, and train.backbone is {backbone}",
                expected="one fraction for all blocks of the decoder",
                fix="set train.dropout to one fraction, or train.backbone to null",
            )
        return build_backbone_unet(
            channels=channels,
            num_classes=num_classes,
            backbone=backbone,
            weights=weights,
            decoder_filters=decoder_filters,
            dropout=dropout,
        )
    if weights != "none":
        raise ModelError(
            f"weights {weights}: the plain U-Net has no backbone to put them in",
            fix="set train.weights to none, or name a backbone",
        )
    return build_plain_unet(
        channels=channels,
        num_classes=num_classes,
        base_filters=base_filters,
        depth=depth,
        dropout=dropout,
        activation=activation,
        norm=norm,
        initializer=initializer,
        upsampling=upsampling,
        input_noise=input_noise,
    )
