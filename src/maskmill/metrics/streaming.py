"""Dice while training runs: the confusion matrix, counted inside the compiled step.

This is the one module of the room that imports keras, and `maskmill.metrics` does not re-export it: import it by name.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from maskmill.labels.bits import Labels
from maskmill.labels.classes import VOID, VOID_BIT

# A count lives in two float32 numbers, count = high * BASE + low. Floats, because TensorFlow keeps int32 variables off the
# GPU and JAX has no int64 by default; two, because one is exact only up to 2**24 pixels.
BASE = 2**16


class StreamingCounts(keras.metrics.Metric):
    """Headline dice of all pixels seen since the last reset, from a confusion matrix; a kind of labels adds how it is counted.

    The counts are exact for pictures of up to 2**24 pixels, 2**24 * 2**16 pixels in all, and batches of up to 255 pictures.

    Args:
        num_classes: number of classes, void not among them.
        cells: the shape of the matrix.
        name: what logs call it.
    """

    def __init__(self, num_classes: int, cells: tuple[int, ...], name: str, **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        self.num_classes = num_classes
        self.cells = cells
        self.low = self.add_variable((math.prod(cells),), "zeros", dtype="float32", name="low")
        self.high = self.add_variable((math.prod(cells),), "zeros", dtype="float32", name="high")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: integer (B, H, W) label masks.
            y_pred: (B, H, W, K) logits.
            sample_weight: not used, a pixel counts once; part of Keras's signature.
        """
        counts = self._count(y_true, y_pred)  # (B, cells) per picture, so that each is exact
        carried = ops.floor(counts / BASE)
        low = self.low + ops.sum(counts - carried * BASE, axis=0)
        overflow = ops.floor(low / BASE)
        self.low.assign(low - overflow * BASE)
        self.high.assign(self.high + ops.sum(carried, axis=0) + overflow)

    def result(self) -> Any:
        """Return the headline dice as a float32 scalar; NaN where no class of it is present."""
        both, pixels = self._areas(ops.reshape(self.high * BASE + self.low, self.cells))
        dice = 2.0 * both / pixels  # 0 / 0 = NaN for an absent class, as in maskmill.metrics.confusion
        if self.has_background and self.num_classes == 2:
            return dice[1]
        present = ops.greater(pixels, 0.0)
        return ops.sum(ops.where(present, dice, 0.0)) / ops.sum(ops.cast(present, "float32"))

    def matrix(self) -> NDArray[np.int64]:
        """Return the exact counts as int64, as `maskmill.metrics.confusion_matrix` gives them."""
        low, high = (ops.convert_to_numpy(ops.cast(part, "int32")).astype(np.int64) for part in (self.low, self.high))
        return (high * BASE + low).reshape(self.cells)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the metric."""
        return {**super().get_config(), "num_classes": self.num_classes}

    has_background = False  # whether class 0 of two is what is left of the other

    def _count(self, y_true: Any, y_pred: Any) -> Any:
        """Return float32 (B, cells) counts of whole pixels."""
        raise NotImplementedError

    def _areas(self, matrix: Any) -> tuple[Any, Any]:
        """Return each class's pixels in truth and prediction both, and in one plus in the other: float32 (K,)."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("maskmill")
class StreamingDice(StreamingCounts):
    """Of exclusive classes: (B, H, W) ids, 255 = void. The foreground's dice for two classes, else the mean over present ones."""

    has_background = True

    def __init__(self, num_classes: int, name: str = "dice", **keywords: Any) -> None:
        super().__init__(num_classes, (num_classes, num_classes), name, **keywords)

    def _count(self, y_true: Any, y_pred: Any) -> Any:
        batch_size = ops.shape(y_true)[0]
        truth = ops.reshape(ops.cast(y_true, "int32"), (batch_size, -1))  # (B, H * W)
        prediction = ops.reshape(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), (batch_size, -1))
        num_cells = self.num_classes**2
        cell = ops.where(ops.equal(truth, VOID), num_cells, truth * self.num_classes + prediction)  # void has a cell beside
        cell = cell + ops.expand_dims(ops.arange(batch_size, dtype="int32"), 1) * (num_cells + 1)
        ones = ops.ones_like(ops.reshape(cell, (-1,)), dtype="float32")
        counts = ops.segment_sum(ones, ops.reshape(cell, (-1,)), num_segments=batch_size * (num_cells + 1))
        return ops.reshape(counts, (batch_size, num_cells + 1))[:, :num_cells]

    def _areas(self, matrix: Any) -> tuple[Any, Any]:
        return ops.diagonal(matrix), ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1)


@keras.saving.register_keras_serializable("maskmill")
class StreamingOverlapDice(StreamingCounts):
    """Of overlapping classes: (B, H, W) bits, bit 15 = void; a logit above 0 predicts its class. The mean over present classes."""

    def __init__(self, num_classes: int, name: str = "dice", **keywords: Any) -> None:
        super().__init__(num_classes, (num_classes, 2, 2), name, **keywords)

    def _count(self, y_true: Any, y_pred: Any) -> Any:
        counted, truth = split_bits(y_true, self.num_classes)  # (B, H, W, 1), (B, H, W, K)
        prediction = ops.cast(ops.greater(y_pred, 0.0), "float32") * counted
        pixels = ops.sum(counted, axis=(1, 2))  # (B, 1)
        true, predicted, both = (ops.sum(planes, axis=(1, 2)) for planes in (truth, prediction, truth * prediction))  # (B, K)
        cells = ops.stack([pixels - true - predicted + both, predicted - both, true - both, both], axis=-1)  # (B, K, 4)
        return ops.reshape(cells, (ops.shape(cells)[0], 4 * self.num_classes))

    def _areas(self, matrix: Any) -> tuple[Any, Any]:
        both = matrix[:, 1, 1]
        return both, 2.0 * both + matrix[:, 0, 1] + matrix[:, 1, 0]


STREAMING: dict[Labels, Callable[[int], StreamingCounts]] = {"exclusive": StreamingDice, "overlapping": StreamingOverlapDice}


def split_bits(bits: Any, num_classes: int) -> tuple[Any, Any]:
    """Take bit masks apart inside a compiled step.

    Args:
        bits: (B, H, W) of any numeric dtype, bit k for class k, bit 15 = void.
        num_classes: planes wanted.

    Returns:
        float32 (B, H, W, 1), 1 where a pixel counts; float32 (B, H, W, num_classes), 1 where a class is and the pixel counts.
    """
    whole = ops.expand_dims(ops.cast(bits, "int32"), -1)
    counted = ops.cast(ops.equal(ops.bitwise_and(whole, VOID_BIT), 0), "float32")
    planes = ops.not_equal(ops.bitwise_and(whole, ops.convert_to_tensor([1 << k for k in range(num_classes)], "int32")), 0)
    return counted, ops.cast(planes, "float32") * counted
