"""Max pooling that says where each maximum was, and the way back: SegNet's pair of layers."""

import keras
import numpy as np
from keras import ops

Shape = tuple[int | None, ...]

CELL = np.array([[0, 1], [2, 3]], np.uint8)  # the positions within a 2 x 2 window


@keras.saving.register_keras_serializable(package="maskmill")
class PoolWithPositions(keras.layers.Layer):
    """Max pooling over 2 x 2 windows, and the position of the maximum in each; of equal values the first counts.

    The positions are uint8, 0 to 3 row by row within the window, whatever the precision of the network: half precision does not
    hold the positions in a whole picture.
    """

    def call(self, features: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:  # (B, H, W, F), H and W even
        pooled = ops.max_pool(features, 2, 2)
        batch, height, width, channels = ops.shape(pooled)
        # Slices of this view are whole runs of channels: several times faster than features[:, ::2, ::2].
        windows = ops.reshape(features, (batch, height, 2, width, 2, channels))
        elsewhere = [ops.cast(windows[:, :, row, :, column] != pooled, "uint8") for row, column in ((0, 0), (0, 1), (1, 0))]
        one = ops.cast(1, "uint8")
        return pooled, elsewhere[0] * (one + elsewhere[1] * (one + elsewhere[2]))

    def compute_output_shape(self, features_shape: Shape) -> tuple[Shape, Shape]:
        batch, height, width, channels = features_shape
        pooled = (batch, height and height // 2, width and width // 2, channels)
        return pooled, pooled

    def compute_output_spec(self, features: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        pooled, positions = self.compute_output_shape(features.shape)
        return keras.KerasTensor(pooled, dtype=self.compute_dtype), keras.KerasTensor(positions, dtype="uint8")


@keras.saving.register_keras_serializable(package="maskmill")
class Unpool(keras.layers.Layer):
    """Put each value back into its 2 x 2 window at a position that `PoolWithPositions` gave, and 0 elsewhere."""

    def call(self, features: keras.KerasTensor, positions: keras.KerasTensor) -> keras.KerasTensor:  # both (B, H, W, F)
        batch, height, width, channels = ops.shape(features)
        here = positions[:, :, None, :, None, :] == CELL[None, None, :, None, :, None]  # (B, H, 2, W, 2, F)
        # Repeated first and not by broadcasting, whose gradient is twice as slow.
        repeated = ops.repeat(ops.repeat(features, 2, axis=1), 2, axis=2)
        return ops.where(ops.reshape(here, (batch, 2 * height, 2 * width, channels)), repeated, 0)

    def compute_output_shape(self, features_shape: Shape, positions_shape: Shape) -> Shape:
        batch, height, width, channels = features_shape
        return batch, height and 2 * height, width and 2 * width, channels
