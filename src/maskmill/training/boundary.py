"""The boundary loss: one minus a soft F1 of boundaries, those of the probabilities against those of the truth.

Source: Bokhovkin and Burnaev, Boundary Loss for Remote Sensing Imagery Semantic Segmentation, 2019 (there a picture at a time; here
over the whole batch, and void left out).
"""

from typing import Any

from keras import ops

from maskmill.training.planes import OVER_PIXELS, SMALL, Planes, mean_of_present

THICKNESS = 3  # pixels: the window in which an area ends; the boundary is its outermost pixel
REACH = 5  # pixels: the window in which two boundaries meet, so that 2 pixels off still count


def boundary(planes: Planes) -> Any:
    """One minus the soft F1 of boundaries, a mean over the classes that have a boundary in the batch's truth.

    A picture's edge and the edge of void are no boundaries. Where all probabilities are equal there is no predicted boundary
    either, and hardly a gradient: this loss goes beside another one.

    Args:
        planes: truth and probabilities.

    Returns:
        float32 scalar in 0..1; 0 when there is no boundary.
    """
    true, predicted = (_find_boundary(areas, planes.counted) for areas in (planes.truth, planes.probabilities))
    precision = _share(predicted, _widen(true, REACH))
    recall = _share(true, _widen(predicted, REACH))
    score = 2.0 * precision * recall / ops.maximum(precision + recall, SMALL)
    return mean_of_present(1.0 - score, ops.sum(true, axis=OVER_PIXELS))


def _find_boundary(areas: Any, counted: Any) -> Any:
    """Return how much each pixel belongs to an area that a neighbour does not belong to: float32 (B, H, W, P)."""
    outside = (1.0 - areas) * counted  # void is not outside
    return (_widen(outside, THICKNESS) - outside) * counted


def _widen(values: Any, window: int) -> Any:
    """Return the highest value in the window around each pixel; beyond the picture there is none."""
    return ops.max_pool(values, window, strides=1, padding="same")


def _share(boundary: Any, around: Any) -> Any:
    """Return the part of a boundary that lies within another's surroundings: float32 (P,)."""
    return ops.sum(boundary * around, axis=OVER_PIXELS) / ops.maximum(ops.sum(boundary, axis=OVER_PIXELS), SMALL)
