"""The Lovasz extension of the Jaccard loss: what the Jaccard index loses pixel by pixel, the worst errors first.

Source: Berman, Rannen Triki and Blaschko, The Lovasz-Softmax loss, 2018.

Memory: all P planes of a batch are sorted at once. Some six arrays of B x H x W x P numbers of 4 bytes live at the same time.
"""

from typing import Any

from keras import ops

from maskmill.training.planes import OVER_PIXELS, Planes, mean_of_present


def lovasz_softmax(planes: Planes) -> Any:
    """Extend the Jaccard loss to the errors |truth - probability|; a mean over the classes that occur in the batch's truth."""
    return _extend(ops.abs(planes.truth - planes.probabilities), planes.truth)


def lovasz_hinge(planes: Planes) -> Any:
    """Extend the Jaccard loss to hinge errors; a mean over the classes that occur in the batch's truth.

    A pixel's error is 1 minus its logit where the class is, 1 plus it where the class is not, and never below 0.
    """
    side = 2.0 * planes.truth - 1.0
    return _extend(ops.relu(1.0 - side * planes.logits) * planes.counted, planes.truth)


def _extend(errors: Any, truth: Any) -> Any:
    """Return the sum of the errors, each times what its pixel adds to the Jaccard loss where those with larger errors are wrong.

    Void pixels have an error of 0: they come last and add nothing.

    Args:
        errors: float32 (B, H, W, P), at least 0.
        truth: float32 (B, H, W, P), 0 or 1.
    """
    num_planes = truth.shape[-1]
    true_pixels = ops.sum(truth, axis=OVER_PIXELS)  # (P,)
    flat_errors, flat_truth = (
        ops.reshape(ops.transpose(values, (3, 0, 1, 2)), (num_planes, -1)) for values in (errors, truth)
    )  # (P, N)
    order = ops.argsort(-ops.stop_gradient(flat_errors), axis=-1)
    is_true = ops.take_along_axis(flat_truth, order, axis=-1)
    left = true_pixels[:, None] - ops.cumsum(is_true, axis=-1)  # true pixels that are still right
    union = true_pixels[:, None] + ops.cumsum(1.0 - is_true, axis=-1)
    # A true pixel takes 1 / union. A false one makes left / (union - 1) into left / union: written as one quotient, which does not
    # cancel. The union is at least 1, before a false pixel at least the number of true ones, which is 0 for absent classes only.
    step = ops.where(is_true > 0, 1.0 / union, left / (union * ops.maximum(union - 1.0, 1.0)))
    return mean_of_present(ops.sum(ops.take_along_axis(flat_errors, order, axis=-1) * step, axis=-1), true_pixels)
