"""Photo and mask side by side in one file."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maskmill.sources.inspection.candidates import Gallery, choose_evenly
from maskmill.sources.inspection.content import SHARPER, Look, measure_paintedness, measure_sharpness
from maskmill.sources.inspection.names import Name
from maskmill.sources.inspection.writing import collect_values, generalise, rename_fields

_PAINTED_HALF = 0.4
_DIFFERENCE = 0.2
_SHARP_HALF = 0.5
_SEAM = 2.0
_MOST_LOOKS = 12


def find_composite(gallery: Gallery, names: Sequence[Name]) -> tuple[str, Literal["left", "right"], list[str], str] | None:
    """Return the pattern, the photo's half, the files and the reason where most pictures are a photo beside its mask."""
    depths = Counter(len(name.folders) for name in names)
    depth = depths.most_common(1)[0][0]
    chosen = [name for name in names if len(name.folders) == depth]
    paths = [name.path for name in chosen]
    looks = [look for path in choose_evenly(paths, _MOST_LOOKS) if (look := gallery.look(path)) is not None]
    side = _find_photo_side(looks)
    if not side:
        return None
    general = generalise(chosen)
    images = rename_fields([general], collect_values(gallery.match(general).values()))[0]
    found = sorted(gallery.match(images))
    other = "right" if side == "left" else "left"
    width = looks[0].size[1]
    reason = (
        f"the {other} half of pictures {width} pixels wide is painted, the {side} half is a photo; no file has a mask beside it"
    )
    return images, side, found, reason


def _find_photo_side(looks: Sequence[Look]) -> Literal["left", "right"] | None:
    """Return the half that is a photo, where the other one is nearly always the more painted one and a seam parts them."""
    wide = [look for look in looks if look.size[1] % 2 == 0 and look.size[1] >= 1.2 * look.size[0] and _has_seam(look.values)]
    if len(wide) < 0.75 * len(looks) or not wide:
        return None
    return _compare_halves(wide, measure_paintedness, _PAINTED_HALF, _DIFFERENCE) or _compare_halves(
        wide, measure_sharpness, _SHARP_HALF, SHARPER
    )


def _compare_halves(
    looks: Sequence[Look], measure: Callable[[NDArray], float], least: float, difference: float
) -> Literal["left", "right"] | None:
    """Return the half that has less of what painted areas have, where nearly all pictures agree and the other half has enough."""
    halves = np.array([[measure(half) for half in np.array_split(look.values, 2, axis=1)] for look in looks])
    left, right = halves.mean(axis=0)
    agreement = float(np.mean((halves[:, 0] < halves[:, 1]) == (left < right)))
    if max(left, right) < least or abs(left - right) < difference or agreement < 0.8:
        return None
    return "left" if left < right else "right"


def _has_seam(values: NDArray) -> bool:
    """Tell whether the step over the middle, where the part that was read has the picture's, is far above other steps."""
    pixels = values.astype(np.float32).reshape(*values.shape[:2], -1)
    steps = np.abs(np.diff(pixels, axis=1)).mean(axis=(0, 2))
    return bool(steps[pixels.shape[1] // 2 - 1] > _SEAM * max(1.0, float(np.median(steps))))
