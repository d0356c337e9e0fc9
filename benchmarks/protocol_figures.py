"""The figures that published protocols report, each a function of pixels counted by truth and prediction; no benchmark by itself.

`counts` are int64 (..., K + 1, K): rows are the truth, the last one void, columns the prediction. `matrices` are square, as
maskmill's own, with void left out or given to a class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskmill.metrics import (
    VOID,
    class_matrices,
    confusion_matrix,
    dice_per_class,
    mean_present,
    overall_accuracy,
    ratio,
    summarise,
)
from maskmill.scaling import resize_label_mask

REDUCED = (28, 28)
BATCH = 8  # pictures
SMOOTHING = 1.0
CLEAN = ("macro_dice", "macro_iou")

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PartCounts:
    """The pixels of one part by truth and prediction.

    Attributes:
        counts: int64 (N, K + 1, K), of each picture; the last row is void in the truth.
        reduced: int64 (N, K, K), of each picture after both masks were reduced, void left out.
    """

    counts: Counts
    reduced: Counts

    @property
    def matrix(self) -> Counts:
        """The confusion matrix of the whole part, void left out, int64 (K, K)."""
        return leave_void_out(self.counts.sum(axis=0))


def describe_part(part: PartCounts, constant: int) -> dict[str, float]:
    """Return every figure of a part by its name, the clean ones first.

    Args:
        part: its pixels.
        constant: the class that the constant prediction has.
    """
    pictures, together, reduced = part.counts, part.counts.sum(axis=0), part.reduced.sum(axis=0)
    matrix, blind = part.matrix, predict_constant(part.matrix, constant)
    summary = summarise(matrix, [str(k) for k in range(len(matrix))])
    figures = {
        **{name: summary[name] for name in CLEAN},
        "accuracy": overall_accuracy(matrix),
        "constant_accuracy": overall_accuracy(blind),
        "constant_macro_dice": mean_present(dice_per_class(blind)),
        "micro_iou": float(micro_iou(matrix)),
        "micro_iou_void_own_class": float(micro_iou(make_void_a_class(together))),
        "micro_iou_void_as_class_0": float(micro_iou(give_void_to(together, 0))),
        "micro_iou_class_0_left_out": micro_iou_class_0_left_out(together),
        "imagewise_micro_iou": mean_over_pictures(micro_iou(leave_void_out(pictures))),
        "imagewise_micro_iou_void_own_class": mean_over_pictures(micro_iou(make_void_a_class(pictures))),
        "imagewise_micro_iou_void_as_class_0": mean_over_pictures(micro_iou(give_void_to(pictures, 0))),
    }
    if len(matrix) == 2:
        figures |= {
            "foreground_iou": float(foreground_iou(matrix)),
            "foreground_iou_void_as_foreground": float(foreground_iou(give_void_to(together, 1))),
            "imagewise_foreground_iou": mean_over_pictures(foreground_iou(leave_void_out(pictures))),
            "imagewise_foreground_iou_void_as_foreground": mean_over_pictures(foreground_iou(give_void_to(pictures, 1))),
        }
    return figures | {
        "dice_at_28": mean_present(dice_per_class(reduced)),
        "accuracy_at_28": overall_accuracy(reduced),
        "batch_dice": batch_dice(leave_void_out(pictures)),
        "binary_accuracy": float(one_hot_accuracy(matrix).mean()),
    }


def count_with_void(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], num_classes: int) -> Counts:
    """Count pixels by truth and prediction with void as a last row, int64 (K + 1, K)."""
    void_as_last = np.where(truth == VOID, num_classes, truth).astype(np.uint8)
    return confusion_matrix(void_as_last, prediction, num_classes + 1)[:, :num_classes]


def count_reduced(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], num_classes: int) -> Counts:
    """Count pixels by truth and prediction, void left out, after both were reduced to 28 x 28 by nearest pixel, int64 (K, K)."""
    return confusion_matrix(resize_label_mask(truth, REDUCED), resize_label_mask(prediction, REDUCED), num_classes)


def leave_void_out(counts: Counts) -> Counts:
    """Return (..., K, K) of counts (..., K + 1, K)."""
    return counts[..., :-1, :]


def make_void_a_class(counts: Counts) -> Counts:
    """Return (..., K + 1, K + 1) of counts (..., K + 1, K): void is a class of the truth that is never predicted."""
    return np.pad(counts, [(0, 0)] * (counts.ndim - 1) + [(0, 1)])


def give_void_to(counts: Counts, class_id: int) -> Counts:
    """Return (..., K, K) of counts (..., K + 1, K): void in the truth becomes a class."""
    given = counts[..., :-1, :].copy()
    given[..., class_id, :] += counts[..., -1, :]
    return given


def micro_iou(matrices: Counts) -> NDArray[np.float64]:
    """Return the IoU of all classes' pixels together, of matrices (..., K, K).

    A wrong pixel counts twice: it is missing from one class, and too many in another.
    """
    right, total = np.trace(matrices, axis1=-2, axis2=-1), matrices.sum(axis=(-2, -1))
    return ratio(right, 2 * total - right)


def micro_iou_class_0_left_out(counts: Counts) -> float:
    """Return the micro IoU over classes from 1 on, void one of them, of the pixels that are not class 0 in truth.

    What a model paints over class 0 costs it nothing.

    Args:
        counts: int64 (K + 1, K).
    """
    kept = make_void_a_class(counts)[1:]
    right = np.trace(kept[:, 1:])
    false_negatives, false_positives = kept.sum() - right, kept[:, 1:].sum() - right
    return float(ratio(right, right + false_negatives + false_positives))


def foreground_iou(matrices: Counts) -> NDArray[np.float64]:
    """Return the IoU of class 1 of two, of matrices (..., 2, 2)."""
    return ratio(matrices[..., 1, 1], matrices.sum(axis=(-2, -1)) - matrices[..., 0, 0])


def mean_over_pictures(values: NDArray[np.float64]) -> float:
    """Return the mean of what each picture has, 1 for one without anything to count."""
    return float(np.nan_to_num(values, nan=1.0).mean())


def batch_dice(matrices: Counts) -> float:
    """Return the mean over batches of pictures, and within each over classes, of the dice with smoothing, of matrices (N, K, K)."""
    starts = range(0, len(matrices), BATCH)
    binary = np.stack([class_matrices(matrices[start : start + BATCH].sum(axis=0)) for start in starts])  # (batches, K, 2, 2)
    right, wrong = 2 * binary[..., 1, 1], binary[..., 0, 1] + binary[..., 1, 0]
    return float(((right + SMOOTHING) / (right + wrong + SMOOTHING)).mean())


def one_hot_accuracy(matrix: Counts) -> NDArray[np.float64]:
    """Return the part of the pixels where each class's one-hot plane is right, (K,), absent classes among them."""
    binary = class_matrices(matrix)
    return ratio(np.trace(binary, axis1=1, axis2=2), binary.sum(axis=(1, 2)))


def predict_constant(matrix: Counts, class_id: int) -> Counts:
    """Return the matrix (K, K) that the same truth has where all pixels are predicted as one class."""
    constant = np.zeros_like(matrix)
    constant[:, class_id] = matrix.sum(axis=1)
    return constant


def measure_void(counts: Counts) -> float:
    """Return the part of all pixels that is void in the truth, of counts (N, K + 1, K)."""
    return float(ratio(counts[:, -1].sum(), counts.sum()))
