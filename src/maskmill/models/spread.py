"""The layer that lays what holds for the whole picture out over all its places."""

import keras
from keras import ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="maskmill")
class SpreadOver(keras.layers.Layer):
    """Repeat features of one place at every place of a feature map."""

    def call(self, features: keras.KerasTensor, like: keras.KerasTensor) -> keras.KerasTensor:  # (B, 1, 1, F), (B, H, W, G)
        batch, height, width, _ = ops.shape(like)
        return ops.broadcast_to(features, (batch, height, width, features.shape[-1]))  # (B, H, W, F)

    def compute_output_shape(self, features_shape: Shape, like_shape: Shape) -> Shape:
        return *like_shape[:3], features_shape[3]
