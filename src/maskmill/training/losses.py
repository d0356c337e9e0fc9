"""The losses by name, for each head, and their weighted sums. Void is left out of all, and an absent class gives no NaN."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import keras

from maskmill.errors import ParamsError, suggest
from maskmill.labels.heads import Head
from maskmill.training.boundary import boundary
from maskmill.training.lovasz import lovasz_hinge, lovasz_softmax
from maskmill.training.overlap_losses import dice, jaccard, log_dice, tversky
from maskmill.training.pixel_losses import (
    Weights,
    binary_cross_entropy,
    binary_focal,
    cross_entropy,
    focal,
    one_versus_rest,
)
from maskmill.training.planes import PLANES

# Of masks and logits: a pixel has one true class. With two classes that is the binary cross-entropy, too.
MASK_LOSSES: dict[Head, dict[str, Callable]] = {
    "softmax": {"cross_entropy": cross_entropy, "focal": focal},
    "sigmoid": {"cross_entropy": cross_entropy, "binary_cross_entropy": cross_entropy, "focal": focal},
    "sigmoids": {},
}
AREA_LOSSES: dict[str, Callable] = {
    "dice": dice,
    "log_dice": log_dice,
    "jaccard": jaccard,
    "tversky": tversky,
    "boundary": boundary,
}
PLANE_LOSSES: dict[Head, dict[str, Callable]] = {
    "softmax": AREA_LOSSES | {"binary_cross_entropy": one_versus_rest, "lovasz": lovasz_softmax},
    "sigmoid": AREA_LOSSES | {"lovasz": lovasz_hinge},
    "sigmoids": AREA_LOSSES
    | {
        "cross_entropy": binary_cross_entropy,
        "binary_cross_entropy": binary_cross_entropy,
        "focal": binary_focal,
        "lovasz": lovasz_hinge,
    },
}

LOSS_SUMS: dict[str, dict[str, float]] = {
    "ce_dice": {"cross_entropy": 1.0, "dice": 1.0},
    "bce_jaccard": {"binary_cross_entropy": 1.0, "jaccard": 1.0},
    "dice_bce": {"binary_cross_entropy": 0.05, "dice": 1.0},  # published as 0.05 BCE - dice, which is 1 less
    "bce_log_dice": {"binary_cross_entropy": 1.0, "log_dice": 1.0},
}
CROSS_ENTROPIES = {"cross_entropy", "binary_cross_entropy"}


def build_loss(settings: Mapping[str, Any], head: Head, class_weights: Weights) -> keras.losses.Loss:
    """Return the loss that train settings ask for.

    Args:
        settings: the train section; loss, label_smoothing, focal_gamma and tversky of it.
        head: what the model's last layer tells apart.
        class_weights: of the cross-entropies and the focal loss, K of them; None: all the same.
    """
    return WeightedSum(
        _name_terms(settings["loss"]),
        head,
        class_weights,
        label_smoothing=settings["label_smoothing"],
        focal_gamma=settings["focal_gamma"],
        tversky=settings["tversky"],
    )


def find_idle_settings(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that are given for losses which the sum does not have.

    Args:
        settings: the train section; loss, label_smoothing and class_weights of it.
    """
    terms = {term for term, weight in _name_terms(settings["loss"]).items() if weight}
    readers = {"class_weights": CROSS_ENTROPIES | {"focal"}, "label_smoothing": CROSS_ENTROPIES}
    return [name for name, losses in readers.items() if settings[name] and not terms & losses]


def _name_terms(loss: str | Mapping[str, float]) -> Mapping[str, float]:
    return LOSS_SUMS[loss] if isinstance(loss, str) else loss


@keras.saving.register_keras_serializable(package="maskmill")
class WeightedSum(keras.losses.Loss):
    """A sum of losses, each with its weight.

    Args:
        terms: loss name to weight; a weight of 0 leaves that loss out.
        head: what the logits tell apart.
        class_weights: of the cross-entropies and the focal loss, K of them; None: all the same.
        label_smoothing: of the cross-entropies, the part of a label that is spread over all answers, 0..1.
        focal_gamma: of the focal loss, how much less pixels count that are right already.
        tversky: what a false positive counts in the Tversky loss, and a false negative.

    Raises:
        ParamsError: a term that is no loss.
    """

    def __init__(
        self,
        terms: Mapping[str, float],
        head: Head = "softmax",
        class_weights: Weights = None,
        *,
        label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
        tversky: Sequence[float] = (0.3, 0.7),
        name: str = "loss",
    ) -> None:
        super().__init__(name=name, dtype="float32")  # whatever the precision of the layers
        self.terms = {term: float(weight) for term, weight in terms.items() if weight}
        self.head = head
        self.class_weights = None if class_weights is None else [float(weight) for weight in class_weights]
        self.label_smoothing = float(label_smoothing)
        self.focal_gamma = float(focal_gamma)
        self.tversky = tuple(float(weight) for weight in tversky)
        _check_terms(self.terms, {**MASK_LOSSES[head], **PLANE_LOSSES[head]})
        self._of_masks = self._choose(MASK_LOSSES[head])
        self._of_planes = self._choose(PLANE_LOSSES[head])

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        losses = [weight * loss(y_true, y_pred) for loss, weight in self._of_masks]
        if self._of_planes:
            planes = PLANES[self.head](y_true, y_pred)
            losses += [weight * loss(planes) for loss, weight in self._of_planes]
        return sum(losses)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {
            "terms": self.terms,
            "head": self.head,
            "class_weights": self.class_weights,
            "label_smoothing": self.label_smoothing,
            "focal_gamma": self.focal_gamma,
            "tversky": list(self.tversky),
            "name": self.name,
        }

    def _choose(self, losses: Mapping[str, Callable]) -> list[tuple[Callable, float]]:
        """Return those of the losses that are in the sum, with their settings filled in, and their weights."""
        smoothed = {"class_weights": self.class_weights, "label_smoothing": self.label_smoothing}
        settings: dict[str, dict[str, Any]] = {
            "cross_entropy": smoothed,
            "binary_cross_entropy": smoothed,
            "focal": {"class_weights": self.class_weights, "gamma": self.focal_gamma},
            "tversky": dict(zip(("false_positive", "false_negative"), self.tversky, strict=True)),
        }
        return [(partial(losses[term], **settings.get(term, {})), weight) for term, weight in self.terms.items() if term in losses]


def _check_terms(terms: Iterable[str], losses: Collection[str]) -> None:
    for term in terms:
        if term not in losses:
            raise ParamsError(
                f"train.loss names {term!r}, which is no loss{suggest(term, losses)}",
                expected=f"any of {', '.join(sorted(losses))}",
            )
