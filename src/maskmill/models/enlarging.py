"""Bilinear upsampling of features of any size."""

from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="maskmill")
class BilinearUpsampling(keras.layers.Layer):
    """Enlarge features a whole number of times, bilinearly, their edges continued.

    The values are those of Keras's UpSampling2D, which fails with TensorFlow where sizes are known only at run time.

    Args:
        factor: how many times larger height and width become.
    """

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, F)
        before = ops.concatenate([features[:, :1], features[:, :-1]], axis=1)
        after = ops.concatenate([features[:, 1:], features[:, -1:]], axis=1)
        taller = self._interleave(features, before, after, axis=1)
        before = ops.concatenate([taller[:, :, :1], taller[:, :, :-1]], axis=2)
        after = ops.concatenate([taller[:, :, 1:], taller[:, :, -1:]], axis=2)
        return self._interleave(taller, before, after, axis=2)

    def compute_output_shape(self, features_shape: Shape) -> Shape:
        batch, height, width, filters = features_shape
        return batch, *(None if side is None else side * self.factor for side in (height, width)), filters

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}

    def _interleave(
        self, features: keras.KerasTensor, before: keras.KerasTensor, after: keras.KerasTensor, axis: int
    ) -> keras.KerasTensor:
        """Put `factor` values, between each one's neighbours along an axis, in place of each."""
        offsets = [(place + 0.5) / self.factor - 0.5 for place in range(self.factor)]  # from the centre of the coarser pixel
        values = [features + abs(offset) * ((after if offset > 0 else before) - features) for offset in offsets]
        shape = list(ops.shape(features))
        shape[axis] = shape[axis] * self.factor
        return ops.reshape(ops.stack(values, axis=axis + 1), shape)
