"""The plain U-Net: its own encoder, trained from nothing."""

import keras
from keras import layers

from maskmill.models.blocks import classify, convolve_twice, pad_pictures, scale_bands


def build_plain_unet(*, channels: int, num_classes: int, base_filters: int, depth: int, dropout: float) -> keras.Model:
    """Build a U-Net with batch norm; 7.77 million parameters at 32 filters and 5 levels.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        base_filters: filters of the first level; each further level has twice as many.
        depth: levels; between them are `depth - 1` poolings, so the stride is 2 ** (depth - 1).
        dropout: fraction 0..1 of the values dropped within each level while training.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Source: Ronneberger, Fischer and Brox, U-Net, 2015; here with padding, so that the logits are as large as the picture.
    """
    pictures, padded = pad_pictures(channels, stride=2 ** (depth - 1))
    features = scale_bands(padded, "scale", mean=[0.5] * channels, deviation=[0.25] * channels)
    skips = []
    for level in range(depth - 1):
        features = convolve_twice(features, base_filters * 2**level, dropout, f"encoder{level + 1}")
        skips.append(features)
        features = layers.MaxPooling2D(2, name=f"encoder{level + 1}_pool")(features)
    features = convolve_twice(features, base_filters * 2 ** (depth - 1), dropout, "bottleneck")
    for level in reversed(range(depth - 1)):
        filters, name = base_filters * 2**level, f"decoder{level + 1}"
        features = layers.Conv2DTranspose(filters, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_up")(features)
        features = layers.Concatenate(name=f"{name}_concat")([features, skips[level]])
        features = convolve_twice(features, filters, dropout, name)
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=1), name="unet")
