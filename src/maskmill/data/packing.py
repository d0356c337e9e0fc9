"""Packing: the training and validation pictures at their training size, with augmented copies, as memory-mapped arrays."""

import functools
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill import outputs, pictures, scaling
from maskmill.data.array_rows import open_rows
from maskmill.data.copies import count_copies, refuse_strange_parents
from maskmill.errors import DataError
from maskmill.labels.classes import find_void, void_of
from maskmill.parallel import Workers, work_through

PICTURES_A_PROCESS = 1000  # fewer take less time than the start of a process, which imports for seconds
ROWS_A_TASK = 64  # opening the arrays and building the transforms takes as long as an augmented picture or two
ENCODE_AGAIN = "dvc repro --force encode"
COLUMNS = ["id", "parent", "copy", "top", "left"]
Policy = Literal["fit", "native"]
LabelMask = NDArray[np.unsignedinteger]  # uint8 ids or uint16 bits


@dataclass(frozen=True)
class Scale:
    """How a picture becomes training pictures (see `pack_arrays`); image_size is (height, width)."""

    policy: Policy
    image_size: tuple[int, int]
    factor: float


@dataclass(frozen=True)
class Sample:
    """One picture with its mask, and the training pictures that are cut out of it."""

    image_path: Path
    mask_path: Path
    cuts: list["Cut"]


@dataclass(frozen=True)
class Cut:
    """One training picture to be: the corner of its tile, its row in the arrays, its number among all originals, its copies."""

    top: int
    left: int
    row: int
    number: int
    copies: int


def pack_arrays(
    samples: pd.DataFrame,
    encoded_dir: Path,
    arrays_dir: Path,
    *,
    policy: Policy,
    image_size: tuple[int, int],
    factor: float,
    copies: int,
    total: int | None,
    transforms: Sequence[Mapping[str, Any]],
    seed: int,
    workers: Workers,
) -> dict[str, pd.DataFrame]:
    """Write the training and validation parts as images.npy, masks.npy and samples.csv each, whole or not at all.

    Pictures are uint8 (N, H, W, C), masks (N, H, W) of ids (uint8) or bits (uint16) as they are encoded. The test part is left
    alone: it is measured at its own size.

    fit: every picture resized to `image_size`. native: every picture scaled by `factor`, then cut into the fewest tiles of
    `image_size` that cover it, evenly laid; smaller ones are padded, mirrored at the edge, void in the mask. What is void all
    over is left out. Only training pictures get augmented copies.

    Args:
        samples: samples.csv of the encoded data: id, image, mask, split, channels (the same for all, or 1 and 3).
        encoded_dir: folder that holds them.
        arrays_dir: folder to write, replaced as a whole.
        policy: "fit" or "native".
        image_size: (height, width) of a training picture.
        factor: of the scale, native only.
        copies: augmented copies of each training picture.
        total: training pictures wanted altogether, originals included; None to go by `copies`.
        transforms: what makes a copy, as for `augmentation.build_transform`.
        seed: of the copies.
        workers: how the samples are shared out. The bytes written do not depend on it.

    Returns:
        the rows of samples.csv (id, parent, copy, top, left) of "train" and "val".

    Raises:
        DataError: a part has no labelled pixel, a file cannot be read, or `refuse_strange_parents` refuses a copy.
        ParamsError: `total` is fewer than the originals, or the transforms cannot be used.
    """
    scale = Scale(policy, image_size, factor)
    channels = int(samples["channels"].max())
    pack = functools.partial(pack_part, encoded_dir=encoded_dir, scale=scale, channels=channels, workers=workers)
    training, validation = (samples[samples["split"] == part] for part in ("train", "val"))
    with outputs.new_folder(arrays_dir) as folder:
        rows = {
            "train": pack(training, part_dir=folder / "train", copies=copies, total=total, transforms=transforms, seed=seed),
            "val": pack(validation, part_dir=folder / "val"),
        }
        for of_part in rows.values():
            refuse_strange_parents(of_part, samples)
        return rows


def pack_part(
    samples: pd.DataFrame,
    *,
    encoded_dir: Path,
    part_dir: Path,
    scale: Scale,
    channels: int,
    workers: Workers,
    copies: int = 0,
    total: int | None = None,
    transforms: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Pack the samples of one part into a new folder; arguments and errors as `pack_arrays`.

    Args:
        channels: of the packed pictures; grey ones are repeated into 3.

    Returns:
        the rows of samples.csv, in the order of the arrays.
    """
    files = [(encoded_dir / image, encoded_dir / mask) for image, mask in zip(samples["image"], samples["mask"], strict=True)]
    looks = [(mask_path, scale) for _, mask_path in files]
    share_out = functools.partial(work_through, folder=part_dir.parent)
    early = _as_many_as_pay(workers, max(len(files) * (1 + copies), total or 0))  # processes that packing will need as well
    found = list(share_out(_find_corners, looks, workers=early, description=f"looking at {part_dir.name}"))
    originals = sum(map(len, found))
    if not originals:
        raise DataError(
            f"the {part_dir.name} part of {encoded_dir} has no labelled pixel", expected="at least one picture that is not void"
        )
    cuts = _plan(found, count_copies(originals, copies=copies, total=total))
    size = sum(1 + cut.copies for of_sample in cuts for cut in of_sample)
    part_dir.mkdir()
    _new_array(part_dir / "images.npy", (size, *scale.image_size, channels), np.dtype(np.uint8))
    _new_array(part_dir / "masks.npy", (size, *scale.image_size), find_mask_type(files[0][1]))
    pack = functools.partial(_pack_portion, part_dir=part_dir, scale=scale, transforms=transforms, seed=seed)
    portions = _group_samples([Sample(*paths, of_sample) for paths, of_sample in zip(files, cuts, strict=True) if of_sample])
    for _ in share_out(pack, portions, workers=_as_many_as_pay(workers, size), description=f"packing {part_dir.name}"):
        pass
    rows = _list_rows(samples["id"], cuts)
    rows.to_csv(part_dir / "samples.csv", index=False, lineterminator="\n")
    return rows


def find_mask_type(mask_path: Path) -> np.dtype:
    """Return the type of a data set's label masks, after one of them: uint8 for ids, uint16 for bits."""
    return pictures.read_label_mask(mask_path).dtype


def _as_many_as_pay(workers: Workers, num_pictures: int) -> Workers:
    if workers.backend != "loky":
        return workers
    useful = max(1, num_pictures // PICTURES_A_PROCESS)
    return replace(workers, jobs=min(joblib.effective_n_jobs(workers.jobs), useful))


def _find_corners(mask_path: Path, scale: Scale) -> list[tuple[int, int]]:
    """Return (top, left) of the tiles of a sample that are not void all over."""
    label_mask = _scale_label_mask(pictures.read_label_mask(mask_path), scale)
    height, width = scale.image_size
    rows, columns = (scaling.tile_starts(*sides) for sides in zip(label_mask.shape, scale.image_size, strict=True))
    corners = itertools.product(rows, columns)
    labelled = ~find_void(label_mask)
    return [(top, left) for top, left in corners if labelled[top : top + height, left : left + width].any()]


def _plan(found: Sequence[Sequence[tuple[int, int]]], copies: Sequence[int]) -> list[list[Cut]]:
    """Give every tile its row: an original, then its copies, then the next original."""
    cuts, row, number = [], 0, 0
    for corners in found:
        of_sample = []
        for top, left in corners:
            of_sample.append(Cut(top, left, row, number, copies[number]))
            row += 1 + copies[number]
            number += 1
        cuts.append(of_sample)
    return cuts


def _group_samples(samples: Sequence[Sample]) -> list[tuple[list[Sample]]]:
    """Group neighbouring samples into portions of work, each a task's only argument."""
    return [(list(portion),) for _, portion in itertools.groupby(samples, lambda sample: sample.cuts[0].row // ROWS_A_TASK)]


def _pack_portion(
    samples: Sequence[Sample], *, part_dir: Path, scale: Scale, transforms: Sequence[Mapping[str, Any]], seed: int
) -> None:
    """Write all rows of some samples; runs in a process of its own."""
    with open_rows(part_dir / "images.npy") as images, open_rows(part_dir / "masks.npy") as label_masks:
        if any(cut.copies for sample in samples for cut in sample.cuts):
            from maskmill.data.augmentation import augment_sample, build_transform  # 1 s, in each process

            settings: dict[str, Any] = {"image_size": scale.image_size, "channels": images.shape[3], "mask_type": label_masks.dtype}
            transform = build_transform(transforms, **settings)
        for sample in samples:
            picture, label_mask = _read_sample(sample, scale, channels=images.shape[3], mask_type=label_masks.dtype)
            for cut in sample.cuts:
                original = _cut_tile(picture, label_mask, cut, scale.image_size)
                images[cut.row], label_masks[cut.row] = original
                for copy in range(1, cut.copies + 1):
                    row = cut.row + copy
                    images[row], label_masks[row] = augment_sample(transform, *original, (seed, copy, cut.number))


def _read_sample(sample: Sample, scale: Scale, *, channels: int, mask_type: np.dtype) -> tuple[NDArray[np.uint8], LabelMask]:
    """Read a sample at the training scale."""
    picture = _scale_picture(pictures.read_picture(sample.image_path, max_pixels=sys.maxsize), scale)
    picture = _to_channels(picture, channels, sample.image_path)
    label_mask = _scale_label_mask(pictures.read_label_mask(sample.mask_path), scale)
    if picture.shape[:2] != label_mask.shape:
        raise DataError(f"{sample.image_path} and {sample.mask_path} differ in size", fix=ENCODE_AGAIN)
    if label_mask.dtype != mask_type:
        raise DataError(f"{sample.mask_path} is {label_mask.dtype}", expected=f"{mask_type} as the others", fix=ENCODE_AGAIN)
    return picture, label_mask


def _cut_tile(
    picture: NDArray[np.uint8], label_mask: LabelMask, cut: Cut, image_size: tuple[int, int]
) -> tuple[NDArray[np.uint8], LabelMask]:
    height, width = image_size
    tile = picture[cut.top : cut.top + height, cut.left : cut.left + width]
    label_tile = label_mask[cut.top : cut.top + height, cut.left : cut.left + width]
    below, right = height - tile.shape[0], width - tile.shape[1]
    if below or right:
        tile = scaling.pad_picture(tile, image_size)
        label_tile = np.pad(label_tile, ((0, below), (0, right)), constant_values=void_of(label_tile.dtype))
    return tile, label_tile


def _scale_picture(picture: NDArray[np.uint8], scale: Scale) -> NDArray[np.uint8]:
    return scaling.resize_picture(picture, _scaled_size(picture, scale))


def _scale_label_mask(label_mask: LabelMask, scale: Scale) -> LabelMask:
    return scaling.resize_label_mask(label_mask, _scaled_size(label_mask, scale))


def _scaled_size(array: NDArray, scale: Scale) -> tuple[int, int]:
    if scale.policy == "fit":
        return scale.image_size
    return max(1, round(array.shape[0] * scale.factor)), max(1, round(array.shape[1] * scale.factor))


def _to_channels(picture: NDArray[np.uint8], channels: int, path: Path) -> NDArray[np.uint8]:
    if picture.shape[2] == channels:
        return picture
    if picture.shape[2] == 1 and channels == 3:
        return np.repeat(picture, 3, axis=2)
    raise DataError(f"{path} has {picture.shape[2]} channels", expected=f"{channels}", fix=ENCODE_AGAIN)


def _new_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
    np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape).flush()


def _list_rows(ids: Sequence[str] | pd.Series, cuts: Sequence[Sequence[Cut]]) -> pd.DataFrame:
    """Name every row: the parent's id with the tile's corner and the copy, behind a "+" that no sample's id holds."""
    rows = [
        (f"{parent}+y{cut.top}+x{cut.left}+copy{copy}", parent, copy, cut.top, cut.left)
        for parent, of_sample in zip(ids, cuts, strict=True)
        for cut in of_sample
        for copy in range(1 + cut.copies)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
