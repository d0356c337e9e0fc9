"""The one confusion matrix, and dice, IoU, precision and the like from it.

Every part of maskmill that speaks of quality counts with these functions: training, search, evaluation, gate.

Exclusive classes (uint8 ids) have one matrix over all classes, int64 (K, K). Overlapping ones (uint16, a bit a class) have one
matrix a class over "not there" and "there", int64 (K, 2, 2). Rows are the truth, columns the prediction. Every figure is a
function of either: those of one class come from its 2 x 2 matrix against the rest (`class_matrices`), which both kinds have.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskmill.labels.bits import LabelMask
from maskmill.labels.classes import find_void

PIECE = 2**22  # pixels counted at once: 16 bytes each, where a whole scene would take gigabytes


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
    matrix = np.zeros((num_classes, 2, 2) if has_bits else (num_classes, num_classes), np.int64)
    true, predicted = truth.reshape(-1), prediction.reshape(-1)
    for start in range(0, true.size, PIECE):
        piece = slice(start, start + PIECE)
        matrix += _count_piece(true[piece], predicted[piece], num_classes)
    return matrix


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
    return ratio(2 * right, 2 * right + wrong)


def iou_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class: TP / (TP + FP + FN); NaN for a class in neither truth nor prediction."""
    right, wrong = _right_and_wrong(matrix)
    return ratio(right, right + wrong)


def precision_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of the pixels predicted as each class that is right: TP / (TP + FP); NaN for a class never predicted."""
    binary = class_matrices(matrix)
    return ratio(binary[:, 1, 1], binary[:, :, 1].sum(axis=-1))


def true_positive_rate_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each class's true pixels that is found (recall): TP / (TP + FN); NaN for a class not in the truth."""
    return ratio(class_matrices(matrix)[:, 1, 1], pixels_per_class(matrix))


def binary_accuracy_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of all pixels that is right where each class stands against the rest: (TP + TN) / all.

    NaN for a class in neither truth nor prediction, though all of its pixels are right.
    """
    binary = class_matrices(matrix)
    accuracy = ratio(np.trace(binary, axis1=1, axis2=2), binary.sum(axis=(1, 2)))
    return np.where(_find_present(binary), accuracy, np.nan)


def pixels_per_class(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each class's true pixels, int64 (K,)."""
    return class_matrices(matrix)[:, 1].sum(axis=-1)


def overall_accuracy(matrix: NDArray[np.int64]) -> float:
    """The part of what is counted that is right: of pixels, or of a bit a pixel and class; NaN when nothing is counted."""
    return float(ratio(np.trace(matrix, axis1=-2, axis2=-1).sum(), matrix.sum()))


def headline_dice(matrix: NDArray[np.int64]) -> float:
    """One dice of all classes, as `headline_figure` has it."""
    return headline_figure(matrix, dice_per_class(matrix))


def headline_iou(matrix: NDArray[np.int64]) -> float:
    """One IoU of all classes, as `headline_figure` has it."""
    return headline_figure(matrix, iou_per_class(matrix))


def headline_figure(matrix: NDArray[np.int64], per_class: NDArray[np.float64]) -> float:
    """One figure from those of each class: see `headline`; of overlapping ones always the mean, as none is the others' background.

    Args:
        matrix: the matrix of these classes, which says whether they overlap.
        per_class: float64 (K,), NaN for absent classes.
    """
    return mean_present(per_class) if overlaps(matrix) else headline(per_class)


def headline(per_class: NDArray[np.float64]) -> float:
    """One figure from exclusive classes': the foreground class (id 1) of two, else the mean over present classes."""
    return float(per_class[1]) if per_class.size == 2 else mean_present(per_class)


def mean_present(per_class: NDArray[np.float64]) -> float:
    """The mean over the classes that have a figure; NaN where none has."""
    return float(np.nanmean(per_class)) if not np.isnan(per_class).all() else float("nan")


FIGURES: dict[str, Callable[[NDArray[np.int64]], NDArray[np.float64]]] = {
    "dice": dice_per_class,
    "iou": iou_per_class,
    "precision": precision_per_class,
    "true_positive_rate": true_positive_rate_per_class,
    "binary_accuracy": binary_accuracy_per_class,
}


def summarise(matrix: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """Put a confusion matrix into the figures that maskmill reports.

    Args:
        matrix: int64 (K, K) or (K, 2, 2), rows truth, columns prediction.
        names: the K class names in id order.

    Returns:
        `accuracy` (overall); each of FIGURES, as the headline by its own name, as the mean over the classes that have it by
        `macro_...`, and of all present classes' pixels together by `micro_...`; and `classes`: name to each of FIGURES and pixels
        (int, true ones). Figures of absent classes are NaN.
    """
    binary = class_matrices(matrix)
    together = binary[_find_present(binary)].sum(axis=0, keepdims=True)  # (1, 2, 2)
    per_class = {figure: compute(matrix) for figure, compute in FIGURES.items()}
    pixels = pixels_per_class(matrix)
    return {
        "accuracy": overall_accuracy(matrix),
        **{figure: headline_figure(matrix, values) for figure, values in per_class.items()},
        **{f"macro_{figure}": mean_present(values) for figure, values in per_class.items()},
        **{f"micro_{figure}": float(compute(together)[0]) for figure, compute in FIGURES.items()},
        "classes": {
            name: {**{figure: float(values[k]) for figure, values in per_class.items()}, "pixels": int(pixels[k])}
            for k, name in enumerate(names)
        },
    }


def ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide counts; NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, np.float64) / np.asarray(denominator, np.float64)


def _count_piece(truth: LabelMask, prediction: LabelMask, num_classes: int) -> NDArray[np.int64]:
    """Count some pixels, (N,), as `confusion_matrix` does."""
    counted = ~find_void(truth)
    true, predicted = truth[counted], prediction[counted]
    has_bits = truth.dtype == np.uint16
    for what, values in (("truth", true), ("prediction", predicted)):
        highest = (int(values.max()).bit_length() - 1 if has_bits else int(values.max())) if values.size else 0
        if highest >= num_classes:
            raise ValueError(f"{what} holds id {highest}, classes are 0 to {num_classes - 1}")
    if not has_bits:
        return _count_pairs(true, predicted, num_classes)
    return np.stack([_count_pairs(true >> k & 1, predicted >> k & 1, 2) for k in range(num_classes)])


def _find_present(binary: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which classes are in truth or prediction, bool (K,), from int64 (K, 2, 2)."""
    return binary.reshape(-1, 4)[:, 1:].sum(axis=1) > 0


def _count_pairs(true: NDArray[Any], predicted: NDArray[Any], num_values: int) -> NDArray[np.int64]:
    pairs = np.bincount(true.astype(np.int64) * num_values + predicted, minlength=num_values**2)
    return pairs.reshape(num_values, num_values)


def _right_and_wrong(matrix: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each class's TP and FP + FN, int64 (K,)."""
    binary = class_matrices(matrix)
    return binary[:, 1, 1], binary[:, 0, 1] + binary[:, 1, 0]
