"""The train stage on a few small pictures: the model file, the tables, the record, and what it says."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from ruamel.yaml import YAML

from maskmill.errors import ParamsError
from maskmill.models.archive import load_model

ROOT = Path(__file__).resolve().parents[2]


def run_stage(project: Path, hyperparameters: dict[str, object]) -> None:
    (project / "results" / "tune").mkdir(parents=True, exist_ok=True)
    YAML().dump(hyperparameters, project / "results" / "tune" / "hyperparameters.yaml")
    runpy.run_path(str(ROOT / "stages" / "train.py"))["main"]()


def find_runs(project: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    return client.search_runs([client.get_experiment_by_name("maskmill").experiment_id])


def test_model_tables_and_record(training_project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    project = training_project({"head": "sigmoid", "loss": "bce_jaccard", "precision": "auto"}, {})
    run_stage(project, {"learning_rate": 0.01})

    model, description = load_model(project / "build" / "model.keras")
    (threshold,) = description["thresholds"]
    assert 0 < threshold < 1
    assert (description["architecture"], description["backbone"], description["head"]) == ("unet", None, "sigmoid")
    assert (description["labels"], description["channels"]) == ("exclusive", 3)
    logits = model.predict(np.load(project / "build" / "arrays" / "val" / "images.npy"), verbose=0)
    assert logits.shape == (2, 16, 24, 2)
    assert np.all(logits[..., 0] == 0)  # of the head sigmoid

    history = pd.read_csv(project / "results" / "train" / "history.csv")
    assert list(history["epoch"]) == [1, 2]
    metrics = json.loads((project / "results" / "train" / "metrics.json").read_text())
    assert metrics["val_dice"] == pytest.approx(history["val_dice"].max(), abs=1e-5)

    run = json.loads((project / "build" / "training" / "run.json").read_text())
    assert run["train"]["learning_rate"] == 0.01
    assert run["device"]["precision"] in ("float32", "mixed_bfloat16")
    (recorded,) = find_runs(project)
    assert recorded.info.run_id == run["run_id"]
    assert (recorded.info.run_name, recorded.info.status) == ("train unet", "FINISHED")
    assert float(recorded.data.params["thresholds.b"]) == threshold
    assert recorded.data.params["train.precision"] == "auto"
    assert recorded.data.params["device.precision"] == run["device"]["precision"]
    assert recorded.data.params["scale.policy"] == "fit"
    assert recorded.data.params["source.samples"]
    assert recorded.data.params["split.val"]
    assert recorded.data.metrics["val_dice"] == pytest.approx(history["val_dice"].iloc[-1], abs=1e-5)

    printed = capsys.readouterr().out
    assert "learning_rate 0.01 from tune, params.yaml has 0.02" in printed
    assert f"in {run['device']['precision']}, head sigmoid" in printed
    assert "training unet on " in printed
    assert f"a pixel is of a class above the probability: b {threshold:.3g}" in printed
    assert run["model"] == {
        "name": "unet",
        "parameters": model.count_params(),
        "head": "sigmoid",
        "thresholds": {"b": threshold},
    }
    assert not list((project / ".maskmill" / "training").iterdir())


def test_settings_that_do_not_go_with_the_classes_leave_nothing(training_project: Callable[..., Path]) -> None:
    project = training_project({"class_weights": {"c": 2.0}}, {})
    with pytest.raises(ParamsError, match=r"train\.class_weights names 'c'"):
        run_stage(project, {})
    assert not (project / "build" / "model.keras").exists()
    assert not (project / "mlflow.db").exists() or not find_runs(project)


def test_an_interrupted_stage_ends_with_the_same_model_in_the_same_run(
    training_project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from maskmill.registry.tracking import RunRecord

    project = training_project({"epochs": 3}, {})
    run_stage(project, {})
    expected = (project / "build" / "model.keras").read_bytes()
    (project / "build" / "model.keras").unlink()

    log = RunRecord.log_metrics

    def interrupt(record: RunRecord, metrics: dict[str, float], step: int = 0) -> None:
        if step == 2:
            raise KeyboardInterrupt
        log(record, metrics, step)

    with monkeypatch.context() as patch:
        patch.setattr(RunRecord, "log_metrics", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_stage(project, {})
    assert not (project / "build" / "model.keras").exists()
    run_stage(project, {})
    assert (project / "build" / "model.keras").read_bytes() == expected
    assert sorted(run.info.status for run in find_runs(project)) == ["FINISHED", "FINISHED"]  # the first and the resumed one
