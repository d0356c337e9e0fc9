"""Masks that come as layers, one label each, which may lie upon one another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskmill.labels.classes import VOID, VOID_BIT, ClassTable
from maskmill.labels.colours import EXACT, UNMATCHED

BACKGROUND = "background"  # the label of what no layer covers


@dataclass(frozen=True)
class Layers:
    """What annotations say of one picture.

    Args:
        size: (height, width).
        labels: the label of each layer, the lowest one first.
        masks: bool (H, W) each: the pixels that the layer covers.
    """

    size: tuple[int, int]
    labels: tuple[str, ...]
    masks: tuple[NDArray[np.bool_], ...]


def flatten_layers(layers: Layers, table: ClassTable) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[str]]:
    """Paint layers over one another, each on those before it.

    Args:
        layers: the labels and where they are.
        table: the classes.

    Returns:
        uint8 (H, W) class ids, 255 = void and also labels that are in no class; uint8 (H, W): 0 exact, 2 unmatched; and those
        labels that remain to be seen without a class, the largest first.
    """
    labels = (BACKGROUND, *dict.fromkeys(layers.labels))
    painted = np.zeros(layers.size, np.int32)
    for label, mask in zip(layers.labels, layers.masks, strict=True):
        painted[mask] = labels.index(label)
    known = np.array([label in table.label_ids for label in labels])
    ids = np.array([table.label_ids.get(label, VOID) for label in labels], np.uint8)
    counts = np.where(known, 0, np.bincount(painted.reshape(-1), minlength=len(labels)))
    strangers = [labels[place] for place in np.argsort(-counts, kind="stable") if counts[place]]
    return np.take(ids, painted), np.take(np.where(known, EXACT, UNMATCHED).astype(np.uint8), painted), strangers


def stack_layers(layers: Layers, table: ClassTable) -> tuple[NDArray[np.uint16], NDArray[np.uint8], list[str]]:
    """Give every pixel one bit for each class that covers it.

    Args:
        layers: the labels and where they are; their order plays no part.
        table: the classes, at most 15.

    Returns:
        uint16 (H, W) bits, the void class's among them; uint8 (H, W): 0 exact, 2 under a label without a class; and those labels.
    """
    bits = np.zeros(layers.size, np.uint16)
    matches = np.full(layers.size, EXACT, np.uint8)
    strangers: dict[str, int] = {}
    for label, mask in zip(layers.labels, layers.masks, strict=True):
        if label in table.label_ids:
            bits[mask] |= bit_of(table.label_ids[label])
        elif mask.any():
            matches[mask] = UNMATCHED
            strangers[label] = strangers.get(label, 0) + int(np.count_nonzero(mask))
    return bits, matches, sorted(strangers, key=lambda label: -strangers[label])


def stack_ids(label_mask: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Turn uint8 (H, W) class ids into uint16 (H, W) bits: one class a pixel, or void."""
    bits = np.array([bit_of(number) for number in range(15)] + [0] * 240 + [VOID_BIT], np.uint16)
    return np.take(bits, label_mask)


def bit_of(number: int) -> int:
    """Return the bit of a class id below 15, or of void."""
    return VOID_BIT if number == VOID else 1 << number


def unite(size: tuple[int, int], masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return where any of several bool (H, W) masks is; none gives an empty one."""
    return np.logical_or.reduce([np.zeros(size, np.bool_), *masks])
