"""What the miniature public sets are made of: photos that are no masks, masks of large regions, and what should be found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

VOID = 255
SIZE = (48, 64)  # height, width
Truth = Mapping[str, NDArray]


@dataclass(frozen=True)
class Expected:
    """What a person would say about a set.

    Args:
        truth: picture, relative to the root -> uint8 (H, W) numbers of `classes`, 255 where a pixel is void; bool (K, H, W) for
            classes that overlap.
        forms: the forms that read it right.
        classes: a name for each number where the set's own files give one (spelling aside), else None.
        masks: picture -> its mask file, where one file holds the whole mask and the form keeps it as it is.
        void: whether a void class is there; "either": it may as well be a class of its own, and its pixels are not compared.
        most: how many classes may be listed: a table names more than occur.
        agreement: the part of a picture's pixels that must be right; JPEG masks are not exact.
        asks: "must": readings are about equally likely, or the set fits no form, so an error is right; "may": a hard one, where a
            question is as good as the right answer; "never": a person sees at once what it is.
        parts: picture -> train, val or test, where folders or lists say so beyond doubt.
        groups: picture -> what belongs together, and may not be torn apart by a drawn part.
        optional: pictures without a truth of their own that may be taken (as background alone) or left out.
        picture_files: how many files make one picture (one a band).
        resized: masks are of another size than their pictures.
        alternatives: other readings that are as right.
    """

    truth: Truth = field(repr=False)
    forms: frozenset[str]
    classes: tuple[str | None, ...] = (None, None)
    masks: Mapping[str, str] = field(default_factory=dict)
    void: Literal["yes", "no", "either"] = "no"
    most: int = 0
    agreement: float = 0.995
    asks: Literal["never", "may", "must"] = "never"
    parts: Mapping[str, str] | None = None
    groups: Mapping[str, str] | None = None
    optional: frozenset[str] = frozenset()
    picture_files: int = 1
    resized: bool = False
    alternatives: tuple["Expected", ...] = ()

    @property
    def is_overlapping(self) -> bool:
        """Whether a pixel may have several classes."""
        return any(mask.ndim == 3 for mask in self.truth.values())


FILES = frozenset({"folders", "suffix", "index"})  # one mask file a picture, whatever the form is called that reads two values
COLOURS = frozenset({"folders", "suffix"})
IDS = frozenset({"index"})
REFUSED = Expected({}, frozenset(), asks="must")


def photo(rng: np.random.Generator, size: tuple[int, int] = SIZE, channels: int = 3) -> NDArray[np.uint8]:
    """Return uint8 (H, W, C), or (H, W) for one channel: smooth light and sensor noise, hundreds of different values."""
    pixels = _smooth(rng, size, channels) * 170 + 40 + rng.normal(0, 9, (*size, channels))
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    return pixels if channels > 1 else pixels[..., 0]


def bands(rng: np.random.Generator, number: int, size: tuple[int, int] = SIZE, top: int = 10000) -> NDArray[np.uint16]:
    """Return uint16 (bands, H, W) as a satellite measures it."""
    pixels = _smooth(rng, size, number) * 0.3 + 0.05 + rng.normal(0, 0.01, (*size, number))
    return np.moveaxis(np.clip(pixels * top, 1, 65535), -1, 0).astype(np.uint16)


def regions(rng: np.random.Generator, num: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return uint8 (H, W): large regions numbered 0 to num - 1, each of which occurs."""
    while True:
        ids = _smooth(rng, size, num).argmax(axis=-1).astype(np.uint8)
        if len(np.unique(ids)) == num and np.bincount(ids.reshape(-1)).min() > 12:
            return ids


def some_regions(rng: np.random.Generator, among: int, shown: int, always: tuple[int, ...] = (), size=SIZE) -> NDArray[np.uint8]:
    """Return uint8 (H, W) with `shown` of the numbers below `among`, as one scene holds some of the classes."""
    rest = np.setdiff1d(np.arange(among), always)
    chosen = np.concatenate([np.array(always, int), rng.permutation(rest)[: shown - len(always)]])
    return chosen.astype(np.uint8)[regions(rng, shown, size)]


def blob(rng: np.random.Generator, size: tuple[int, int] = SIZE, part: float = 0.3) -> NDArray[np.uint8]:
    """Return uint8 (H, W): 1 in an ellipse about the middle that takes at most `part` of the picture, else 0."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    radius = np.sqrt(part * height * width / np.pi)
    stretch = rng.uniform(0.7, 1.3)
    middle = (height * rng.uniform(0.42, 0.58), width * rng.uniform(0.42, 0.58))
    inside = ((rows - middle[0]) / (radius * stretch)) ** 2 + ((columns - middle[1]) / (radius / stretch)) ** 2 < rng.uniform(
        0.7, 1
    )
    return inside.astype(np.uint8)


def things(rng: np.random.Generator, num: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return uint8 (H, W): `num` things that do not touch, numbered from 1, upon 0."""
    height, width = size
    ids = np.zeros(size, np.uint8)
    places = [(row, column) for row in range(height // 12) for column in range(width // 12)]
    for number, place in enumerate(rng.permutation(len(places))[:num], start=1):
        row, column = places[place]
        top, left = row * 12 + rng.integers(1, 3), column * 12 + rng.integers(1, 3)
        ids[top : top + rng.integers(5, 9), left : left + rng.integers(5, 9)] = number
    return ids


def lines(rng: np.random.Generator, size: tuple[int, int] = SIZE, thickness: int = 4) -> NDArray[np.uint8]:
    """Return uint8 (H, W): 1 on two roads, cracks or vessels across the picture, else 0."""
    height, width = size
    drawn = np.zeros(size, np.uint8)
    for _ in range(2):
        ends = [(0, int(rng.integers(height))), (width - 1, int(rng.integers(height)))]
        cv2.line(drawn, ends[0], ends[1], 1, thickness)
    return drawn


def save(path: Path, pixels: NDArray, **options) -> None:
    """Write a picture as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def save_palette(path: Path, ids: NDArray[np.uint8], palette: Mapping[int, tuple[int, int, int]]) -> None:
    """Write ids as a palette PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.frombytes("P", ids.shape[::-1], np.ascontiguousarray(ids).tobytes())
    colours = np.zeros((256, 3), np.uint8)
    for number, colour in palette.items():
        colours[number] = colour
    image.putpalette(colours.reshape(-1).tolist())
    image.save(path)


def save_one_bit(path: Path, mask: NDArray) -> None:
    """Write a mask with one bit a pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((mask > 0).astype(np.uint8) * 255).convert("1", dither=Image.Dither.NONE).save(path)


def save_deep(path: Path, pixels: NDArray[np.uint16]) -> None:
    """Write a 16-bit grey (H, W) or RGBA (H, W, 4) PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3]]
    path.write_bytes(cv2.imencode(".png", ordered)[1].tobytes())


def save_raster(path: Path, pixels: NDArray) -> None:
    """Write (bands, H, W) as a GeoTIFF with a place on earth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, height, width = pixels.shape
    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 500000, 0, -10, 5300000)}
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=number, dtype=pixels.dtype.name, **place
    ) as raster:
        raster.write(pixels)


def write(path: Path, text: str) -> None:
    """Write a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def paint(ids: NDArray[np.uint8], colours: Mapping[int, tuple[int, int, int]]) -> NDArray[np.uint8]:
    """Return the colours of ids: uint8 (H, W, 3)."""
    table = np.zeros((256, 3), np.uint8)
    for number, colour in colours.items():
        table[number] = colour
    return table[ids]


def through_jpeg(pixels: NDArray[np.uint8], quality: int = 85) -> NDArray[np.uint8]:
    """Return what a JPEG makes of a mask: noise about its edges."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def grey3(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey picture as RGB."""
    return np.repeat(mask[..., np.newaxis], 3, axis=2)


def run_lengths(mask: NDArray) -> str:
    """Return "start length start length ...", from 1, down the columns, as competitions want it."""
    flat = np.concatenate([[0], (mask > 0).astype(np.int8).reshape(-1, order="F"), [0]])
    changes = np.flatnonzero(np.diff(flat)) + 1
    starts, ends = changes[::2], changes[1::2]
    return " ".join(f"{start} {end - start}" for start, end in zip(starts, ends, strict=True))


def hexadecimal(rng: np.random.Generator, length: int) -> str:
    """Return an arbitrary name of hexadecimal digits."""
    return "".join(rng.choice(list("0123456789abcdef"), length))


def _smooth(rng: np.random.Generator, size: tuple[int, int], channels: int) -> NDArray[np.float64]:
    """Return (H, W, channels) of slow waves between 0 and 1."""
    height, width = size
    coarse = [cv2.resize(rng.uniform(0, 1, (4, 5)), (width, height), interpolation=cv2.INTER_CUBIC) for _ in range(channels)]
    return np.clip(np.stack(coarse, axis=-1), 0, 1)
