"""Which sample trains, which validates, which tests: the source's own parts where it has them, else drawn by whole groups.

A group (a flight, a sequence, a tile) never comes to lie in two drawn parts: neighbouring pictures look alike, and a model
that has seen one of them has half seen the other.
"""

import numpy as np
import pandas as pd

from maskmill.errors import DataError


def assign_splits(manifest: pd.DataFrame, *, seed: int, val: float, test: float) -> pd.DataFrame:
    """Give every sample its final part.

    Parts that the source has stay as they are; samples without one train. Where there is no test or no val part it is drawn, test
    first, from the training samples: whole groups, chosen by `seed` such that their size comes as near to the fraction as any
    choice does (the smaller one of two as near). A group that also occurs in another part is not drawn; a fraction of 0 draws
    nothing.

    Args:
        manifest: columns id, split ("train", "val", "test", "") and group, one row a sample.
        seed: of the draw; neither the order of the rows nor the other part's fraction changes what it gives.
        val: fraction for validation: of all samples where the source has no parts, else of its training samples.
        test: fraction for testing, likewise.

    Returns:
        A copy whose split is "train", "val" or "test" in every row.

    Raises:
        DataError: there are no training samples, or too few groups to draw from.
    """
    result = manifest.copy()
    result["split"] = result["split"].replace("", "train")
    wanted = {
        part: fraction for part, fraction in (("test", test), ("val", val)) if fraction > 0 and part not in set(result["split"])
    }
    num_training = int((result["split"] == "train").sum())
    if not num_training:
        raise DataError("the source has no training samples", fix="correct the {split} field of source.images, or source.lists")
    for number, (part, fraction) in enumerate(wanted.items()):
        num_still_needed = len(wanted) - number - 1
        sizes = _count_drawable(result)
        num_kept = num_still_needed + _needs_drawable_group(result)
        if len(sizes) <= num_kept:
            raise _explain_too_few(result, part, num_needed=num_kept + 1, num_drawable=len(sizes))
        generator = np.random.default_rng([seed, {"test": 0, "val": 1}[part]])
        order = [sizes.index[position] for position in generator.permutation(len(sizes))]
        chosen = _choose_nearest([int(sizes[group]) for group in order], round(fraction * num_training), len(sizes) - num_kept)
        taken = {order[position] for position in chosen}
        result.loc[(result["split"] == "train") & result["group"].isin(taken), "split"] = part
    return result


def _count_drawable(manifest: pd.DataFrame) -> pd.Series:
    """Return the number of training samples of each group that occurs in no other part, sorted by the group's name."""
    is_training = manifest["split"] == "train"
    elsewhere = set(manifest.loc[~is_training, "group"])
    sizes = manifest.loc[is_training, "group"].value_counts().sort_index()
    return sizes[~sizes.index.isin(elsewhere)]


def _needs_drawable_group(manifest: pd.DataFrame) -> int:
    """Return 1 if training would be empty once every drawable group is taken, else 0."""
    num_groups = manifest.loc[manifest["split"] == "train", "group"].nunique()
    return int(num_groups == len(_count_drawable(manifest)))


def _choose_nearest(sizes: list[int], target: int, most: int) -> list[int]:
    """Choose positions of `sizes` whose sum is as near to `target` as possible, at least one and at most `most` of them.

    `first[s]` is the earliest position with which some choice among the positions up to it sums to s, so the choice is read
    back by going from s to s - sizes[first[s]]. Sums far above the target are not needed.
    """
    limit = max(2 * target, min(sizes))
    first = np.full(limit + 1, -1, np.int64)
    reached = np.zeros(limit + 1, bool)
    reached[0] = True
    for position, size in enumerate(sizes):
        if size > limit:
            continue
        new = np.zeros_like(reached)
        new[size:] = reached[: limit + 1 - size]
        new &= ~reached
        first[new] = position
        reached |= new
        if target > 0 and reached[target]:
            break
    sums = np.flatnonzero(reached)[1:]  # without the empty choice; argmin takes the smaller of two as near
    total = int(sums[np.argmin(np.abs(sums - target))])
    chosen = []
    while total:
        chosen.append(int(first[total]))
        total -= sizes[chosen[-1]]
    # The other parts need groups too: the smallest go back, which changes the sum least.
    return sorted(chosen, key=lambda position: (-sizes[position], position))[:most]


def _explain_too_few(manifest: pd.DataFrame, part: str, *, num_needed: int, num_drawable: int) -> DataError:
    num_groups = manifest["group"].nunique()
    return DataError(
        f"no {part} part can be drawn: the samples form {num_groups} group{'s' if num_groups != 1 else ''}, "
        f"{num_drawable} of which {'are' if num_drawable != 1 else 'is'} free to draw",
        expected=f"at least {num_needed} groups in training that occur in no other part",
        fix="set source.group to a finer field, or to null (then neighbouring pictures can come to lie in different parts)",
    )
