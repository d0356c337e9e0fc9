"""The class colours of a set of masks, told apart from noise: JPEG's bleeding, soft edges, resampling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskmill.labels.colours import encode_colours
from maskmill.sources.inspection.findings import Colour
from maskmill.sources.inspection.histograms import (
    ColourCounts,
    ColourHistogram,
    count_values,
    measure_spread,
    pack_colours,
    unpack_colours,
)

MOST = 96  # candidates that are looked at; a set with more colours than that is no set of classes
RARE = 1e-5  # of all pixels: what is rarer is no class among noise
STRAY = 2e-7  # of all pixels: what is rarer is no class in clean masks either, but a slip of the pen
BESIDE = 40.0  # RGB distance up to which noise may seem a class of its own
DOUBLE = 4.0  # RGB distance up to which a far rarer colour of clean masks is the same one, a little off
COVERED = 0.98  # of a mask's pixels that the tolerance should cover, in most masks

DARK = 63  # levels up to which all channels of all colours may be numbers, not paint
NUMBER_STEP = 3  # levels between such numbers, typically: ids leave few gaps

_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])  # JFIF
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Palette:
    """The colours that masks are painted in.

    Args:
        colours: K of them, the most frequent first.
        fractions: (K,) of all pixels; in noisy masks of those nearest to the colour.
        masks: (K,) how many masks hold it.
        border: (K,) its share of the masks' outermost pixels.
        is_clean: whether every pixel that counts has one of the colours exactly.
        is_painted: whether pixels gather at the colours; in photos they do not.
        tolerance: the RGB distance that covers the noise; 0 in masks without any.
        unmatched: the fraction of pixels beyond it, in the worst mask looked at.
        strays: (colour, pixels) of what occurs too rarely to be a class of clean masks.
        num_distinct: how many colours occur at all.
    """

    colours: tuple[Colour, ...]
    fractions: NDArray[np.float64]
    masks: NDArray[np.int64]
    border: NDArray[np.float64]
    is_clean: bool
    is_painted: bool
    tolerance: float
    unmatched: float
    strays: tuple[tuple[Colour, int], ...]
    num_distinct: int


def find_palette(histogram: ColourHistogram) -> Palette:
    """Find the colours that a set of masks is painted in."""
    counts = histogram.collect()
    total = int(counts.pixels.sum())
    solid = (counts.flat >= 0.02 * counts.pixels) & (counts.flat > 0) & (counts.pixels >= max(9, STRAY * total))
    if len(counts.pixels) <= max(4, 2 * int(solid.sum())):
        return _take_clean(counts)
    radius = _measure_noise(counts)
    return _take_noisy(counts, _drop_mixtures(_find_peaks(counts, radius), counts, histogram, radius), histogram)


def find_number_channel(palette: Palette) -> int | None:
    """Return the first channel that varies where colours are small numbers, close and too dark for paint; else None."""
    if not palette.is_clean or max(map(max, palette.colours)) > DARK or all(len(set(colour)) == 1 for colour in palette.colours):
        return None
    channel = next((channel for channel in range(3) if len({colour[channel] for colour in palette.colours}) > 1), None)
    if channel is None:
        return None
    steps = np.diff(sorted({colour[channel] for colour in palette.colours}))
    return channel if np.median(steps) <= NUMBER_STEP else None


def _take_clean(counts: ColourCounts) -> Palette:
    """Take every colour, but for slips of a few pixels."""
    total = int(counts.pixels.sum())
    is_class = counts.pixels >= max(3, STRAY * total)
    chosen = np.flatnonzero(is_class)
    chosen = chosen[np.argsort(-counts.pixels[chosen], kind="stable")]
    doubles = _find_doubles(counts.colours[chosen], counts.pixels[chosen])
    chosen = chosen[~doubles]
    return Palette(
        colours=_triples(counts.colours[chosen]),
        fractions=counts.pixels[chosen] / total,
        masks=counts.masks[chosen],
        border=counts.border[chosen] / max(1, counts.border.sum()),
        is_clean=True,
        is_painted=len(chosen) <= MOST or bool(counts.flat.sum() > 0.5 * total),
        tolerance=2 * DOUBLE if doubles.any() else 0.0,
        unmatched=0.0,
        strays=tuple(zip(_triples(counts.colours[~is_class]), counts.pixels[~is_class].tolist(), strict=True)),
        num_distinct=len(counts.pixels),
    )


def _find_doubles(colours: NDArray[np.int32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark colours, the most frequent first, that are another one a little off: a second tool's rounding, not a class."""
    doubles = np.zeros(len(colours), bool)
    if colours.max() > 64:  # else small numbers in a channel, one level apart
        for place in range(1, len(colours)):
            is_close = _distance(colours[:place], colours[place]) <= DOUBLE
            doubles[place] = (is_close & ~doubles[:place] & (pixels[place] < 0.05 * pixels[:place])).any()
    return doubles


def _take_noisy(counts: ColourCounts, peaks: NDArray[np.intp], histogram: ColourHistogram) -> Palette:
    """Describe the colours at `peaks`, to which all others belong by distance."""
    total = int(counts.pixels.sum())
    nearest, distances = _find_nearest(counts.colours, counts.colours[peaks])
    pixels = np.bincount(nearest, counts.pixels, minlength=len(peaks))
    border = np.bincount(nearest, counts.border, minlength=len(peaks))
    order = np.argsort(-pixels, kind="stable")
    tolerance, unmatched = _choose_tolerance(counts.colours[peaks], histogram)
    return Palette(
        colours=_triples(counts.colours[peaks][order]),
        fractions=pixels[order] / total,
        masks=counts.masks[peaks][order],
        border=border[order] / max(1, counts.border.sum()),
        is_clean=False,
        is_painted=_is_painted(counts.colours[peaks], counts.pixels, nearest, distances),
        tolerance=tolerance,
        unmatched=unmatched,
        strays=(),
        num_distinct=len(counts.pixels),
    )


def _measure_noise(counts: ColourCounts) -> float:
    """Return the radius within which noise scatters the flat pixels of the heaviest colour."""
    distances = _distance(counts.colours, counts.colours[np.argmax(counts.near)])
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= 48]
    gathered = np.cumsum(counts.near[order])
    reach = float(distances[order][np.searchsorted(gathered, 0.99 * gathered[-1])]) if gathered[-1] else 0.0
    return float(np.clip(1.5 * reach + 4, 6, 32))


def _find_peaks(counts: ColourCounts, radius: float) -> NDArray[np.intp]:
    """Return the places of the heaviest colours of flat areas, none within `radius` of a heavier one."""
    least = max(9, RARE * counts.pixels.sum())
    order = np.argsort(-counts.near, kind="stable")
    order = order[: np.count_nonzero(counts.near)]
    peaks: list[int] = []
    while len(order) and len(peaks) < MOST:
        is_close = _distance(counts.colours[order], counts.colours[order[0]]) <= radius
        if counts.near[order[is_close]].sum() >= least:
            peaks.append(int(order[0]))
        order = order[~is_close]
    return np.array(peaks or [int(np.argmax(counts.pixels))], np.intp)


def _drop_mixtures(peaks: NDArray[np.intp], counts: ColourCounts, histogram: ColourHistogram, radius: float) -> NDArray[np.intp]:
    """Leave out the colours that only line the borders of others: what they label has next to no inside."""
    while len(peaks) > 1:
        labelled, inside = _count_labelled(counts.colours[peaks], histogram)
        kept: list[int] = []
        for place in np.argsort(-inside, kind="stable"):
            share = inside[place] / max(1, labelled[place])
            colour, others = counts.colours[peaks[place]], counts.colours[peaks[kept]]
            is_doubtful = share < 0.25 and _is_mixture(colour, others, max(6.0, radius))
            is_doubtful |= share < 0.6 and _is_beside(colour, others[inside[kept] > 10 * inside[place]])
            is_sharp = share >= 0.09 and _is_sharp(peaks[place], labelled[place], counts)
            if inside[place] >= 9 and share >= 0.02 and (is_sharp or not is_doubtful):
                kept.append(int(place))
        if len(kept) == len(peaks):
            break
        peaks = peaks[kept] if kept else peaks[:1]
    return peaks


def _count_labelled(colours: NDArray[np.int32], histogram: ColourHistogram) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each colour how many pixels are nearest to it, and how many of them have only such neighbours."""
    labelled, inside = np.zeros((2, len(colours)), np.int64)
    for mask in histogram.kept:
        labels = encode_colours(mask, colours)
        labelled += np.bincount(labels.ravel(), minlength=len(colours))
        inside += np.bincount(labels[measure_spread(labels) == 0], minlength=len(colours))
    return labelled, inside


def _is_sharp(peak: np.intp, labelled: int, counts: ColourCounts) -> bool:
    """Tell whether the pixels of a thin class gather at its colour, as those of a blend of two others do not."""
    gathered = counts.pixels[_distance(counts.colours, counts.colours[peak]) <= 4].sum()
    return bool(gathered >= 0.33 * labelled)


def _is_beside(colour: NDArray[np.int32], others: NDArray[np.int32]) -> bool:
    """Tell whether a colour is so near to one of the others that it may be its noise."""
    return bool((_distance(others, colour) <= BESIDE).any())


def _is_mixture(colour: NDArray[np.int32], others: NDArray[np.int32], tolerance: float) -> bool:
    """Tell whether a colour lies between two of the others, in hue and lightness apart: JPEG may blend one without the other."""
    if len(others) < 2:
        return False
    point = colour @ _TO_YCC.T
    points = others @ _TO_YCC.T
    first, second = np.triu_indices(len(points), 1)
    start, end = points[first], points[second]
    low, high = np.minimum(start[:, 0], end[:, 0]) - tolerance, np.maximum(start[:, 0], end[:, 0]) + tolerance
    way = end[:, 1:] - start[:, 1:]
    along = np.clip(((point[1:] - start[:, 1:]) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-9), 0, 1)
    aside = _distance(start[:, 1:] + along[:, np.newaxis] * way, point[1:])
    return bool(((aside <= tolerance) & (low <= point[0]) & (point[0] <= high)).any())


def _is_painted(
    colours: NDArray[np.int32], pixels: NDArray[np.int64], nearest: NDArray[np.intp], distances: NDArray[np.float64]
) -> bool:
    """Tell masks from photos by how sharply pixels gather at the colours.

    The heaviest, perhaps a photo's black margin, does not count. In small JPEG masks, next to no pixel has its exact colour; but
    their colours lie far apart, with little between, while those of photos merge into each other.
    """
    at_it = pixels[distances <= 3].sum() / pixels.sum()
    if len(colours) == 1:  # and noise around it, or a photo cut out on black
        return bool(at_it >= 0.4 and pixels[distances <= 24].sum() >= COVERED * pixels.sum())
    others = nearest != np.argmax(np.bincount(nearest, pixels))
    around = pixels[others & (distances <= 20)].sum()
    sharpness = pixels[others & (distances <= 3)].sum() / around if around else 1.0
    if at_it >= 0.4 and sharpness >= 0.4:
        return True
    apart = min((_distance(colours[number + 1 :], colour).min() for number, colour in enumerate(colours[:-1])), default=0.0)
    return bool(apart >= 60 and pixels[distances <= 24].sum() >= 0.7 * pixels.sum())


def _choose_tolerance(colours: NDArray[np.int32], histogram: ColourHistogram) -> tuple[float, float]:
    """Return the distance that covers most pixels of most masks, and the fraction beyond it in the worst."""
    steps = np.arange(8, 132, 4)
    shares = []
    for mask in histogram.kept:
        codes, pixels = count_values(pack_colours(mask))
        distances = _find_nearest(unpack_colours(codes), colours)[1]
        shares.append([pixels[distances <= step].sum() / pixels.sum() for step in steps])
    typical = np.quantile(shares, 0.1, axis=0)  # of the worse masks
    place = int(np.argmax(typical >= COVERED)) if (typical >= COVERED).any() else len(steps) - 1
    return float(steps[place]), float(1 - np.min(shares, axis=0)[place])


def _find_nearest(colours: NDArray[np.int32], others: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return for each of N colours the place of the nearest of the others, and the distance to it."""
    nearest, distances = np.empty(len(colours), np.intp), np.empty(len(colours))
    for start in range(0, len(colours), _CHUNK):
        part = slice(start, start + _CHUNK)
        squares = ((colours[part, np.newaxis] - others) ** 2).sum(axis=2)
        nearest[part], distances[part] = squares.argmin(axis=1), np.sqrt(squares.min(axis=1))
    return nearest, distances


def _distance(colours: NDArray, colour: NDArray) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(((colours - colour) ** 2).sum(axis=-1)))


def _triples(colours: NDArray[np.int32]) -> tuple[Colour, ...]:
    return tuple((red, green, blue) for red, green, blue in colours.tolist())
