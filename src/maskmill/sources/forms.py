"""The forms that data comes in; every one gives the same manifest and the same arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources import composite, folders, index
from maskmill.sources.fetch import compute_sha256
from maskmill.sources.manifest import COLUMNS, check_manifest, limit_samples, name_samples
from maskmill.sources.patterns import Split
from maskmill.sources.tree import read_tree
from maskmill.terminal import track

# Each module has find_pairs(tree, *, images, masks, lists) and read_pair(image_path, mask_path, *, image_side, max_pixels).
FORMS: dict[str, ModuleType] = {"composite": composite, "folders": folders, "index": index}


def list_samples(
    root: Path,
    *,
    form: str,
    images: str | None,
    masks: str | None,
    lists: Mapping[Split, str],
    group: str | None,
    limit: int | None = None,
    name: str | None = None,
    final_root: Path | None = None,
) -> pd.DataFrame:
    """Find the samples below a folder, which is only read.

    Args:
        root: the folder with the pictures.
        form: a name in FORMS.
        images: pattern of the pictures below `root` (or below its single top folder).
        masks: pattern of the masks.
        lists: part -> list file.
        group: text with {field}s of `images`; None: each sample is its own group.
        limit: keep so many, evenly over the parts; None: all.
        name: what messages call `root`, e.g. the archive that was unpacked there; None: its path.
        final_root: where `root` will lie when the manifest is read; None: it stays.

    Returns:
        A manifest: text columns id, image, mask, split, group, sha256, sorted by id.

    Raises:
        SourceError: nothing found, pictures or masks without a partner, pictures that cannot be opened, or settings that do not
            fit together.
    """
    pairs = FORMS[form].find_pairs(read_tree(root, name), images=images, masks=masks, lists=lists)
    samples = limit_samples(name_samples(pairs, group), limit)
    samples["sha256"] = _compute_checksums(samples["image"].tolist())
    for column in ("image", "mask"):
        samples[column] = [((final_root or root) / path.relative_to(root)).as_posix() for path in samples[column]]
    manifest = samples[COLUMNS].astype(str)
    check_manifest(manifest)
    return manifest


def read_pair(
    form: str, image_path: Path, mask_path: Path, image_side: str, max_pixels: int
) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    """Read one sample.

    Args:
        form: a name in FORMS.
        image_path: the picture.
        mask_path: the mask; the same file in a composite.
        image_side: "left" or "right": the photo's half of a composite.
        max_pixels: pictures that declare more are refused unread.

    Returns:
        The picture uint8 (H, W, C) with C 1 or 3, and the raw mask: colours uint8 (H, W, 3), or ids (H, W) in form index.

    Raises:
        DataError: a file is not readable, or is not what the form says.
    """
    return FORMS[form].read_pair(image_path, mask_path, image_side=image_side, max_pixels=max_pixels)


def _compute_checksums(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file; raise SourceError naming all that cannot be opened, as links to nowhere cannot."""
    checksums, problems = [], []
    for path in track(paths, "reading pictures", len(paths)):
        try:
            checksums.append(compute_sha256(path))
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    if problems:
        raise SourceError(
            f"{len(problems)} of {len(paths)} pictures cannot be opened:\n{summarise_problems(problems)}",
            fix="mend the links or the permissions, or move these files and their masks elsewhere",
        )
    return checksums
