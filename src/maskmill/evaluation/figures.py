"""The pictures of an evaluation: the best, the median and the worst, an overview, the confusion matrix, the classes."""

import sys
from pathlib import Path

import pandas as pd

from maskmill.evaluation.charts import draw_class_bars, draw_confusion
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.panels import Sample, draw_samples
from maskmill.evaluation.reports import PartReport, tabulate_pictures
from maskmill.outputs import new_folder
from maskmill.pictures import read_label_mask, read_picture
from maskmill.terminal import track

KINDS = ("best", "median", "worst")


def draw_figures(predictor: Predictor, report: PartReport, encoded_dir: Path, folder: Path, *, pictures: int) -> None:
    """Draw {best,median,worst}_N_<id>.png, overview.png, confusion.png and classes.png into a folder made anew.

    Args:
        predictor: the model, which predicts the chosen pictures again.
        report: what it made of the part.
        encoded_dir: folder that the samples' paths are relative to.
        folder: folder to make.
        pictures: how many of the best, of the median and of the worst; the overview shows the first of each.
    """
    chosen = choose_samples(tabulate_pictures(report), max(pictures, 1))
    labels = [(kind, number, identifier) for kind in KINDS for number, identifier in enumerate(chosen[kind], 1)]
    with new_folder(folder) as temporary:
        overview: dict[str, Sample] = {}  # of one picture alone, or two, none is shown twice
        for kind, number, identifier in track(labels, "draw pictures", len(labels)):
            sample = _predict_sample(predictor, report, encoded_dir, identifier, label=kind)
            if number == 1:
                overview.setdefault(identifier, sample)
            if number <= pictures:
                name = f"{kind}_{number}_{identifier}.png"
                draw_samples([sample], report.names, predictor.palette, temporary / name)
        draw_samples(list(overview.values()), report.names, predictor.palette, temporary / "overview.png")
        title = f"{report.split} part, {len(report.samples)} pictures"
        draw_confusion(report.matrix, report.names, temporary / "confusion.png", title=title)
        draw_class_bars(report.matrix, report.names, temporary / "classes.png", title=title)


def choose_samples(per_image: pd.DataFrame, count: int) -> dict[str, list[str]]:
    """Choose the ids of the best, the median and the worst pictures by dice.

    Args:
        per_image: one row a picture with id and dice; NaN (nothing to say) is chosen only where all are.
        count: how many of each; fewer where there are under three times as many pictures, at least one.

    Returns:
        "best" and "worst" from their ends inwards, "median" from better to worse.
    """
    ranked = per_image.dropna(subset="dice")
    ranked = (per_image if ranked.empty else ranked).sort_values(["dice", "id"], ascending=[False, True])
    ids = [str(identifier) for identifier in ranked["id"]]
    count = max(1, min(count, len(ids) // 3))
    first = (len(ids) - count) // 2
    return {"best": ids[:count], "median": ids[first : first + count], "worst": ids[::-1][:count]}


def _predict_sample(predictor: Predictor, report: PartReport, encoded_dir: Path, identifier: str, *, label: str) -> Sample:
    row = report.samples.set_index("id").loc[identifier]
    picture = read_picture(encoded_dir / str(row["image"]), max_pixels=sys.maxsize)
    truth = read_label_mask(encoded_dir / str(row["mask"]))
    return Sample(label, identifier, picture, truth, predictor.mask(picture), predictor.num_classes)
