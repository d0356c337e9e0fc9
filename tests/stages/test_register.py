import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
CLASSES = [{"id": 0, "name": "a", "colour": [1, 2, 3]}, {"id": 1, "name": "b", "colour": [4, 5, 6]}]


@pytest.fixture
def project(tmp_path: Path, write_encoded) -> Path:
    """What the stages before register leave, made small; the model is a real one."""
    from maskmill.models import build_model
    from maskmill.models.archive import save_model

    picture = np.zeros((8, 12, 3), np.uint8)
    write_encoded({"s1": ("test", picture, np.zeros((8, 12), np.uint8)), "s2": ("train", picture, np.ones((8, 12), np.uint8))})
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "params.yaml").write_bytes((ROOT / "presets" / "default.yaml").read_bytes())
    model = build_model(
        "unet", channels=3, num_classes=2, backbone=None, weights="none", base_filters=2, depth=2, decoder_filters=(2,), dropout=0.0
    )
    scale = {"policy": "fit", "image_size": [16, 16], "factor": 1.0, "overlap": 0.25}
    save_model(model, tmp_path / "build" / "model.keras", {"scale": scale, "classes": CLASSES, "channels": 3})
    files = {
        "build/training/run.json": {
            "run_id": None,
            "device": {"kind": "cpu", "name": "a CPU", "backend": "tensorflow"},
            "train": {"epochs": 2},
        },
        "results/evaluate/metrics.json": {"dice": 0.5, "iou": 0.4, "accuracy": 0.6, "split": "test", "classes": {}},
        "results/validate/result.json": {"success": True, "checks": []},
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "results" / "train").mkdir()
    (tmp_path / "results" / "train" / "history.csv").write_text("epoch,loss\n0,1.0\n")
    return tmp_path


def run_stage(project: Path, monkeypatch: pytest.MonkeyPatch, uri: str | None = None) -> subprocess.CompletedProcess:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    command = [sys.executable, str(ROOT / "stages" / "register.py")]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, check=False)


def test_the_stage_registers_and_says_why_there_is_no_champion(project: Path, monkeypatch: pytest.MonkeyPatch):
    done = run_stage(project, monkeypatch)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "registered maskmill version 1, alias candidate" in done.stdout
    assert "version 1 is not champion: trained on a CPU" in done.stdout
    assert "maskmill summary" in done.stdout
    registration = json.loads((project / "build" / "registration.json").read_text())
    assert registration["aliases"] == ["candidate"]
    assert registration["metrics"]["dice"] == 0.5
    assert [check["outcome"] for check in registration["gate"]["checks"]] == ["failed", "passed", "passed", "skipped", "skipped"]

    from maskmill.registry.tracking import connect

    version = connect(f"sqlite:///{project}/mlflow.db", "maskmill").client.get_model_version_by_alias("maskmill", "candidate")
    assert version.run_id == registration["run_id"]
    assert version.tags["maskmill.test_manifest"] == registration["test_manifest"]
    assert "synthetic sample" in version.description


def test_without_the_store_the_stage_fails_and_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch, unused_port: int):
    done = run_stage(project, monkeypatch, f"http://127.0.0.1:{unused_port}")
    assert done.returncode == 1
    assert "dvc repro register" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "build" / "registration.json").exists()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
