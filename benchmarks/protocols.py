"""What published protocols report for the predictions of this checkout's last run, beside clean figures; prints one JSON line.

    python benchmarks/protocols.py

The val and test parts are predicted once, at the pictures' own sizes, as the evaluate stage does. From these predictions:

    macro_dice, macro_iou           clean: means over classes of all pixels' counts, void left out; those of metrics.json
    accuracy                        the part of the pixels that is right, void left out
    constant_...                    the same for a mask that is the most frequent training class everywhere
    micro_iou                       of all classes' pixels together, void left out
    ..._void_own_class              void is a class of the truth, which the model never predicts
    ..._void_as_class_0             void in the truth becomes class 0
    micro_iou_class_0_left_out      void is a class, and pixels that are class 0 in truth are left out
    imagewise_...                   the mean over pictures of the same; a picture without anything to count is 1
    foreground_iou...               of two classes: of class 1 alone; void left out, or as foreground
    dice_at_28, accuracy_at_28      macro dice and accuracy after truth and prediction are reduced to 28 x 28, nearest pixel
    batch_dice                      the mean over batches of 8 pictures, and over classes, of (2 TP + 1) / (2 TP + FP + FN + 1):
                                    1 for a class in neither truth nor prediction
    binary_accuracy                 of one-hot masks: the mean over classes of (TP + TN) / all

docs/recipes.md says who reports which.
"""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from protocol_figures import CLEAN, PartCounts, count_reduced, count_with_void, describe_part, measure_void, one_hot_accuracy
from rich.table import Table

from maskmill.errors import DataError, ModelError
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.reports import read_samples
from maskmill.labels import read_class_table
from maskmill.metrics import summarise
from maskmill.models.archive import load_model
from maskmill.params import load_params
from maskmill.pictures import read_label_mask, read_picture
from maskmill.terminal import console, run_stage, say, track

CHECKED = ("dice", "iou", "accuracy", "macro_dice", "macro_iou", "micro_dice", "micro_iou")  # as far as metrics.json has them
TOLERANCE = 1e-6  # metrics.json has six digits


def main() -> None:
    params = load_params()
    if not params.paths.model.is_file():
        say(f"protocols: left out, there is no {params.paths.model} here (dvc repro)")
        return
    start = time.perf_counter()
    encoded = params.paths.encoded
    model, description = load_model(params.paths.model)
    predictor = Predictor(model, description, batch_size=params.evaluate.batch_size)
    predictor.check_classes(read_class_table(encoded / "classes.csv").names)
    if predictor.labels != "exclusive":
        raise ModelError(
            "the model's classes overlap", expected="classes that exclude one another: the published figures are of such"
        )
    samples = read_samples(encoded)
    parts = {split: count_part(predictor, samples, encoded, split=split) for split in ("val", "test")}
    metrics = json.loads((params.paths.results / "evaluate" / "metrics.json").read_text(encoding="utf-8"))
    for split, recorded in (("test", metrics), ("val", metrics["val"])):
        check_figures(summarise(parts[split].matrix, predictor.class_names), recorded, split)
    constant = find_most_frequent(encoded, samples, predictor.class_names)
    figures = {split: describe_part(part, constant) for split, part in parts.items()}
    console.print(build_table(figures))
    of_classes = zip(predictor.class_names, map(round_figure, one_hot_accuracy(parts["test"].matrix).tolist()), strict=True)
    line = {
        "benchmark": "protocols",
        "data": params.source.name,
        "preset": params.preset,
        "constant_class": predictor.class_names[constant],
        **compare(figures["test"]),
        **{split: {name: round_figure(value) for name, value in each.items()} for split, each in figures.items()},
        "test_binary_accuracy_of_classes": dict(of_classes),
        "pictures": {split: len(part.counts) for split, part in parts.items()},
        "void": {split: round_figure(measure_void(part.counts)) for split, part in parts.items()},
        "clean_figures_are_those_of_metrics_json": True,  # else check_figures has raised
        "seconds": round(time.perf_counter() - start),
    }
    print(json.dumps(line, allow_nan=False))


def count_part(predictor: Predictor, samples: pd.DataFrame, encoded_dir: Path, *, split: str) -> PartCounts:
    """Predict every picture of one part at its own size, and count its pixels."""
    part = samples[samples["split"] == split].sort_values("id")
    if part.empty:
        raise DataError(f"the {split} part has no pictures", fix=f"raise split.{split}, or give the source more groups")
    counts, reduced = [], []
    for image, mask in track(zip(part["image"], part["mask"], strict=True), f"predict {split}", len(part)):
        truth = read_label_mask(encoded_dir / str(mask))
        prediction = predictor.mask(read_picture(encoded_dir / str(image), max_pixels=sys.maxsize))
        counts.append(count_with_void(truth, prediction, predictor.num_classes))
        reduced.append(count_reduced(truth, prediction, predictor.num_classes))
    return PartCounts(np.stack(counts), np.stack(reduced))


def find_most_frequent(encoded_dir: Path, samples: pd.DataFrame, names: Sequence[str]) -> int:
    """Return the class with the most pixels in the training part."""
    statistics = pd.read_csv(encoded_dir / "statistics.csv", dtype={"id": "str"}, keep_default_na=False).set_index("id")
    training = statistics.loc[samples.loc[samples["split"] == "train", "id"]]
    return int(training[[f"pixels_{name}" for name in names]].sum().to_numpy().argmax())


def check_figures(figures: Mapping[str, Any], recorded: Mapping[str, Any], split: str) -> None:
    """Raise DataError unless clean figures are those that metrics.json has of a part, null for NaN."""
    for name in (name for name in CHECKED if name in recorded):
        value = math.nan if recorded[name] is None else float(recorded[name])
        if not np.isclose(figures[name], value, rtol=0, atol=TOLERANCE, equal_nan=True):
            raise DataError(
                f"the {split} part has {name} {figures[name]:.6f}, metrics.json says {value:.6f}",
                expected="a model, encoded pictures and metrics.json of one run",
                fix="dvc repro",
            )


def compare(figures: Mapping[str, float]) -> dict[str, Any]:
    """Return the clean dice, the published figure that flatters most, and by how much."""
    published = {name: value for name, value in figures.items() if name not in CLEAN and not math.isnan(value)}
    highest = max(published, key=lambda name: published[name])
    clean = figures["macro_dice"]
    return {
        "unit": "macro dice of the test part, void left out; the highest other figure of the same predictions",
        "figure": round_figure(clean),
        "peer": highest,
        "peer_figure": round_figure(published[highest]),
        "ratio": round_figure(published[highest] / clean if clean else math.nan),
    }


def build_table(figures: Mapping[str, Mapping[str, float]]) -> Table:
    """Return a table of all figures, a column a part."""
    table = Table("figure", *figures, title="the same predictions")
    for name in figures["test"]:
        table.add_row(name, *(f"{each[name]:.4f}" for each in figures.values()), end_section=name == CLEAN[-1])
    return table


def round_figure(value: float) -> float | None:
    """Round for JSON, which has null for NaN."""
    return None if math.isnan(value) else round(value, 4)


if __name__ == "__main__":
    run_stage(main)
