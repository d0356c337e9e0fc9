"""Colour masks to class ids and back, by look-up tables over all 24-bit colours.

A palette's tables are built once and kept. The fine one answers for each of the 2**24 colours. The coarse one, small enough for
the processor's nearest cache, answers for each of the 2**16 blocks of colours that agree in their high bits (5 red, 6 green,
5 blue); only pixels in a block whose colours have different answers are looked up in the fine one. On clean masks those are none.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskmill.errors import ParamsError

MAX_COLOURS = 255  # id 255 is void
EXACT, TOLERATED, UNMATCHED = 0, 1, 2
WHITE = (255, 255, 255)

_MIXED = 255  # in a coarse table: the block's colours have different answers
_CHUNK = 1 << 16  # pixels at a time: the intermediate arrays stay in the cache
_SUM = np.ones((1, 3), np.float32)  # for cv2.transform: the channels added up
_BLOCK = 16  # colours a side of the blocks in which a fine table is built


class _Tables(NamedTuple):
    fine: NDArray[np.uint8]  # (2**24,), index blue << 16 | green << 8 | red
    coarse: NDArray[np.uint8]  # (2**16,), index blue >> 3 << 11 | green >> 2 << 5 | red >> 3


def encode_colours(colour_mask: NDArray[np.uint8], colours: ArrayLike) -> NDArray[np.uint8]:
    """Give every pixel the index of its nearest class colour.

    Nearest is by Euclidean distance in RGB, computed in integers; of equally near colours the lowest index wins.

    Args:
        colour_mask: uint8 (H, W, 3) RGB.
        colours: 1 to 255 RGB triples of integers from 0 to 255.

    Returns:
        uint8 (H, W), indices into `colours`.

    Raises:
        ParamsError: no colours, more than 255, or one out of range.
        ValueError: the mask is not uint8 (H, W, 3).
    """
    return _look_up(_check_colour_mask(colour_mask), _build_tables(_check_colours(colours).tobytes()))


def match_colours(
    colour_mask: NDArray[np.uint8], colours: ArrayLike, tolerance: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Give every pixel the index of its nearest class colour, as `encode_colours` does, and tell how well it matches.

    Args:
        colour_mask: uint8 (H, W, 3) RGB.
        colours: 1 to 255 RGB triples of integers from 0 to 255.
        tolerance: the Euclidean distance in RGB up to which, inclusive, a pixel counts as tolerated.

    Returns:
        uint8 (H, W), indices into `colours`; and uint8 (H, W): 0 exact, 1 tolerated, 2 unmatched.

    Raises:
        ParamsError: no colours, more than 255, one out of range, or a negative tolerance.
        ValueError: the mask is not uint8 (H, W, 3).
    """
    if not tolerance >= 0:
        raise ParamsError(f"the tolerance is {tolerance}", expected="a distance of 0 or more", fix="correct encode.tolerance")
    limit = math.floor(min(tolerance, 442) ** 2)  # no two colours are 442 apart; squared distances are integers, exact in float32
    given = _check_colours(colours)
    indices = encode_colours(colour_mask, given)
    matches = np.empty_like(indices)
    palette = np.zeros((256, 1, 3), np.uint8)
    palette[: len(given), 0] = given
    num_rows = max(1, _CHUNK // 4 // max(1, indices.shape[1]))  # 12 bytes a pixel: less at a time
    for start in range(0, len(indices) if indices.size else 0, num_rows):
        rows = slice(start, start + num_rows)
        differences = cv2.absdiff(colour_mask[rows], cv2.applyColorMap(indices[rows], palette))
        squared = cv2.transform(cv2.multiply(differences, differences, dtype=cv2.CV_32F), _SUM)
        np.add(squared > 0, squared > limit, out=matches[rows], dtype=np.uint8)
    return indices, matches


def decode_labels(label_mask: NDArray[np.uint8], colours: ArrayLike) -> NDArray[np.uint8]:
    """Paint ids with their colours; void (255) is white unless `colours` reaches that far.

    Args:
        label_mask: uint8 (H, W).
        colours: 1 to 256 RGB triples of integers from 0 to 255, by id.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        ParamsError: no colours, more than 256, or one out of range.
        ValueError: the mask is not uint8 (H, W), or holds an id without a colour.
    """
    if label_mask.dtype != np.uint8 or label_mask.ndim != 2:
        raise ValueError(f"a label mask is uint8 (H, W), this is {label_mask.dtype} {label_mask.shape}")
    given = _check_colours(colours, most=256)
    palette = np.full((256, 3), WHITE, np.uint8)
    palette[: len(given)] = given
    beyond = int((label_mask + np.uint8(1)).max(initial=0))  # of the classes' ids: void has wrapped around to 0
    if beyond > len(given):
        raise ValueError(f"the mask holds id {beyond - 1}, the colours are of ids 0 to {len(given) - 1}")
    return np.asarray(cv2.applyColorMap(label_mask, palette[:, np.newaxis]), np.uint8)


def _look_up(colour_mask: NDArray[np.uint8], tables: _Tables) -> NDArray[np.uint8]:
    answers = np.empty(colour_mask.shape[:2], np.uint8)
    pixels = np.ascontiguousarray(colour_mask).reshape(1, -1, 3)
    flat = answers.reshape(1, -1)
    blocks = np.empty((1, _CHUNK, 2), np.uint8)
    packed = np.empty((1, _CHUNK, 4), np.uint8)
    for start in range(0, pixels.shape[1], _CHUNK):
        chunk = pixels[:, start : start + _CHUNK]
        answer = flat[:, start : start + _CHUNK]
        size = chunk.shape[1]
        # OpenCV's names assume blue first: this puts our red into the low bits, as the tables have it.
        cv2.cvtColor(chunk, cv2.COLOR_BGR2BGR565, dst=blocks[:, :size])
        cv2.LUT(blocks[:, :size].view("<u2")[..., 0], tables.coarse, dst=answer)
        mixed = np.flatnonzero(answer == _MIXED)
        if mixed.size:
            cv2.cvtColor(chunk, cv2.COLOR_RGB2RGBA, dst=packed[:, :size])
            wanted = packed.view("<u4").reshape(-1)[mixed] & 0xFFFFFF
            answer[0, mixed] = np.take(tables.fine, wanted, mode="clip")  # no index can be out of range: clip skips the check
    return answers


@lru_cache(maxsize=4)
def _build_tables(palette: bytes) -> _Tables:
    nearest = _find_nearest(palette)
    blocks = nearest.reshape(32, 8, 64, 4, 32, 8)
    lowest, highest = (
        extreme.reduce(extreme.reduce(extreme.reduce(blocks, axis=1), axis=2), axis=3) for extreme in (np.minimum, np.maximum)
    )
    coarse = np.where(lowest == highest, lowest, np.uint8(_MIXED)).reshape(-1)
    return _Tables(nearest.reshape(-1), coarse)


def _find_nearest(palette: bytes) -> NDArray[np.uint8]:
    """Find for all colours the nearest of a palette.

    The cube is worked through in blocks, each with a rival: the palette colour nearest to its centre. A palette colour that is
    farther than the rival from every point of the block is nearest nowhere in it, so few remain to be compared point by point.
    Squared distances to two colours differ by a linear function of the point, whose maximum over a block lies at a corner.

    Args:
        palette: RGB triples, one after the other.

    Returns:
        uint8 (256, 256, 256) by blue, green, red: indices into the palette.
    """
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3).astype(np.int32)
    squares = (colours**2).sum(axis=1)
    first = np.arange(0, 256, _BLOCK, dtype=np.int32)
    last = first + _BLOCK - 1
    from_centres = (first[:, np.newaxis, np.newaxis] + _BLOCK // 2 - colours) ** 2  # (blocks, colours, channels)
    ranks = (np.arange(256, dtype=np.int32) - colours.T[..., np.newaxis]) ** 2 << 8  # (channels, colours, values)
    ranks[0] += np.arange(len(colours), dtype=np.int32)[:, np.newaxis]  # distance << 8 | index: one minimum settles ties, too

    nearest = np.empty((256, 256, 256), np.uint8)
    parts = [slice(start, start + _BLOCK) for start in first]
    for b, blue in enumerate(parts):
        for g, green in enumerate(parts):
            rivals = (from_centres[b, :, 2] + from_centres[g, :, 1] + from_centres[:, :, 0]).argmin(axis=1)
            slopes = 2 * (colours - colours[rivals][:, np.newaxis])  # (blocks along red, colours, channels)
            advantage = squares[rivals][:, np.newaxis] - squares  # how much nearer than the rival a colour is at best
            for channel, low, high in (
                (0, first[:, np.newaxis], last[:, np.newaxis]),
                (1, first[g], last[g]),
                (2, first[b], last[b]),
            ):
                advantage += np.maximum(low * slopes[..., channel], high * slopes[..., channel])
            planes = ranks[2, :, blue][:, :, np.newaxis] + ranks[1, :, green][:, np.newaxis, :]  # (colours, blue, green)
            for r, red in enumerate(parts):
                chosen = np.flatnonzero(advantage[r] >= 0)
                cubes = planes[chosen][..., np.newaxis] + ranks[0, chosen, red][:, np.newaxis, np.newaxis, :]
                nearest[blue, green, red] = cubes.min(axis=0) & 255
    return nearest


def _check_colour_mask(colour_mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if colour_mask.dtype != np.uint8 or colour_mask.ndim != 3 or colour_mask.shape[2] != 3:
        raise ValueError(f"a colour mask is uint8 (H, W, 3), this is {colour_mask.dtype} {colour_mask.shape}")
    return colour_mask


def _check_colours(colours: ArrayLike, most: int = MAX_COLOURS) -> NDArray[np.uint8]:
    try:
        values = np.asarray(colours)
    except ValueError:  # rows of different lengths
        values = np.empty(0)
    if values.ndim != 2 or values.shape[1] != 3 or not 1 <= len(values) <= most:
        raise ParamsError(f"the colours are {values.shape}", expected=f"1 to {most} triples of red, green and blue")
    if not np.issubdtype(values.dtype, np.integer) or values.min() < 0 or values.max() > 255:
        wrong = next(row for row in values.tolist() if not all(isinstance(part, int) and 0 <= part <= 255 for part in row))
        raise ParamsError(f"{wrong} is not a colour", expected="three integers from 0 to 255: red, green, blue")
    return values.astype(np.uint8)
