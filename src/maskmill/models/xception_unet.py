"""The U-Net-like network of residual blocks, separable on the way down, that Keras's own example trains on pets."""

import keras
from keras import layers

from maskmill.models.blocks import classify, normalise, pad_pictures, scale_bands

DOWN_FILTERS = (64, 128, 256)
UP_FILTERS = (256, 128, 64, 32)
STRIDE = 2 ** (1 + len(DOWN_FILTERS))  # the entry and each block on the way down halve the size


def build_xception_unet(*, channels: int, num_classes: int) -> keras.Model:
    """Build a U-Net of Xception's blocks; 2,058,979 parameters at 3 channels and 3 classes, 3,776 of them the norms' averages.

    There are no skips from the encoder to the decoder: each block adds what went into it to what comes out.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Source: Chollet, Image segmentation with a U-Net-like architecture,
    https://keras.io/examples/vision/oxford_pets_image_segmentation/; its softmax is left to the loss.
    """
    pictures, padded = pad_pictures(channels, STRIDE)
    features = scale_bands(padded, "scale")
    features = layers.Conv2D(32, 3, strides=2, padding="same", name="entry_conv")(features)
    features = layers.Activation("relu", name="entry_relu")(normalise(features, "entry_norm"))
    for block, filters in enumerate(DOWN_FILTERS, start=1):
        features = _halve(features, filters, f"down{block}")
    for block, filters in enumerate(UP_FILTERS, start=1):
        features = _double(features, filters, f"up{block}")
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=3), name="xception_unet")


def _halve(features: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """Apply two separable convolutions and pool, and add the features as they came, thinned out."""
    residual = layers.Conv2D(filters, 1, strides=2, padding="same", name=f"{name}_residual")(features)
    for step in (1, 2):
        features = layers.Activation("relu", name=f"{name}_{step}_relu")(features)
        features = layers.SeparableConv2D(filters, 3, padding="same", name=f"{name}_{step}_conv")(features)
        features = normalise(features, f"{name}_{step}_norm")
    features = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(features)
    return layers.Add(name=f"{name}_add")([features, residual])


def _double(features: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """Apply two transposed convolutions, add the features as they came, and repeat each value in a 2 x 2 cell."""
    # The example repeats both before it adds them, and convolves the residual last: the same numbers at four times the work.
    residual = layers.Conv2D(filters, 1, padding="same", name=f"{name}_residual")(features)
    for step in (1, 2):
        features = layers.Activation("relu", name=f"{name}_{step}_relu")(features)
        features = layers.Conv2DTranspose(filters, 3, padding="same", name=f"{name}_{step}_conv")(features)
        features = normalise(features, f"{name}_{step}_norm")
    features = layers.Add(name=f"{name}_add")([features, residual])
    return layers.UpSampling2D(2, name=f"{name}_up")(features)
