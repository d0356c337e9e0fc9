"""Boundary F1: how many of the pixels on a class's outline lie within a tolerance of the other mask's outline.

A pixel is on the outline of a class where it is of the class and one of its four neighbours is not. The picture's edge and void
are no outline: what lies beyond is unknown. A prediction is void where the truth is.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.labels.bits import LabelMask
from maskmill.labels.classes import find_void
from maskmill.metrics.confusion import ratio

STRIP = 2**22  # pixels looked at once, some ten bytes each: a large scene takes no more than a small one
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
Plane = NDArray[np.uint8]  # (H, W) of 0 and 1


def count_boundaries(truth: LabelMask, prediction: LabelMask, num_classes: int, *, tolerance: int) -> NDArray[np.int64]:
    """Count outline pixels and those with a counterpart; counts of several pictures add up.

    Args:
        truth: uint8 (H, W) ids, 255 = void; or uint16 (H, W) bits, bit 15 = void.
        prediction: ids or bits, of the same shape and type.
        num_classes: number of classes, void not among them.
        tolerance: the distance, between the centres of pixels, up to which an outline pixel of the other mask is a counterpart.

    Returns:
        int64 (num_classes, 2, 2): of each class, in prediction and in truth, the outline pixels with a counterpart and all of them.

    Raises:
        ValueError: shapes differ, or ids meet bits.

    Source:
        Csurka, Larlus, Perronnin: What is a good evaluation measure for semantic segmentation? (BMVC 2013).
    """
    if truth.shape != prediction.shape or truth.dtype != prediction.dtype:
        raise ValueError(f"truth {truth.dtype} {truth.shape} and prediction {prediction.dtype} {prediction.shape} differ")
    height, width = truth.shape
    halo = tolerance + 1  # rows around a strip that its counts depend on: counterparts, and their neighbours
    rows = max(2 * halo, STRIP // max(width, 1))
    counts = np.zeros((num_classes, 2, 2), np.int64)
    for top in range(0, height, rows):
        first = max(top - halo, 0)
        around = slice(first, top + rows + halo)
        counts += _count_strip(truth[around], prediction[around], num_classes, slice(top - first, top - first + rows), tolerance)
    return counts


def boundary_scores(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each class's precision, recall and F1, float64 (K, 3).

    Precision is NaN for a class without a predicted outline, recall for one without a true one. F1 is NaN for a class with
    neither, and 0 for one with either alone.

    Args:
        counts: what `count_boundaries` counts.
    """
    precision, recall = ratio(counts[:, :, 0], counts[:, :, 1]).T
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2.0 * precision * recall / (precision + recall))
    return np.stack([precision, recall, np.where(counts[:, :, 1].any(axis=1), f1, np.nan)], axis=1)


def boundary_f1_per_class(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each class's boundary F1, float64 (K,), as `boundary_scores` has it."""
    return boundary_scores(counts)[:, 2]


def _count_strip(truth: LabelMask, prediction: LabelMask, num_classes: int, inner: slice, tolerance: int) -> NDArray[np.int64]:
    """Count the outline pixels in the inner rows of a strip."""
    counted = (~find_void(truth)).view(np.uint8)
    disk = _build_disk(tolerance)
    counts = np.zeros((num_classes, 2, 2), np.int64)
    for k in range(num_classes):
        predicted, true = (_find_outline(_find_class(mask, k) & counted, counted) for mask in (prediction, truth))
        for side, (outline, other) in enumerate(((predicted, true), (true, predicted))):
            if outline[inner].any():
                near = np.asarray(cv2.dilate(other, disk), np.uint8)
                counts[k, side] = np.count_nonzero((outline & near)[inner]), np.count_nonzero(outline[inner])
    return counts


def _find_class(mask: LabelMask, k: int) -> Plane:
    return (mask == k).view(np.uint8) if mask.dtype == np.uint8 else (mask >> np.uint16(k) & 1).astype(np.uint8)


def _find_outline(there: Plane, counted: Plane) -> Plane:
    """Return the class's pixels beside a counted one that is not of it; beyond the picture OpenCV takes nothing to be."""
    return there & np.asarray(cv2.dilate(counted & ~there, CROSS), np.uint8)


def _build_disk(radius: int) -> Plane:
    offsets = np.arange(-radius, radius + 1)
    return (offsets[:, np.newaxis] ** 2 + offsets**2 <= radius**2).astype(np.uint8)
