"""The evaluate stage on a tiny data set and a model whose answers are known: outputs, MLflow record, refusals."""

import json
import runpy
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from PIL import Image
from ruamel.yaml import YAML

from maskmill.errors import ModelError
from maskmill.labels import build_class_table, write_class_table
from maskmill.models.archive import save_model

ROOT = Path(__file__).resolve().parents[2]
CLASSES = [{"name": "dark", "id": 0, "colours": [[0, 0, 0]]}, {"name": "bright", "id": 1, "colours": [[250, 240, 90]]}]


def save_brightness_model(path, names=("dark", "bright")):
    """Class 1 where the mean over the channels is over 128."""
    picture = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1.0)(picture)))
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[..., 1] = 1 / 3
    model.layers[-1].set_weights([kernel, np.array([0.0, -128.0], np.float32)])
    classes = [{"id": k, "name": name, "colour": CLASSES[k]["colours"][0]} for k, name in enumerate(names)]
    scale = {"policy": "fit", "image_size": [20, 30], "factor": 1.0, "overlap": 0.25}
    save_model(model, path, {"scale": scale, "classes": classes, "channels": 3, "architecture": "unet", "backbone": None})


def draw_sample(split, first_bright):
    """A picture that is bright from column 15 on, and a mask that says from which on it is."""
    picture = np.full((20, 30, 3), 10, np.uint8)
    picture[:, 15:] = 240
    return split, picture, np.tile(np.arange(30) >= first_bright, (20, 1)).astype(np.uint8)


def name_classes(encoded):
    """Call the classes a and b of an encoded data set dark and bright."""
    write_class_table(build_class_table(CLASSES), encoded / "classes.csv")
    statistics = pd.read_csv(encoded / "statistics.csv").rename(columns={"pixels_a": "pixels_dark", "pixels_b": "pixels_bright"})
    statistics.to_csv(encoded / "statistics.csv", index=False)


def write_project(folder, write_encoded):
    """Everything that the stage reads, in `folder`: four samples, one of whose masks is wrong."""
    params = YAML(typ="safe").load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    params |= {"classes": CLASSES}
    params["evaluate"]["pictures"] = 1
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(params, stream)
    samples = {"a": ("test", 15), "b": ("test", 15), "c": ("test", 25), "d": ("val", 15)}
    encoded = write_encoded({name: draw_sample(*sample) for name, sample in samples.items()})
    name_classes(encoded)
    Image.fromarray(np.full((30, 20, 3), 128, np.uint8)).save(folder / "build" / "contact_sheet.png")
    for name in ("build/training", "results/train"):
        (folder / name).mkdir(parents=True)
    pd.DataFrame({"epoch": [0], "loss": [0.5], "val_dice": [0.8]}).to_csv(folder / "results" / "train" / "history.csv", index=False)
    device = {"kind": "cpu", "name": "a CPU", "backend": "tensorflow"}
    run = {"run_id": None, "device": device, "git_commit": "0" * 40, "train": {"epochs": 1}}
    (folder / "build" / "training" / "run.json").write_text(json.dumps(run))
    save_brightness_model(folder / "build" / "model.keras")


def run_stage():
    runpy.run_path(str(ROOT / "stages" / "evaluate.py"))["main"]()


@pytest.fixture
def project(tmp_path, monkeypatch, write_encoded):
    write_project(tmp_path, write_encoded)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "stages")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path


def test_results_pictures_and_record(project, capsys):
    run_stage()
    metrics = json.loads((project / "results/evaluate/metrics.json").read_text())
    # three test pictures of 600 pixels; 15, 15 and 5 bright columns, 15 predicted in each
    assert metrics["split"] == "test"
    assert metrics["dice"] == pytest.approx(2 * 35 / (35 + 45), abs=1e-6)
    assert metrics["accuracy"] == pytest.approx(80 / 90, abs=1e-6)
    assert metrics["per_image_dice"] == pytest.approx((1 + 1 + 2 * 5 / 20) / 3, abs=1e-6)
    assert metrics["val"]["dice"] == 1.0
    assert metrics["precision"] == pytest.approx(35 / 45, abs=1e-6)
    assert metrics["true_positive_rate"] == 1.0
    assert metrics["boundary_tolerance"] == 2
    # an outline of 20 pixels in each picture; that of c is 10 columns off
    assert metrics["boundary_f1"] == pytest.approx(2 / 3, abs=1e-6)
    names = {path.name for path in (project / "build/evaluation/figures").iterdir()}
    assert names == {"best_1_a.png", "median_1_b.png", "worst_1_c.png", "overview.png", "confusion.png", "classes.png"}
    for name in names:
        with Image.open(project / "build/evaluation/figures" / name) as picture:
            picture.verify()
    printed = capsys.readouterr().out
    assert "val dice" in printed
    assert "test dice" in printed

    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("maskmill").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test_dice"] == pytest.approx(0.875)
    assert run.data.metrics["test_iou/bright"] == pytest.approx(35 / 45)
    assert run.data.metrics["test_boundary_f1"] == pytest.approx(2 / 3)
    assert run.data.tags["maskmill.device_kind"] == "cpu"
    assert "evaluation/metrics.json" in {file.path for file in client.list_artifacts(run.info.run_id, "evaluation")}
    assert "evaluation/figures/overview.png" in {file.path for file in client.list_artifacts(run.info.run_id, "evaluation/figures")}
    data = {file.path for file in client.list_artifacts(run.info.run_id, "data")}
    assert data == {"data/classes.csv", "data/parts.csv", "data/contact_sheet.png"}


def test_the_stage_goes_on_without_a_store(project, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    run_stage()
    assert "cannot be used" in capsys.readouterr().out
    assert (project / "results/evaluate/metrics.json").exists()


def test_a_model_of_other_classes_is_refused_before_anything_is_written(project):
    save_brightness_model(project / "build" / "model.keras", names=("bright", "dark"))
    with pytest.raises(ModelError, match="tells apart bright, dark; the data set's classes are dark, bright"):
        run_stage()
    assert not (project / "results/evaluate").exists()


def test_overlapping_classes_of_five_bands(project, write_encoded):
    """Class dark where the first band is over 128, class bright where the second is; the truth of one picture has dark alone."""
    picture = keras.Input((None, None, 5), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1.0)(picture)))
    model.layers[-1].set_weights([np.eye(5, 2, dtype=np.float32).reshape(1, 1, 5, 2), np.full(2, -128.0, np.float32)])
    scale = {"policy": "native", "image_size": [20, 30], "factor": 1.0, "overlap": 0.25}
    classes = [{"id": k, "name": entry["name"], "colour": entry["colours"][0]} for k, entry in enumerate(CLASSES)]
    description = {"scale": scale, "classes": classes, "channels": 5, "labels": "overlapping"}
    save_model(model, project / "build" / "model.keras", description)
    raster = np.zeros((20, 30, 5), np.uint8)
    raster[:, :20, 0] = raster[:, 10:, 1] = 255
    truth = (raster[..., 0] // 255 + raster[..., 1] // 255 * 2).astype(np.uint16)
    shutil.rmtree(project / "build" / "encoded")
    encoded = write_encoded({"a": ("test", raster, truth), "b": ("test", raster, truth & 1), "c": ("val", raster, truth)})
    name_classes(encoded)
    run_stage()
    metrics = json.loads((project / "results/evaluate/metrics.json").read_text())
    assert metrics["labels"] == "overlapping"
    assert metrics["classes"]["dark"]["dice"] == 1.0
    assert metrics["classes"]["bright"]["dice"] == pytest.approx(2 * 400 / (800 + 400), abs=1e-6)
    assert metrics["accuracy"] == pytest.approx((2400 - 400) / 2400, abs=1e-6)
    assert metrics["val"]["dice"] == 1.0
    assert (project / "build/evaluation/figures/confusion.png").exists()
