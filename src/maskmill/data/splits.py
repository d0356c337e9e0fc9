"""Which sample trains, which validates, which tests: the source's own parts, or parts and folds drawn by whole groups.

A group (a flight, a sequence, a tile) never comes to lie in two drawn parts: neighbouring pictures look alike, and a model
that has seen one of them has half seen the other.
"""

from typing import Literal

import numpy as np
import pandas as pd

from maskmill.data.stratification import Draw, choose_balanced, choose_nearest
from maskmill.errors import DataError

_STREAMS = {"test": 0, "val": 1}  # each part has its own random numbers; those of the folds follow
FOLD = "fold {}"


def assign_splits(
    manifest: pd.DataFrame,
    presence: pd.DataFrame | None,
    *,
    by: Literal["source", "ratio"],
    seed: int,
    val: float,
    test: float,
    folds: int | None,
    fold: int,
) -> pd.DataFrame:
    """Give every sample its final part.

    By "source", parts that the source has stay as they are and samples without one train; by "ratio" its parts are ignored. Where
    there is then no test or no val part it is drawn, test first, from the training samples: whole groups whose size comes near to
    the fraction (how near: `choose_nearest`, with `presence` `choose_balanced`). A group that also occurs in another part is not
    drawn; a fraction of 0 draws nothing.

    With `folds` there is no such val part: all that is not test, a val part of the source included, is drawn into folds, one of
    which validates while the others train.

    Args:
        manifest: columns id, split ("train", "val", "test", "") and group, one row a sample.
        presence: bool, a row a sample by its id, a column a class: whether the sample has it. The classes come to be as frequent
            in each drawn part as in all samples that it is drawn from. None: only the size counts.
        by: "source" or "ratio".
        seed: of the draw; neither the order of the rows nor the other part's fraction changes what it gives.
        val: fraction for validation: of all samples where the source has no parts, else of its training samples.
        test: fraction for testing, likewise.
        folds: how many, from 2; None: none.
        fold: the one that validates, from 0.

    Returns:
        A copy whose split is "train", "val" or "test" in every row.

    Raises:
        DataError: there are no training samples, or too few groups to draw from.
    """
    result = manifest.copy()
    result["split"] = "train" if by == "ratio" else result["split"].replace("", "train")
    if folds is not None:
        result["split"] = result["split"].replace("val", "train")
    if not (result["split"] == "train").any():
        raise DataError("the source has no training samples", fix="correct the {split} field of source.images, or source.lists")
    classes = None if presence is None else presence.loc[result["id"]].set_axis(result.index)
    fractions = {"test": test} if folds is not None else {"test": test, "val": val}
    wanted = {part: fraction for part, fraction in fractions.items() if fraction > 0 and part not in set(result["split"])}
    num_training = int((result["split"] == "train").sum())
    for number, (part, fraction) in enumerate(wanted.items()):
        num_later = len(wanted) - number - 1 if folds is None else folds - 1
        free = _find_free(result)
        num_groups = _count_groups(result, free)
        num_kept = num_later + (not _find_fixed(result, free).any())
        if num_groups <= num_kept:
            raise _explain_too_few(result, part, num_needed=num_kept + 1, num_free=num_groups, folds=folds)
        target = round(fraction * num_training)
        taken = _draw(result, classes, free, target=target, num_later=num_later, seed=[seed, _STREAMS[part]])
        result.loc[free & result["group"].isin(taken), "split"] = part
    return result if folds is None else _assign_folds(result, classes, seed=seed, folds=folds, fold=fold)


def _assign_folds(manifest: pd.DataFrame, classes: pd.DataFrame | None, *, seed: int, folds: int, fold: int) -> pd.DataFrame:
    """Draw the training samples into folds, one after the other, each from what is left; the last one is the rest."""
    result = manifest.copy()
    num_groups = _count_groups(result, result["split"] == "train")
    if num_groups < folds:
        raise _explain_too_few(result, "fold", num_needed=folds, num_free=num_groups, folds=folds)
    for number in range(folds - 1):
        left = result["split"] == "train"
        target = round(left.sum() / (folds - number))
        stream = [seed, len(_STREAMS) + number]
        taken = _draw(result, classes, left, target=target, num_later=folds - number - 2, seed=stream)
        result.loc[left & result["group"].isin(taken), "split"] = FOLD.format(number)
    result["split"] = result["split"].replace("train", FOLD.format(folds - 1))
    result["split"] = result["split"].replace(FOLD.format(fold), "val")
    result.loc[~result["split"].isin(["val", "test"]), "split"] = "train"
    return result


def _draw(
    manifest: pd.DataFrame, classes: pd.DataFrame | None, free: pd.Series, *, target: int, num_later: int, seed: list[int]
) -> list[str]:
    """Choose groups of free samples.

    Args:
        manifest: all samples.
        classes: which classes they have, or None.
        free: bool, the samples to choose from.
        target: the number of samples wanted.
        num_later: the number of parts that are drawn later; each needs a group of every class, and so does what then is left.
        seed: of the order in which groups are considered.
    """
    sizes = manifest.loc[free, "group"].value_counts().sort_index()
    order = np.random.default_rng(seed).permutation(len(sizes))
    names, ordered = sizes.index[order], sizes.to_numpy(np.int64)[order]
    fixed = _find_fixed(manifest, free)
    most = len(sizes) - num_later - (not fixed.any())
    if classes is None:
        return names[choose_nearest(ordered, target, most)].tolist()
    counts = classes[free].groupby(manifest.loc[free, "group"]).sum().loc[names].to_numpy(np.int64)
    num_groups = (counts > 0).sum(axis=0)
    rest_needs = ~classes[fixed].any().to_numpy(bool)
    fewest_of = (num_groups > rest_needs).astype(np.int64)  # too few for all parts: training first, then the one drawn first
    draw = Draw(
        sizes=ordered,
        counts=counts,
        target=target,
        most=most,
        fewest_of=fewest_of,
        most_of=np.maximum(num_groups - num_later - rest_needs, fewest_of),
        shares=classes[free | fixed].to_numpy(float).mean(axis=0),
    )
    return names[choose_balanced(draw)].tolist()


def _find_free(manifest: pd.DataFrame) -> pd.Series:
    """Say which samples train and belong to no group that occurs in another part, too."""
    is_training = manifest["split"] == "train"
    return is_training & ~manifest["group"].isin(manifest.loc[~is_training, "group"])


def _find_fixed(manifest: pd.DataFrame, free: pd.Series) -> pd.Series:
    """Say which samples train whatever is drawn."""
    return (manifest["split"] == "train") & ~free


def _count_groups(manifest: pd.DataFrame, rows: pd.Series) -> int:
    return int(manifest.loc[rows, "group"].nunique())


def _explain_too_few(manifest: pd.DataFrame, part: str, *, num_needed: int, num_free: int, folds: int | None) -> DataError:
    num_groups = manifest["group"].nunique()
    wanted = f"no {part} part can be drawn" if folds is None else f"split.folds {folds} cannot be drawn"
    finer = "set source.group to a finer field, or to null (then neighbouring pictures can come to lie in different parts)"
    largest = num_free - (part == "test")
    return DataError(
        f"{wanted}: the samples form {num_groups} group{'s' if num_groups != 1 else ''}, "
        f"{num_free} of which {'are' if num_free != 1 else 'is'} free to draw",
        expected=f"at least {num_needed} groups in training that occur in no other part"
        + (" (a test part and each fold need one)" if folds is not None and part == "test" else ""),
        fix=f"set split.folds to at most {largest}, or {finer}" if folds is not None and largest > 1 else finer,
    )
