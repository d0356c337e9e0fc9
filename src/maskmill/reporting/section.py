"""A run as a section of the results page: what its template shows, put together."""

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from maskmill.reporting.about import read_about
from maskmill.reporting.facts import Facts, describe_command, describe_model, describe_origin, name_model, read_train_settings
from maskmill.reporting.pictures import Picture, draw_curves, embed_picture
from maskmill.reporting.record import Record

KINDS = ("best", "median", "worst")
FIGURE_FILE = re.compile(rf"({'|'.join(KINDS)})_(\d+)_(.+)\.png")
PANELS, SHEET, CHART = 1200, 1000, 800  # widths in pixels: best and worst pictures, the contact sheet, the confusion
SINGLES = {
    "dice": "dice",
    "iou": "IoU",
    "accuracy": "accuracy",
    "precision": "precision",
    "true_positive_rate": "true-positive rate",
    "boundary_f1": "boundary F1",
    "per_image_dice": "dice, mean over pictures",
}


@dataclass(frozen=True)
class ClassShare:
    """A class of the data: its name, its colour ("#d6c160"), and its part of each part's labelled pixels (None: no picture)."""

    name: str
    colour: str
    shares: dict[str, float | None]


@dataclass(frozen=True)
class Section:
    """What the page says of a run.

    Attributes:
        anchor: what links to it name.
        preset, source_name: which preset, on which data.
        home: the data's public page; None where it has none.
        about: what the preset says of itself, a line and paragraphs.
        command: what makes such a run; None where its record does not say.
        origin, model: what is said of the run and of its model.
        model_name, device: both in a few words.
        parts: a row a part (columns of data/parts.csv); empty where the record has none.
        classes: a line a class; empty where the record has none.
        contact_sheet: what training saw.
        curves: loss and scores over the epochs.
        headline: name, val and test of the figures of a whole part.
        meaning: what the headline figures are means of.
        class_columns, class_rows: the table by class, the last row the mean.
        chosen: the best, the median and the worst picture.
        further: the next best, median and worst.
        confusion: the confusion matrix.
        scores: dice, iou and accuracy of the test part, for the summary.
        counts: pictures of each part, for the summary; None where unknown.
    """

    anchor: str
    preset: str
    source_name: str
    home: str | None
    about: list[str]
    command: str | None
    origin: Facts
    model: Facts
    model_name: str
    device: str
    parts: list[dict[Hashable, Any]]
    classes: list[ClassShare]
    contact_sheet: Picture | None
    curves: list[Picture]
    headline: list[tuple[str, float | None, float | None]]
    meaning: str
    class_columns: list[str]
    class_rows: list[list[Any]]
    chosen: list[Picture]
    further: list[Picture]
    confusion: Picture | None
    scores: list[float | None]
    counts: list[int | None]


def build_section(record: Record, presets: Path) -> Section:
    """Put together what the page says of a run.

    Args:
        record: the run.
        presets: the folder of the presets, whose comments say what they are.
    """
    metrics = record.read_json("evaluation/metrics.json")
    parts, per_class = record.read_table("data/parts.csv"), record.read_table("evaluation/per_class.csv")
    figures = _embed_figures(record)
    by_class = _tabulate_classes(metrics, per_class) if metrics else pd.DataFrame()
    title = f"{record.preset}, {record.source_name}"
    return Section(
        anchor=f"run-{record.run.info.run_id}",
        preset=record.preset,
        source_name=record.source_name,
        home=record.params.get("source", {}).get("home"),
        about=read_about(presets, record.preset),
        command=describe_command(record),
        origin=describe_origin(record),
        model=describe_model(record),
        model_name=name_model(record),
        device=record.run.data.tags.get("maskmill.device_name", "unknown"),
        parts=[] if parts is None else parts.to_dict("records"),
        classes=_share_pixels(record.read_table("data/classes.csv"), parts),
        contact_sheet=embed_picture(
            record.artifacts / "data" / "contact_sheet.png",
            widest=SHEET,
            text=f"contact sheet of {title}: training pictures with their masks, and as augmented",
            caption="Contact sheet: training pictures with their masks, as training sees them.",
        ),
        curves=draw_curves(record.history, monitor=read_train_settings(record).get("monitor", "")),
        headline=_tabulate_headline(metrics) if metrics else [],
        meaning=_explain_headline(metrics) if metrics else "",
        class_columns=list(by_class.columns),
        class_rows=by_class.to_numpy().tolist(),
        chosen=figures[: len(KINDS)],
        further=figures[len(KINDS) :],
        confusion=embed_picture(
            record.artifacts / "evaluation" / "figures" / "confusion.png",
            widest=CHART,
            text=f"confusion of the classes of {title}, test part",
            caption="Where the pixels of each true class went, test part.",
        ),
        scores=[record.run.data.metrics.get(f"test_{name}") for name in ("dice", "iou", "accuracy")],
        counts=_count_pictures(parts, metrics),
    )


def _share_pixels(classes: pd.DataFrame | None, parts: pd.DataFrame | None) -> list[ClassShare]:
    if classes is None or parts is None:
        return []
    labelled = dict(zip(parts["part"], parts["labelled_pixels"], strict=True))
    return [
        ClassShare(
            name=row["class"],
            colour="#" + "".join(f"{row[channel]:02x}" for channel in ("red", "green", "blue")),
            shares={part: row[part] / total if total else None for part, total in labelled.items()},
        )
        for row in classes.to_dict("records")
    ]


def _tabulate_headline(metrics: Mapping[str, Any]) -> list[tuple[str, float | None, float | None]]:
    """Return the figures that the run has, each with its value on val and on test."""
    names = dict(SINGLES)
    if "boundary_tolerance" in metrics:
        names["boundary_f1"] = f"boundary F1 within {metrics['boundary_tolerance']} pixels"
    return [(title, metrics["val"].get(name), metrics[name]) for name, title in names.items() if name in metrics]


def _explain_headline(metrics: Mapping[str, Any]) -> str:
    classes = list(metrics["classes"])
    if metrics.get("labels") == "overlapping":
        return "Dice and IoU are means over the classes, which may overlap; accuracy is over pixels and classes."
    if len(classes) == 2:
        return f"Dice and IoU are those of {classes[1]}; accuracy is over all labelled pixels."
    return "Dice and IoU are means over the classes that occur; accuracy is over all labelled pixels."


def _tabulate_classes(metrics: Mapping[str, Any], per_class: pd.DataFrame | None) -> pd.DataFrame:
    """Return the figures by class, val and test, with their mean over the classes that have one as the last row."""
    table = pd.DataFrame({"class": list(metrics["classes"])})
    for part, figures in (("val", metrics["val"]["classes"]), ("test", metrics["classes"])):
        for name in ("dice", "iou"):
            values = [figures[label][name] for label in metrics["classes"]]
            table[f"{part} {SINGLES[name]}"] = pd.Series(values, dtype="float64")
    if per_class is not None:
        found = per_class.set_index("class").reindex(table["class"])
        for name in ("precision", "true_positive_rate", "boundary_f1"):
            if name in found:
                table[f"test {SINGLES[name]}"] = found[name].to_numpy(dtype="float64")
    mean = table.drop(columns="class").mean().to_dict()
    return pd.concat([table, pd.DataFrame([{"class": "mean over classes", **mean}])], ignore_index=True)


def _embed_figures(record: Record) -> list[Picture]:
    """Return the pictures that evaluate drew: the best, the median and the worst, then the next of each."""
    folder = record.artifacts / "evaluation" / "figures"
    files = [(file, path) for path in folder.glob("*.png") if (file := FIGURE_FILE.fullmatch(path.name))]
    dice = _read_dice(record)
    embedded = []
    for file, path in sorted(files, key=lambda found: (int(found[0][2]), KINDS.index(found[0][1]))):
        kind, identifier = file[1], file[3]
        score = dice.get(identifier)
        caption = f"{kind}: {identifier}" + ("" if score is None or math.isnan(score) else f", dice {score:.3f}")
        text = f"{caption}; image, truth, prediction and errors side by side"
        picture = embed_picture(path, widest=PANELS, text=text, caption=caption)
        if picture:
            embedded.append(picture)
    return embedded


def _read_dice(record: Record) -> dict[str, float]:
    table = record.read_table("evaluation/per_image.csv")
    return {} if table is None else dict(zip(table["id"], table["dice"], strict=True))


def _count_pictures(parts: pd.DataFrame | None, metrics: Mapping[str, Any] | None) -> list[int | None]:
    """Return the number of pictures of train, val and test; None where the record does not say."""
    known = {} if parts is None else dict(zip(parts["part"], parts["pictures"].tolist(), strict=True))
    if metrics:
        known |= {"val": metrics["val"]["pictures"], "test": metrics["pictures"]}
    return [known.get(part) for part in ("train", "val", "test")]
