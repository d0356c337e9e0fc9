"""The tables of an evaluation, against counts made by hand on two pictures."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

from maskmill.errors import DataError
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.reports import (
    PartReport,
    evaluate_part,
    flatten_metrics,
    read_samples,
    tabulate_confusion,
    tabulate_pictures,
    write_reports,
)

NAMES = ("sky", "tree", "car")


def build_predictor():
    """A real model whose answer is written in the picture: the class is the red value, as -(red - k)^2 is highest there."""
    picture = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(3, 1)(keras.layers.Rescaling(1.0)(picture)))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, 0] = [0.0, 2.0, 4.0]
    model.layers[-1].set_weights([kernel, np.array([0.0, -1.0, -4.0], np.float32)])
    scale = {"policy": "native", "image_size": [16, 16], "factor": 1.0, "overlap": 0.25}
    classes = [{"id": k, "name": name, "colour": [k, k, k]} for k, name in enumerate(NAMES)]
    return Predictor(model, {"scale": scale, "classes": classes, "channels": 3})


def draw(split, prediction, truth):
    """A sample whose picture says what the model will answer."""
    red = np.array(prediction, np.uint8)[..., np.newaxis]
    return split, np.concatenate([red, red * 0 + 7, red * 0 + 9], axis=2), np.array(truth, np.uint8)


@pytest.fixture
def encoded(write_encoded):
    return write_encoded(
        {
            "002": draw("test", [[0, 0, 0], [1, 1, 0]], [[0, 0, 255], [1, 0, 0]]),
            "001": draw("test", [[0, 0]], [[0, 1]]),
            "NA": draw("val", [[2], [1]], [[2], [1]]),
        }
    )


@pytest.fixture
def parts(encoded):
    samples, predictor = read_samples(encoded), build_predictor()
    return [evaluate_part(predictor, samples, encoded, split=split) for split in ("test", "val")]


def test_metrics_by_hand(parts, tmp_path):
    metrics = write_reports(tmp_path / "evaluate", *parts)
    text = (tmp_path / "evaluate" / "metrics.json").read_text()
    assert list(json.loads(text)) == [
        *("split", "dice", "iou", "accuracy", "micro_dice", "micro_iou", "per_image_dice", "classes", "pictures", "val"),
    ]
    # test, 7 counted pixels: sky 4 right, 1 taken for tree; tree 1 right, 1 taken for sky; no car anywhere
    sky, tree = 8 / 10, 2 / 4
    # by picture: 002 sky 6/7, tree 2/3; 001 sky 2/3, tree 0
    per_image = np.mean([np.mean([6 / 7, 2 / 3]), np.mean([2 / 3, 0.0])])
    absent = {"dice": None, "iou": None}
    assert json.loads(text) == {
        "split": "test",
        "dice": pytest.approx((sky + tree) / 2, abs=1e-6),
        "iou": pytest.approx((4 / 6 + 1 / 3) / 2, abs=1e-6),
        "accuracy": pytest.approx(5 / 7, abs=1e-6),
        "micro_dice": pytest.approx(5 / 7, abs=1e-6),
        "micro_iou": pytest.approx(5 / 9, abs=1e-6),
        "per_image_dice": pytest.approx(per_image, abs=1e-6),
        "classes": {
            "sky": pytest.approx({"dice": sky, "iou": 4 / 6}, abs=1e-6),
            "tree": pytest.approx({"dice": tree, "iou": 1 / 3}, abs=1e-6),
            "car": absent,
        },
        "pictures": 2,
        "val": {
            "dice": 1.0,
            "iou": 1.0,
            "accuracy": 1.0,
            "per_image_dice": 1.0,
            "classes": {
                "sky": absent,
                "tree": {"dice": 1.0, "iou": 1.0},
                "car": {"dice": 1.0, "iou": 1.0},
            },
            "pictures": 1,
        },
    }
    assert "0.714286" in text  # six digits, so that the file is stable
    flat = flatten_metrics(metrics)
    assert flat["test_dice"] == pytest.approx(0.65)
    assert flat["test_dice/tree"] == pytest.approx(0.5)
    assert np.isnan(flat["test_iou/car"])


def test_tables_by_hand(parts, tmp_path):
    write_reports(tmp_path / "evaluate", *parts)
    read = lambda name: (tmp_path / "evaluate" / name).read_text().splitlines()  # noqa: E731
    assert read("per_image.csv") == [
        "id,split,dice,iou,accuracy,source",
        "001,test,0.333333,0.250000,0.500000,data/001.jpg",
        "002,test,0.761905,0.625000,0.800000,data/002.jpg",
    ]
    assert read("per_class.csv") == [
        "class,split,dice,iou,accuracy,pixels",
        "sky,test,0.800000,0.666667,0.800000,5",
        "tree,test,0.500000,0.333333,0.500000,2",
        "car,test,,,,0",
    ]
    assert read("confusion.csv")[:5] == [
        "split,truth,prediction,pixels,fraction",
        "test,sky,sky,4,0.800000",
        "test,sky,tree,1,0.200000",
        "test,sky,car,0,0.000000",
        "test,tree,sky,1,0.500000",
    ]
    assert read("confusion_table.csv") == ["truth \\ prediction,sky,tree,car", "sky,4,1,0", "tree,1,1,0", "car,0,0,0"]


def test_the_same_evaluation_writes_the_same_bytes(parts, tmp_path):
    contents = []
    for name in ("first", "second"):
        write_reports(tmp_path / name, *parts)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


def test_a_picture_of_nothing_but_void_has_no_figures(tmp_path):
    samples = pd.DataFrame({"id": ["a", "b"], "source": ["a", "b"]})
    matrices = np.array([np.zeros((2, 2)), [[1, 0], [1, 1]]], np.int64)
    table = tabulate_pictures(PartReport("test", ("no", "yes"), samples, matrices))
    assert table.loc[0, ["dice", "iou", "accuracy"]].isna().all()
    assert table.loc[1, "dice"] == pytest.approx(2 / 3)


def test_a_confusion_table_has_a_row_a_pair():
    samples = pd.DataFrame({"id": ["a"], "source": ["a"]})
    table = tabulate_confusion(PartReport("test", ("no", "yes"), samples, np.array([[[3, 1], [0, 0]]])))
    assert table["fraction"].tolist() == [0.75, 0.25, 0.0, 0.0]


def test_an_empty_part_and_a_mask_of_another_size_are_refused(write_encoded):
    encoded = write_encoded({"a": draw("test", [[0, 0]], [[0, 0, 0]])})
    samples = read_samples(encoded)
    with pytest.raises(DataError, match="the val part has no pictures"):
        evaluate_part(build_predictor(), samples, encoded, split="val")
    with pytest.raises(DataError, match=r"masks/a.png is 3 x 1, .*images/a.png is 2 x 1"):
        evaluate_part(build_predictor(), samples, encoded, split="test")
