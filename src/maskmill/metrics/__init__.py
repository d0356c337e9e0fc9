"""How well a prediction agrees with the truth."""

from maskmill.metrics.confusion import (
    VOID,
    accuracy_per_class,
    confusion_matrix,
    dice_per_class,
    headline,
    iou_per_class,
    overall_accuracy,
    summarise,
)

__all__ = [
    "VOID",
    "accuracy_per_class",
    "confusion_matrix",
    "dice_per_class",
    "headline",
    "iou_per_class",
    "overall_accuracy",
    "summarise",
]
