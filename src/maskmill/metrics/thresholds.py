"""The probability from which a pixel is of a class, chosen so that the dice over counted pixels is highest."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 1000  # of probability: thresholds are their edges, 0.001 to 0.999
EDGES = np.arange(1, BINS) / BINS


def log_odds(probability: ArrayLike) -> NDArray[np.float32]:
    """Return the logits whose sigmoid is a probability above 0 and below 1: a pixel of a logit above is of the class."""
    probabilities = np.asarray(probability, np.float64)
    return np.log(probabilities / (1.0 - probabilities)).astype(np.float32)


def count_logits(logits: NDArray[np.float32], truth: NDArray[np.bool_], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count pixels by the bin of their probability; counts of several pictures add up.

    Args:
        logits: float32 (..., K), each class's against its absence.
        truth: bool (..., K), where each class is.
        counted: bool (...), False for void.

    Returns:
        int64 (K, 2, BINS): of each class, the pixels where it is not and those where it is; bin b has the probabilities above
        b / BINS, up to (b + 1) / BINS.
    """
    edges = log_odds(EDGES)
    bins = np.searchsorted(edges, logits[counted], side="left")  # (N, K), the number of edges below each logit
    numbers = (truth[counted] * BINS + bins).T
    return np.stack([np.bincount(plane, minlength=2 * BINS).reshape(2, BINS) for plane in numbers]).astype(np.int64)


def pick_thresholds(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each class's threshold of the highest dice, the one nearest to 0.5 of equals; 0.5 for a class that is nowhere.

    Args:
        counts: int64 (K, 2, BINS), as `count_logits` counts.

    Returns:
        float64 (K,): of the class are the pixels of a probability above.
    """
    above = counts[:, :, ::-1].cumsum(axis=-1)[:, :, ::-1][:, :, 1:]  # (K, 2, BINS - 1): not there and there, above each edge
    true = counts[:, 1].sum(axis=-1, keepdims=True)  # (K, 1)
    dice = 2.0 * above[:, 1] / np.maximum(above.sum(axis=1) + true, 1)
    distance = np.abs(np.arange(1, BINS) - BINS // 2)
    best = dice == dice.max(axis=-1, keepdims=True)
    chosen = EDGES[np.where(best, distance, BINS).argmin(axis=-1)]
    return np.where(true[:, 0] > 0, chosen, 0.5)
