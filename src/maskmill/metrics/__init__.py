"""How well a prediction agrees with the truth."""

from maskmill.labels.classes import VOID
from maskmill.metrics.confusion import (
    accuracy_per_class,
    class_matrices,
    confusion_matrix,
    dice_per_class,
    headline,
    headline_dice,
    headline_iou,
    iou_per_class,
    overall_accuracy,
    overlaps,
    summarise,
)

__all__ = [
    "VOID",
    "accuracy_per_class",
    "class_matrices",
    "confusion_matrix",
    "dice_per_class",
    "headline",
    "headline_dice",
    "headline_iou",
    "iou_per_class",
    "overall_accuracy",
    "overlaps",
    "summarise",
]
