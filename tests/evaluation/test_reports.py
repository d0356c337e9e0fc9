"""The tables of an evaluation, against counts made by hand on two pictures."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

from maskmill.errors import DataError, ModelError
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
from maskmill.labels.bits import unpack_bits
from maskmill.labels.classes import VOID_BIT
from maskmill.pictures import encode_picture

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
    return [evaluate_part(predictor, samples, encoded, split=split, boundary_tolerance=0) for split in ("test", "val")]


def test_metrics_by_hand(parts, tmp_path):
    metrics = write_reports(tmp_path / "evaluate", *parts)
    text = (tmp_path / "evaluate" / "metrics.json").read_text()
    assert list(json.loads(text)) == [
        *("split", "dice", "iou", "accuracy", "precision", "true_positive_rate", "binary_accuracy", "boundary_f1"),
        *("macro_dice", "macro_iou", "micro_dice", "micro_iou", "per_image_dice", "boundary_tolerance"),
        *("classes", "pictures", "val"),
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
        "precision": pytest.approx((4 / 5 + 1 / 2) / 2, abs=1e-6),
        "true_positive_rate": pytest.approx((4 / 5 + 1 / 2) / 2, abs=1e-6),
        "binary_accuracy": pytest.approx(5 / 7, abs=1e-6),  # of sky and tree alike
        # the outline of sky: in 002 two true pixels, three predicted, one of them the same; in 001 one true, none predicted
        # that of tree: in 002 one and two, one the same; in 001 one and none. So a third for sky, a half for tree
        "boundary_f1": pytest.approx((1 / 3 + 1 / 2) / 2, abs=1e-6),
        "boundary_tolerance": 0,
        "macro_dice": pytest.approx((sky + tree) / 2, abs=1e-6),
        "macro_iou": pytest.approx((4 / 6 + 1 / 3) / 2, abs=1e-6),
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
            "precision": 1.0,
            "true_positive_rate": 1.0,
            "boundary_f1": 1.0,
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
    assert flat["test_boundary_f1"] == pytest.approx(5 / 12)
    assert np.isnan(flat["test_iou/car"])
    assert flatten_metrics(json.loads(text)) == pytest.approx(flat, abs=1e-6, nan_ok=True)


def test_tables_by_hand(parts, tmp_path):
    write_reports(tmp_path / "evaluate", *parts)
    read = lambda name: (tmp_path / "evaluate" / name).read_text().splitlines()  # noqa: E731
    assert read("per_image.csv") == [
        "id,split,dice,iou,accuracy,precision,true_positive_rate,binary_accuracy,boundary_f1,source",
        "001,test,0.333333,0.250000,0.500000,0.500000,0.500000,0.500000,0.000000,data/001.jpg",
        "002,test,0.761905,0.625000,0.800000,0.750000,0.875000,0.800000,0.533333,data/002.jpg",
    ]
    assert read("per_class.csv") == [
        "class,split,dice,iou,precision,true_positive_rate,binary_accuracy,boundary_precision,boundary_recall,boundary_f1,pixels",
        "sky,test,0.800000,0.666667,0.800000,0.800000,0.714286,0.333333,0.333333,0.333333,5",
        "tree,test,0.500000,0.333333,0.500000,0.500000,0.714286,0.500000,0.500000,0.500000,2",
        "car,test,,,,,,,,,0",
    ]
    assert read("averages.csv") == [
        "average,split,dice,iou,precision,true_positive_rate,binary_accuracy,boundary_f1",
        "macro,test,0.650000,0.500000,0.650000,0.650000,0.714286,0.416667",
        "micro,test,0.714286,0.555556,0.714286,0.714286,0.714286,0.400000",
        "per_image,test,0.547619,0.437500,0.625000,0.687500,0.650000,0.266667",
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
    table = tabulate_pictures(PartReport("test", ("no", "yes"), samples, matrices, np.zeros((2, 2, 2, 2), np.int64), 1))
    assert table.loc[0, ["dice", "iou", "accuracy", "precision", "binary_accuracy"]].isna().all()
    assert table["boundary_f1"].isna().all()
    assert table.loc[1, "dice"] == pytest.approx(2 / 3)


def test_a_confusion_table_has_a_row_a_pair():
    samples = pd.DataFrame({"id": ["a"], "source": ["a"]})
    counts = np.array([[[3, 1], [0, 0]]])
    table = tabulate_confusion(PartReport("test", ("no", "yes"), samples, counts, np.zeros((1, 2, 2, 2), np.int64), 1))
    assert table["fraction"].tolist() == [0.75, 0.25, 0.0, 0.0]


def build_overlapping_predictor():
    """Overlapping classes: the one where red is set, the other where green is, the third nowhere; further bands do not matter."""
    picture = keras.Input((None, None, 5), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(3, 1)(keras.layers.Rescaling(1.0)(picture)))
    kernel = np.zeros((1, 1, 5, 3), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1.0
    model.layers[-1].set_weights([kernel, np.full(3, -0.5, np.float32)])
    scale = {"policy": "native", "image_size": [16, 16], "factor": 1.0, "overlap": 0.25}
    classes = [{"id": k, "name": name, "colour": [k, k, k]} for k, name in enumerate(NAMES)]
    return Predictor(model, {"scale": scale, "classes": classes, "channels": 5, "labels": "overlapping"})


def draw_bits(split, prediction, truth):
    """A sample of five bands whose first two say what the model will answer."""
    planes = unpack_bits(np.array(prediction, np.uint16), 2).astype(np.uint8)
    return split, np.concatenate([planes, np.full((*planes.shape[:2], 3), 9, np.uint8)], axis=2), np.array(truth, np.uint16)


def test_overlapping_classes_by_hand(write_encoded, tmp_path):
    encoded = write_encoded(
        {
            "001": draw_bits("test", [[0b01, 0b01, 0b01], [0b10, 0b11, 0b00]], [[0b01, 0b11, 0b00], [0b10, 0b11, VOID_BIT | 0b11]]),
            "002": draw_bits("test", [[0b00, 0b00]], [[0b01, 0b00]]),
            "003": draw_bits("val", [[0b11, 0b00]], [[0b11, 0b00]]),
        }
    )
    predictor, samples = build_overlapping_predictor(), read_samples(encoded)
    test, val = (evaluate_part(predictor, samples, encoded, split=split, boundary_tolerance=0) for split in ("test", "val"))
    metrics = write_reports(tmp_path / "evaluate", test, val)
    # of 7 counted pixels: sky in 4, of which 3 found, and 1 where it is not; tree in 3, 2 found; no car
    sky, tree = 6 / 8, 4 / 5
    assert metrics["labels"] == "overlapping"
    assert metrics["dice"] == pytest.approx((sky + tree) / 2)
    assert metrics["iou"] == pytest.approx((3 / 5 + 2 / 3) / 2)
    assert metrics["accuracy"] == pytest.approx((7 * 3 - 3) / (7 * 3))
    assert metrics["micro_dice"] == pytest.approx(10 / 13)
    assert metrics["micro_iou"] == pytest.approx(5 / 8)
    assert metrics["per_image_dice"] == pytest.approx(np.mean([np.mean([6 / 7, 4 / 5]), 0.0]))
    assert metrics["classes"]["sky"] == pytest.approx({"dice": sky, "iou": 3 / 5})
    assert metrics["val"]["dice"] == 1.0
    assert np.isnan(flatten_metrics(metrics)["test_dice/car"])
    read = lambda name: (tmp_path / "evaluate" / name).read_text().splitlines()  # noqa: E731
    assert read("per_class.csv")[1:] == [
        "sky,test,0.750000,0.600000,0.750000,0.750000,0.714286,1.000000,0.500000,0.666667,4",
        "tree,test,0.800000,0.666667,1.000000,0.666667,0.857143,0.500000,0.500000,0.500000,3",
        "car,test,,,,,,,,,0",
    ]
    # outlines: of sky 3 and 1 true pixels, 2 and none predicted, 2 the same; of tree 2 and none, 2 and none, 1 the same
    assert metrics["boundary_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert read("per_image.csv")[2] == "002,test,0.000000,0.000000,0.833333,,0.000000,0.500000,0.000000,data/002.jpg"
    assert read("confusion.csv")[:6] == [
        "split,truth,prediction,pixels,fraction",
        "test,not sky,not sky,2,0.666667",
        "test,not sky,sky,1,0.333333",
        "test,sky,not sky,1,0.250000",
        "test,sky,sky,3,0.750000",
        "test,not tree,not tree,4,1.000000",
    ]
    assert read("confusion_table.csv") == [
        "class,true_negatives,false_positives,false_negatives,true_positives",
        "sky,2,1,1,3",
        "tree,4,0,1,2",
        "car,7,0,0,0",
    ]


def test_masks_of_another_kind_than_the_model_are_refused(write_encoded):
    encoded = write_encoded({"a": draw_bits("test", [[1, 0]], [[1, 0]])})
    samples = read_samples(encoded)
    (encoded / "images" / "a.png").write_bytes(encode_picture(np.zeros((1, 2, 3), np.uint8)))
    with pytest.raises(ModelError, match=r"a\.png has overlapping labels, the model exclusive ones"):
        evaluate_part(build_predictor(), samples, encoded, split="test", boundary_tolerance=0)


def test_an_empty_part_and_a_mask_of_another_size_are_refused(write_encoded):
    encoded = write_encoded({"a": draw("test", [[0, 0]], [[0, 0, 0]])})
    samples = read_samples(encoded)
    with pytest.raises(DataError, match="the val part has no pictures"):
        evaluate_part(build_predictor(), samples, encoded, split="val", boundary_tolerance=0)
    with pytest.raises(DataError, match=r"masks/a.png is 3 x 1, .*images/a.png is 2 x 1"):
        evaluate_part(build_predictor(), samples, encoded, split="test", boundary_tolerance=0)
