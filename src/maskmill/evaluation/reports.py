"""A part of the data set through a model, and the tables that come of it."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.errors import DataError, ModelError
from maskmill.evaluation.inference import Predictor
from maskmill.labels.bits import name_labels
from maskmill.metrics import FIGURES, confusion_matrix, headline_figure, mean_present, overlaps, summarise
from maskmill.metrics.boundary import boundary_f1_per_class, boundary_scores, count_boundaries
from maskmill.outputs import new_folder
from maskmill.pictures import read_label_mask, read_picture
from maskmill.terminal import track

DIGITS = 6
HEADLINES = ("dice", "iou", "accuracy", "precision", "true_positive_rate", "binary_accuracy", "boundary_f1")
# The rest is in the tables: `dvc exp show` makes a column of every number in metrics.json.
OTHERS = ("macro_dice", "macro_iou", "micro_dice", "micro_iou", "per_image_dice")
COMPARED = ("dice", "iou", "accuracy", "precision", "true_positive_rate", "boundary_f1", "per_image_dice", "classes", "pictures")


@dataclass(frozen=True)
class PartReport:
    """What a model made of one part of the data set.

    Attributes:
        split: "train", "val" or "test".
        names: the K class names in id order.
        samples: one row a picture, with id and source.
        matrices: int64 (N, K, K), the confusion matrix of each picture at its own size; rows truth, columns prediction. Of
            overlapping classes int64 (N, K, 2, 2), a matrix a class.
        boundaries: int64 (N, K, 2, 2), the outline pixels of each picture, as `count_boundaries` counts them.
        boundary_tolerance: pixels by which an outline may be off.
    """

    split: str
    names: tuple[str, ...]
    samples: pd.DataFrame
    matrices: NDArray[np.int64]
    boundaries: NDArray[np.int64]
    boundary_tolerance: int

    @property
    def matrix(self) -> NDArray[np.int64]:
        """The confusion matrix of the whole part, int64 (K, K) or (K, 2, 2)."""
        return self.matrices.sum(axis=0)

    @property
    def boundary(self) -> NDArray[np.int64]:
        """The outline pixels of the whole part, int64 (K, 2, 2)."""
        return self.boundaries.sum(axis=0)

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


def evaluate_part(
    predictor: Predictor, samples: pd.DataFrame, encoded_dir: Path, *, split: str, boundary_tolerance: int
) -> PartReport:
    """Predict every picture of one part at its own size and count its pixels.

    Args:
        predictor: the model.
        samples: as `read_samples` gives them, all parts.
        encoded_dir: folder that the samples' paths are relative to.
        split: the part to take.
        boundary_tolerance: pixels by which an outline may be off.

    Raises:
        DataError: the part is empty, a file cannot be read, or a mask does not fit its picture.
        ModelError: the model's classes exclude one another and the masks' do not, or the other way round.
    """
    part = samples[samples["split"] == split].sort_values("id").reset_index(drop=True)
    if part.empty:
        raise DataError(f"the {split} part has no pictures", fix=f"raise split.{split}, or give the source more groups")
    pairs = track(zip(part["image"], part["mask"], strict=True), f"predict {split}", len(part))
    counts = [
        _count_sample(predictor, encoded_dir / str(image), encoded_dir / str(mask), boundary_tolerance) for image, mask in pairs
    ]
    matrices, boundaries = (np.stack(each) for each in zip(*counts, strict=True))
    return PartReport(split, predictor.class_names, part, matrices, boundaries, boundary_tolerance)


def describe_part(report: PartReport) -> dict[str, Any]:
    """Return a part's figures: the headline ones, means over classes, pixels and pictures, and dice and IoU of each class.

    Overlapping classes are said so by `labels`; figures without it are of exclusive ones.
    """
    figures = summarise(report.matrix, report.names)
    headlines = _compute_headlines(report.matrix, report.boundary, report.names)
    others = {**figures, "per_image_dice": float(tabulate_pictures(report)["dice"].mean())}  # of pictures that have a figure
    return {
        "split": report.split,
        **({"labels": "overlapping"} if overlaps(report.matrix) else {}),
        **headlines,
        **{name: others[name] for name in OTHERS},
        "boundary_tolerance": report.boundary_tolerance,
        "classes": {name: {"dice": row["dice"], "iou": row["iou"]} for name, row in figures["classes"].items()},
        "pictures": len(report.samples),
    }


def describe_evaluation(test: PartReport, val: PartReport) -> dict[str, Any]:
    """Return what metrics.json holds: the test part's figures, and under `val` those of the validation part."""
    compared = describe_part(val)
    return {**describe_part(test), "val": {name: compared[name] for name in COMPARED}}


def flatten_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the test figures under the names that MLflow's lists and charts show: test_dice, test_dice/road, ..."""
    flat = {f"test_{name}": metrics[name] for name in (*HEADLINES, *OTHERS)}
    for name in ("dice", "iou"):
        flat.update({f"test_{name}/{label}": figures[name] for label, figures in metrics["classes"].items()})
    return {name: math.nan if value is None else float(value) for name, value in flat.items()}  # None: read from a file


def tabulate_classes(report: PartReport) -> pd.DataFrame:
    """Return one row a class: class, split, each of FIGURES, precision, recall and F1 of its outline, and true pixels."""
    classes = pd.DataFrame.from_dict(summarise(report.matrix, report.names)["classes"], orient="index")
    scores = boundary_scores(report.boundary)
    boundary = {f"boundary_{name}": scores[:, column] for column, name in enumerate(("precision", "recall", "f1"))}
    table = classes.assign(split=report.split, **boundary).rename_axis("class").reset_index()
    return table[["class", "split", *FIGURES, *boundary, "pixels"]]


def tabulate_averages(report: PartReport) -> pd.DataFrame:
    """Return one row an average: average, split, each of FIGURES and boundary_f1.

    `macro` is the mean over classes, `micro` of the pixels of all classes together, `per_image` the mean over pictures of their
    headline figures; each over those that have the figure.
    """
    figures = summarise(report.matrix, report.names)
    boundary, pictures = report.boundary, tabulate_pictures(report)
    last = {
        "macro": mean_present(boundary_f1_per_class(boundary)),
        "micro": boundary_f1_per_class(boundary.sum(axis=0, keepdims=True))[0],
        "per_image": pictures["boundary_f1"].mean(),
    }
    rows = {name: {figure: figures[f"{name}_{figure}"] for figure in FIGURES} for name in ("macro", "micro")}
    rows["per_image"] = {figure: pictures[figure].mean() for figure in FIGURES}
    return pd.DataFrame([{"average": name, "split": report.split, **row, "boundary_f1": last[name]} for name, row in rows.items()])


def tabulate_pictures(report: PartReport) -> pd.DataFrame:
    """Return one row a picture, by id: id, split, its headline figures (NaN where nothing can be said) and source."""
    counts = zip(report.matrices, report.boundaries, strict=True)
    headlines = pd.DataFrame([_compute_headlines(matrix, outlines, report.names) for matrix, outlines in counts])
    samples = report.samples.assign(split=report.split)
    return pd.concat([samples[["id", "split"]], headlines, samples["source"]], axis=1)


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
    """Write metrics.json and per_class, averages, per_image, confusion and confusion_table (.csv) to a folder made anew.

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
        _write_table(tabulate_averages(test), temporary / "averages.csv")
        _write_table(tabulate_pictures(test), temporary / "per_image.csv")
        _write_table(tabulate_confusion(test), temporary / "confusion.csv")
        tabulate_counts(test).to_csv(temporary / "confusion_table.csv", lineterminator="\n")
    return metrics


def _compute_headlines(matrix: NDArray[np.int64], boundary: NDArray[np.int64], names: Sequence[str]) -> dict[str, float]:
    figures = summarise(matrix, names) | {"boundary_f1": headline_figure(matrix, boundary_f1_per_class(boundary))}
    return {name: figures[name] for name in HEADLINES}


def _count_sample(
    predictor: Predictor, image: Path, mask: Path, boundary_tolerance: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
    prediction, num_classes = predictor.mask(picture), predictor.num_classes
    boundaries = count_boundaries(truth, prediction, num_classes, tolerance=boundary_tolerance)
    return confusion_matrix(truth, prediction, num_classes), boundaries


def _write_table(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format=f"%.{DIGITS}f", lineterminator="\n")


def _to_json(value: Any) -> Any:
    """Round floats and put null for NaN, which JSON does not have."""
    if isinstance(value, Mapping):
        return {name: _to_json(entry) for name, entry in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DIGITS)
    return value
