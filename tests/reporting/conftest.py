"""Runs in a real store, recorded as train and evaluate record them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskmill.evaluation.charts import draw_confusion
from maskmill.evaluation.panels import Sample, draw_samples
from maskmill.registry.tracking import RunRecord, Tracker, connect

PARAMS = """\
# Written by: make preset P={preset} SOURCE=/home/someone/my data/{preset}.tar
preset: {preset}
source:
  name: "{source}"
  home: {home}
scale: {{policy: native, image_size: [96, 128], factor: 0.5}}
augment: {{recipe: street}}
split: {{folds: null, fold: 0}}
"""
TRAIN = {"architecture": "unet", "backbone": "resnet18", "weights": "none", "loss": {"bce": 0.05, "dice": 1.0}, "epochs": 4}
RUN = {
    "device": {"kind": "gpu", "name": "a GPU", "backend": "tensorflow", "precision": "mixed_bfloat16"},
    "model": {"name": "unet resnet18", "parameters": 14340373, "head": "softmax", "thresholds": {}},
    "train": {**TRAIN, "optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.1, "batch_size": 2, "monitor": "val_dice"},
}


@pytest.fixture(autouse=True)
def no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "DVC_EXP_NAME", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def store_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real store, made once, as making one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def tracker(store_uri: str, request: pytest.FixtureRequest) -> Tracker:
    """A connection to an experiment of this test's own."""
    return connect(store_uri, request.node.name)


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    folder = tmp_path / "presets"
    (folder / "cpu").mkdir(parents=True)
    (folder / "streets.yaml").write_text(
        "# Streets <b>seen</b> from a car.\n# Reproduces: a paper,\n# section 2.\n# Published: 0.5.\n\nsource: {}\n# not of it\n"
    )
    (folder / "cpu" / "streets.yaml").write_text("# streets on two cores.\n")
    return folder


@pytest.fixture
def record_run(tracker: Tracker, tmp_path: Path, figures_folder: Path) -> Callable[..., RunRecord]:
    """Record a finished and evaluated training, with all that its stages leave."""

    def record(
        preset: str = "streets",
        *,
        source: str = "some streets",
        home: str = "https://example.org/streets",
        classes: tuple[str, ...] = ("sky", "road", "car"),
        dice: tuple[float | None, ...] = (0.9, 0.6, None),
        labels: str | None = None,
        test_dice: float = 0.75,
    ) -> RunRecord:
        run = tracker.start_run("train unet resnet18", tags={"maskmill.kind": "train", "maskmill.device_name": "a GPU"})
        folder = tmp_path / str(run.run_id)
        shutil.copytree(figures_folder, folder / "evaluation" / "figures")
        figures: dict[str, Any] = {
            name: {"dice": value, "iou": value and value / 2} for name, value in zip(classes, dice, strict=True)
        }
        val = {"dice": 0.5, "iou": 0.25, "accuracy": 0.625, "classes": figures, "pictures": 3}
        scores = {
            "dice": test_dice,
            "iou": 0.375,
            "accuracy": 0.875,
            "split": "test",
            "classes": figures,
            "pictures": 2,
            "val": val,
        }
        if labels:
            scores["labels"] = labels
        (folder / "evaluation" / "metrics.json").write_text(json.dumps(scores))
        lines = [
            f'"{name.replace(chr(34), chr(34) * 2)}",{"" if value is None else value}'
            for name, value in zip(classes, dice, strict=True)
        ]
        (folder / "evaluation" / "per_class.csv").write_text("\n".join(["class,boundary_f1", *lines]) + "\n")
        (folder / "evaluation" / "per_image.csv").write_text("id,dice\na,0.8125\nb,\n")
        (folder / "training").mkdir()
        (folder / "training" / "run.json").write_text(json.dumps(RUN))
        (folder / "lineage").mkdir()
        (folder / "lineage" / "params.yaml").write_text(PARAMS.format(preset=preset, source=source, home=home))
        (folder / "data").mkdir()
        Image.fromarray(np.full((90, 1500, 3), 77, np.uint8)).save(folder / "data" / "contact_sheet.png")
        (folder / "data" / "parts.csv").write_text(
            "part,pictures,groups,min_height,max_height,min_width,max_width,bands,labelled_pixels\n"
            "train,5,2,96,96,100,128,3,1000\nval,3,1,96,96,128,128,3,400\ntest,2,1,96,96,128,128,3,0\n"
        )
        quoted = [f'"{name.replace(chr(34), chr(34) * 2)}",{10 * k},0,255,{250 * k},{k},0' for k, name in enumerate(classes)]
        (folder / "data" / "classes.csv").write_text("\n".join(["class,red,green,blue,train,val,test", *quoted]) + "\n")
        for path in folder.iterdir():
            run.log_artifact(path, path.name)
        run.log_history(
            {1: {"loss": 2.0, "val_loss": 1.5, "val_dice": 0.2}, 2: {"loss": 1.0, "val_loss": float("nan"), "val_dice": 0.5}}
        )
        run.log_metrics({"test_dice": test_dice, "test_iou": 0.375, "test_accuracy": 0.875})
        run.finish()
        return run

    return record


@pytest.fixture(scope="session")
def figures_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What evaluate draws, of made-up masks."""
    folder = tmp_path_factory.mktemp("figures")
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (12, 20, 3), np.uint8)
    truth, prediction = (generator.integers(0, 3, (12, 20), np.uint8) for _ in range(2))
    palette = np.zeros((256, 3), np.uint8)
    palette[1:3] = [[200, 30, 30], [30, 200, 30]]
    for label, identifier in (("best_1", "a"), ("median_1", "b"), ("worst_1", "c"), ("best_2", "d")):
        sample = Sample(label, identifier, picture, truth, prediction, 3)
        draw_samples([sample], ("sky", "road", "car"), palette, folder / f"{label}_{identifier}.png")
    draw_confusion(np.array([[5, 1, 0], [2, 7, 1], [0, 0, 3]]), ("sky", "road", "car"), folder / "confusion.png", title="test part")
    return folder
