"""Reading pictures and masks, writing label masks: the one door between files and arrays.

Everything inside is RGB and (height, width); a file that cannot be read raises DataError with its name.
"""

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from maskmill.errors import DataError

MAX_PIXELS = 200_000_000
# The bound below is ours (max_pixels), given per call and with a message of its own, so Pillow's is lifted.
Image.MAX_IMAGE_PIXELS = None

KEPT_SUFFIXES = {"JPEG": {".jpg", ".jpeg"}, "PNG": {".png"}, "BMP": {".bmp"}, "WEBP": {".webp"}, "TIFF": {".tif", ".tiff"}}
ORIENTATION_TAG = 0x0112


def read_picture(source: Path | bytes, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a photograph upright, as 8-bit grey or RGB.

    16-bit values are scaled to 8 bits, palettes and CMYK become RGB, an alpha channel is dropped, EXIF rotation is applied.

    Args:
        source: a file's path, or its bytes.
        name: what messages call it; the path when not given.
        max_pixels: pictures that declare more are refused before they are decoded.

    Returns:
        uint8 (H, W, 1) or (H, W, 3) in RGB order.

    Raises:
        DataError: absent, not a picture, truncated, or too large.
    """
    with _opened(source, name, max_pixels) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
            return _to_8_bit(np.asarray(upright), name or str(source))[..., np.newaxis]
        if upright.mode in ("1", "L", "LA"):
            return np.asarray(upright.convert("L"))[..., np.newaxis]
        return np.asarray(upright.convert("RGB"))


def read_colours(source: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a mask that is painted in colours, uint8 (H, W, 3) RGB; palettes are looked up, alpha is dropped."""
    picture = read_picture(source, max_pixels=max_pixels)
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def read_ids(source: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.integer]:
    """Read a mask whose values are class or instance ids.

    Returns:
        uint8, uint16 or int32 (H, W), upright: palette indices or grey values as stored.

    Raises:
        DataError: as `read_picture`; also for a picture whose colour channels differ, or fractions, which are no ids.
    """
    with _opened(source, None, max_pixels) as picture:
        is_shortened = _has_16_bits(picture)  # and Pillow would give the high bytes alone
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in ("P", "L", "I") or upright.mode.startswith("I;16"):
            return np.asarray(upright)
        if upright.mode == "1":
            return np.asarray(upright).astype(np.uint8)
        if upright.mode == "F":
            values = np.asarray(upright)
            if (values == values.astype(np.int32)).all():
                return values.astype(np.int32)
        elif not is_shortened:
            values = np.asarray(upright.convert("RGB"))
            if (values == values[..., :1]).all():
                return values[..., 0]
    raise DataError(
        f"{source} holds no ids: its values are colours, fractions or 16-bit channels (mode {upright.mode})",
        expected="a mask of ids: a palette or grey picture",
        fix="use source.form folders, which reads colours, or give the index masks",
    )


def read_label_mask(path: Path) -> NDArray[np.uint8]:
    """Read a label mask that `encode_label_mask` wrote: uint8 (H, W) class ids, 255 = void."""
    return read_ids(path, max_pixels=sys.maxsize).astype(np.uint8, copy=False)  # encode has checked the size


def encode_label_mask(label_mask: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Return a label mask as a palette PNG, so that any viewer shows it in colour and any reader finds the ids.

    Args:
        label_mask: uint8 (H, W).
        palette: uint8 (256, 3) RGB, the colour of each id.
    """
    picture = Image.fromarray(label_mask)
    picture.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def encode_picture(picture: NDArray[np.uint8]) -> bytes:
    """Return uint8 (H, W, 1) or (H, W, 3) RGB as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def is_kept_as_it_is(path: Path) -> bool:
    """Tell whether a file is an upright 8-bit grey or RGB picture of a common format, so that its bytes can stay."""
    with _opened(path, None, sys.maxsize) as picture:
        has_common_name = path.suffix.lower() in KEPT_SUFFIXES.get(picture.format or "", set())
        is_alone = getattr(picture, "n_frames", 1) == 1
        if not has_common_name or not is_alone or picture.mode not in ("L", "RGB") or _has_16_bits(picture):
            return False
        return picture.getexif().get(ORIENTATION_TAG, 1) == 1  # last: a PNG is decoded for it, and forgets its bits


def swaps_sides(path: Path) -> bool:
    """Tell whether EXIF data turn a picture by a quarter, so that its upright width is its stored height."""
    with _opened(path, None, sys.maxsize) as picture:
        return picture.getexif().get(ORIENTATION_TAG, 1) in (5, 6, 7, 8)


def resize_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize uint8 (H, W, C) to `size` (height, width): area averaging downwards, bilinear upwards."""
    if picture.shape[:2] == size:
        return picture
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    resized = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8).reshape(*size, picture.shape[2])  # cv2 drops a single channel


def resize_label_mask(label_mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize uint8 (H, W) ids to `size` (height, width) by nearest pixel centre."""
    return np.asarray(cv2.resize(label_mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def pad_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Mirror uint8 (H, W, C) over its bottom and right edges to at least `size` (height, width): training and inference alike."""
    below, beside = (max(0, wanted - given) for wanted, given in zip(size, picture.shape[:2], strict=True))
    if not below and not beside:
        return picture
    padded = cv2.copyMakeBorder(picture, 0, below, 0, beside, cv2.BORDER_REFLECT_101)
    return np.asarray(padded, np.uint8).reshape(*padded.shape[:2], picture.shape[2])  # cv2 drops a single channel


def tile_starts(length: int, tile: int, overlap: float = 0.0) -> list[int]:
    """Return where the fewest tiles begin that cover one side: evenly spread, the last one flush; [0] where one is enough.

    Args:
        length: pixels of the side.
        tile: pixels of a tile.
        overlap: the fraction of a tile, 0 to below 1, that neighbours share at least.
    """
    step = max(1, int(tile * (1.0 - overlap)))
    gaps = max(0, -((tile - length) // step))
    return [place * (length - tile) // gaps for place in range(gaps + 1)] if gaps else [0]


@contextmanager
def _opened(source: Path | bytes, name: str | None, max_pixels: int) -> Iterator[Image.Image]:
    """Open a picture, refuse it by its declared size, and turn every way of failing to decode it into DataError."""
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's notes about EXIF and palettes with transparency
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise DataError(
                        f"{name} declares {width} x {height} pixels",
                        expected=f"at most {max_pixels:,} pixels",
                        fix="cut it into smaller pictures, or raise encode.max_pixels in params.yaml",
                    )
                yield picture  # decoded by whoever reads its pixels, inside this block
    except FileNotFoundError:
        raise DataError(f"{name} does not exist", fix="put it back or take it out of the data set") from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is not a picture", expected="PNG, JPEG, WebP, TIFF or BMP", fix="replace or remove it") from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError) as error:  # TypeError: a TIFF page without its size
        raise DataError(
            f"{name} cannot be decoded: {error}", expected="a whole picture file", fix="copy it again or remove it"
        ) from None


def _has_16_bits(picture: Image.Image) -> bool:
    """Tell whether an unread picture has 16 bits a channel, where Pillow's mode does not say so: it opens 16-bit RGB as RGB."""
    for tile in getattr(picture, "tile", ()):
        layout = tile.args if isinstance(tile.args, str) else next(iter(tile.args or ()), "")
        if ";16" in str(layout):
            return True
    return False


def _to_8_bit(values: NDArray, name: str) -> NDArray[np.uint8]:
    """Keep the high byte of 16-bit grey, as Pillow does for 16-bit RGB; refuse fractions and what does not fit in 16 bits."""
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise DataError(
            f"{name} holds {values.dtype} values from {values.min():g} to {values.max():g}",
            expected="8 or 16 bits a channel",
            fix="convert it to 16 bits",
        )
    return (values.astype(np.uint16) >> 8).astype(np.uint8)
