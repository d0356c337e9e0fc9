"""Raw masks, whatever a form gives, to class ids or bits."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError
from maskmill.labels import ClassTable, map_colours, map_ids
from maskmill.labels.classes import VOID, VOID_BIT
from maskmill.labels.colours import UNMATCHED
from maskmill.labels.layers import BACKGROUND, Layers, flatten_layers, stack_ids, stack_layers
from maskmill.sources.forms import RawMask

AT_A_TIME = 1 << 16  # pixels that np.bincount turns into 64 bits each
MOST_NAMED = 3  # of the unknown colours, ids or labels of a mask


def get_size(raw_mask: RawMask) -> tuple[int, int]:
    """Return a raw mask's (height, width)."""
    return raw_mask.size if isinstance(raw_mask, Layers) else (raw_mask.shape[0], raw_mask.shape[1])


def resize_raw_mask(raw_mask: RawMask, size: tuple[int, int]) -> RawMask:
    """Resize a raw mask to `size` (height, width) by nearest pixel centre."""
    given = get_size(raw_mask)
    if given == size:
        return raw_mask
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(np.intp) for new, old in zip(size, given, strict=True))
    if isinstance(raw_mask, Layers):
        return Layers(size, raw_mask.labels, tuple(mask[rows][:, columns] for mask in raw_mask.masks))
    return raw_mask[rows][:, columns]


def encode_exclusive(
    raw_mask: RawMask, name: Path, class_table: ClassTable, *, tolerance: float, unmatched: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Give every pixel one class.

    Args:
        raw_mask: colours uint8 (H, W, 3), ids (H, W), or layers.
        name: what messages call it.
        class_table: the classes.
        tolerance: Euclidean RGB distance up to which a colour counts as tolerated.
        unmatched: "nearest", "void" or "error".

    Returns:
        uint8 (H, W) ids, 255 = void; and uint8 (H, W): 0 exact, 1 tolerated, 2 unmatched.

    Raises:
        DataError: unknown colours with "error", or unknown ids or labels without "void".
    """
    if isinstance(raw_mask, Layers):
        label_mask, matches, strangers = flatten_layers(raw_mask, class_table)
        if strangers and unmatched != "void":
            raise _refuse_labels(name, strangers)
    elif raw_mask.ndim == 3:
        label_mask, matches = map_colours(raw_mask.astype(np.uint8, copy=False), class_table, tolerance)
        fix = "add its colours to the classes, raise encode.tolerance, or set encode.unmatched to nearest or void"
        _check_values(raw_mask, matches, name, "colours", fix, is_refused=unmatched == "error")
    else:
        label_mask, matches = map_ids(raw_mask, class_table)
        fix = "add its ids to the classes' source_ids, or set encode.unmatched to void"
        _check_values(raw_mask, matches, name, "ids", fix, is_refused=unmatched != "void")
    if unmatched == "void":
        label_mask[matches == UNMATCHED] = VOID
    return label_mask, matches


def encode_overlapping(
    raw_mask: RawMask, name: Path, class_table: ClassTable, *, tolerance: float, unmatched: str
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Give every pixel a bit for each of its classes; arguments and errors as in `encode_exclusive`, which masks without layers go
    through first.

    Returns:
        uint16 (H, W) bits, bit 15 = void; and uint8 (H, W): 0 exact, 1 tolerated, 2 unmatched.
    """
    if not isinstance(raw_mask, Layers):
        label_mask, matches = encode_exclusive(raw_mask, name, class_table, tolerance=tolerance, unmatched=unmatched)
        return stack_ids(label_mask), matches
    bits, matches, strangers = stack_layers(raw_mask, class_table)
    if strangers and unmatched != "void":
        raise _refuse_labels(name, strangers)
    bits[matches == UNMATCHED] |= VOID_BIT
    return bits, matches


def count_pixels(label_mask: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """Count the pixels of each class of a mask of ids (uint8) or bits (uint16): int64 (256,), those of void at 255."""
    counts = np.zeros(256, np.int64)
    if label_mask.dtype == np.uint8:
        flat = label_mask.reshape(-1)
        for start in range(0, flat.size, AT_A_TIME):
            counts += np.bincount(flat[start : start + AT_A_TIME], minlength=256)
        return counts
    is_void = (label_mask & VOID_BIT) != 0
    for number in range(15):
        counts[number] = np.count_nonzero(((label_mask >> number) & 1).astype(bool) & ~is_void)
    counts[VOID] = np.count_nonzero(is_void)
    return counts


def _check_values(raw_mask: NDArray[Any], matches: NDArray[np.uint8], name: Path, what: str, fix: str, *, is_refused: bool) -> None:
    """Refuse a mask of colours or ids with some that belong to no class, naming the commonest."""
    strangers = matches == UNMATCHED
    if is_refused and strangers.any():
        raise DataError(
            f"{name} has unknown {what} in {np.count_nonzero(strangers)} of {strangers.size} pixels, most often "
            f"{_list_commonest(raw_mask[strangers])}",
            fix=fix,
        )


def _refuse_labels(name: Path, strangers: list[str]) -> DataError:
    fix = "add them to the classes' source_ids, or set encode.unmatched to void"
    if BACKGROUND in strangers:
        fix = f"give the pixels that nothing covers a class called {BACKGROUND}, or with that among its source_ids; else {fix}"
    return DataError(f"{name} has labels that no class has, most often {', '.join(strangers[:MOST_NAMED])}", fix=fix)


def _list_commonest(values: NDArray[np.integer]) -> str:
    distinct, counts = np.unique(values, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_NAMED]
    return ", ".join(f"{distinct[place].tolist()} ({counts[place]})" for place in order)
