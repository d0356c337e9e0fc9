"""Which pictures are nearly the same: perceptual hashes find them, their thumbnails confirm it.

The perceptual hash of a thumbnail (64 bits, library imagehash) says which of its low frequencies are above their median; few bits
differ where pictures are alike. Hashes are compared in all eight symmetries of one of the two, and of either also without a
narrow edge, so that a picture and its crop meet.

Hashes alone are often wrong: those of plain pictures (sky, water, an empty slide) are their noise, and facades with the same rows
of windows share most bits. So thumbnails confirm what hashes find: without their light (a plane bent along both sides, as skies
and lenses have it) they have to correlate. Where next to nothing but light is left of a picture, it is plain, and is like all
plain ones: it is not compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn  # type: ignore[import-untyped]

from maskmill.data.thumbnails import SIDE

EDGE = 0.75  # of a thumbnail, pixels: 2.3 % of a picture's side
LEAST_CONTRAST = 3.0  # grey levels, standard deviation without the light: less is a plain picture
LEAST_CORRELATION = 0.8  # without the light
MOST_PARTNERS = 16  # closest ones of a picture: a still camera's pictures are all alike
MOST_EXAMPLES = 1024  # of a set, all of which are compared with all
HASHES_AT_ONCE = 2**20  # differences in memory, a byte and eight each
PAIRS_AT_ONCE = 2**13  # thumbnails in memory as numbers, four kilobytes each

Thumbnails = NDArray[np.uint8]  # (N, SIDE, SIDE), grey
Hashes = NDArray[np.uint64]  # (N,)
Rows = NDArray[np.intp]
Item = TypeVar("Item", bound=np.generic)

# What was done to a picture, and what undoes it for its thumbnail.
SYMMETRIES: dict[str, Callable[[Thumbnails], Thumbnails]] = {
    "as it is": lambda pictures: pictures,
    "mirrored": lambda pictures: pictures[:, :, ::-1],
    "turned left": lambda pictures: np.rot90(pictures, -1, axes=(1, 2)),
    "turned right": lambda pictures: np.rot90(pictures, 1, axes=(1, 2)),
    "turned by 180 degrees": lambda pictures: pictures[:, ::-1, ::-1],
    "mirrored, turned left": lambda pictures: np.rot90(pictures, -1, axes=(1, 2))[:, :, ::-1],
    "mirrored, turned right": lambda pictures: np.rot90(pictures, 1, axes=(1, 2))[:, :, ::-1],
    "mirrored, turned by 180 degrees": lambda pictures: pictures[:, ::-1],
}


@dataclass(frozen=True)
class Overlay:
    """One way to lay pictures of two sets over each other: the thumbnails, alike if the pictures are, and their hashes."""

    symmetry: str
    first: Thumbnails
    second: Thumbnails
    first_hashes: Hashes
    second_hashes: Hashes


def find_alike(first: Thumbnails, second: Thumbnails, *, near_duplicate: int) -> pd.DataFrame:
    """Find the pictures of one set that are nearly the same as one of another set, also flipped and turned.

    Args:
        first: uint8 (N, 32, 32), grey.
        second: uint8 (M, 32, 32), grey.
        near_duplicate: bits of 64 up to which hashes are alike.

    Returns:
        a row a pair: first and second (rows of the sets), symmetry (what was done to the second, in words), distance (bits that
        differ); of each second picture at most the MOST_PARTNERS closest.
    """
    first_rows, second_rows = (np.flatnonzero(measure_contrasts(each) >= LEAST_CONTRAST) for each in (first, second))
    overlays = _lay_over(first[first_rows], second[second_rows])
    tables = [_confirm(overlays, *rows, near_duplicate) for rows in _find_candidates(overlays, near_duplicate)]
    pairs = pd.concat(tables, ignore_index=True)
    return pairs.assign(first=first_rows[pairs["first"]], second=second_rows[pairs["second"]])


def count_plain(thumbnails: Thumbnails) -> int:
    """Return how many thumbnails are too plain to compare."""
    return int((measure_contrasts(thumbnails) < LEAST_CONTRAST).sum())


def hash_pictures(pictures: Thumbnails) -> Hashes:
    """Return the perceptual hashes of thumbnails, uint64 (N,): the bits of imagehash.phash, for all pictures at once."""
    lows = np.concatenate([dctn(batch, axes=(1, 2))[:, :8, :8].reshape(-1, 64) for batch in _split(pictures)])
    return np.packbits(lows > np.median(lows, axis=1, keepdims=True), axis=1).view(np.uint64)[:, 0]


def measure_contrasts(pictures: Thumbnails) -> NDArray[np.float32]:
    """Return the standard deviation of each thumbnail without its light, grey levels, float32 (N,)."""
    return np.concatenate([_remove_light(batch).std(axis=1) for batch in _split(pictures)]).astype(np.float32)


def correlate(first: Thumbnails, second: Thumbnails) -> NDArray[np.float32]:
    """Return the correlation of each thumbnail with its partner, without the light of both, float32 (N,), -1 to 1."""
    one, other = _remove_light(first), _remove_light(second)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(norms, 1e-6), np.float32)


def find_most_alike(first: Thumbnails, second: Thumbnails) -> tuple[int, int]:
    """Return the rows of the two thumbnails, one of each set, that correlate most; of large sets some, evenly spread."""
    rows = [np.linspace(0, len(each) - 1, min(len(each), MOST_EXAMPLES)).round().astype(np.intp) for each in (first, second)]
    details = [_remove_light(each[kept]) for each, kept in zip((first, second), rows, strict=True)]
    norms = [np.maximum(np.linalg.norm(each, axis=1), 1) for each in details]
    correlations = details[0] @ details[1].T / np.outer(*norms)
    best = np.unravel_index(correlations.argmax(), correlations.shape)
    return int(rows[0][best[0]]), int(rows[1][best[1]])


def _remove_light(pictures: Thumbnails) -> NDArray[np.float32]:
    """Take from each thumbnail the plane bent along both sides that fits it best, float32 (N, SIDE * SIDE)."""
    flat = pictures.reshape(-1, SIDE * SIDE).astype(np.float32)
    return np.asarray(flat - (flat @ _LIGHT) @ _LIGHT.T, np.float32)


def _build_light() -> NDArray[np.float32]:
    """Return an orthonormal basis of the polynomials of degree 2 over a thumbnail, float32 (SIDE * SIDE, 6)."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    polynomials = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    return np.linalg.qr(polynomials.reshape(SIDE * SIDE, -1))[0].astype(np.float32)


_LIGHT = _build_light()


def _lay_over(first: Thumbnails, second: Thumbnails) -> list[Overlay]:
    """Lay the sets over each other in each symmetry: whole on whole, and either without its edge on the other one whole."""
    first_inner, second_inner = _take_inner(first), _take_inner(second)
    hashes, inner_hashes = hash_pictures(first), hash_pictures(first_inner)
    overlays = []
    for symmetry, undo in SYMMETRIES.items():
        whole, inner = undo(second), undo(second_inner)
        whole_hashes = hash_pictures(whole)
        overlays += [
            Overlay(symmetry, first, whole, hashes, whole_hashes),
            Overlay(symmetry, first_inner, whole, inner_hashes, whole_hashes),
            Overlay(symmetry, first, inner, hashes, hash_pictures(inner)),
        ]
    return overlays


def _take_inner(pictures: Thumbnails) -> Thumbnails:
    """Return thumbnails without their edge, at the same size again."""
    box = (EDGE, EDGE, SIDE - EDGE, SIDE - EDGE)
    inner = np.empty_like(pictures)
    for number, picture in enumerate(pictures):
        inner[number] = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))
    return inner


def _split(rows: NDArray[Item]) -> list[NDArray[Item]]:
    """Split an array along its first axis, so that not all of it is in memory as numbers."""
    return np.split(rows, range(PAIRS_AT_ONCE, len(rows), PAIRS_AT_ONCE))


def _find_candidates(overlays: list[Overlay], near_duplicate: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows of the first and of the second set whose hashes are alike in one of the overlays."""
    num_first, num_second = len(overlays[0].first), len(overlays[0].second)
    step = max(1, HASHES_AT_ONCE // max(1, num_first))
    for start in range(0, max(1, num_second), step):
        part = slice(start, start + step)
        closest = np.full((len(overlays[0].second[part]), num_first), 64, np.uint8)
        for overlay in overlays:
            differences = np.bitwise_count(overlay.second_hashes[part, np.newaxis] ^ overlay.first_hashes)
            np.minimum(closest, differences, out=closest)
        rows = np.flatnonzero((closest <= near_duplicate).any(axis=1))
        partners = np.argsort(closest[rows], axis=1, kind="stable")[:, :MOST_PARTNERS]
        alike = closest[rows[:, np.newaxis], partners] <= near_duplicate
        yield partners[alike], start + np.repeat(rows, alike.sum(axis=1))


def _confirm(overlays: list[Overlay], first: Rows, second: Rows, near_duplicate: int) -> pd.DataFrame:
    """Keep the candidates whose thumbnails correlate, in the overlay in which they do so most."""
    best = np.full(len(first), LEAST_CORRELATION, np.float32)
    distances, chosen = np.zeros(len(first), np.intp), np.full(len(first), -1)
    for number, overlay in enumerate(overlays):
        differences = np.bitwise_count(overlay.first_hashes[first] ^ overlay.second_hashes[second])
        for batch in _split(np.flatnonzero(differences <= near_duplicate)):
            correlations = correlate(overlay.first[first[batch]], overlay.second[second[batch]])
            is_better = correlations > best[batch]
            better = batch[is_better]
            best[better] = correlations[is_better]
            distances[better], chosen[better] = differences[better], number
    kept = chosen >= 0
    symmetries = np.array([overlay.symmetry for overlay in overlays], object)[chosen[kept]]
    return pd.DataFrame({"first": first[kept], "second": second[kept], "symmetry": symmetries, "distance": distances[kept]}).astype(
        {"symmetry": "str"}
    )
