"""The U-Net: plain, or with a backbone as its encoder."""

from collections.abc import Sequence

import keras

from maskmill.errors import ModelError
from maskmill.models.backbone_unet import build_backbone_unet
from maskmill.models.plain_unet import build_plain_unet


def build_unet(
    *,
    channels: int,
    num_classes: int,
    backbone: str | None,
    weights: str,
    base_filters: int,
    depth: int,
    decoder_filters: Sequence[int],
    dropout: float,
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
        dropout: fraction 0..1 of the values dropped within each block while training.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Raises:
        ModelError: the settings do not go together.
    """
    if backbone is not None:
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
    return build_plain_unet(channels=channels, num_classes=num_classes, base_filters=base_filters, depth=depth, dropout=dropout)
