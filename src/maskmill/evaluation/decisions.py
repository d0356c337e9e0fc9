"""What logits mean for either kind of labels: the probabilities that they stand for, and the mask that they decide for."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskmill.labels.bits import LabelMask, Labels
from maskmill.metrics.thresholds import log_odds

LEAST_PROBABILITY = 1e-7  # keeps the logarithm finite: interpolating between infinities gives NaN

Scores = NDArray[np.float32]  # (..., K)


@dataclass(frozen=True)
class Decision:
    """How a kind of labels comes out of a model.

    Attributes:
        squash: logits to probabilities.
        unsquash: probabilities to logits that `squash` turns into them.
        decide: the classes' logits, one plane (H, W) after the other, to a label mask (H, W).
    """

    squash: Callable[[Scores], Scores]
    unsquash: Callable[[Scores], Scores]
    decide: Callable[[Iterable[Scores]], LabelMask]


def spread_thresholds(chosen: Sequence[float], labels: Labels, num_classes: int) -> tuple[float, ...]:
    """Return the probability from which a pixel is of each class, K of them, or none where a half decides for all.

    Args:
        chosen: what a model's description says: none; one for each overlapping class; of two exclusive classes the foreground's.
        labels: whether a pixel has one class or any number of them.
        num_classes: K, void not among them.

    Raises:
        ValueError: another number of thresholds, or one that is no probability between 0 and 1.
    """
    thresholds = tuple(float(threshold) for threshold in chosen)
    if not thresholds:
        return ()
    if not all(0.0 < threshold < 1.0 for threshold in thresholds):
        raise ValueError(f"thresholds {thresholds} are not between 0 and 1")
    wanted = num_classes if labels == "overlapping" else 1
    if len(thresholds) != wanted or (labels == "exclusive" and num_classes != 2):
        raise ValueError(f"{len(thresholds)} thresholds do not go with {num_classes} {labels} classes")
    return (0.5,) * (num_classes - len(thresholds)) + thresholds


def lower_planes(planes: Iterable[Scores], thresholds: Sequence[float]) -> Iterator[Scores]:
    """Lower logits so that what decides at a probability of a half decides at each class's threshold.

    Args:
        planes: the K classes' logits, one plane (H, W) after the other.
        thresholds: the K classes' probabilities.
    """
    return (plane - log_odds(threshold) for plane, threshold in zip(planes, thresholds, strict=True))


def _softmax(logits: Scores) -> Scores:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _log(probabilities: Scores) -> Scores:
    return np.log(np.maximum(probabilities, LEAST_PROBABILITY))


def _pick_highest(planes: Iterable[Scores]) -> NDArray[np.uint8]:
    """Return uint8 ids of the highest logits, ties to the lowest id."""
    remaining = iter(planes)
    best = next(remaining)
    mask = np.zeros(best.shape, np.uint8)
    for k, plane in enumerate(remaining, start=1):
        mask[plane > best] = k
        best = np.maximum(best, plane)
    return mask


def _sigmoid(logits: Scores) -> Scores:
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * logits) + np.float32(1.0))  # unlike 1 / (1 + e^-x), it cannot overflow


def _log_odds(probabilities: Scores) -> Scores:
    bounded = np.clip(probabilities, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY, dtype=np.float32)
    return np.log(bounded / (1.0 - bounded))


def _set_bits(planes: Iterable[Scores]) -> NDArray[np.uint16]:
    """Return uint16 bits, each class's where its logit is above 0: where its probability is above a half."""
    return functools.reduce(np.bitwise_or, ((plane > 0.0).astype(np.uint16) << np.uint16(k) for k, plane in enumerate(planes)))


DECISIONS: dict[Labels, Decision] = {
    "exclusive": Decision(_softmax, _log, _pick_highest),
    "overlapping": Decision(_sigmoid, _log_odds, _set_bits),
}
