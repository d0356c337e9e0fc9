"""What several architectures are put together from."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import keras
from keras import layers

from maskmill.models.layers import CropToPictures, PadToStride
from maskmill.models.norms import FastBatchNormalization

Activation = Literal["relu", "elu"]
Norm = Literal["batch", "none"]
Initializer = Literal["he_normal", "he_uniform"]

NORM_MOMENTUM = 0.9  # small data sets train for some hundred steps: Keras's 0.99 would still remember the first ones


def pad_pictures(channels: int, stride: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Begin a model.

    Args:
        channels: bands of the pictures.
        stride: of the network, in pixels.

    Returns:
        The input, uint8 (B, H, W, C), and the same padded to multiples of the stride.
    """
    pictures = keras.Input((None, None, channels), dtype="uint8", name="pictures")
    return pictures, PadToStride(stride, name="pad")(pictures)


def classify(features: keras.KerasTensor, pictures: keras.KerasTensor, num_classes: int, kernel_size: int) -> keras.KerasTensor:
    """End a model.

    Args:
        features: (B, H', W', F) at the padded size.
        pictures: the model's input, (B, H, W, C).
        num_classes: K.
        kernel_size: of the last convolution, in pixels.

    Returns:
        float32 logits (B, H, W, K).
    """
    logits = layers.Conv2D(num_classes, kernel_size, padding="same", kernel_initializer="he_normal", name="logits")(features)
    return CropToPictures(dtype="float32", name="crop")(logits, pictures)  # float32 whatever the precision of the network


def scale_bands(
    pictures: keras.KerasTensor,
    name: str,
    mean: Sequence[float] = (0.5,),
    deviation: Sequence[float] = (0.25,),
    maximum: float = 255.0,
) -> keras.KerasTensor:
    """Shift and scale each band to zero mean and unit deviation, in float32 whatever the precision of the network.

    Without a mean and a deviation bands are scaled to -2..2.

    Args:
        pictures: (B, H, W, C) of any dtype, values 0..maximum.
        name: of the layer.
        mean: of each band, or one for all, as a fraction of `maximum`.
        deviation: standard deviation to the same.
        maximum: the value that counts as 1.

    Returns:
        float32 (B, H, W, C).
    """
    scale = [1.0 / (maximum * each) for each in deviation]
    offset = [-centre / each for centre, each in zip(mean, deviation, strict=True)]
    return layers.Rescaling(scale, offset, dtype="float32", name=name)(pictures)


def convolve_relu(features: keras.KerasTensor, filters: int, kernel_size: int, name: str) -> keras.KerasTensor:
    """Apply a convolution with biases and relu, no norm: (B, H, W, F) to (B, H, W, filters).

    Args:
        features: (B, H, W, F).
        filters: of the result.
        kernel_size: in pixels.
        name: of the layer.
    """
    return layers.Conv2D(filters, kernel_size, padding="same", activation="relu", kernel_initializer="he_normal", name=name)(
        features
    )


def convolve_twice(
    features: keras.KerasTensor,
    filters: int,
    dropout: float,
    name: str,
    *,
    activation: Activation = "relu",
    norm: Norm = "batch",
    initializer: Initializer = "he_normal",
) -> keras.KerasTensor:
    """Apply convolution 3 x 3, norm and activation twice, with dropout between.

    Args:
        features: (B, H, W, F).
        filters: of both convolutions.
        dropout: fraction 0..1 of the values dropped while training.
        name: prefix of the layers' names.
        activation: what follows each norm.
        norm: what follows each convolution; with `none` the convolutions have a bias in its place.
        initializer: what the convolutions' kernels start from.

    Returns:
        (B, H, W, filters).
    """
    convolve = partial(_convolve, filters=filters, activation=activation, norm=norm, initializer=initializer)
    features = convolve(features, name=f"{name}_1")
    if dropout:
        features = layers.Dropout(dropout, name=f"{name}_dropout")(features)
    return convolve(features, name=f"{name}_2")


def _convolve(
    features: keras.KerasTensor, *, filters: int, name: str, activation: Activation, norm: Norm, initializer: Initializer
) -> keras.KerasTensor:
    features = layers.Conv2D(
        filters,
        3,
        padding="same",
        use_bias=norm == "none",  # a norm has its own
        kernel_initializer=initializer,
        name=f"{name}_conv",
    )(features)
    if norm == "batch":
        features = normalise(features, f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_{activation}")(features)


def normalise(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Apply batch norm, the one that all architectures use; (B, H, W, F) to the same."""
    return FastBatchNormalization(momentum=NORM_MOMENTUM, epsilon=1e-5, name=name)(features)
