"""The one confusion matrix, and dice, IoU and accuracy from it.

Every part of maskmill that speaks of quality counts with these functions: training, search, evaluation, gate.

Exclusive classes (uint8 ids) have one matrix over all classes, int64 (K, K). Overlapping ones (uint16, a bit a class) have one
matrix a class over "not there" and "there", int64 (K, 2, 2). Rows are the truth, columns the prediction. Every figure is a
function of either: those of one class come from its 2 x 2 matrix against the rest (`class_matrices`), which both kinds have.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskmill.labels.bits import LabelMask
from maskmill.labels.classes import find_void


def confusion_matrix(truth: LabelMask, prediction: LabelMask, num_classes: int) -> NDArray[np.int64]:
    """Count pixels by truth and prediction, void left out.

    Args:
        truth: uint8 ids of any shape, 255 = void; or uint16 bits, bit 15 = void.
        prediction: ids 0 to num_classes - 1, or bits, of the same shape and type.
        num_classes: number of classes, void not among them.

    Returns:
        int64 (num_classes, num_classes) for ids; (num_classes, 2, 2) for bits, [[neither, only predicted], [only true, both]]
        for each class.

    Raises:
        ValueError: shapes differ, ids meet bits, or a value is neither a class nor (in the truth) void.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    has_bits = truth.dtype == np.uint16
    if has_bits != (prediction.dtype == np.uint16):
        raise ValueError(f"truth is {truth.dtype}, prediction {prediction.dtype}: uint8 holds ids, uint16 a bit a class")
    counted = ~find_void(truth)
    true, predicted = truth[counted], prediction[counted]
    for what, values in (("truth", true), ("prediction", predicted)):
        highest = (int(values.max()).bit_length() - 1 if has_bits else int(values.max())) if values.size else 0
        if highest >= num_classes:
            raise ValueError(f"{what} holds id {highest}, classes are 0 to {num_classes - 1}")
    if not has_bits:
        return _count_pairs(true, predicted, num_classes)
    return np.stack([_count_pairs(true >> k & 1, predicted >> k & 1, 2) for k in range(num_classes)])


def class_matrices(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each class against the rest: int64 (K, 2, 2), [[neither, only predicted], [only true, both]].

    Args:
        matrix: what `confusion_matrix` counts: int64 (K, K) or (K, 2, 2).
    """
    if overlaps(matrix):
        return matrix
    both = np.diag(matrix)
    true, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    neither = matrix.sum() - true - predicted + both
    return np.stack([neither, predicted - both, true - both, both], axis=-1).reshape(-1, 2, 2)


def overlaps(matrix: NDArray[np.int64]) -> bool:
    """Tell whether a matrix is that of overlapping classes."""
    return matrix.ndim == 3


def dice_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Dice (F1) of each class: 2 TP / (2 TP + FP + FN); NaN for a class in neither truth nor prediction."""
    right, wrong = _right_and_wrong(matrix)
    return _ratio(2 * right, 2 * right + wrong)


def iou_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class: TP / (TP + FP + FN); NaN for a class in neither truth nor prediction."""
    right, wrong = _right_and_wrong(matrix)
    return _ratio(right, right + wrong)


def accuracy_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each true class's pixels that is predicted right (recall); NaN for a class not in the truth."""
    return _ratio(_right_and_wrong(matrix)[0], pixels_per_class(matrix))


def pixels_per_class(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each class's true pixels, int64 (K,)."""
    return class_matrices(matrix)[:, 1].sum(axis=-1)


def overall_accuracy(matrix: NDArray[np.int64]) -> float:
    """The part of what is counted that is right: of pixels, or of a bit a pixel and class; NaN when nothing is counted."""
    return float(_ratio(np.trace(matrix, axis1=-2, axis2=-1).sum(), matrix.sum()))


def headline_dice(matrix: NDArray[np.int64]) -> float:
    """One dice of all classes: see `headline`; of overlapping ones always the mean, as none is the others' background."""
    dice = dice_per_class(matrix)
    return _mean_present(dice) if overlaps(matrix) else headline(dice)


def headline_iou(matrix: NDArray[np.int64]) -> float:
    """One IoU of all classes, like `headline_dice`."""
    iou = iou_per_class(matrix)
    return _mean_present(iou) if overlaps(matrix) else headline(iou)


def headline(per_class: NDArray[np.float64]) -> float:
    """One figure from exclusive classes': the foreground class (id 1) of two, else the mean over present classes."""
    return float(per_class[1]) if per_class.size == 2 else _mean_present(per_class)


def summarise(matrix: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """Put a confusion matrix into the figures that maskmill reports.

    Args:
        matrix: int64 (K, K) or (K, 2, 2), rows truth, columns prediction.
        names: the K class names in id order.

    Returns:
        `dice` and `iou` (headline), `accuracy` (overall), `micro_dice`, `micro_iou`, and `classes`: name to dice, iou,
        accuracy and pixels (int, true ones). Figures of absent classes are NaN.
    """
    dice, iou, accuracy = dice_per_class(matrix), iou_per_class(matrix), accuracy_per_class(matrix)
    pixels = pixels_per_class(matrix)
    right, wrong = (part.sum() for part in _right_and_wrong(matrix))
    return {
        "dice": headline_dice(matrix),
        "iou": headline_iou(matrix),
        "accuracy": overall_accuracy(matrix),
        "micro_dice": float(_ratio(2 * right, 2 * right + wrong)),
        "micro_iou": float(_ratio(right, right + wrong)),
        "classes": {
            name: {
                "dice": float(dice[k]),
                "iou": float(iou[k]),
                "accuracy": float(accuracy[k]),
                "pixels": int(pixels[k]),
            }
            for k, name in enumerate(names)
        },
    }


def _count_pairs(true: NDArray[Any], predicted: NDArray[Any], num_values: int) -> NDArray[np.int64]:
    pairs = np.bincount(true.astype(np.int64) * num_values + predicted, minlength=num_values**2)
    return pairs.reshape(num_values, num_values)


def _right_and_wrong(matrix: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each class's TP and FP + FN, int64 (K,)."""
    binary = class_matrices(matrix)
    return binary[:, 1, 1], binary[:, 0, 1] + binary[:, 1, 0]


def _mean_present(per_class: NDArray[np.float64]) -> float:
    return float(np.nanmean(per_class)) if not np.isnan(per_class).all() else float("nan")


def _ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, np.float64) / np.asarray(denominator, np.float64)
