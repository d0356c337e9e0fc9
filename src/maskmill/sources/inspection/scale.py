"""The training scale that pictures of certain sizes ask for."""

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Any

from maskmill.sources.inspection.guesses import Guess
from maskmill.sources.inspection.sizes import PictureSizes

BUDGET = 256 * 256  # pixels of a training picture: an epoch of 100 takes a processor with two cores a quarter of a minute
STRIDE = 32  # what the deepest backbones divide by
TILE = (256, 256)
MOST_SHRINKING = 3.0  # whole pictures that would lose more of each side are cut into tiles
MOST_TILES = 16  # a picture, in the mean, at the tiles' scale
MOST_ASPECT_SPREAD = 3.0


def guess_scale(sizes: PictureSizes) -> list[Guess]:
    """Choose between whole pictures (`fit`) and tiles (`native`), and the size of what is trained on."""
    height, width = sizes.median
    shrinking = sqrt(height * width / BUDGET)
    if shrinking <= MOST_SHRINKING and sizes.aspect_spread <= MOST_ASPECT_SPREAD:
        wanted = min(1.0, 1 / shrinking)
        image_size = [max(STRIDE, round(side * wanted / STRIDE) * STRIDE) for side in (height, width)]
        return [
            Guess("scale.policy", "fit", f"pictures {sizes.describe()}: small and alike enough to be seen whole"),
            Guess("scale.image_size", image_size, f"the sides' ratio kept, about {BUDGET:,} pixels, multiples of {STRIDE}"),
        ]
    reason = "their sides' ratios differ" if sizes.aspect_spread > MOST_ASPECT_SPREAD else "too large to be shrunk to one size"
    factor = min(1.0, sqrt(MOST_TILES * BUDGET / sizes.mean_area))
    factor = max(0.05, round(factor, 2) if factor < 0.95 else 1.0)
    tile = [
        min(side, max(STRIDE, -(-int(length * factor) // STRIDE) * STRIDE))
        for side, length in zip(TILE, (height, width), strict=True)
    ]
    return [
        Guess("scale.policy", "native", f"pictures {sizes.describe()}: {reason}"),
        Guess("scale.image_size", tile, "tiles"),
        Guess("scale.factor", factor, f"about {round(sizes.mean_area * factor**2 / BUDGET)} tiles a picture"),
    ]


def count_tiles(sizes: PictureSizes, scale: Mapping[str, Any]) -> int:
    """Return how many training pictures one picture gives in the mean, about."""
    if scale["policy"] == "fit":
        return 1
    tile_height, tile_width = scale["image_size"]
    counts = [
        ceil(height * scale["factor"] / tile_height) * ceil(width * scale["factor"] / tile_width) for height, width in sizes.sizes
    ]
    return round(sum(counts) / len(counts))
