"""The figures of published protocols, against counts made by hand and against the libraries that published ones come from."""

import importlib
import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from ruamel.yaml import YAML

from maskmill.errors import DataError, ModelError
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.reports import evaluate_part, read_samples, write_reports
from maskmill.metrics import confusion_matrix
from maskmill.models.archive import load_model, save_model

ROOT = Path(__file__).parents[1]
# 2 x 3 pixels: one of each pair of classes is right and one wrong, two are void
TRUTH = np.array([[0, 0, 1], [1, 255, 255]], np.uint8)
PREDICTION = np.array([[0, 1, 1], [0, 0, 1]], np.uint8)
COUNTS = np.array([[1, 1], [1, 1], [1, 1]])
# three classes and void, made up: 9 of 16 are right, 4 void
THREE = np.array([[4, 1, 0], [0, 3, 1], [1, 0, 2], [3, 1, 0]])


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("protocols")


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("protocol_figures")


def test_void_has_a_row_of_its_own_or_goes_to_a_class_or_away(figures: ModuleType) -> None:
    assert figures.count_with_void(TRUTH, PREDICTION, 2).tolist() == COUNTS.tolist()
    assert figures.leave_void_out(THREE).tolist() == [[4, 1, 0], [0, 3, 1], [1, 0, 2]]
    assert figures.make_void_a_class(COUNTS).tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 0]]
    assert figures.give_void_to(THREE, 0).tolist() == [[7, 2, 0], [0, 3, 1], [1, 0, 2]]
    assert figures.give_void_to(np.stack([THREE, THREE]), 1)[1].tolist() == [[4, 1, 0], [3, 4, 1], [1, 0, 2]]
    assert THREE[0, 0] == 4  # what was given is left as it was


def test_micro_iou_counts_a_wrong_pixel_twice(figures: ModuleType) -> None:
    assert figures.micro_iou(figures.leave_void_out(THREE)) == pytest.approx(9 / (9 + 3 + 3))
    assert figures.micro_iou(figures.make_void_a_class(THREE)) == pytest.approx(9 / (9 + 7 + 7))
    assert figures.micro_iou(figures.give_void_to(THREE, 0)) == pytest.approx(12 / (12 + 4 + 4))


def test_what_is_class_0_in_truth_can_be_left_out(figures: ModuleType) -> None:
    # kept: 4 pixels of class 1, 3 of class 2, 4 void. Right 5; missed 6; wrongly class 1 or 2: 1 and 1
    assert figures.micro_iou_class_0_left_out(THREE) == pytest.approx(5 / (5 + 6 + 2))
    painted_over = THREE.copy()
    painted_over[0] = [0, 5, 0]  # all background predicted as class 1 costs nothing
    assert figures.micro_iou_class_0_left_out(painted_over) == figures.micro_iou_class_0_left_out(THREE)


def test_foreground_of_two_classes(figures: ModuleType) -> None:
    assert figures.foreground_iou(figures.leave_void_out(COUNTS)) == pytest.approx(1 / 3)
    assert figures.foreground_iou(figures.give_void_to(COUNTS, 1)) == pytest.approx(2 / 5)


def test_a_picture_without_anything_to_count_is_right(figures: ModuleType) -> None:
    matrices = np.array([[[0, 0], [0, 0]], [[2, 0], [1, 1]], [[3, 0], [0, 0]]])
    assert figures.mean_over_pictures(figures.micro_iou(matrices)) == pytest.approx((1 + 3 / 5 + 1) / 3)
    assert figures.mean_over_pictures(figures.foreground_iou(matrices)) == pytest.approx((1 + 1 / 2 + 1) / 3)


def test_batch_dice_gives_absent_classes_a_1_and_weighs_a_last_batch_as_the_others(figures: ModuleType) -> None:
    perfect, half = np.diag([5, 0, 0]), np.array([[2, 2, 0], [0, 0, 0], [0, 0, 0]])
    first = (1 + 1 + 1) / 3  # eight pictures of class 0 alone, all right
    last = ((4 + 1) / (6 + 1) + 1 / (2 + 1) + 1) / 3  # TP 2 and FN 2; no TP and FP 2; absent
    assert figures.batch_dice(np.stack([perfect] * 8 + [half])) == pytest.approx((first + last) / 2)


def test_accuracy_of_one_hot_masks_counts_true_negatives_of_absent_classes(figures: ModuleType) -> None:
    matrix = np.array([[6, 2, 0], [1, 1, 0], [0, 0, 0]])
    assert figures.one_hot_accuracy(matrix) == pytest.approx([0.7, 0.7, 1.0])


def test_constant_prediction_keeps_the_truth(figures: ModuleType) -> None:
    assert figures.predict_constant(THREE[:3], 1).tolist() == [[0, 5, 0], [0, 4, 0], [0, 3, 0]]


def test_reduced_masks_lose_what_is_thin(figures: ModuleType) -> None:
    truth = np.zeros((84, 140), np.uint8)  # a cell is 3 x 5 pixels, its centre at row 1 and column 2
    truth[30:60] = 1
    truth[60:] = 255
    prediction = truth % 255
    prediction[:, 0] = 1  # beside every centre
    assert figures.count_reduced(truth, prediction, 2).tolist() == [[10 * 28, 0], [0, 10 * 28]]
    assert confusion_matrix(truth, prediction, 2).tolist() == [[30 * 139, 30], [0, 30 * 140]]


def test_figures_of_a_part(figures: ModuleType) -> None:
    part = figures.PartCounts(np.stack([COUNTS, COUNTS]), np.array([[[3, 1], [0, 2]]] * 2))
    described = figures.describe_part(part, constant=1)
    assert described == pytest.approx(
        {
            "macro_dice": 0.5,
            "macro_iou": 1 / 3,
            "accuracy": 0.5,
            "constant_accuracy": 0.5,
            "constant_macro_dice": (0 + 2 / 3) / 2,
            "micro_iou": 1 / 3,
            "micro_iou_void_own_class": 2 / 10,
            "micro_iou_void_as_class_0": 3 / 9,
            "micro_iou_class_0_left_out": 1 / (1 + 3 + 1),
            "imagewise_micro_iou": 1 / 3,
            "imagewise_micro_iou_void_own_class": 2 / 10,
            "imagewise_micro_iou_void_as_class_0": 3 / 9,
            "foreground_iou": 1 / 3,
            "foreground_iou_void_as_foreground": 2 / 5,
            "imagewise_foreground_iou": 1 / 3,
            "imagewise_foreground_iou_void_as_foreground": 2 / 5,
            "dice_at_28": (6 / 7 + 4 / 5) / 2,
            "accuracy_at_28": 5 / 6,
            "batch_dice": 5 / 9,
            "binary_accuracy": 0.5,
        }
    )
    assert figures.measure_void(part.counts) == pytest.approx(1 / 3)


def test_one_hot_accuracy_is_what_keras_says_of_one_hot_masks(figures: ModuleType) -> None:
    masks = np.random.default_rng(0).integers(0, 4, (2, 3, 5, 7), np.uint8)
    truth, prediction = np.eye(5, dtype=np.float32)[masks]  # a fifth class is nowhere
    metric = keras.metrics.BinaryAccuracy()
    metric.update_state(truth, prediction)
    ours = figures.one_hot_accuracy(confusion_matrix(*masks, 5)).mean()
    assert ours == pytest.approx(float(metric.result()), abs=1e-6)


@pytest.mark.slow
def test_figures_are_those_of_the_libraries(figures: ModuleType, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (5, 6, 9), np.uint8)  # 3 is void
    prediction = np.where(rng.random(truth.shape) < 0.6, np.minimum(truth, 2), rng.integers(0, 3, truth.shape, np.uint8))
    truth[0] = 3  # a picture that is void all over
    np.savez(tmp_path / "masks.npz", truth=truth, prediction=prediction)
    command = [ROOT / ".venv-peers/bin/python", Path(__file__).with_name("on_published_metrics.py"), tmp_path / "masks.npz"]
    theirs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    void = np.where(truth == 3, 255, truth).astype(np.uint8)
    two = np.where(void == 255, 255, np.minimum(void, 1)).astype(np.uint8)
    ours = {}
    for true, predicted, num_classes in ((two, np.minimum(prediction, 1), 2), (void, prediction, 3)):
        counts = np.stack([figures.count_with_void(*pair, num_classes) for pair in zip(true, predicted, strict=True)])
        ours |= figures.describe_part(figures.PartCounts(counts, counts[:, :-1]), constant=0)
    assert {name: ours[name] for name in theirs} == pytest.approx(theirs, abs=1e-6)


def test_figures_that_are_not_those_of_metrics_json_are_refused(benchmark: ModuleType) -> None:
    benchmark.check_figures({"dice": 0.5000004, "iou": math.nan}, {"dice": 0.5, "iou": None}, "test")
    with pytest.raises(DataError, match=r"the val part has dice 0\.500002, metrics\.json says 0\.500000"):
        benchmark.check_figures({"dice": 0.500002}, {"dice": 0.5}, "val")
    with pytest.raises(DataError):
        benchmark.check_figures({"dice": 0.5}, {"dice": None}, "val")


def test_a_run_is_read_as_evaluate_reads_it(
    benchmark: ModuleType,
    write_encoded: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    encoded = write_run(tmp_path, write_encoded)
    predictor = Predictor(*load_model(tmp_path / "build/model.keras"))
    test, val = (
        evaluate_part(predictor, read_samples(encoded), encoded, split=name, boundary_tolerance=2) for name in ("test", "val")
    )
    metrics = write_reports(tmp_path / "results/evaluate", test, val)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    benchmark.main()
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["test"]["macro_dice"] == line["figure"] == pytest.approx(metrics["macro_dice"], abs=1e-4)
    # 6 x 10 pixels twice: of the one, 12 of 60 wrong; of the other, 6 void of which 3 are predicted as b, and the rest right
    assert line["test"]["accuracy"] == pytest.approx(102 / 114, abs=1e-4)
    assert line["test"]["micro_iou_void_own_class"] == pytest.approx(102 / (240 - 102), abs=1e-4)
    # b: 18 right and 12 too many; 27 right, and of the void 3 right and 3 missed
    assert line["test"]["foreground_iou_void_as_foreground"] == pytest.approx((18 + 27 + 3) / (18 + 27 + 3 + 12 + 3), abs=1e-4)
    assert (line["constant_class"], line["pictures"]) == ("a", {"val": 1, "test": 2})
    assert line["void"]["test"] == pytest.approx(6 / 120, abs=1e-4)
    metrics_path = tmp_path / "results/evaluate/metrics.json"
    metrics_path.write_text(json.dumps(json.loads(metrics_path.read_text()) | {"dice": 0.1}))
    with pytest.raises(DataError, match=r"metrics\.json says 0\.1"):
        benchmark.main()
    model, description = load_model(tmp_path / "build/model.keras")
    save_model(model, tmp_path / "build/model.keras", {**description, "labels": "overlapping"})
    with pytest.raises(ModelError, match="classes overlap"):
        benchmark.main()
    (tmp_path / "build/model.keras").unlink()
    benchmark.main()
    assert "left out, there is no build/model.keras here" in capsys.readouterr().out


def write_run(folder: Path, write_encoded: Callable) -> Path:
    """Write params.yaml, encoded pictures 6 x 10, and a model that finds class b where a picture is bright, from column 5 on."""
    picture = np.full((6, 10, 3), 10, np.uint8)
    picture[:, 5:] = 240
    late = np.tile(np.arange(10) >= 7, (6, 1)).astype(np.uint8)  # b from column 7 on: 12 pixels too many are predicted
    right = np.tile(np.arange(10) >= 5, (6, 1)).astype(np.uint8)
    right[0, 2:8] = 255
    encoded = write_encoded(
        {
            "t1": ("test", picture, late),
            "t2": ("test", picture, right),
            "v1": ("val", picture, late),
            "x1": ("train", picture, late),
        }
    )
    params = YAML(typ="safe").load((ROOT / "presets/default.yaml").read_text(encoding="utf-8"))
    params["classes"] = [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(params, stream)
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1.0)(inputs)))
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[..., 1] = 1 / 3
    model.layers[-1].set_weights([kernel, np.array([0.0, -128.0], np.float32)])
    scale = {"policy": "fit", "image_size": [6, 10], "factor": 1.0, "overlap": 0.25}
    classes = [{"id": k, "name": name, "colour": [k, k, k]} for k, name in enumerate("ab")]
    save_model(model, folder / "build/model.keras", {"scale": scale, "classes": classes, "channels": 3})
    return encoded
