"""What the builders of several miniature public sets share: pictures and masks written side by side, colours, names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from public_sets_drawing import FILES, hexadecimal, paint, photo, save

ANY = FILES | {"geotiff"}
Colour = tuple[int, int, int]


@dataclass
class Made:
    """Pictures and masks written so far: picture -> truth and picture -> mask file, as `Expected` takes them."""

    root: Path
    rng: np.random.Generator
    truth: dict[str, NDArray] = field(default_factory=dict)
    masks: dict[str, str] = field(default_factory=dict)

    def put(self, image: str, mask: str, truth: NDArray, pixels: NDArray | None, channels: int = 3, **options) -> None:
        """Write a photo and its mask's pixels; None: the caller writes the mask."""
        save(self.root / image, photo(self.rng, truth.shape[-2:], channels=channels))
        self.truth[image], self.masks[image] = truth, mask
        if pixels is not None:
            save(self.root / mask, pixels, **options)


def two_values(ids: NDArray, value: int = 255) -> NDArray[np.uint8]:
    """Return uint8 (H, W): `value` where there is anything, else 0."""
    return (ids > 0).astype(np.uint8) * np.uint8(value)


def coloured(*colours: Colour) -> Callable[[NDArray], NDArray]:
    """Return what paints ids with colours, the first for 0: uint8 (H, W) -> uint8 (H, W, 3)."""
    return lambda ids: paint(ids, dict(enumerate(colours)))


def many_colours(number: int) -> dict[int, Colour]:
    """Return well separated colours for 0 to number - 1."""
    return {n: (n * 67 % 192 + 60, n * 29 % 256, n * 101 % 256) for n in range(number)}


def uuid(rng: np.random.Generator) -> str:
    """Return an arbitrary name of five groups of hexadecimal digits."""
    digits = hexadecimal(rng, 32)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
