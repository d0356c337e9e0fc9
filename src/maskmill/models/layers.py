"""The layers that maskmill adds to Keras: from integer pictures of any size into a network, and back to that size."""

from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="maskmill")
class PadToStride(keras.layers.Layer):
    """Mirror pictures at their lower and right edges until height and width are multiples of the network's stride.

    The edge pixel is not repeated. A picture smaller than its padding is mirrored again and again, so one pixel is enough.

    Args:
        stride: the multiple, in pixels.
    """

    def __init__(self, stride: int, **options: Any) -> None:
        super().__init__(**options)
        self.stride = stride

    def call(self, pictures: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, C), any dtype
        return self._pad(self._pad(pictures, axis=1), axis=2)

    def compute_output_shape(self, pictures_shape: Shape) -> Shape:
        batch, height, width, channels = pictures_shape
        return batch, self._padded(height), self._padded(width), channels

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stride": self.stride}

    def _pad(self, pictures: keras.KerasTensor, axis: int) -> keras.KerasTensor:
        static = pictures.shape[axis]
        if static is not None and static % self.stride == 0:
            return pictures
        size = ops.shape(pictures)[axis]
        period = ops.maximum(2 * (size - 1), 1)  # of the mirrored index: 0 1 2 3 2 1 0 1 ...
        place = ops.mod(ops.arange(-(-size // self.stride) * self.stride), period)
        return ops.take(pictures, ops.minimum(place, period - place), axis=axis)

    def _padded(self, size: int | None) -> int | None:
        return None if size is None else -(-size // self.stride) * self.stride


@keras.saving.register_keras_serializable(package="maskmill")
class CropToPictures(keras.layers.Layer):
    """Cut what `PadToStride` added off the logits."""

    def call(self, logits: keras.KerasTensor, pictures: keras.KerasTensor) -> keras.KerasTensor:
        height, width = ops.shape(pictures)[1:3]
        return logits[:, :height, :width, :]  # (B, H, W, K)

    def compute_output_shape(self, logits_shape: Shape, pictures_shape: Shape) -> Shape:
        return *pictures_shape[:3], logits_shape[3]


@keras.saving.register_keras_serializable(package="maskmill")
class BesideZero(keras.layers.Layer):
    """Put a 0 before the one logit of a foreground: the softmax of both is the sigmoid of the one."""

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, 1)
        return ops.concatenate([ops.zeros_like(logits), logits], axis=-1)  # (B, H, W, 2)

    def compute_output_shape(self, logits_shape: Shape) -> Shape:
        return *logits_shape[:3], 2
