"""What a run's record says of its data: tables counted by hand."""

import numpy as np
import pandas as pd
import pytest

from maskmill.labels import build_class_table
from maskmill.registry.composition import log_composition, tabulate_class_pixels, tabulate_parts

CLASSES = build_class_table([{"name": "NA", "id": 0, "colours": [[1, 2, 3]]}, {"name": "road", "id": 1, "colours": [[250, 0, 9]]}])


@pytest.fixture
def statistics():
    rows = [
        # split, group, image and mask height and width, channels, void, pixels
        ("val", "C", 20, 30, 20, 30, 3, 0.5, 200, 100),
        ("train", "A", 10, 40, 10, 40, 1, 0.0, 400, 0),
        ("train", "A", 20, 30, 20, 30, 3, 0.1, 300, 240),
        ("train", "NA", 12, 50, 12, 50, 3, 1.0, 0, 0),
    ]
    columns = "split group image_height image_width mask_height mask_width channels void pixels_NA pixels_road"
    return pd.DataFrame(rows, columns=columns.split())


def test_parts(statistics):
    table = tabulate_parts(statistics)
    assert table.to_dict("list") == {
        "part": ["train", "val"],  # in their order, and none without pictures
        "pictures": [3, 1],
        "groups": [2, 1],
        "min_height": [10, 20],
        "max_height": [20, 20],
        "min_width": [30, 30],
        "max_width": [50, 30],
        "bands": ["1 3", "3"],
        "labelled_pixels": [400 + 540, 300],
    }


def test_class_pixels(statistics):
    table = tabulate_class_pixels(statistics, CLASSES)
    assert table.to_dict("list") == {
        "class": ["NA", "road"],
        "red": [1, 250],
        "green": [2, 0],
        "blue": [3, 9],
        "train": [700, 240],
        "val": [200, 100],
        "test": [0, 0],
    }


def test_the_record_of_an_encoded_folder(tracker, write_encoded):
    mask = np.zeros((4, 6), np.uint8)
    mask[:, 4:] = 1
    mask[0] = 255
    picture = np.zeros((4, 6, 3), np.uint8)
    encoded = write_encoded({"x": ("train", picture, mask), "y": ("test", picture, mask * 0)})
    record = tracker.start_run("train", tags={})
    log_composition(record, encoded)
    parts, classes = (
        pd.read_csv(tracker.client.download_artifacts(record.run_id, f"data/{name}.csv")) for name in ("parts", "classes")
    )
    assert parts[["part", "pictures", "labelled_pixels"]].to_numpy().tolist() == [["train", 1, 18], ["test", 1, 24]]
    assert classes[["class", "train", "val", "test"]].to_numpy().tolist() == [["a", 12, 0, 24], ["b", 6, 0, 0]]
