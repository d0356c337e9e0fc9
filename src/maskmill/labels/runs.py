"""Run lengths: masks as texts of "start length" pairs, as tables of published data sets have them.

Pixels are counted from 1, row after row or column after column: "1 3 10 5" are the pixels 1 to 3 and 10 to 14.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
import orjson
from numpy.typing import NDArray

from maskmill.errors import DataError
from maskmill.labels.layers import unite

Order = Literal["column", "row"]
Text = str | float | None  # tables have None or NaN where there is nothing

_NOTHING = ("", "-1")
_DIGITS_AND_SPACES = b"0123456789 \t\n\r\v\f"
_NO_NUMBER = re.compile(r"[0-9]*[^0-9\s]\S{0,30}", re.ASCII)
_PAIRS = "pairs of start and length, whole numbers of 1 or more"


def decode_runs(text: Text, size: tuple[int, int], order: Order) -> NDArray[np.bool_]:
    """Draw a text of runs.

    Args:
        text: "start length start length ...", pixels counted from 1, the runs in any order; "", "-1", None and NaN: no run.
        size: (height, width) of the picture, in pixels.
        order: how pixels are counted: down each "column", or along each "row".

    Returns:
        bool (H, W), contiguous: True within runs.

    Raises:
        DataError: no text, an odd number of values, one that is no whole number, a start or length below 1, a run that ends
            beyond the picture, or runs that overlap. It names the value, the caller adds the file.
        ValueError: no such order.
    """
    _check_order(order)
    height, width = size
    edges = _parse_runs(text, size).reshape(-1)
    mask = np.repeat(np.arange(edges.size + 1) % 2 == 1, np.diff(edges, prepend=0, append=height * width))
    if order == "row":
        return mask.reshape(size)
    return _transpose(mask.reshape(width, height))


def encode_runs(mask: NDArray[np.bool_], order: Order) -> str:
    """Write a mask as runs: ascending, none empty, none touching the next one in counting order; "" for an empty mask.

    Args:
        mask: bool (H, W).
        order: how pixels are counted: down each "column", or along each "row".

    Raises:
        ValueError: the mask is not bool (H, W), has no pixel, or no such order.
    """
    _check_order(order)
    if mask.dtype != np.bool_ or mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"a mask is bool (H, W) of some pixels, this is {mask.dtype} {mask.shape}")
    flat = (mask if order == "row" else _transpose(mask)).reshape(-1)
    changes = np.empty(flat.size + 1, np.bool_)  # what lies outside is False
    changes[0], changes[-1] = flat[0], flat[-1]
    np.not_equal(flat[1:], flat[:-1], out=changes[1:-1])
    runs = np.flatnonzero(changes).reshape(-1, 2)
    runs[:, 1] -= runs[:, 0]
    runs[:, 0] += 1
    return orjson.dumps(runs.reshape(-1), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].replace(b",", b" ").decode()


def decode_stack(texts: Mapping[str, Iterable[Text]], size: tuple[int, int], order: Order) -> NDArray[np.bool_]:
    """Draw the runs of several labels, which may cover the same pixels.

    Args:
        texts: the texts of each of K labels, as `decode_runs` takes them; those of one label are united, and may overlap.
        size: (height, width) of the picture, in pixels.
        order: how pixels are counted: down each "column", or along each "row".

    Returns:
        bool (H, W, K), the labels in the order of `texts`.

    Raises:
        DataError: as `decode_runs`, and it names the label.
        ValueError: no such order.
    """
    stack = np.zeros((*size, len(texts)), np.bool_)
    for number, (label, parts) in enumerate(texts.items()):
        try:
            stack[..., number] = unite(size, [decode_runs(part, size, order) for part in parts])
        except DataError as error:
            raise DataError(f"{label}: {error.what}", expected=error.expected, fix=error.fix) from None
    return stack


def encode_stack(stack: NDArray[np.bool_], labels: Sequence[str], order: Order) -> dict[str, str]:
    """Write each label's mask of a stack as `encode_runs` does.

    Args:
        stack: bool (H, W, K).
        labels: K different labels.
        order: how pixels are counted: down each "column", or along each "row".

    Returns:
        One text a label, "" where it is nowhere.

    Raises:
        ValueError: the stack is not bool (H, W, K), the labels are not K different ones, or no such order.
    """
    if stack.ndim != 3 or stack.shape[2] != len(set(labels)) or len(labels) != len(set(labels)):
        raise ValueError(f"a stack is bool (H, W, K) for K different labels, this is {stack.shape} for {list(labels)}")
    return {label: encode_runs(stack[..., number], order) for number, label in enumerate(labels)}


def _parse_runs(text: Text, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return int64 (N, 2): first pixel, counted from 0, and the one after the last of each run, ascending."""
    if text is None or (isinstance(text, float) and math.isnan(text)):
        text = ""
    if not isinstance(text, str):
        raise DataError(f"the runs are {text!r}, no text", expected=_PAIRS, fix="read the column as text")
    if text.strip() in _NOTHING:
        return np.empty((0, 2), np.int64)
    raw = text.encode("ascii", "replace")
    if raw.translate(None, _DIGITS_AND_SPACES):
        wrong = _NO_NUMBER.search(text)
        assert wrong is not None
        raise DataError(f"{wrong[0]!r} among the runs is no number", expected=f"{_PAIRS}, spaces between", fix="correct the runs")
    values = np.fromstring(raw, np.int64, sep=" ")  # the quickest reader there is; what does not fit is cut to the largest int64
    if values.size % 2:
        raise DataError(
            f"the runs are {values.size} values, an odd number", expected=_PAIRS, fix="was the text cut off? copy it again"
        )
    runs = values.reshape(-1, 2)
    _check_runs(runs, text, size)
    spans = runs - (1, 0)
    spans[:, 1] += spans[:, 0]
    return _sort_spans(spans)


def _check_runs(runs: NDArray[np.int64], text: str, size: tuple[int, int]) -> None:
    height, width = size
    starts, lengths = runs.T
    room = height * width + 1 - starts
    wrong = np.flatnonzero((starts < 1) | (lengths < 1) | (lengths > room))
    if wrong.size == 0:
        return
    first = wrong[0]
    run = " ".join(text.split()[2 * first : 2 * first + 2])
    if starts[first] < 1:
        raise DataError(f"the run {run!r} starts before the first pixel, which is 1", expected=_PAIRS, fix="count pixels from 1")
    if lengths[first] < 1:
        raise DataError(f"the run {run!r} has no pixel", expected=_PAIRS, fix="leave it out")
    raise DataError(
        f"the run {run!r} goes beyond the last pixel, {height * width}, of {height} x {width}",
        expected="runs within the picture",
        fix="is the picture the one that was labelled, in its original size?",
    )


def _sort_spans(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    if np.all(spans[1:, 0] >= spans[:-1, 1]):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    clashes = np.flatnonzero(spans[1:, 0] < spans[:-1, 1])
    if clashes.size:
        before, after = (f"{start + 1} {end - start}" for start, end in spans[clashes[0] : clashes[0] + 2].tolist())
        raise DataError(
            f"the runs {before!r} and {after!r} overlap at pixel {spans[clashes[0] + 1, 0] + 1}",
            expected="runs that share no pixel",
            fix="correct the runs; objects that may overlap need a text each",
        )
    return spans


def _transpose(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Swap rows and columns into contiguous memory, many times as fast as NumPy copies it."""
    return np.asarray(cv2.transpose(mask.view(np.uint8))).view(np.bool_)


def _check_order(order: str) -> None:
    if order not in ("column", "row"):
        raise ValueError(f"the order is {order!r}, it can be 'column' or 'row'")
