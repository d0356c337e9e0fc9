"""A part of the data set through a model, and the tables that come of it."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.errors import DataError, ModelError
from maskmill.evaluation.inference import Predictor
from maskmill.labels.bits import name_labels
from maskmill.metrics import confusion_matrix, headline_dice, headline_iou, overall_accuracy, overlaps, summarise
from maskmill.outputs import new_folder
from maskmill.pictures import read_label_mask, read_picture
from maskmill.terminal import track

DIGITS = 6


@dataclass(frozen=True)
class PartReport:
    """What a model made of one part of the data set.

    Attributes:
        split: "train", "val" or "test".
        names: the K class names in id order.
        samples: one row a picture, with id and source.
        matrices: int64 (N, K, K), the confusion matrix of each picture at its own size; rows truth, columns prediction. Of
            overlapping classes int64 (N, K, 2, 2), a matrix a class.
    """

    split: str
    names: tuple[str, ...]
    samples: pd.DataFrame
    matrices: NDArray[np.int64]

    @property
    def matrix(self) -> NDArray[np.int64]:
        """The confusion matrix of the whole part, int64 (K, K) or (K, 2, 2)."""
        return self.matrices.sum(axis=0)

    @property
    def tables(self) -> list[tuple[tuple[str, ...], NDArray[np.int64]]]:
        """Names and matrix of each set of classes of which a pixel has one: all, or each overlapping one and its absence."""
        if not overlaps(self.matrix):
            return [(self.names, self.matrix)]
        return [((f"not {name}", name), matrix) for name, matrix in zip(self.names, self.matrix, strict=True)]


def read_samples(encoded_dir: Path) -> pd.DataFrame:
    """Read the samples of an encoded data set with the file that each picture came from, as column `source`."""
    # Names such as "NA" or "001" are names.
    samples = pd.read_csv(encoded_dir / "samples.csv", dtype={"id": "str", "group": "str"}, keep_default_na=False)
    statistics = pd.read_csv(encoded_dir / "statistics.csv", dtype="str", usecols=["id", "source_image"], keep_default_na=False)
    return samples.merge(statistics.rename(columns={"source_image": "source"}), on="id", how="left", validate="one_to_one")


def evaluate_part(predictor: Predictor, samples: pd.DataFrame, encoded_dir: Path, *, split: str) -> PartReport:
    """Predict every picture of one part at its own size and count its pixels.

    Args:
        predictor: the model.
        samples: as `read_samples` gives them, all parts.
        encoded_dir: folder that the samples' paths are relative to.
        split: the part to take.

    Raises:
        DataError: the part is empty, a file cannot be read, or a mask does not fit its picture.
        ModelError: the model's classes exclude one another and the masks' do not, or the other way round.
    """
    part = samples[samples["split"] == split].sort_values("id").reset_index(drop=True)
    if part.empty:
        raise DataError(f"the {split} part has no pictures", fix=f"raise split.{split}, or give the source more groups")
    pairs = track(zip(part["image"], part["mask"], strict=True), f"predict {split}", len(part))
    matrices = [_count_sample(predictor, encoded_dir / str(image), encoded_dir / str(mask)) for image, mask in pairs]
    return PartReport(split, predictor.class_names, part, np.stack(matrices))


def describe_part(report: PartReport) -> dict[str, Any]:
    """Return a part's figures: the headline ones, the micro ones, the mean over pictures, and those of each class.

    Overlapping classes are said so by `labels`; figures without it are of exclusive ones.
    """
    figures = summarise(report.matrix, report.names)
    # Recall and pixel counts are in per_class.csv: `dvc exp show` makes a column of every number here.
    classes = {name: {"dice": row["dice"], "iou": row["iou"]} for name, row in figures.pop("classes").items()}
    dice = tabulate_pictures(report)["dice"]
    return {
        "split": report.split,
        **({"labels": "overlapping"} if overlaps(report.matrix) else {}),
        **figures,
        "per_image_dice": float(dice.mean()),  # over the pictures that have a figure
        "classes": classes,
        "pictures": len(report.samples),
    }


def describe_evaluation(test: PartReport, val: PartReport) -> dict[str, Any]:
    """Return what metrics.json holds: the test part's figures, and under `val` those of the validation part."""
    compared = describe_part(val)
    return {
        **describe_part(test),
        "val": {name: compared[name] for name in ("dice", "iou", "accuracy", "per_image_dice", "classes", "pictures")},
    }


def flatten_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the test figures under the names that MLflow's lists and charts show: test_dice, test_dice/road, ..."""
    names = ("dice", "iou", "accuracy", "micro_dice", "micro_iou", "per_image_dice")
    flat = {f"test_{name}": float(metrics[name]) for name in names}
    for name in ("dice", "iou"):
        flat.update({f"test_{name}/{label}": float(figures[name]) for label, figures in metrics["classes"].items()})
    return flat


def tabulate_classes(report: PartReport) -> pd.DataFrame:
    """Return one row a class: class, split, dice, iou, accuracy (recall) and true pixels."""
    classes = summarise(report.matrix, report.names)["classes"]
    return pd.DataFrame([{"class": name, "split": report.split, **figures} for name, figures in classes.items()])


def tabulate_pictures(report: PartReport) -> pd.DataFrame:
    """Return one row a picture, by id: id, split, dice, iou, accuracy (NaN where nothing can be said) and source."""
    return pd.DataFrame(
        {
            "id": report.samples["id"],
            "split": report.split,
            "dice": [headline_dice(matrix) for matrix in report.matrices],
            "iou": [headline_iou(matrix) for matrix in report.matrices],
            "accuracy": [overall_accuracy(matrix) for matrix in report.matrices],
            "source": report.samples["source"],
        }
    )


def tabulate_confusion(report: PartReport) -> pd.DataFrame:
    """Return one row a pair of classes: split, truth, prediction, pixels, and the fraction of the true class's pixels.

    Each overlapping class makes pairs with its absence, "not road".
    """
    return pd.DataFrame(
        [
            {
                "split": report.split,
                "truth": truth,
                "prediction": prediction,
                "pixels": matrix[i, j],
                "fraction": matrix[i, j] / max(matrix[i].sum(), 1),
            }
            for names, matrix in report.tables
            for i, truth in enumerate(names)
            for j, prediction in enumerate(names)
        ]
    )


def tabulate_counts(report: PartReport) -> pd.DataFrame:
    """Return the confusion matrix as it is read: a row a true class; of overlapping classes, four counts a class."""
    if overlaps(report.matrix):
        columns = ["true_negatives", "false_positives", "false_negatives", "true_positives"]
        return pd.DataFrame(report.matrix.reshape(-1, 4), columns=columns, index=pd.Index(report.names, name="class"))
    return pd.DataFrame(report.matrix, columns=list(report.names), index=pd.Index(report.names, name="truth \\ prediction"))


def write_reports(folder: Path, test: PartReport, val: PartReport) -> dict[str, Any]:
    """Write metrics.json, per_class.csv, per_image.csv, confusion.csv and confusion_table.csv to a folder made anew.

    Args:
        folder: results/evaluate.
        test: the part that the figures are of.
        val: the part whose figures stand beside.

    Returns:
        What metrics.json holds, unrounded, NaN where it has null.
    """
    metrics = describe_evaluation(test, val)
    with new_folder(folder) as temporary:
        (temporary / "metrics.json").write_text(json.dumps(_to_json(metrics), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        _write_table(tabulate_classes(test), temporary / "per_class.csv")
        _write_table(tabulate_pictures(test), temporary / "per_image.csv")
        _write_table(tabulate_confusion(test), temporary / "confusion.csv")
        tabulate_counts(test).to_csv(temporary / "confusion_table.csv", lineterminator="\n")
    return metrics


def _count_sample(predictor: Predictor, image: Path, mask: Path) -> NDArray[np.int64]:
    truth = read_label_mask(mask)
    picture = read_picture(image, max_pixels=sys.maxsize)
    if truth.shape != picture.shape[:2]:
        raise DataError(
            f"{mask} is {truth.shape[1]} x {truth.shape[0]}, {image} is {picture.shape[1]} x {picture.shape[0]}",
            expected="a mask of its picture's size",
            fix="run dvc repro encode again",
        )
    if name_labels(truth.dtype) != predictor.labels:
        raise ModelError(
            f"{mask} has {name_labels(truth.dtype)} labels, the model {predictor.labels} ones",
            expected="a model and a data set of the same encode.labels",
            fix="train on this data set (dvc repro train), or evaluate on the one the model was trained on",
        )
    return confusion_matrix(truth, predictor.mask(picture), predictor.num_classes)


def _write_table(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format=f"%.{DIGITS}f", lineterminator="\n")


def _to_json(value: Any) -> Any:
    """Round floats and put null for NaN, which JSON does not have."""
    if isinstance(value, Mapping):
        return {name: _to_json(entry) for name, entry in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DIGITS)
    return value
