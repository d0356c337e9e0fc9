"""Self-attention between all places of a feature map, which a network can take up little by little."""

import keras
from keras import layers, ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="maskmill")
class SelfAttention(keras.layers.Layer):
    """Add to each place `gamma` times a mixture of all places; gamma is learned and starts at 0, so nothing is added at first.

    Scores are divided by the root of their width, where the original bounds them by spectral norm. Every place has a score for
    every other: memory grows with the square of the picture's area.

    Source: Zhang et al., Self-Attention Generative Adversarial Networks, 2018, section 3.
    """

    def build(self, features_shape: Shape) -> None:
        width = int(features_shape[-1])  # type: ignore[arg-type]  # known
        self.score_width = max(1, width // 8)
        self.query = self._project(self.score_width, "query", features_shape)
        self.key = self._project(self.score_width, "key", features_shape)
        self.value = self._project(width, "value", features_shape)
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, F)
        batch, height, width, filters = ops.shape(features)
        places = ops.reshape(features, (batch, height * width, filters))
        scores = ops.matmul(self.query(places), ops.swapaxes(self.key(places), 1, 2)) / self.score_width**0.5
        shares = ops.cast(ops.softmax(ops.cast(scores, "float32")), scores.dtype)  # half floats cannot sum up many places
        mixed = ops.matmul(shares, self.value(places))  # (B, H * W, F)
        return features + self.gamma * ops.reshape(mixed, ops.shape(features))

    def compute_output_shape(self, features_shape: Shape) -> Shape:
        return features_shape

    def _project(self, width: int, name: str, features_shape: Shape) -> layers.Dense:
        projection = layers.Dense(width, use_bias=False, kernel_initializer="he_normal", name=name, dtype=self.dtype_policy)
        projection.build((None, None, features_shape[-1]))
        return projection
