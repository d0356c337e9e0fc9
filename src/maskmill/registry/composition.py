"""What the data of a run consists of, as small tables in its record: pictures by part, pixels by class."""

from pathlib import Path

import pandas as pd

from maskmill.labels import ClassTable, read_class_table
from maskmill.registry.tracking import RunRecord

PARTS = ("train", "val", "test")


def log_composition(record: RunRecord, encoded_dir: Path) -> None:
    """Keep data/parts.csv and data/classes.csv among a run's artifacts.

    Args:
        record: the run.
        encoded_dir: folder with statistics.csv and classes.csv.
    """
    statistics = pd.read_csv(encoded_dir / "statistics.csv", dtype={"split": "str", "group": "str"}, keep_default_na=False)
    classes = read_class_table(encoded_dir / "classes.csv")
    for name, table in (("parts", tabulate_parts(statistics)), ("classes", tabulate_class_pixels(statistics, classes))):
        record.log_text(table.to_csv(index=False, lineterminator="\n"), f"data/{name}.csv")


def tabulate_parts(statistics: pd.DataFrame) -> pd.DataFrame:
    """Return one row a part that has pictures.

    Args:
        statistics: statistics.csv.

    Returns:
        part, pictures, groups, min_height, max_height, min_width, max_width, bands ("3", or "1 3" where pictures differ),
        labelled_pixels (all that are not void).
    """
    areas = statistics["mask_height"] * statistics["mask_width"]
    table = statistics.assign(labelled=(areas * (1 - statistics["void"])).round().astype("int64")).groupby("split")
    parts = table.agg(
        pictures=("split", "size"),
        groups=("group", "nunique"),
        min_height=("image_height", "min"),
        max_height=("image_height", "max"),
        min_width=("image_width", "min"),
        max_width=("image_width", "max"),
        bands=("channels", lambda counts: " ".join(str(count) for count in sorted(counts.unique()))),
        labelled_pixels=("labelled", "sum"),
    )
    return parts.reindex([part for part in PARTS if part in parts.index]).rename_axis("part").reset_index()


def tabulate_class_pixels(statistics: pd.DataFrame, classes: ClassTable) -> pd.DataFrame:
    """Return one row a class: class, red, green, blue, and its pixels in each part (train, val, test).

    Args:
        statistics: statistics.csv.
        classes: the class table.
    """
    pixels = statistics.groupby("split")[[f"pixels_{name}" for name in classes.names]].sum().reindex(PARTS, fill_value=0)
    colours = pd.DataFrame(classes.shown, columns=["red", "green", "blue"])
    counts = pixels.T.reset_index(drop=True).rename_axis(columns=None)
    return pd.concat([pd.Series(classes.names, name="class"), colours, counts], axis=1)
