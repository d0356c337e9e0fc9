"""Dice while training runs: the confusion matrix, counted inside the compiled step.

This is the one module of the room that imports keras, and `maskmill.metrics` does not re-export it: import it by name.
"""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from maskmill.metrics.confusion import VOID

# A count lives in two float32 numbers, count = high * BASE + low. Floats, because TensorFlow keeps int32 variables off the
# GPU and JAX has no int64 by default; two, because one is exact only up to 2**24 pixels.
BASE = 2**16


@keras.saving.register_keras_serializable("maskmill")
class StreamingDice(keras.metrics.Metric):
    """Headline dice of all pixels seen since the last reset: the foreground's for two classes, else the mean over present ones.

    The counts are exact for pictures of up to 2**24 pixels, 2**24 * 2**16 pixels in all, and batches of up to 255 pictures.

    Args:
        num_classes: number of classes, void not among them.
        name: what logs call it.
    """

    def __init__(self, num_classes: int, name: str = "dice", **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        self.num_classes = num_classes
        shape = (num_classes * num_classes,)
        self.low = self.add_variable(shape, "zeros", dtype="float32", name="low")
        self.high = self.add_variable(shape, "zeros", dtype="float32", name="high")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: integer (B, H, W) class ids, 255 = void.
            y_pred: (B, H, W, K) logits or probabilities.
            sample_weight: not used, a pixel counts once; part of Keras's signature.
        """
        batch_size = ops.shape(y_true)[0]
        truth = ops.reshape(ops.cast(y_true, "int32"), (batch_size, -1))  # (B, H * W)
        prediction = ops.reshape(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), (batch_size, -1))
        num_cells = self.num_classes**2
        cell = ops.where(ops.equal(truth, VOID), num_cells, truth * self.num_classes + prediction)  # void has a cell beside
        cell = cell + ops.expand_dims(ops.arange(batch_size, dtype="int32"), 1) * (num_cells + 1)
        ones = ops.ones_like(ops.reshape(cell, (-1,)), dtype="float32")
        counts = ops.segment_sum(ones, ops.reshape(cell, (-1,)), num_segments=batch_size * (num_cells + 1))
        counts = ops.reshape(counts, (batch_size, num_cells + 1))[:, :num_cells]  # per picture, so that each is exact
        carried = ops.floor(counts / BASE)
        low = self.low + ops.sum(counts - carried * BASE, axis=0)
        overflow = ops.floor(low / BASE)
        self.low.assign(low - overflow * BASE)
        self.high.assign(self.high + ops.sum(carried, axis=0) + overflow)

    def result(self) -> Any:
        """Return the headline dice as a float32 scalar; NaN where no class of it is present."""
        matrix = ops.reshape(self.high * BASE + self.low, (self.num_classes, self.num_classes))
        correct = 2.0 * ops.diagonal(matrix)
        pixels = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1)
        dice = correct / pixels  # 0 / 0 = NaN for an absent class, as in maskmill.metrics.confusion
        if self.num_classes == 2:
            return dice[1]
        present = ops.greater(pixels, 0.0)
        return ops.sum(ops.where(present, dice, 0.0)) / ops.sum(ops.cast(present, "float32"))

    def matrix(self) -> NDArray[np.int64]:
        """Return the exact counts as int64 (num_classes, num_classes), rows truth, columns prediction."""
        low, high = (ops.convert_to_numpy(ops.cast(part, "int32")).astype(np.int64) for part in (self.low, self.high))
        return (high * BASE + low).reshape(self.num_classes, self.num_classes)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the metric."""
        return {**super().get_config(), "num_classes": self.num_classes}
