"""Pictures, and groups of pictures, that are in two parts at once: what is learnt from one part is no news in the other."""

from itertools import combinations
from os.path import commonprefix
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.data.likeness import MOST_PARTNERS, Thumbnails, find_alike, find_most_alike
from maskmill.data.thumbnails import SIDE
from maskmill.errors import DataError

PARTS = ("train", "val", "test")
DUPLICATE, NEAR_DUPLICATE = "duplicate", "near-duplicate"
PAIR_COLUMNS = ["kind", "symmetry", "distance", "first_id", "second_id", "first_file", "second_file", "first_part", "second_part"]


def read_thumbnails(path: Path, num_samples: int) -> Thumbnails:
    """Read the thumbnails that encode has written, uint8 (N, 32, 32), one a sample.

    Raises:
        DataError: there are none, or not one a sample.
    """
    fix = "dvc repro --force encode"
    try:
        thumbnails = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: an earlier version has encoded this data set", fix=fix) from None
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}", fix=fix) from None
    if thumbnails.dtype != np.uint8 or thumbnails.shape != (num_samples, SIDE, SIDE):
        raise DataError(
            f"{path} holds {thumbnails.dtype} {thumbnails.shape}",
            expected=f"uint8 ({num_samples}, {SIDE}, {SIDE}), one a sample",
            fix=fix,
        )
    return thumbnails


def find_pairs(statistics: pd.DataFrame, thumbnails: Thumbnails, *, near_duplicate: int) -> pd.DataFrame:
    """Find the pictures that are in two parts, the same ones by their pixels and nearly the same ones by their thumbnails.

    Args:
        statistics: id, source_image, split and image_hash of each sample.
        thumbnails: uint8 (N, 32, 32), in the order of `statistics`.
        near_duplicate: bits of 64 up to which perceptual hashes are alike (see `likeness`).

    Returns:
        a row a pair, the closest ones first: kind ("duplicate" or "near-duplicate"), symmetry (what was done to the second
        picture, in words), distance (bits), and id, file and part of both. The first one is in the earlier part of train, val,
        test. Of each second picture at most the 16 closest of each kind and part: who takes out the second ones has taken out all.
    """
    rows = {part: np.flatnonzero(statistics["split"] == part) for part in PARTS}
    tables = []
    for first_part, second_part in combinations(PARTS, 2):
        first, second = rows[first_part], rows[second_part]
        same = _find_same(statistics["image_hash"], first, second)
        alike = find_alike(thumbnails[first], thumbnails[second], near_duplicate=near_duplicate)
        alike = alike.assign(first=first[alike["first"]], second=second[alike["second"]], kind=NEAR_DUPLICATE)
        known = pd.MultiIndex.from_frame(same[["first", "second"]])
        is_known = pd.MultiIndex.from_frame(alike[["first", "second"]]).isin(known)
        tables += [same, alike[~is_known]]
    pairs = pd.concat(tables, ignore_index=True)
    names = {"id": "id", "source_image": "file", "split": "part"}
    for which in ("first", "second"):
        found = statistics[list(names)].iloc[pairs[which]].reset_index(drop=True)
        pairs = pairs.join(found.rename(columns={column: f"{which}_{name}" for column, name in names.items()}))
    order = ["kind", "distance", "first_id", "second_id"]
    return pairs[PAIR_COLUMNS].sort_values(order, ignore_index=True)


def find_groups(statistics: pd.DataFrame) -> pd.DataFrame:
    """Find the groups with samples in several parts.

    Args:
        statistics: split and group of each sample.

    Returns:
        a row such a group: group, and its number of samples in train, val and test.
    """
    counts = pd.crosstab(statistics["group"], statistics["split"]).reindex(columns=list(PARTS), fill_value=0)
    return counts[(counts > 0).sum(axis=1) > 1].rename_axis(columns=None).reset_index()


def find_examples(statistics: pd.DataFrame, thumbnails: Thumbnails, group: str) -> pd.DataFrame:
    """Find the two most alike samples of each two parts that a group is in, as id and part of the first and of the second."""
    rows = {part: np.flatnonzero((statistics["split"] == part) & (statistics["group"] == group)) for part in PARTS}
    examples = []
    for first_part, second_part in combinations([part for part in PARTS if len(rows[part])], 2):
        first, second = find_most_alike(thumbnails[rows[first_part]], thumbnails[rows[second_part]])
        ids = statistics["id"].iloc[[rows[first_part][first], rows[second_part][second]]]
        examples.append((*ids, first_part, second_part))
    return pd.DataFrame(examples, columns=["first_id", "second_id", "first_part", "second_part"])


def name_samples(statistics: pd.DataFrame) -> dict[str, str]:
    """Return what a person knows each sample by, by id: its file below the folder of all, or its id where it shares its file."""
    files = [PurePath(str(files).split("|")[0]) for files in statistics["source_image"].fillna(statistics["id"])]
    folders = [file.parent.parts for file in files]
    depth = len(commonprefix(folders))  # noqa: RUF071  of tuples: by folders, absolute or not
    names = pd.Series([PurePath(*file.parts[depth:]).as_posix() for file in files], dtype="str")
    is_shared = names.duplicated(keep=False)
    return dict(zip(statistics["id"], names.where(~is_shared, statistics["id"].reset_index(drop=True)), strict=True))


def _find_same(hashes: pd.Series, first: NDArray[np.intp], second: NDArray[np.intp]) -> pd.DataFrame:
    """Find pairs of rows with one hash, of each second row the first few."""
    left, right = (pd.DataFrame({"hash": hashes.iloc[rows], name: rows}) for name, rows in (("first", first), ("second", second)))
    few = left.groupby("hash").head(MOST_PARTNERS)
    return right.dropna().merge(few.dropna(), on="hash").assign(kind=DUPLICATE, symmetry="as it is", distance=0)
