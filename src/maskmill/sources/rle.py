"""The rle form: a CSV of image, label and run lengths, as Kaggle's competitions have it."""

import re
from collections import defaultdict
from pathlib import PurePosixPath

import pandas as pd

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.annotations import Annotation, Runs
from maskmill.sources.catalogue import SETTING, AnnotationFile, Catalogue
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.pairing import Pair, refuse_unknown_splits, settle
from maskmill.sources.patterns import read_own_split
from maskmill.sources.settings import Layout
from maskmill.sources.tables import find_column, read_table, require_column
from maskmill.sources.tree import FileTree
from maskmill.terminal import say

OBJECT = "object"  # the label where the table has no column of labels
BOTH = ("ImageId_ClassId", "Image_Label")  # "0002cc93b.jpg_1": image and label in one column
USUAL = {
    "image": ("ImageId", "image", "img", "ImageName", "filename", "file", "id"),
    "label": ("ClassId", "class", "label", "category", "CategoryId", "ClassName"),
    "runs": ("EncodedPixels", "rle", "RleMask", "runs", "encoding", "annotation", "segmentation", "pixels", "mask"),
}
NO_RUNS = {"", "-1", "nan", "none", "null"}
_WRITTEN_AS_FLOAT = re.compile(r"^(\d+)\.0$")


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Take the pictures that tables of run lengths name; several rows of one picture and label are united.

    A picture that no row names is background where its folder has some that rows do name: such sets leave out the pictures without
    an object. With `missing` "skip" it is left out.

    Args:
        tree: the source's files.
        layout: `annotations`, pattern of the tables; `images`, pattern of the pictures, which the tables call by the ends of their
            paths, with or without suffix; `columns`, `order`; `missing`, which also decides about rows that name no picture;
            `lists`, where given, choose among the pictures.

    Raises:
        SourceError: a pattern is missing or nothing fits it, a table lacks a column, runs without a label, or rows name no picture.
    """
    if not layout.images or not layout.annotations or layout.masks:
        raise SourceError(
            "source.form rle takes source.images and source.annotations, and no source.masks",
            fix='e.g. "train_images/{name}.jpg" and "train.csv"',
        )
    catalogue = Catalogue(tree, layout.images, layout.annotations)
    layers_of: dict[str, list[Runs]] = {}
    part_of: dict[str, str] = {}
    absent: list[str] = []
    for file in catalogue.files:
        for picture, layers in _read_layers(file, catalogue, layout, absent).items():
            part = read_own_split(file.fields)
            if part_of.setdefault(picture, part) != part:
                raise SourceError(
                    f"{picture} is named by {file.name} and by a table of another part", fix=f"correct one of them, or {SETTING}"
                )
            layers_of.setdefault(picture, []).extend(layers)
    settle("rows name no picture that is there", absent, layout.missing, fix="add the pictures, or correct source.images")
    if not layers_of:
        names = ", ".join(file.name for file in catalogue.files)
        raise SourceError(f"{names} below {tree.name} name no picture that is there", fix="correct source.images")
    unnamed = _find_unnamed(catalogue, layers_of, layout)
    pairs = [
        catalogue.build_pair(picture, Annotation(layers=layers_of.get(picture, [])), part_of.get(picture, ""))
        for picture in (*layers_of, *unnamed)
    ]
    refuse_unknown_splits(pairs)
    return choose_by_lists(tree, pairs, layout) if layout.lists else pairs


def _read_layers(file: AnnotationFile, catalogue: Catalogue, layout: Layout, absent: list[str]) -> dict[str, list[Runs]]:
    """Return the layers of each picture of a table, one a label; add the rows that name no picture to `absent`."""
    rows = _read_rows(file, layout)
    pictures = {image: catalogue.find(file, image) for image in rows["image"].unique()}
    texts: dict[str, dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    problems = []
    for line, image, label, runs in zip(rows.index, rows["image"], rows["label"], rows["runs"], strict=True):
        picture = pictures[image]
        if picture is None:
            absent.append(f"{file.name}:{line}: {image or 'an empty cell'}")
            continue
        of_picture = texts[picture]  # also of a row without runs: the picture is named
        if runs.casefold() in NO_RUNS:
            continue
        if not label:
            problems.append(f"{file.name}:{line}: {image} has runs and no label")
        else:
            of_picture[label].append((line, runs))
    if problems:
        raise SourceError(f"{len(problems)} rows have no label:\n{summarise_problems(problems)}", fix="correct the table")
    return {
        picture: [Runs(label=label, place=file.name, runs=runs, order=layout.order) for label, runs in labels.items()]
        for picture, labels in texts.items()
    }


def _read_rows(file: AnnotationFile, layout: Layout) -> pd.DataFrame:
    """Return a table's rows: image, label and runs, by line; equal rows count once."""
    table = read_table(file.path)
    given = layout.columns
    runs = require_column(table, file.path, "runs", given=given.get("runs"), usual=USUAL["runs"])
    image = given.get("image") or find_column(table, BOTH)
    image = require_column(table, file.path, "image", given=image, usual=USUAL["image"])
    label = given.get("label") or find_column(table, USUAL["label"])
    rows = pd.DataFrame({"image": table[image], "runs": table[runs]})
    if label == image or (label is None and find_column(table[[image]], BOTH)):
        halves = table[image].str.rpartition("_")
        rows["image"], rows["label"] = halves[0], halves[2]
    elif label is None:
        rows["label"] = OBJECT
    else:
        rows["label"] = table[require_column(table, file.path, "label", given=label, usual=USUAL["label"])]
    # pandas writes the numbers of a column with gaps as fractions
    rows["label"] = rows["label"].str.replace(_WRITTEN_AS_FLOAT, r"\1", regex=True)
    return rows.drop_duplicates()


def _find_unnamed(catalogue: Catalogue, named: dict[str, list[Runs]], layout: Layout) -> list[str]:
    """Return the pictures without a row that count as background, and say how many there are, and how many are left out."""
    folders = {PurePosixPath(picture).parent for picture in named}
    unnamed = [picture for picture in catalogue.pictures if picture not in named]
    background = [picture for picture in unnamed if PurePosixPath(picture).parent in folders and layout.missing == "error"]
    if background:
        say(f"{len(background)} pictures without a row are taken as background, e.g. {background[0]}")
    if left_out := len(unnamed) - len(background):
        say(f"left out: {left_out} pictures without a row")
    return background
