"""Losses on logits: cross-entropy and soft dice, of exclusive and of overlapping classes, void left out of all."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from maskmill.labels.classes import VOID
from maskmill.labels.heads import Head
from maskmill.metrics.streaming import split_bits

Weights = Sequence[float] | None
SMALL = 1e-6  # in place of a sum of weights or pixels that is 0


def cross_entropy(masks: keras.KerasTensor, logits: keras.KerasTensor, class_weights: Weights = None) -> keras.KerasTensor:
    """Mean cross-entropy over the pixels that are not void.

    Args:
        masks: (B, H, W) class ids of any numeric dtype, 255 = void.
        logits: float32 (B, H, W, K).
        class_weights: how much a pixel of each true class counts in the mean, K of them; None: all the same.

    Returns:
        float32 scalar; 0 when every pixel is void.
    """
    weight, ids = _split_void(masks)  # both (B, H, W)
    if class_weights is not None:
        weight = weight * ops.take(ops.convert_to_tensor(class_weights, "float32"), ids)
    per_pixel = ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)  # (B, H, W)
    return ops.sum(per_pixel * weight) / ops.maximum(ops.sum(weight), SMALL)


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
    return _compare(truth, probabilities)


def binary_cross_entropy(masks: keras.KerasTensor, logits: keras.KerasTensor, class_weights: Weights = None) -> keras.KerasTensor:
    """Mean over the classes of their sigmoid cross-entropies, each a mean over the pixels that are not void.

    Args:
        masks: (B, H, W) bits of any numeric dtype, bit k for class k, bit 15 = void.
        logits: float32 (B, H, W, K).
        class_weights: how much each class counts in the mean, K of them; None: all the same.

    Returns:
        float32 scalar; 0 when every pixel is void.
    """
    counted, truth = split_bits(masks, logits.shape[-1])  # (B, H, W, 1), (B, H, W, K)
    # log(1 + e^x) - t x, which no large logit overflows
    per_bit = ops.softplus(logits) - truth * logits  # (B, H, W, K)
    over_pixels = (0, 1, 2)
    per_class = ops.sum(per_bit * counted, axis=over_pixels) / ops.maximum(ops.sum(counted), SMALL)  # (K,)
    if class_weights is None:
        return ops.mean(per_class)
    weight = ops.convert_to_tensor(class_weights, "float32")
    return ops.sum(per_class * weight) / ops.maximum(ops.sum(weight), SMALL)


def binary_soft_dice(masks: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """One minus the soft dice of sigmoids, a mean over the classes that occur in the batch's truth.

    Args:
        masks: (B, H, W) bits of any numeric dtype, bit k for class k, bit 15 = void.
        logits: float32 (B, H, W, K).

    Returns:
        float32 scalar in 0..1; 0 when no class is in a pixel that counts.
    """
    counted, truth = split_bits(masks, logits.shape[-1])
    return _compare(truth, ops.sigmoid(logits) * counted)


LOSSES: dict[Head, dict[str, Callable]] = {
    "softmax": {"cross_entropy": cross_entropy, "dice": soft_dice},
    "sigmoid": {"cross_entropy": cross_entropy, "dice": soft_dice},
    "sigmoids": {"cross_entropy": binary_cross_entropy, "dice": binary_soft_dice},
}
SUMS = {"ce_dice": {"cross_entropy": 1.0, "dice": 1.0}}


def build_loss(settings: Mapping[str, Any], head: Head, class_weights: Weights) -> keras.losses.Loss:
    """Return the loss that train settings ask for.

    Args:
        settings: the train section.
        head: what the model's last layer tells apart.
        class_weights: of the cross-entropies, K of them; None: all the same.
    """
    loss = settings["loss"]
    return WeightedSum(SUMS[loss] if isinstance(loss, str) else loss, head, class_weights)


@keras.saving.register_keras_serializable(package="maskmill")
class WeightedSum(keras.losses.Loss):
    """A sum of the losses in LOSSES, each with its weight.

    Args:
        weights: loss name to weight; a weight of 0 leaves that loss out.
        head: what the logits tell apart.
        class_weights: of the cross-entropy, K of them; None: all the same.
    """

    def __init__(
        self, weights: Mapping[str, float], head: Head = "softmax", class_weights: Weights = None, name: str = "loss"
    ) -> None:
        super().__init__(name=name)
        self.weights = {loss: float(weight) for loss, weight in weights.items() if weight}
        self.head = head
        self.class_weights = None if class_weights is None else [float(weight) for weight in class_weights]

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        losses = LOSSES[self.head]
        losses = losses | {"cross_entropy": partial(losses["cross_entropy"], class_weights=self.class_weights)}
        return sum(weight * losses[loss](y_true, y_pred) for loss, weight in self.weights.items())

    def get_config(self) -> dict:
        return {"weights": self.weights, "head": self.head, "class_weights": self.class_weights, "name": self.name}


def _compare(truth: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.KerasTensor:
    """Return one minus the soft dice of (B, H, W, K) planes that are 0 at void, a mean over the classes that occur in the truth."""
    over_pixels = (0, 1, 2)
    overlap = ops.sum(probabilities * truth, axis=over_pixels)  # (K,)
    true_pixels = ops.sum(truth, axis=over_pixels)  # (K,)
    total = ops.sum(probabilities, axis=over_pixels) + true_pixels
    present = ops.cast(true_pixels > 0, probabilities.dtype)
    loss = (1.0 - 2.0 * overlap / ops.maximum(total, SMALL)) * present
    return ops.sum(loss) / ops.maximum(ops.sum(present), 1.0)


def _split_void(masks: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return float32 (B, H, W), 1 where a pixel counts, and int32 (B, H, W) ids with 0 in place of void."""
    ids = ops.cast(masks, "int32")
    counts = ids != VOID
    return ops.cast(counts, "float32"), ops.where(counts, ids, 0)
