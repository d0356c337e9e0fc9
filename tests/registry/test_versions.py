import json
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pytest
from mlflow.models import Model

from maskmill.errors import RegistryError
from maskmill.registry.tracking import RunRecord, Tracker, connect
from maskmill.registry.versions import register_version

METRICS = {
    "dice": 0.8,
    "iou": 0.7,
    "accuracy": 0.9,
    "split": "test",
    "classes": {"water": {"dice": 0.8, "iou": 0.7}, "road": {"dice": None, "iou": None}},
}
GPU = {"run_id": None, "device": {"kind": "gpu", "name": "H200"}, "git_commit": "abc"}
CPU = {"run_id": None, "device": {"kind": "cpu", "name": "a CPU"}, "git_commit": "abc"}
SCRIPT = """
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
import pandas as pd

class Echo(PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None):
        return model_input

set_model(Echo())
"""


@pytest.fixture
def write_model(tmp_path: Path):
    """A served model without Keras: versions do not care what is served."""
    script = tmp_path / "echo.py"
    script.write_text(SCRIPT)

    def write(folder: Path, entry: Model) -> None:
        mlflow.pyfunc.save_model(path=folder, python_model=str(script), pip_requirements=["mlflow"], mlflow_model=entry)

    return write


@pytest.fixture
def record(tracker: Tracker) -> RunRecord:
    record = tracker.start_run("train", tags={"maskmill.dvc_exp": "brave-name"})
    record.finish()
    return record


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def register(tracker: Tracker, record: RunRecord, write_model: Any, name: str, **changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "metrics": METRICS,
        "run": GPU,
        "validated": True,
        "test_manifest": "m" * 64,
        "data_name": "a synthetic sample",
        "data_hash": "d" * 64,
        "require_gpu": True,
        "floor": 0.0,
    }
    return register_version(tracker, record, write_model, name=name, **settings | changes)


def aliases(tracker: Tracker, name: str) -> dict[str, str]:
    return {alias: str(version) for alias, version in tracker.client.get_registered_model(name).aliases.items()}


def test_the_version_carries_its_facts_and_leads_to_its_run(tracker: Tracker, record: RunRecord, write_model: Any, name: str):
    registration = register(tracker, record, write_model, name)
    version = tracker.client.get_model_version(name, registration["version"])
    assert version.run_id == record.run_id == registration["run_id"]
    assert version.tags["maskmill.dice"] == "0.8"
    assert version.tags["maskmill.split"] == "test"
    assert version.tags["maskmill.device_kind"] == "gpu"
    assert version.tags["maskmill.device_name"] == "H200"
    assert version.tags["maskmill.git_commit"] == "abc"
    assert version.tags["maskmill.data_hash"] == "d" * 64
    assert version.tags["maskmill.test_manifest"] == "m" * 64
    assert version.tags["maskmill.dvc_exp"] == "brave-name"
    assert version.tags["gate.device"] == "passed: trained on a GPU"
    assert version.tags["gate.better"] == "skipped: there is no champion to beat"
    for fact in ("a synthetic sample", "2 classes", "dice 0.8000", "| road | - | - |", "H200 (gpu)", "commit abc", "brave-name"):
        assert fact in version.description
    json.dumps(registration, allow_nan=False)


def test_the_registered_model_loads_by_alias_and_its_figures_are_on_it(
    tracker: Tracker, record: RunRecord, write_model: Any, name: str, monkeypatch: pytest.MonkeyPatch
):
    register(tracker, record, write_model, name)
    model_id = tracker.client.get_model_version_by_alias(name, "champion").tags["maskmill.model_id"]
    logged = tracker.client.get_logged_model(model_id)
    assert logged.source_run_id == record.run_id
    assert {metric.key: metric.value for metric in logged.metrics} == {"test_dice": 0.8, "test_iou": 0.7, "test_accuracy": 0.9}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    mlflow.set_tracking_uri(None)
    assert mlflow.pyfunc.load_model(f"models:/{name}@champion").metadata.run_id == record.run_id


def test_candidate_is_the_last_version_and_champion_the_best(tracker: Tracker, record: RunRecord, write_model: Any, name: str):
    assert register(tracker, record, write_model, name, run=CPU)["aliases"] == ["candidate"]
    assert aliases(tracker, name) == {"candidate": "1"}
    assert register(tracker, record, write_model, name)["aliases"] == ["candidate", "champion"]
    assert aliases(tracker, name) == {"candidate": "2", "champion": "2"}
    worse = register(tracker, record, write_model, name, metrics={**METRICS, "dice": 0.79})
    assert "dice 0.7900 against 0.8000 of champion version 2" in worse["gate"]["reason"]
    assert aliases(tracker, name) == {"candidate": "3", "champion": "2"}
    register(tracker, record, write_model, name, metrics={**METRICS, "dice": 0.95}, test_manifest="n" * 64)
    assert aliases(tracker, name) == {"candidate": "4", "champion": "2"}
    register(tracker, record, write_model, name, metrics={**METRICS, "dice": 0.95})
    assert aliases(tracker, name) == {"candidate": "5", "champion": "5"}


def test_a_model_that_cannot_be_packed_is_no_version(tracker: Tracker, record: RunRecord, name: str):
    def fail(folder: Path, entry: Model) -> None:
        raise RegistryError("the packed model does not answer")

    with pytest.raises(RegistryError, match="does not answer"):
        register(tracker, record, fail, name)
    assert tracker.client.search_model_versions(f"name = '{name}'") == []


def test_without_a_store_nothing_is_registered(free_port: int, write_model: Any, name: str):
    tracker = connect(f"http://127.0.0.1:{free_port}", "maskmill")
    record = tracker.start_run("train", tags={})
    with pytest.raises(RegistryError, match="does not answer") as caught:
        register(tracker, record, write_model, name)
    assert "dvc repro register" in caught.value.fix
