"""One sample encoded: its picture upright, its mask as class ids, and an account of both."""

import hashlib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskmill import pictures
from maskmill.data.masks import count_pixels, encode_exclusive, encode_overlapping, get_size, resize_raw_mask
from maskmill.data.progress import Record
from maskmill.data.thumbnails import make_thumbnail
from maskmill.errors import DataError
from maskmill.labels import ClassTable
from maskmill.labels.classes import VOID
from maskmill.labels.colours import EXACT, TOLERATED, UNMATCHED
from maskmill.sources.forms import read_sample
from maskmill.sources.manifest import read_files
from maskmill.sources.settings import Reading, SampleFiles

MOST_STRETCHING = 1.1  # of a mask that is resized: rounding and a cropped edge, not another picture
PIXELS = "pixels_"  # statistics.csv: pixels_<class name>


def encode_sample(
    row: Mapping[Hashable, Any],
    source: dict[str, str],
    folder: Path,
    *,
    form: str,
    reading: Reading,
    class_table: ClassTable,
    labels: str,
    tolerance: float,
    unmatched: str,
    mask_size: str,
) -> Record:
    """Write the picture and the label mask of one sample.

    Args:
        row: of the manifest.
        source: what the sample is made from, for the record.
        folder: with the folders images and masks.

    The other arguments and the errors are those of `encode_samples`.
    """
    files = read_files(row)
    picture, raw_mask = read_sample(form, files, reading)
    if mask_size == "resize":
        _check_ratios(files, picture, get_size(raw_mask))
        raw_mask = resize_raw_mask(raw_mask, (picture.shape[0], picture.shape[1]))
    else:
        _check_sizes(files, picture, get_size(raw_mask))
    encode = encode_exclusive if labels == "exclusive" else encode_overlapping
    label_mask, matches = encode(raw_mask, files.mask, class_table, tolerance=tolerance, unmatched=unmatched)

    suffix, content = _encode_picture(picture, files, is_whole=reading.bands is None)
    image, mask = f"images/{row['id']}{suffix}", f"masks/{row['id']}.png"
    return Record(
        id=row["id"],
        source=source,
        image=image,
        mask=mask,
        checksums=(
            _write_anew(folder / image, content),
            _write_anew(folder / mask, pictures.encode_label_mask(label_mask, class_table.palette)),
        ),
        statistics=_account(picture, label_mask, matches, class_table),
        thumbnail=make_thumbnail(picture).tobytes().hex(),
    )


def _check_sizes(files: SampleFiles, picture: NDArray[np.uint8], mask_size: tuple[int, int]) -> None:
    (height, width), (mask_height, mask_width) = picture.shape[:2], mask_size
    if (height, width) == (mask_height, mask_width):
        return
    fix = "give both the same size, correct the pairing in the source section, or set encode.mask_size to resize"
    if (height, width) == (mask_width, mask_height) and pictures.swaps_sides(files.images[0]):
        fix = "the picture's EXIF data turn it by a quarter and the mask is as it was before: turn the mask likewise"
    raise DataError(
        f"{files.mask} is {mask_width} x {mask_height} pixels, its picture {files.images[0]} is {width} x {height}",
        expected="a mask of its picture's size",
        fix=fix,
    )


def _check_ratios(files: SampleFiles, picture: NDArray[np.uint8], mask_size: tuple[int, int]) -> None:
    """Refuse to resize a mask whose sides are in another ratio: it belongs to another picture, or is turned."""
    (height, width), (mask_height, mask_width) = picture.shape[:2], mask_size
    stretching = (width * mask_height) / (height * mask_width)
    if max(stretching, 1 / stretching) > MOST_STRETCHING:
        raise DataError(
            f"{files.mask} is {mask_width} x {mask_height} pixels, its picture {files.images[0]} is {width} x {height}",
            expected=f"sides in the same ratio, within {MOST_STRETCHING - 1:.0%}",
            fix="correct the pairing in the source section, or turn or crop the mask as its picture is",
        )


def _encode_picture(picture: NDArray[np.uint8], files: SampleFiles, *, is_whole: bool) -> tuple[str, bytes]:
    """Return a picture's suffix and bytes: its file's own where they can stay (all of one file that is no mask too)."""
    path = files.images[0]
    is_file = is_whole and len(files.images) == 1 and files.window is None and path != files.mask
    if is_file and pictures.is_kept_as_it_is(path):
        return path.suffix.lower(), path.read_bytes()
    return pictures.picture_suffix(picture.shape[2]), pictures.encode_picture(picture)


def _write_anew(path: Path, content: bytes) -> str:
    """Write a new file, never into one that is there, whose bytes may be in DVC's cache too; return its SHA-256."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _account(
    picture: NDArray[np.uint8], label_mask: NDArray[np.unsignedinteger], matches: NDArray[np.uint8], class_table: ClassTable
) -> dict[str, Any]:
    """Return the sample's row of statistics.csv, as far as its picture and its mask tell."""
    height, width, num_channels = picture.shape
    area = label_mask.size
    by_match = [np.count_nonzero(matches == match) for match in (EXACT, TOLERATED, UNMATCHED)]  # faster than np.bincount
    by_id = count_pixels(label_mask)
    image_hash = hashlib.sha256(f"{picture.shape}".encode())
    image_hash.update(np.ascontiguousarray(picture).data)
    return {
        "image_height": height,
        "image_width": width,
        "mask_height": label_mask.shape[0],
        "mask_width": label_mask.shape[1],
        "channels": num_channels,
        "image_hash": image_hash.hexdigest(),
        "exact": float(by_match[EXACT] / area),
        "tolerated": float(by_match[TOLERATED] / area),
        "unmatched": float(by_match[UNMATCHED] / area),
        "void": float(by_id[VOID] / area),
        **{PIXELS + name: int(by_id[number]) for number, name in enumerate(class_table.names)},
    }
