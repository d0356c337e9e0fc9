"""Losses of overlapping areas: soft dice and its logarithm, Jaccard, Tversky; each over the whole batch, a class at a time.

All are means over the classes that occur in the batch's truth, and 0 where none does.
"""

from typing import Any

from keras import ops

from maskmill.training.planes import OVER_PIXELS, SMALL, Planes, mean_of_present

TINY = 1e-30  # the lowest dice that has a logarithm here: float32 goes down to 1e-38


def dice(planes: Planes) -> Any:
    """One minus the soft dice: 1 - 2 |P and T| / (|P| + |T|).

    Source: Milletari, Navab and Ahmadi, V-Net, 2016, section 3 (here without the squares, over the whole batch).
    """
    both, true, predicted = _measure(planes)
    return mean_of_present(1.0 - 2.0 * both / ops.maximum(predicted + true, SMALL), true)


def log_dice(planes: Planes) -> Any:
    """Minus the logarithm of the soft dice, of each class before the mean: a class that is missed altogether counts most."""
    both, true, predicted = _measure(planes)
    score = 2.0 * both / ops.maximum(predicted + true, SMALL)
    return mean_of_present(-ops.log(ops.maximum(score, TINY)), true)


def jaccard(planes: Planes) -> Any:
    """One minus the soft Jaccard index: 1 - |P and T| / |P or T|.

    Source: Rahman and Wang, Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation, 2016.
    """
    both, true, predicted = _measure(planes)
    return mean_of_present(1.0 - both / ops.maximum(predicted + true - both, SMALL), true)


def tversky(planes: Planes, false_positive: float, false_negative: float) -> Any:
    """One minus the soft Tversky index: 1 - |P and T| / (|P and T| + a |P without T| + b |T without P|).

    Args:
        planes: truth and probabilities.
        false_positive: a, what a pixel counts that is predicted and not there.
        false_negative: b, what a pixel counts that is there and not predicted. Both 0.5 give dice, both 1 Jaccard.

    Source: Salehi, Erdogmus and Gholipour, Tversky loss function for image segmentation, 2017.
    """
    both, true, predicted = _measure(planes)
    total = both + false_positive * (predicted - both) + false_negative * (true - both)
    return mean_of_present(1.0 - both / ops.maximum(total, SMALL), true)


def _measure(planes: Planes) -> tuple[Any, Any, Any]:
    """Return the areas of truth and prediction together, of truth, and of prediction: float32 (P,), in pixels."""
    both = ops.sum(planes.probabilities * planes.truth, axis=OVER_PIXELS)
    return both, ops.sum(planes.truth, axis=OVER_PIXELS), ops.sum(planes.probabilities, axis=OVER_PIXELS)
