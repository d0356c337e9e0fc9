"""Augmented copies: how many of them each training picture gets, and that no other picture has any."""

import numpy as np
import pandas as pd

from maskmill.errors import DataError, ParamsError


def count_copies(originals: int, *, copies: int, total: int | None) -> list[int]:
    """Return how many augmented copies each original gets: `copies`, or what makes `total` with them, evenly spread.

    Raises:
        ParamsError: `total` is fewer than there are originals.
    """
    if total is None:
        return [copies] * originals
    if total < originals:
        raise ParamsError(
            f"the recipe's total is {total}, but there already are {originals} training pictures",
            fix="raise it in augment.recipes, or set it to null",
        )
    made = np.arange(originals + 1) * (total - originals) // originals
    return np.diff(made).tolist()


def refuse_strange_parents(rows: pd.DataFrame, samples: pd.DataFrame) -> None:
    """Stop before a picture that a model is to be judged by gets augmented copies that it learns from, or is judged by.

    Args:
        rows: of a packed part: id, parent, copy (0: the original).
        samples: samples.csv of the encoded data: id, split.

    Raises:
        DataError: the parent of a copy is not among the training samples, or in another part as well.
    """
    training = samples["split"] == "train"
    copies = rows[rows["copy"] > 0]
    allowed = copies["parent"].isin(samples["id"][training]) & ~copies["parent"].isin(samples["id"][~training])
    for row in copies[~allowed].itertuples():
        found = ", ".join(samples["split"][samples["id"] == row.parent]) or "no part"
        raise DataError(
            f"{row.id} is an augmented copy of {row.parent}, which is in {found}",
            expected="copies of training samples alone",
            fix="dvc repro --force encode",
        )
