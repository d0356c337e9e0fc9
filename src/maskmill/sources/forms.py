"""The forms that data comes in; every one gives the same manifest and the same arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.labels.layers import Layers
from maskmill.pictures import read_picture
from maskmill.sources import coco, composite, folders, geotiff, index, layers, rle, suffix, trimap
from maskmill.sources.annotations import Annotation, list_mask_files, read_layers, write_annotation
from maskmill.sources.checksums import compute_checksums
from maskmill.sources.manifest import COLUMNS, FILE_SEPARATOR, check_manifest, limit_samples, name_samples, write_window
from maskmill.sources.pairing import Pair
from maskmill.sources.sample_table import join_table
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.tree import FileTree, read_tree

RawMask = NDArray[np.integer] | Layers  # colours uint8 (H, W, 3), ids (H, W), or layers


Sample = tuple[NDArray[np.uint8], RawMask]


class Form(NamedTuple):
    """A form.

    Args:
        find_samples: gives the samples of a tree; raises SourceError where the layout does not fit the form or the files.
        read_sample: gives a sample's picture and mask; raises DataError.
    """

    find_samples: Callable[[FileTree, Layout], list[Pair]]
    read_sample: Callable[[SampleFiles, Reading], Sample]


def _read_apart(read_mask: Callable[[SampleFiles, tuple[int, int], Reading], RawMask]) -> Callable[[SampleFiles, Reading], Sample]:
    """Return how a sample is read whose mask is no part of its picture; `read_mask` is told the picture's (height, width)."""

    def read_sample(files: SampleFiles, reading: Reading) -> Sample:
        picture = _read_picture(files, reading)
        return picture, read_mask(files, (picture.shape[0], picture.shape[1]), reading)

    return read_sample


def _read_picture(files: SampleFiles, reading: Reading) -> NDArray[np.uint8]:
    if files.window or len(files.images) > 1:
        from maskmill.rasters import read_bands

        return read_bands(
            files.images, window=files.window, bands=reading.bands, stretch=reading.stretch, max_pixels=reading.max_pixels
        )
    return read_picture(files.images[0], max_pixels=reading.max_pixels, bands=reading.bands, stretch=reading.stretch)


def _read_annotation(files: SampleFiles, size: tuple[int, int], reading: Reading) -> Layers:
    return read_layers(files.mask, size=size, window=files.window, reading=reading)


FORMS: dict[str, Form] = {
    "composite": Form(composite.find_samples, composite.read_halves),
    "folders": Form(folders.find_samples, _read_apart(folders.read_mask)),
    "suffix": Form(suffix.find_samples, _read_apart(suffix.read_mask)),
    "index": Form(index.find_samples, _read_apart(index.read_mask)),
    "trimap": Form(trimap.find_samples, _read_apart(_read_annotation)),
    "layers": Form(layers.find_samples, _read_apart(_read_annotation)),
    "rle": Form(rle.find_samples, _read_apart(_read_annotation)),
    "coco": Form(coco.find_samples, _read_apart(_read_annotation)),
    "geotiff": Form(geotiff.find_samples, _read_apart(geotiff.read_mask)),
}


def list_samples(
    root: Path,
    *,
    form: str,
    layout: Layout,
    group: str | None,
    annotations_dir: Path,
    limit: int | None = None,
    name: str | None = None,
    place: Callable[[Path], Path] = lambda path: path,
) -> pd.DataFrame:
    """Find the samples below a folder, which is only read.

    Args:
        root: the folder with the pictures.
        form: a name in FORMS.
        layout: how they are found.
        group: text with {field}s of the pictures' pattern or columns of the table; None: each picture is its own group.
        annotations_dir: the folder to write annotations into, one a picture.
        limit: keep so many samples, evenly over the parts; None: all.
        name: what messages call `root`, e.g. the archive that was unpacked there; None: its path.
        place: says where a file will lie when the manifest is read.

    Returns:
        A manifest: text columns id, image, mask, window, split, group, sha256, sorted by id.

    Raises:
        SourceError: nothing found, pictures or masks without a partner, pictures that cannot be opened, or settings that do not
            fit together.
    """
    tree = read_tree(root, name)
    pairs = FORMS[form].find_samples(tree, layout)
    if layout.table:
        pairs = join_table(tree, pairs, layout.table, layout.missing)
    samples = limit_samples(name_samples(pairs, group), limit)
    files = [(image, *others) for image, others in zip(samples["image"], samples["band_files"], strict=True)]
    manifest = pd.DataFrame(
        {
            "id": samples["id"],
            "image": [FILE_SEPARATOR.join(place(path).as_posix() for path in paths) for paths in files],
            "mask": _place_masks(samples, annotations_dir, place),
            "window": [write_window(window) for window in samples["window"]],
            "split": samples["split"],
            "group": samples["group"],
            "sha256": compute_checksums(files),
        },
        dtype=str,
    )[COLUMNS]
    check_manifest(manifest)
    return manifest


def read_sample(form: str, files: SampleFiles, reading: Reading) -> Sample:
    """Read one sample.

    Args:
        form: a name in FORMS.
        files: where it is.
        reading: how to read it.

    Returns:
        The picture uint8 (H, W, C), and the raw mask: colours uint8 (H, W, 3), ids (H, W), or layers.

    Raises:
        DataError: a file is not readable, or is not what the form says.
    """
    return FORMS[form].read_sample(files, reading)


def list_files(files: SampleFiles) -> list[Path]:
    """Return every file that a sample is read from: those of its picture and its mask, and the masks that an annotation names."""
    return list(dict.fromkeys([*files.images, files.mask, *list_mask_files(files.mask)]))


def _place_masks(samples: pd.DataFrame, annotations_dir: Path, place: Callable[[Path], Path]) -> list[str]:
    """Return each sample's mask file, the annotations among them written; the windows of a scene share one."""
    masks = []
    written: dict[str, Path] = {}
    for scene, mask in zip(samples["scene"], samples["mask"], strict=True):
        if isinstance(mask, Annotation):
            if scene not in written:
                written[scene] = annotations_dir / f"{scene}.json"
                written[scene].parent.mkdir(parents=True, exist_ok=True)
                write_annotation(mask, written[scene], place)
            masks.append(place(written[scene]).as_posix())
        else:
            masks.append(place(mask).as_posix())
    return masks
