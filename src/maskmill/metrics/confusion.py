"""The one confusion matrix, and dice, IoU and accuracy from it.

Every part of maskmill that speaks of quality counts with these functions: training, search, evaluation, gate.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOID = 255


def confusion_matrix(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """Count pixels by true and predicted class, void left out.

    Args:
        truth: uint8 ids of any shape; 255 is void and not counted.
        prediction: uint8 ids of the same shape, 0 to num_classes - 1.
        num_classes: number of classes, void not among them.

    Returns:
        int64 (num_classes, num_classes): rows are the truth, columns the prediction.

    Raises:
        ValueError: shapes differ, or an id is neither a class nor (in the truth) void.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    counted = truth != VOID
    true_ids = truth[counted].astype(np.int64)
    predicted_ids = prediction[counted].astype(np.int64)
    for what, ids in (("truth", true_ids), ("prediction", predicted_ids)):
        if ids.size and ids.max() >= num_classes:
            raise ValueError(f"{what} holds id {ids.max()}, classes are 0 to {num_classes - 1}")
    pairs = np.bincount(true_ids * num_classes + predicted_ids, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def dice_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Dice (F1) of each class: 2 TP / (2 TP + FP + FN); NaN for a class in neither truth nor prediction."""
    return _ratio(2 * np.diag(matrix), matrix.sum(axis=1) + matrix.sum(axis=0))


def iou_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class: TP / (TP + FP + FN); NaN for a class in neither truth nor prediction."""
    return _ratio(np.diag(matrix), matrix.sum(axis=1) + matrix.sum(axis=0) - np.diag(matrix))


def accuracy_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each true class's pixels that is predicted right (recall); NaN for a class not in the truth."""
    return _ratio(np.diag(matrix), matrix.sum(axis=1))


def overall_accuracy(matrix: NDArray[np.int64]) -> float:
    """The part of all counted pixels that is predicted right; NaN when none are counted."""
    return float(_ratio(np.trace(matrix), matrix.sum()))


def headline(per_class: NDArray[np.float64]) -> float:
    """One figure from per-class ones: the foreground class (id 1) of two-class sets, else the mean over present classes."""
    if per_class.size == 2:
        return float(per_class[1])
    return float(np.nanmean(per_class)) if not np.isnan(per_class).all() else float("nan")


def summarise(matrix: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """Put a confusion matrix into the figures that maskmill reports.

    Args:
        matrix: int64 (K, K), rows truth, columns prediction.
        names: the K class names in id order.

    Returns:
        `dice` and `iou` (headline), `accuracy` (overall), `micro_dice`, `micro_iou`, and `classes`: name to dice, iou,
        accuracy and pixels (int, true ones). Figures of absent classes are NaN.
    """
    dice, iou, accuracy = dice_per_class(matrix), iou_per_class(matrix), accuracy_per_class(matrix)
    correct, total = int(np.trace(matrix)), int(matrix.sum())
    return {
        "dice": headline(dice),
        "iou": headline(iou),
        "accuracy": overall_accuracy(matrix),
        "micro_dice": float(_ratio(np.array(correct), np.array(total))),
        "micro_iou": float(_ratio(np.array(correct), np.array(2 * total - correct))),
        "classes": {
            name: {
                "dice": float(dice[k]),
                "iou": float(iou[k]),
                "accuracy": float(accuracy[k]),
                "pixels": int(matrix[k].sum()),
            }
            for k, name in enumerate(names)
        },
    }


def _ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, np.float64) / np.asarray(denominator, np.float64)
