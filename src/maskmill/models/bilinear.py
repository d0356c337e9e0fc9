"""Learned upsampling that starts as bilinear interpolation."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops


def upsample(features: keras.KerasTensor, factor: int, name: str) -> keras.KerasTensor:
    """Enlarge by a transposed convolution, which before training interpolates each channel bilinearly.

    Args:
        features: (B, H, W, F).
        factor: how many times larger, even.
        name: of the layer.

    Returns:
        (B, H * factor, W * factor, F).

    Source: Long, Shelhamer and Darrell, Fully convolutional networks, 2015, section 3.3.
    """
    # A kernel of twice the stride is cut by half a stride on each side: pixels stay centred on the coarser one they come from.
    return layers.Conv2DTranspose(
        features.shape[-1], 2 * factor, strides=factor, padding="same", use_bias=False, kernel_initializer=Bilinear(), name=name
    )(features)


@keras.saving.register_keras_serializable(package="maskmill")
class Bilinear(keras.initializers.Initializer):
    """The kernel of a transposed convolution that interpolates bilinearly, channel k from channel k alone.

    The kernel is (2 * stride, 2 * stride, F, F). Outside the picture is 0, so that the outermost half stride fades.
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> keras.KerasTensor:
        height, width, outputs, inputs = shape
        weights = np.outer(_triangle(height), _triangle(width))
        return ops.convert_to_tensor(weights[:, :, None, None] * np.eye(outputs, inputs), dtype=dtype)


def _triangle(size: int) -> np.ndarray:
    """Return the weights of linear interpolation, float64 (size,), for a stride of half the size."""
    distance = np.abs(np.arange(size) - (size - 1) / 2)
    return 1 - distance / (size / 2)
