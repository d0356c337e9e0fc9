"""Upsampling by pixel shuffle that starts without a checkerboard: its initialiser, its layers, and their order."""

from typing import Any

import keras
from keras import layers, ops

Shape = tuple[int | None, ...]


def upsample_by_shuffle(features: keras.KerasTensor, filters: int, scale: int, name: str) -> keras.KerasTensor:
    """Upsample by a 1 x 1 convolution, relu, pixel shuffle and blur.

    Args:
        features: (B, H, W, F).
        filters: of the result.
        scale: how many times longer the sides become, 2 or more.
        name: prefix of the layers' names.

    Returns:
        (B, H * scale, W * scale, filters).

    Source: Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017 (ICNR); Sugawara et al., Super-Resolution using
    Convolutional Neural Networks without Any Checkerboard Artifacts, 2018 (blur); fastai's PixelShuffle_ICNR.
    """
    features = layers.Conv2D(
        filters * scale**2, 1, activation="relu", kernel_initializer=ICNR(scale, "he_normal"), name=f"{name}_conv"
    )(features)
    return AverageBlur(name=f"{name}_blur")(PixelShuffle(scale, name=f"{name}_shuffle")(features))


@keras.saving.register_keras_serializable(package="maskmill")
class ICNR(keras.initializers.Initializer):
    """Start the kernel in front of a pixel shuffle so that all pixels of a cell get the same value: upsampling to the nearest.

    Args:
        scale: of the pixel shuffle.
        initializer: of the values, of which each is used scale ** 2 times: a name, or an initialiser of Keras.
    """

    def __init__(self, scale: int, initializer: Any = "he_normal") -> None:
        self.scale = scale
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        *kernel, filters = shape
        repeats = self.scale**2
        values = self.initializer((*kernel, filters // repeats), dtype=dtype)
        return ops.tile(values, (*(1 for _ in kernel), repeats))  # the pixels of a cell follow each other, each with all filters

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "initializer": keras.initializers.serialize(self.initializer)}


@keras.saving.register_keras_serializable(package="maskmill")
class PixelShuffle(keras.layers.Layer):
    """Lay groups of scale x scale channels out as cells of that many pixels (depth to space).

    Args:
        scale: how many times longer the sides become, 2 or more.
    """

    def __init__(self, scale: int, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, F * scale ** 2)
        return ops.depth_to_space(features, self.scale, data_format="channels_last")  # (B, H * scale, W * scale, F)

    def compute_output_shape(self, features_shape: Shape) -> Shape:
        batch, height, width, filters = features_shape
        return batch, self._scaled(height), self._scaled(width), filters // self.scale**2  # type: ignore[operator]  # known

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}

    def _scaled(self, size: int | None) -> int | None:
        return None if size is None else size * self.scale


@keras.saving.register_keras_serializable(package="maskmill")
class AverageBlur(keras.layers.Layer):
    """Average each pixel with those above it and to its left; at these two edges the outermost pixels are repeated."""

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, F)
        padded = ops.concatenate([features[:, :1], features], axis=1)
        padded = ops.concatenate([padded[:, :, :1], padded], axis=2)
        return ops.average_pool(padded, 2, strides=1, padding="valid", data_format="channels_last")

    def compute_output_shape(self, features_shape: Shape) -> Shape:
        return features_shape
