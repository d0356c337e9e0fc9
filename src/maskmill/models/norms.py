"""The batch norm of all our architectures: Keras's, by TensorFlow's one fused operation where there is one.

Keras puts batch norm together from a dozen operations, each of which goes over all values: on a processor that is a third of a
training step. docs/decisions/0005-tensorflow-in-the-batch-norm.md says why TensorFlow is named here.
"""

from typing import Any

import keras
from keras import ops

FUSED_DTYPES = ("float32", "bfloat16", "float16")


@keras.saving.register_keras_serializable(package="maskmill")
class FastBatchNormalization(keras.layers.BatchNormalization):
    """Batch norm with the arguments, the weights and the results of Keras's.

    With TensorFlow, features (B, H, W, C) are normalised by its fused operation, statistics in float32; all else is Keras's own.
    """

    def call(self, inputs: keras.KerasTensor, training: bool | None = None, mask: Any = None) -> keras.KerasTensor:
        # TensorFlow has no repeatable gradient of the fused operation on a GPU for a frozen layer.
        frozen = bool(training) and not self.trainable
        if frozen or mask is not None or not self._can_fuse(inputs):
            return super().call(inputs, training=training, mask=mask)
        return self._normalise_batch(inputs) if training else self._fuse(inputs, self.moving_mean, self.moving_variance)[0]

    def _can_fuse(self, inputs: keras.KerasTensor) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and not (self.renorm or self.synchronized)
            and keras.backend.standardize_dtype(inputs.dtype) in FUSED_DTYPES
            and keras.backend.standardize_dtype(self.moving_mean.dtype) == "float32"
        )

    def _normalise_batch(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Normalise by the statistics of the batch, and have the moving ones follow them."""
        outputs, mean, variance = self._fuse(inputs)
        # The operation divides the squares by one less than their number; Keras's moving variance is of the batch itself.
        number = ops.cast(ops.prod(ops.shape(inputs)[:3]), "float32")
        for moving, of_batch in ((self.moving_mean, mean), (self.moving_variance, variance * (number - 1.0) / number)):
            moving.assign(moving * self.momentum + of_batch * (1.0 - self.momentum))
        return outputs

    def _fuse(self, inputs: keras.KerasTensor, *statistics: keras.Variable) -> list[keras.KerasTensor]:
        """Apply the fused operation, with given mean and variance or with those of the batch; return outputs, mean, variance."""
        from tensorflow import raw_ops

        ones, zeros = ops.ones_like(self.moving_mean), ops.zeros_like(self.moving_mean)
        mean, variance = statistics or (zeros, ones)  # of the batch: not read
        return raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.convert_to_tensor(self.gamma) if self.scale else ones,
            offset=ops.convert_to_tensor(self.beta) if self.center else zeros,
            mean=ops.convert_to_tensor(mean),
            variance=ops.convert_to_tensor(variance),
            epsilon=self.epsilon,
            is_training=not statistics,
        )[:3]
