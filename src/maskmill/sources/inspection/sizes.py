"""How large pictures are, of how many channels and bits, by their headers alone."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskmill.errors import DataError
from maskmill.rasters import read_profile

MOST_HEADERS = 1000  # more files than that are sampled evenly
_DEEP = {"uint16", "int16", "uint32", "int32", "float32", "float64"}


@dataclass(frozen=True)
class PictureSizes:
    """What the headers of a set's pictures say.

    Args:
        sizes: (height, width) of each picture looked at, upright.
        channels: how many pictures have how many bands.
        num_deep: how many have more than 8 bits.
        num_other_masks: how many have a mask of another size.
        example: one of those, as text.
        unreadable: lines about files that cannot be read.
    """

    sizes: tuple[tuple[int, int], ...]
    channels: dict[int, int]
    num_deep: int
    num_other_masks: int
    example: str
    unreadable: tuple[str, ...]

    @property
    def median(self) -> tuple[int, int]:
        """The median height and the median width."""
        heights, widths = zip(*self.sizes, strict=True)
        return int(np.median(heights)), int(np.median(widths))

    @property
    def aspect_spread(self) -> float:
        """The largest ratio of width to height divided by the smallest."""
        ratios = [width / height for height, width in self.sizes]
        return max(ratios) / min(ratios)

    @property
    def mean_area(self) -> float:
        """The mean number of pixels."""
        return sum(height * width for height, width in self.sizes) / len(self.sizes)

    def describe(self) -> str:
        """Say the sizes in a line, width first."""
        kinds = Counter(self.sizes)
        if len(kinds) == 1:
            (height, width), count = kinds.most_common(1)[0]
            return f"all {count} looked at are {width} x {height}"
        (low_height, low_width), (high_height, high_width) = (
            extreme(self.sizes, key=lambda size: size[0] * size[1]) for extreme in (min, max)
        )
        return f"{low_width} x {low_height} to {high_width} x {high_height}, the median {self.median[1]} x {self.median[0]}"


def read_sizes(pairs: Sequence[tuple[Path, Path | None]], *, is_composite: bool) -> PictureSizes:
    """Read the headers of pictures and, where there is one, of their mask files; a composite counts by its half.

    Raises:
        DataError: none of them can be read.
    """
    step = max(1, -(-len(pairs) // MOST_HEADERS))
    sizes, channels, examples, unreadable = [], Counter[int](), [], []
    num_deep = 0
    for image, mask in pairs[::step]:
        try:
            size, count, is_deep = _read_header(image)
            mask_size = _read_header(mask)[0] if mask and mask != image else size
        except DataError as error:
            unreadable.append(error.what)
            continue
        sizes.append((size[0], size[1] // 2) if is_composite else size)
        channels[count] += 1
        num_deep += is_deep
        if mask_size != size:
            examples.append(f"{mask} is {mask_size[1]} x {mask_size[0]}, its picture {size[1]} x {size[0]}")
    if not sizes:
        raise DataError(f"none of the {len(pairs)} pictures can be read, e.g. {unreadable[0]}", fix="check the files")
    return PictureSizes(tuple(sizes), dict(channels), num_deep, len(examples), examples[0] if examples else "", tuple(unreadable))


def count_duplicates(paths: Sequence[Path]) -> int:
    """Count the pictures whose files equal another's, beyond the first of each."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        by_size[path.stat().st_size].append(path)
    same = [path for alike in by_size.values() if len(alike) > 1 for path in alike]
    digests = Counter(hashlib.sha256(path.read_bytes()).digest() for path in same)
    return sum(count - 1 for count in digests.values())


def _read_header(path: Path) -> tuple[tuple[int, int], int, bool]:
    """Return a picture's upright (height, width), its bands, and whether they have more than 8 bits."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8) if picture.format == "JPEG" else False
            bands = len([band for band in picture.getbands() if band not in ("A", "a")])
            bands = 3 if picture.mode in ("P", "CMYK") else bands
            is_deep = picture.mode.startswith(("I", "F"))
            if picture.format not in ("TIFF", "JPEG2000"):
                return ((width, height) if turned else (height, width)), bands, is_deep
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        pass
    profile = read_profile(path)
    return profile.size, profile.num_bands, profile.dtype in _DEEP
