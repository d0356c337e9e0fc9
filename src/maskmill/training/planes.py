"""Masks and logits as planes, one a class: where the class is, and where it is predicted. Losses of areas see nothing else."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from maskmill.labels.classes import VOID
from maskmill.labels.heads import Head
from maskmill.metrics.streaming import split_bits

SMALL = 1e-6  # in place of a sum of weights or pixels that is 0
OVER_PIXELS = (0, 1, 2)


class Planes(NamedTuple):
    """One batch, a plane a class; with the head `sigmoid` a single plane, the foreground's.

    Args:
        truth: float32 (B, H, W, P), 1 where the class is and the pixel counts, else 0.
        probabilities: float32 (B, H, W, P) in 0..1, 0 where the pixel does not count.
        logits: float32 (B, H, W, P).
        counted: float32 (B, H, W, 1), 0 where the pixel is void, else 1.
    """

    truth: Any
    probabilities: Any
    logits: Any
    counted: Any


def split_void(masks: Any) -> tuple[Any, Any]:
    """Return float32 (B, H, W), 1 where a pixel counts, and int32 (B, H, W) ids with 0 in place of void.

    Args:
        masks: (B, H, W) class ids of any numeric dtype, 255 = void.
    """
    ids = ops.cast(masks, "int32")
    counts = ids != VOID
    return ops.cast(counts, "float32"), ops.where(counts, ids, 0)


def softmax_planes(masks: Any, logits: Any) -> Planes:
    """Return a plane for each of the exclusive classes, with its softmax.

    Args:
        masks: (B, H, W) class ids of any numeric dtype, 255 = void.
        logits: (B, H, W, K).
    """
    counted, ids = split_void(masks)
    counted = ops.expand_dims(counted, -1)
    logits = ops.cast(logits, "float32")
    truth = ops.one_hot(ids, logits.shape[-1], dtype="float32") * counted
    return Planes(truth, ops.softmax(logits, axis=-1) * counted, logits, counted)


def sigmoid_planes(masks: Any, logits: Any) -> Planes:
    """Return the plane of the foreground, with its sigmoid.

    Args:
        masks: (B, H, W) ids of any numeric dtype, 0 = background, 1 = foreground, 255 = void.
        logits: (B, H, W, 2), the background's all 0.
    """
    counted, ids = split_void(masks)
    counted, ids = ops.expand_dims(counted, -1), ops.expand_dims(ids, -1)
    foreground = ops.cast(logits[..., 1:], "float32")
    return Planes(ops.cast(ids, "float32"), ops.sigmoid(foreground) * counted, foreground, counted)  # void's id is 0 here


def sigmoids_planes(masks: Any, logits: Any) -> Planes:
    """Return a plane for each of the overlapping classes, with its sigmoid.

    Args:
        masks: (B, H, W) bits of any numeric dtype, bit k for class k, bit 15 = void.
        logits: (B, H, W, K).
    """
    counted, truth = split_bits(masks, logits.shape[-1])
    logits = ops.cast(logits, "float32")
    return Planes(truth, ops.sigmoid(logits) * counted, logits, counted)


PLANES: dict[Head, Callable[[Any, Any], Planes]] = {
    "softmax": softmax_planes,
    "sigmoid": sigmoid_planes,
    "sigmoids": sigmoids_planes,
}


def mean_of_present(losses: Any, true_pixels: Any) -> Any:
    """Return the mean of the planes' losses over those whose truth has anything, 0 where none has.

    Args:
        losses: float32 (P,), finite, of the absent ones too.
        true_pixels: float32 (P,), what each plane's truth comes to.
    """
    present = ops.cast(true_pixels > 0, "float32")
    return ops.sum(losses * present) / ops.maximum(ops.sum(present), 1.0)
