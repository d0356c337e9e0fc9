"""Losses of single pixels: cross-entropies and focal losses, means over all pixels that are not void.

Those of exclusive classes take masks and logits, and weigh a pixel by its true class. Those of planes ask of every class whether it
is there, and weigh the classes' means.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

from maskmill.training.planes import OVER_PIXELS, SMALL, Planes, split_void

Weights = Sequence[float] | None
NOWHERE = -1e30  # the logit of a class that is left out of a sum of exponentials


def cross_entropy(masks: Any, logits: Any, class_weights: Weights = None, label_smoothing: float = 0.0) -> Any:
    """Mean cross-entropy of exclusive classes.

    Args:
        masks: (B, H, W) class ids of any numeric dtype, 255 = void.
        logits: (B, H, W, K).
        class_weights: how much a pixel of each true class counts in the mean, K of them; None: all the same.
        label_smoothing: the part of a pixel's label that is spread evenly over all K classes, 0..1.

    Returns:
        float32 scalar; 0 when every pixel is void.
    """
    logits = ops.cast(logits, "float32")
    counted, ids = split_void(masks)  # both (B, H, W)
    entropy = ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)  # (B, H, W)
    if label_smoothing:
        of_all = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)  # the mean of the K classes' entropies
        entropy = (1.0 - label_smoothing) * entropy + label_smoothing * of_all
    return _mean_of_pixels(entropy, counted, ids, class_weights)


def focal(masks: Any, logits: Any, class_weights: Weights = None, gamma: float = 2.0) -> Any:
    """Mean focal loss of exclusive classes: the cross-entropy times (1 - p of the true class) ** gamma.

    Args:
        masks, logits, class_weights: as `cross_entropy`.
        gamma: 0 gives the cross-entropy.

    Source: Lin, Goyal, Girshick, He and Dollar, Focal loss for dense object detection, 2017, section 3 (its alpha is our
        class weights; here a mean over pixels).
    """
    counted, ids = split_void(masks)
    entropy = ops.sparse_categorical_crossentropy(ids, ops.cast(logits, "float32"), from_logits=True)
    return _mean_of_pixels(_focus(entropy, gamma), counted, ids, class_weights)


def binary_cross_entropy(planes: Planes, class_weights: Weights = None, label_smoothing: float = 0.0) -> Any:
    """Mean over the planes of their sigmoid cross-entropies, each a mean over the pixels that are not void.

    Args:
        planes: truth and logits.
        class_weights: how much each plane counts in the mean, P of them; None: all the same.
        label_smoothing: the part of each answer that is spread over yes and no.

    Returns:
        float32 scalar; 0 when every pixel is void.
    """
    return _mean_of_planes(_answer(planes.logits, _smooth(planes.truth, label_smoothing)), planes.counted, class_weights)


def binary_focal(planes: Planes, class_weights: Weights = None, gamma: float = 2.0) -> Any:
    """Mean over the planes of their focal losses, see `focal` and `binary_cross_entropy`."""
    return _mean_of_planes(_focus(_answer(planes.logits, planes.truth), gamma), planes.counted, class_weights)


def one_versus_rest(planes: Planes, class_weights: Weights = None, label_smoothing: float = 0.0) -> Any:
    """Binary cross-entropy of the softmax probabilities, each class against all others.

    The arguments are those of `binary_cross_entropy`. log(1 - p) has to stay exact for p near 1: only the highest logit can have
    a p above a half, and its 1 - p is the sum of the others'.
    """
    logits = planes.logits
    total = ops.logsumexp(logits, axis=-1, keepdims=True)  # (B, H, W, 1)
    yes = logits - total  # log p, (B, H, W, K)
    is_highest = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1], dtype="float32") > 0
    others = ops.logsumexp(ops.where(is_highest, NOWHERE, logits), axis=-1, keepdims=True)  # (B, H, W, 1)
    no = ops.where(is_highest, others - total, ops.log1p(-ops.minimum(ops.exp(yes), 0.5)))  # log(1 - p)
    truth = _smooth(planes.truth, label_smoothing)
    return _mean_of_planes(-(truth * yes + (1.0 - truth) * no), planes.counted, class_weights)


def _answer(logits: Any, truth: Any) -> Any:
    """Return the sigmoid cross-entropy of each pixel and plane: log(1 + e^x) - t x, which no large logit overflows."""
    return ops.softplus(logits) - truth * logits


def _smooth(truth: Any, label_smoothing: float) -> Any:
    return truth * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else truth


def _focus(entropy: Any, gamma: float) -> Any:
    """Return entropies times (1 - p) ** gamma, where p = e^-entropy."""
    missing = ops.maximum(-ops.expm1(-entropy), SMALL)  # at 0 a power below 1 has no finite slope
    return ops.power(missing, gamma) * entropy


def _mean_of_pixels(losses: Any, counted: Any, ids: Any, class_weights: Weights) -> Any:
    """Return the mean of (B, H, W) losses, each weighed by its true class."""
    weight = counted
    if class_weights is not None:
        weight = weight * ops.take(ops.convert_to_tensor(class_weights, "float32"), ids)
    return ops.sum(losses * weight) / ops.maximum(ops.sum(weight), SMALL)


def _mean_of_planes(losses: Any, counted: Any, class_weights: Weights) -> Any:
    """Return the weighted mean over the planes of the means of (B, H, W, P) losses over the pixels that count."""
    per_plane = ops.sum(losses * counted, axis=OVER_PIXELS) / ops.maximum(ops.sum(counted), SMALL)  # (P,)
    if class_weights is None:
        return ops.mean(per_plane)
    weight = ops.convert_to_tensor(class_weights, "float32")
    return ops.sum(per_plane * weight) / ops.maximum(ops.sum(weight), SMALL)
