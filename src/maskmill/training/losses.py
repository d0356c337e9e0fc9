"""Losses on logits: cross-entropy and soft dice, void left out of both."""

import keras
from keras import ops

from maskmill.metrics import VOID


def cross_entropy(masks: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Mean cross-entropy over the pixels that are not void.

    Args:
        masks: (B, H, W) class ids of any numeric dtype, 255 = void.
        logits: float32 (B, H, W, K).

    Returns:
        float32 scalar; 0 when every pixel is void.
    """
    counted, ids = _split_void(masks)  # both (B, H, W)
    per_pixel = ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)  # (B, H, W)
    return ops.sum(per_pixel * counted) / ops.maximum(ops.sum(counted), 1.0)


def soft_dice(masks: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """One minus the soft dice, a mean over the classes that occur in the batch's truth.

    Args:
        masks: (B, H, W) class ids of any numeric dtype, 255 = void.
        logits: float32 (B, H, W, K).

    Returns:
        float32 scalar in 0..1; 0 when every pixel is void.

    Source: Milletari, Navab and Ahmadi, V-Net, 2016, section 3 (here without the squares, over the whole batch).
    """
    counted, ids = _split_void(masks)
    weight = ops.expand_dims(counted, -1)  # (B, H, W, 1)
    probabilities = ops.softmax(logits, axis=-1) * weight  # (B, H, W, K)
    truth = ops.one_hot(ids, logits.shape[-1], dtype=logits.dtype) * weight  # (B, H, W, K)
    over_pixels = (0, 1, 2)
    overlap = ops.sum(probabilities * truth, axis=over_pixels)  # (K,)
    true_pixels = ops.sum(truth, axis=over_pixels)  # (K,)
    total = ops.sum(probabilities, axis=over_pixels) + true_pixels
    present = ops.cast(true_pixels > 0, logits.dtype)
    loss = (1.0 - 2.0 * overlap / ops.maximum(total, 1e-6)) * present
    return ops.sum(loss) / ops.maximum(ops.sum(present), 1.0)


LOSSES = {"cross_entropy": cross_entropy, "dice": soft_dice}


@keras.saving.register_keras_serializable(package="maskmill")
class WeightedSum(keras.losses.Loss):
    """A sum of the losses in LOSSES, each with its weight.

    Args:
        weights: loss name to weight; a weight of 0 leaves that loss out.
    """

    def __init__(self, weights: dict[str, float], name: str = "loss") -> None:
        super().__init__(name=name)
        self.weights = {loss: float(weight) for loss, weight in weights.items() if weight}

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        return sum(weight * LOSSES[loss](y_true, y_pred) for loss, weight in self.weights.items())

    def get_config(self) -> dict:
        return {"weights": self.weights, "name": self.name}


def _split_void(masks: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return float32 (B, H, W), 1 where a pixel counts, and int32 (B, H, W) ids with 0 in place of void."""
    ids = ops.cast(masks, "int32")
    counts = ids != VOID
    return ops.cast(counts, "float32"), ops.where(counts, ids, 0)
