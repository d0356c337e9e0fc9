"""Overlapping classes: masks that hold a bit for each class, and the stacks of planes that they stand for."""

from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from maskmill.labels.classes import VOID_BIT

Labels = Literal["exclusive", "overlapping"]
LabelMask = NDArray[np.uint8] | NDArray[np.uint16]  # ids of exclusive classes, or bits of overlapping ones

MOST_CLASSES = 15  # that a bit mask holds: the 16th bit is void


def name_labels(mask_type: DTypeLike) -> Labels:
    """Return what masks of a dtype hold: uint8 one class a pixel ("exclusive"), uint16 a bit a class ("overlapping")."""
    return "overlapping" if np.dtype(mask_type) == np.uint16 else "exclusive"


def unpack_bits(bits: NDArray[np.uint16], num_classes: int) -> NDArray[np.bool_]:
    """Return where each class is.

    Args:
        bits: uint16 of any shape, bit k for class k; further bits, void's among them, do not matter.
        num_classes: planes to return, at most 15.

    Returns:
        bool (..., num_classes).
    """
    return (bits[..., np.newaxis] >> np.arange(num_classes, dtype=np.uint16)) & 1 != 0


def pack_bits(planes: NDArray[np.bool_], void: NDArray[np.bool_] | None = None) -> NDArray[np.uint16]:
    """Return the bit mask of planes.

    Args:
        planes: bool (..., K), where each class is; K is at most 15.
        void: bool (...), the pixels that do not count; None: all do.

    Returns:
        uint16 (...).

    Raises:
        ValueError: more planes than bits.
    """
    if planes.shape[-1] > MOST_CLASSES:
        raise ValueError(f"{planes.shape[-1]} classes are more than the {MOST_CLASSES} that a bit mask holds")
    bits = (planes.astype(np.uint16) << np.arange(planes.shape[-1], dtype=np.uint16)).sum(axis=-1, dtype=np.uint16)
    return bits if void is None else np.where(void, bits | np.uint16(VOID_BIT), bits)
