"""A part of the data set through a model, and the tables that come of it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.errors import DataError
from maskmill.evaluation.inference import Predictor
from maskmill.metrics import confusion_matrix, dice_per_class, headline, iou_per_class, overall_accuracy, summarise
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
        matrices: int64 (N, K, K), the confusion matrix of each picture at its own size; rows truth, columns prediction.
    """

    split: str
    names: tuple[str, ...]
    samples: pd.DataFrame
    matrices: NDArray[np.int64]

    @property
    def matrix(self) -> NDArray[np.int64]:
        """The confusion matrix of the whole part, int64 (K, K)."""
        return self.matrices.sum(axis=0)


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
    """
    part = samples[samples["split"] == split].sort_values("id").reset_index(drop=True)
    if part.empty:
        raise DataError(f"the {split} part has no pictures", fix=f"raise split.{split}, or give the source more groups")
    pairs = track(zip(part["image"], part["mask"], strict=True), f"predict {split}", len(part))
    matrices = [_count_sample(predictor, encoded_dir / str(image), encoded_dir / str(mask)) for image, mask in pairs]
    return PartReport(split, predictor.class_names, part, np.stack(matrices))


def describe_part(report: PartReport) -> dict[str, Any]:
    """Return a part's figures: the headline ones, the micro ones, the mean over pictures, and those of each class."""
    figures = summarise(report.matrix, report.names)
    # Recall and pixel counts are in per_class.csv: `dvc exp show` makes a column of every number here.
    classes = {name: {"dice": row["dice"], "iou": row["iou"]} for name, row in figures.pop("classes").items()}
    dice = tabulate_pictures(report)["dice"]
    return {
        "split": report.split,
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
            "dice": [headline(dice_per_class(matrix)) for matrix in report.matrices],
            "iou": [headline(iou_per_class(matrix)) for matrix in report.matrices],
            "accuracy": [overall_accuracy(matrix) for matrix in report.matrices],
            "source": report.samples["source"],
        }
    )


def tabulate_confusion(report: PartReport) -> pd.DataFrame:
    """Return one row a pair of classes: split, truth, prediction, pixels, and the fraction of the true class's pixels."""
    matrix = report.matrix
    totals = matrix.sum(axis=1)
    return pd.DataFrame(
        [
            {
                "split": report.split,
                "truth": truth,
                "prediction": prediction,
                "pixels": matrix[i, j],
                "fraction": matrix[i, j] / max(totals[i], 1),
            }
            for i, truth in enumerate(report.names)
            for j, prediction in enumerate(report.names)
        ]
    )


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
    table = pd.DataFrame(test.matrix, columns=list(test.names), index=pd.Index(test.names, name="truth \\ prediction"))
    with new_folder(folder) as temporary:
        (temporary / "metrics.json").write_text(json.dumps(_to_json(metrics), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        _write_table(tabulate_classes(test), temporary / "per_class.csv")
        _write_table(tabulate_pictures(test), temporary / "per_image.csv")
        _write_table(tabulate_confusion(test), temporary / "confusion.csv")
        table.to_csv(temporary / "confusion_table.csv", lineterminator="\n")
    return metrics


def _count_sample(predictor: Predictor, image: Path, mask: Path) -> NDArray[np.int64]:
    truth = read_label_mask(mask)
    picture = read_picture(image)
    if truth.shape != picture.shape[:2]:
        raise DataError(
            f"{mask} is {truth.shape[1]} x {truth.shape[0]}, {image} is {picture.shape[1]} x {picture.shape[0]}",
            expected="a mask of its picture's size",
            fix="run dvc repro encode again",
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
