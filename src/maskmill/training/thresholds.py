"""The decision thresholds of sigmoid heads, chosen on the validation part."""

from pathlib import Path
from typing import Literal

import keras
import numpy as np
from numpy.typing import NDArray

from maskmill.data.batches import validation_batches
from maskmill.labels.bits import unpack_bits
from maskmill.labels.classes import find_void
from maskmill.labels.heads import Head, count_planes
from maskmill.metrics.thresholds import BINS, count_logits, pick_thresholds
from maskmill.terminal import say


def choose_thresholds(
    model: keras.Model, arrays: Path, *, head: Head, setting: Literal["auto"] | float, batch_size: int
) -> list[float]:
    """Return the probability from which a pixel is of a class, for a model file to keep.

    Args:
        model: the trained model, uint8 (B, H, W, C) to logits (B, H, W, K).
        arrays: folder with val/, as packing leaves it.
        head: what the model's last layer tells apart.
        setting: train.threshold: "auto", the one with which each class's dice over val is highest; or a probability, for all.
        batch_size: pictures in one forward pass.

    Returns:
        Of the head `sigmoid` the foreground's, of `sigmoids` one for each class, of `softmax` none.
    """
    if head == "softmax":
        return []
    num_planes = count_planes(head, model.output_shape[-1])
    if setting != "auto":
        return [float(setting)] * num_planes
    counts = np.zeros((num_planes, 2, BINS), np.int64)
    for pictures, masks in validation_batches(arrays, batch_size=batch_size):
        logits = np.asarray(model.predict_on_batch(pictures), np.float32)
        planes = logits[..., 1:] - logits[..., :1] if head == "sigmoid" else logits
        counts += count_logits(planes, _find_classes(masks, head, num_planes), ~find_void(masks))
    for k in np.flatnonzero(counts[:, 1].sum(axis=-1) == 0):
        name = "the foreground" if head == "sigmoid" else f"class {k}"
        say(f"no pixel of the validation part is of {name}: its threshold stays 0.5")
    return [float(threshold) for threshold in pick_thresholds(counts)]


def _find_classes(masks: NDArray[np.unsignedinteger], head: Head, num_planes: int) -> NDArray[np.bool_]:
    """Return where the class of each learned logit is, bool (B, H, W, num_planes)."""
    return masks[..., np.newaxis] == 1 if head == "sigmoid" else unpack_bits(masks.astype(np.uint16), num_planes)
