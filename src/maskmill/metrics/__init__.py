"""How well a prediction agrees with the truth."""

from maskmill.labels.classes import VOID
from maskmill.metrics.confusion import (
    FIGURES,
    binary_accuracy_per_class,
    class_matrices,
    confusion_matrix,
    dice_per_class,
    headline,
    headline_dice,
    headline_figure,
    headline_iou,
    iou_per_class,
    mean_present,
    overall_accuracy,
    overlaps,
    precision_per_class,
    ratio,
    summarise,
    true_positive_rate_per_class,
)

__all__ = [
    "FIGURES",
    "VOID",
    "binary_accuracy_per_class",
    "class_matrices",
    "confusion_matrix",
    "dice_per_class",
    "headline",
    "headline_dice",
    "headline_figure",
    "headline_iou",
    "iou_per_class",
    "mean_present",
    "overall_accuracy",
    "overlaps",
    "precision_per_class",
    "ratio",
    "summarise",
    "true_positive_rate_per_class",
]
