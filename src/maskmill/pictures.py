"""Reading pictures and masks, writing label masks: the one door between files and arrays.

Everything inside is RGB and (height, width); a file that cannot be read raises DataError with its name.
"""

import io
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from maskmill.depth import Stretch, percentile_limits, to_8_bit
from maskmill.errors import DataError
from maskmill.rasters import (
    MAX_PIXELS,
    check_bands,
    encode_raster,
    read_ids_window,
    read_raster,
    read_size,
    read_values,
)

# The bound below is ours (max_pixels), given per call and with a message of its own, so Pillow's is lifted.
Image.MAX_IMAGE_PIXELS = None
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL)  # else it complains of bands that rasters reads after it

KEPT_SUFFIXES = {"JPEG": {".jpg", ".jpeg"}, "PNG": {".png"}, "BMP": {".bmp"}, "WEBP": {".webp"}, "TIFF": {".tif", ".tiff"}}
ORIENTATION_TAG = 0x0112
QUARTER_TURNS = (5, 6, 7, 8)
ENCODE_AGAIN = "dvc repro --force encode"
RASTER_FORMATS = {"TIFF", "PNG"}  # of those that Pillow reads: their 16-bit values may have a nodata value among them
TIFF_BITS, TIFF_COMPRESSION, TIFF_PHOTOMETRIC, TIFF_EXTRA_SAMPLES, TIFF_SAMPLE_FORMAT = 258, 259, 262, 338, 339
TIFF_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}  # photometric interpretation -> bands: grey, RGB, palette, CMYK, ...
TIFF_ALPHAS = {1, 2}

_COLOURS_OF = {2: 1, 4: 3}  # channels with alpha -> without


def read_picture(
    source: Path | bytes,
    *,
    name: str | None = None,
    max_pixels: int = MAX_PIXELS,
    bands: Sequence[int] | None = None,
    stretch: Stretch | None = None,
) -> NDArray[np.uint8]:
    """Read a picture upright in 8 bits: a photograph as grey or RGB, a raster with as many bands as it has or as are wanted.

    Palettes and CMYK become RGB, EXIF rotation is applied.

    Args:
        source: a file's path, or its bytes.
        name: what messages call it; the path when not given.
        max_pixels: pictures that declare more are refused before they are decoded.
        bands: 1-based numbers in the order wanted; None: all but an alpha band.
        stretch: the percentiles of each band that become 0 and 255 where values have more than 8 bits; None: their high byte.

    Returns:
        uint8 (H, W, C): C is 1 for grey, 3 for RGB, any number for rasters.

    Raises:
        DataError: absent, not a picture, truncated, too large, without one of the bands, or values that fit no 16 bits and no
            stretch.
    """
    called = _call(source, name)
    orientation = _find_raster(source, is_stretched=stretch is not None)
    if orientation is not None:
        raster = read_raster(source, name=called, bands=bands, stretch=stretch, max_pixels=max_pixels)
        return _turn(raster, orientation)
    with _opened(source, name, max_pixels) as picture:
        values = _decode(ImageOps.exif_transpose(picture))
    if bands is None:
        values = values[..., : _COLOURS_OF.get(values.shape[2], values.shape[2])]
    else:
        values = values[..., [band - 1 for band in check_bands(bands, values.shape[2], called)]]
    limits = percentile_limits(values, stretch) if stretch and values.dtype != np.uint8 else None
    return to_8_bit(values, called, limits)


def read_colours(source: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a mask that is painted in colours, uint8 (H, W, 3) RGB; palettes are looked up, alpha is dropped.

    16 bits become their high bytes, unless the mask holds nothing above 255: then they are the colours as they are.

    Raises:
        DataError: as `read_picture`; also for rasters of other band counts than colours have.
    """
    if _find_raster(source) is None:
        picture = read_picture(source, max_pixels=max_pixels)
    else:
        values = read_values(source, max_pixels=max_pixels)
        is_8_bit = values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= 255
        picture = values.astype(np.uint8) if is_8_bit else to_8_bit(values, str(source))
    num_bands = picture.shape[2]
    if num_bands not in (1, 3, 4):
        raise DataError(f"{source} has {num_bands} bands", expected="a mask painted in colours", fix="give the colour masks")
    return np.repeat(picture, 3, axis=2) if num_bands == 1 else picture[..., :3]  # a fourth without a name is padding


def read_ids(source: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.integer]:
    """Read a mask whose values are class or instance ids.

    Returns:
        integers (H, W), upright: palette indices or grey values as stored, of 8, 16 or 32 bits, signed or not.

    Raises:
        DataError: as `read_picture`; also for a picture whose colour channels differ, or fractions, which are no ids.
    """
    orientation = _find_raster(source)
    if orientation is not None:
        return _turn(read_ids_window(source, max_pixels=max_pixels), orientation)
    with _opened(source, None, max_pixels) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode == "P":
            return np.asarray(upright)
        if upright.mode == "PA":
            return np.asarray(upright)[..., 0]
        values = _decode(upright)
    if upright.mode == "1":
        return values[..., 0] & 1
    values = values[..., : _COLOURS_OF.get(values.shape[2], values.shape[2])]
    if (values == values[..., :1]).all():
        return values[..., 0]
    raise DataError(
        f"{source} holds no ids: its values are colours (mode {upright.mode})",
        expected="a mask of ids: a palette or grey picture",
        fix="use source.form folders, which reads colours, or give the index masks",
    )


def read_label_mask(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a label mask that `encode_label_mask` wrote: uint8 (H, W) class ids, or uint16 (H, W) with one bit a class."""
    with _opened(path, None, sys.maxsize) as picture:  # encode has checked the size
        label_mask, mode = np.asarray(picture), picture.mode
    if label_mask.ndim == 2 and label_mask.dtype in (np.uint8, np.uint16):
        return label_mask
    raise DataError(f"{path} is no label mask: its mode is {mode}", expected="ids or bits as encode writes them", fix=ENCODE_AGAIN)


def encode_label_mask(label_mask: NDArray[np.unsignedinteger], palette: NDArray[np.uint8]) -> bytes:
    """Return a label mask as a PNG, with a palette so that any viewer shows it in colour and any reader finds the ids.

    Args:
        label_mask: uint8 (H, W) class ids; or uint16 (H, W) with one bit a class, which is written in 16-bit grey.
        palette: uint8 (256, 3) RGB, the colour of each id; bit masks have none.
    """
    picture = Image.fromarray(label_mask)
    if label_mask.dtype == np.uint8:
        picture.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def encode_picture(picture: NDArray[np.uint8]) -> bytes:
    """Return uint8 (H, W, C) without loss: grey or RGB as a PNG, other band counts as a TIFF (see `picture_suffix`)."""
    if picture.shape[2] not in (1, 3):
        return encode_raster(picture)
    buffer = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def picture_suffix(channels: int) -> str:
    """Return the file suffix of what `encode_picture` writes."""
    return ".png" if channels in (1, 3) else ".tif"


def is_kept_as_it_is(path: Path) -> bool:
    """Tell whether a file is an upright 8-bit grey or RGB picture of a common format, so that its bytes can stay.

    That is for pictures of which all bands are wanted.
    """
    if _find_raster(path) is not None:
        read_size(path)  # raises where it is no raster either
        return False
    with _opened(path, None, sys.maxsize) as picture:
        has_common_name = path.suffix.lower() in KEPT_SUFFIXES.get(picture.format or "", set())
        is_alone = getattr(picture, "n_frames", 1) == 1
        if not has_common_name or not is_alone or picture.mode not in ("L", "RGB") or _has_16_bits(picture):
            return False
        return picture.getexif().get(ORIENTATION_TAG, 1) == 1  # last: a PNG is decoded for it, and forgets its bits


def swaps_sides(path: Path) -> bool:
    """Tell whether EXIF data turn a picture by a quarter, so that its upright width is its stored height."""
    with _opened(path, None, sys.maxsize) as picture:
        return picture.getexif().get(ORIENTATION_TAG, 1) in QUARTER_TURNS


@contextmanager
def _opened(source: Path | bytes, name: str | None, max_pixels: int) -> Iterator[Image.Image]:
    """Open a picture, refuse it by its declared size, and turn every way of failing to decode it into DataError."""
    name = _call(source, name)
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


def _call(source: Path | bytes, name: str | None) -> str:
    return name or (str(source) if isinstance(source, Path) else "the picture")


def _decode(upright: Image.Image) -> NDArray:
    """Return the values of a picture as stored, (H, W, C), palettes and inks turned into colours, alpha with them."""
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        values = np.asarray(upright)
        return values.astype(values.dtype.newbyteorder("="), copy=False)[..., np.newaxis]
    if upright.mode == "1":
        return np.asarray(upright.convert("L"))[..., np.newaxis]
    if upright.mode == "L":
        return np.asarray(upright)[..., np.newaxis]
    return np.asarray(upright if upright.mode in ("LA", "RGB", "RGBA") else upright.convert("RGB"))


def _find_raster(source: Path | bytes, *, is_stretched: bool = False) -> int | None:
    """Return the EXIF orientation of what has to be read as a raster, None for a picture that Pillow reads as it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                if _is_raster(picture) or (is_stretched and picture.format in RASTER_FORMATS and "16" in picture.mode):
                    return int(picture.getexif().get(ORIENTATION_TAG, 1))
                return None
    except (UnidentifiedImageError, KeyError):  # KeyError: a compression that Pillow has not heard of
        return 1
    except Exception:  # whoever reads it as a picture says what is wrong
        return None


def _is_raster(picture: Image.Image) -> bool:
    """Tell whether an unread picture has bands or bits that Pillow would drop or mistake, and does not tell of in its mode."""
    if picture.format == "TIFF":
        return not _is_plain_tiff(picture)
    return picture.format == "JPEG2000" or (picture.format == "PNG" and picture.mode != "I;16" and _has_16_bits(picture))


def _is_plain_tiff(picture: Image.Image) -> bool:
    """Tell whether a TIFF holds the bands of its colours, none further but alpha, unsigned, in 8 bits or 16 of grey."""
    tags = getattr(picture, "tag_v2", {})
    if tags.get(ORIENTATION_TAG, 1) in QUARTER_TURNS and tags.get(TIFF_COMPRESSION, 1) == 1:
        return False  # Pillow 12.3 cuts the lines of uncompressed ones at the upright width
    depths, further = tags.get(TIFF_BITS, (1,)), tags.get(TIFF_EXTRA_SAMPLES, ())
    has_plain_values = set(tags.get(TIFF_SAMPLE_FORMAT, (1,))) == {1} and (max(depths) <= 8 or picture.mode.startswith("I;16"))
    num_colours = TIFF_COLOURS.get(tags.get(TIFF_PHOTOMETRIC, 1), 0)
    return has_plain_values and len(depths) == num_colours + len(further) and set(further) <= TIFF_ALPHAS


def _turn(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an array (H, W, ...) upright that is stored with an EXIF orientation."""
    if orientation in QUARTER_TURNS:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values


def _has_16_bits(picture: Image.Image) -> bool:
    """Tell whether an unread picture has 16 bits a channel, where Pillow's mode does not say so: it opens 16-bit RGB as RGB."""
    for tile in getattr(picture, "tile", ()):
        layout = tile.args if isinstance(tile.args, str) else next(iter(tile.args or ()), "")
        if ";16" in str(layout):
            return True
    return False
