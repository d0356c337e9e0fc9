"""What a model's last layer tells apart: one of the classes, the foreground or not, or each class by itself."""

from typing import Literal

from maskmill.errors import ParamsError
from maskmill.labels.bits import Labels

# softmax: exclusive classes, a logit each. sigmoid: two exclusive classes, one logit, that of the foreground (id 1), beside a
# constant 0 for the background. sigmoids: overlapping classes, a logit each.
Head = Literal["softmax", "sigmoid", "sigmoids"]


def choose_head(setting: Literal["auto", "softmax", "sigmoid"], labels: Labels, num_classes: int) -> Head:
    """Return the head that a setting means for a data set.

    Args:
        setting: train.head.
        labels: whether a pixel has one class or any number of them.
        num_classes: void not among them.

    Raises:
        ParamsError: the setting does not go with the labels.
    """
    if labels == "overlapping":
        if setting == "softmax":
            raise ParamsError(
                "train.head is softmax, which gives each pixel one class, but encode.labels is overlapping",
                fix="set train.head to auto, or encode.labels to exclusive",
            )
        return "sigmoids"
    if setting != "sigmoid":
        return "softmax"
    if num_classes != 2:
        raise ParamsError(
            f"train.head is sigmoid, which tells one class from the background, but there are {num_classes} exclusive classes",
            expected="two classes",
            fix="set train.head to auto, or encode.labels to overlapping",
        )
    return "sigmoid"


def count_planes(head: Head, num_classes: int) -> int:
    """Return how many logits a head learns for each pixel."""
    return 1 if head == "sigmoid" else num_classes
