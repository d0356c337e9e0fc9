"""The weights of classes in the loss, in the order of ids: by name, listed, or from how often the classes occur."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from maskmill.errors import DataError, ParamsError, suggest

PIXELS = "pixels_"  # statistics.csv: pixels_<class name>


def find_class_weights(
    setting: Literal["median_frequency"] | Mapping[str, float] | Sequence[float], names: Sequence[str], statistics: Path
) -> list[float] | None:
    """Return a weight for each class.

    Args:
        setting: train.class_weights: class name to weight (classes that are not named have 1), a weight for each class in id
            order, or "median_frequency".
        names: the K class names in id order, void not among them.
        statistics: statistics.csv of the encoded samples; read for "median_frequency" only.

    Returns:
        K weights, at least 0; None where none are given.

    Raises:
        ParamsError: a name that is no class, another number of weights than classes, no weight above 0, or a class that has no
            pixel to count in the training part.
        DataError: the statistics are not there, or not of these classes.
    """
    if setting == "median_frequency":
        return count_median_frequency(statistics, names)
    if isinstance(setting, Mapping):
        return list_class_weights(setting, names)
    listed = [float(weight) for weight in setting]
    if len(listed) != len(names):
        raise ParamsError(
            f"train.class_weights lists {len(listed)} weights, and there are {len(names)} classes",
            expected=f"a weight each for {', '.join(names)}, in this order",
        )
    _check_any(listed)
    return listed


def list_class_weights(weights: Mapping[str, float], names: Sequence[str]) -> list[float] | None:
    """Return a weight for each class.

    Args:
        weights: class name to weight, at least 0; classes that are not named have 1.
        names: the K class names in id order, void not among them.

    Returns:
        K weights; None where none are given.

    Raises:
        ParamsError: a name that is no class, or no class with a weight above 0.
    """
    if not weights:
        return None
    for name in weights:
        if name not in names:
            raise ParamsError(
                f"train.class_weights names {name!r}, which is no class{suggest(name, names)}",
                expected=f"any of {', '.join(names)}",
            )
    listed = [float(weights.get(name, 1.0)) for name in names]
    _check_any(listed)
    return listed


def count_median_frequency(statistics: Path, names: Sequence[str]) -> list[float]:
    """Return the median of all classes' frequencies divided by each class's own.

    A class's frequency is its pixels as a part of all labelled pixels of those training pictures in which it occurs. Overlapping
    classes are counted alike: a pixel that has several counts for each.

    Args:
        statistics: statistics.csv of the encoded samples.
        names: the K class names in id order.

    Raises:
        ParamsError: a class without a pixel in the training part.
        DataError: the statistics are not there, or not of these classes.

    Source: Eigen and Fergus, Predicting Depth, Surface Normals and Semantic Labels, 2015, as SegNet (Badrinarayanan, Kendall and
        Cipolla, 2017) takes it up.
    """
    train = _read_training_part(statistics, names)
    labelled = (train["mask_height"] * train["mask_width"] * (1.0 - train["void"])).round().to_numpy()  # (N,)
    pixels = train[[PIXELS + name for name in names]].to_numpy()  # (N, K)
    total = pixels.sum(axis=0)
    absent = [name for name, count in zip(names, total, strict=True) if count == 0]
    if absent:
        raise ParamsError(
            f"train.class_weights is median_frequency, and no training picture has a pixel of {', '.join(absent)}",
            fix="split the samples such that it has (split.stratify), take the class out, or give the weights by name",
        )
    frequencies = total / (labelled[:, np.newaxis] * (pixels > 0)).sum(axis=0)
    return [float(weight) for weight in np.median(frequencies) / frequencies]


def _read_training_part(statistics: Path, names: Sequence[str]) -> pd.DataFrame:
    columns = ["split", "mask_height", "mask_width", "void", *(PIXELS + name for name in names)]
    try:
        table = pd.read_csv(statistics, usecols=columns)
    except (OSError, ValueError) as error:
        raise DataError(f"{statistics} does not tell the pixels of each class: {error}", fix="run dvc repro encode again") from None
    return table[table["split"] == "train"]


def _check_any(weights: Sequence[float]) -> None:
    if not any(weights):
        raise ParamsError("train.class_weights: every class has the weight 0", expected="at least one above 0")
