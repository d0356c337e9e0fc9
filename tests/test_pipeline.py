"""The whole pipeline through DVC and MLflow, in a copy of this repository on a few small synthetic scenes."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from project import STAGES, Project, copy_repository
from ruamel.yaml import YAML

SMALL = {
    "scale": {"image_size": [64, 64]},
    "tune": {"trials": 2, "epochs": 1, "space": {"learning_rate": {"low": 0.001, "high": 0.01, "log": True}}},
    "train": {"backbone": None, "base_filters": 4, "depth": 3, "epochs": 2, "learning_rate": 0.005},
    "validate": {"min_samples": 1},
}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that has run once, whole."""
    made = copy_repository(tmp_path_factory.mktemp("pipeline") / "project")
    made.run(sys.executable, "-m", "maskmill.sources.synthetic", "data", "--scenes", "10", "--flights", "5", "--seed", "3")
    made.run("dvc", "add", "--quiet", "data")
    made.run("maskmill", "preset", "default")
    for section, settings in SMALL.items():
        made.change(section, **settings)
    made.commit()
    assert made.repro() == STAGES
    made.commit()
    yield made
    shutil.rmtree(made.folder)


def test_every_stage_left_what_the_next_one_needs(project: Project) -> None:
    metrics = json.loads((project.folder / "results/evaluate/metrics.json").read_text())
    assert metrics["split"] == "test"
    assert set(metrics) >= {"dice", "iou", "accuracy", "classes", "val"}
    assert list(metrics["classes"]) == ["field", "woods", "water", "road", "building"]
    assert set(metrics["classes"]["woods"]) >= {"dice", "iou"}
    hyperparameters = YAML(typ="safe").load(project.folder / "results/tune/hyperparameters.yaml")
    assert set(hyperparameters) == {"learning_rate"}
    assert (project.folder / "build/evaluation/figures/overview.png").exists()
    assert not list(project.folder.rglob(".partial.*"))
    assert not list((project.folder / ".maskmill").rglob("*.h5"))
    assert not list((project.folder / ".maskmill").rglob("*.db"))


def test_the_store_has_the_runs_and_the_version(project: Project) -> None:
    client = project.client()
    version = client.get_model_version_by_alias("maskmill", "candidate")
    run = client.get_run(version.run_id)
    metrics = json.loads((project.folder / "results/evaluate/metrics.json").read_text())
    assert run.data.metrics["test_dice"] == pytest.approx(metrics["dice"], abs=1e-5)
    assert run.data.metrics["test_iou"] == pytest.approx(metrics["iou"], abs=1e-5)
    assert run.data.tags["maskmill.device_kind"] == "cpu"
    assert run.info.status == "FINISHED"
    assert [step.step for step in client.get_metric_history(run.info.run_id, "val_dice")] == [1, 2]
    kinds = [other.data.tags.get("maskmill.kind") for other in project.runs()]
    assert sorted(kinds) == ["train", "trial", "trial", "tune"]
    assert "champion" not in client.get_registered_model("maskmill").aliases


def test_the_summary_names_the_next_commands(project: Project) -> None:
    summary = project.run("maskmill", "summary")
    for expected in ("val dice", "test dice", "mlflow models serve -m models:/maskmill@candidate", "curl", "overview.png", "GPU"):
        assert expected in summary


def test_nothing_runs_twice(project: Project) -> None:
    assert project.repro() == []


def test_epochs_rerun_train_and_what_follows_alone(project: Project) -> None:
    project.change("train", epochs=3)
    assert project.repro() == ["train", "evaluate", "register"]
    assert project.client().get_model_version_by_alias("maskmill", "candidate").version in (2, "2")


def test_evaluate_settings_do_not_rerun_train(project: Project) -> None:
    project.change("evaluate", pictures=1)
    assert "train" not in project.repro()


def test_forced_runs_give_the_same_bytes(project: Project) -> None:
    outputs = ("build/arrays", "build/encoded/masks", "build/model.keras", "results/tune", "results/train", "results/evaluate")
    before = project.hashes(*outputs)
    assert project.repro("--force") == STAGES
    assert project.hashes(*outputs) == before


def test_one_changed_picture_is_encoded_alone(project: Project) -> None:
    changed = sorted((project.folder / "data").glob("*.jpg"))[0]
    original = changed.read_bytes()
    before = project.hashes("build/encoded")
    with Image.open(changed) as composite:
        brighter = composite.point([min(255, value + 3) for value in range(256)] * 3)
    changed.unlink()  # it may be a link into DVC's cache
    brighter.save(changed, quality=95)
    output = project.run("dvc", "repro", "encode")
    assert "encoded 1 of 10 samples" in output
    after = project.hashes("build/encoded")
    own = {name for name in after if Path(name).stem == changed.stem.replace("_", "-")}
    tables = {f"build/encoded/{name}" for name in ("samples.csv", "statistics.csv", "thumbnails.npy", "classes.csv")}
    assert own
    assert {name for name in after if after[name] != before[name]} <= own | tables
    shutil.rmtree(project.folder / ".maskmill")
    project.run("dvc", "repro", "--force", "--single-item", "encode")
    assert project.hashes("build/encoded") == after
    changed.write_bytes(original)
    project.repro()


def test_folds_are_swept_and_summed_up(project: Project) -> None:
    project.commit()
    settings = ["tune.trials=0", "train.epochs=1", "split.folds=3", "split.fold=0,1,2"]
    queued = project.run("dvc", "exp", "run", "--queue", *(part for setting in settings for part in ("-S", setting)))
    names = re.findall(r"Queued experiment '([^']+)'", queued)
    assert len(names) == 3
    project.run("dvc", "queue", "start")
    for name in names:
        project.wait_for_queue(name)
    runs = [run for run in project.runs() if run.data.tags.get("maskmill.dvc_exp") in names]
    trained = [run for run in runs if run.data.tags.get("maskmill.kind") == "train"]
    assert sorted(run.data.params["split.fold"] for run in trained) == ["0", "1", "2"]
    assert len({run.data.tags["maskmill.data_hash"] for run in trained}) == 3
    summary = project.run("maskmill", "folds")
    assert "mean" in summary


def test_a_queued_experiment_lands_in_the_same_store_and_runs_its_own_code(project: Project) -> None:
    project.commit()
    marker = project.folder / "src/maskmill/__init__.py"
    original = marker.read_text()
    marker.write_text(original.replace('__version__ = "', '__version__ = "queued-'))
    project.run("dvc", "exp", "run", "--queue", "--name", "queued", "-S", "tune.trials=0", "-S", "train.learning_rate=0.003")
    marker.write_text(original)
    project.run("dvc", "queue", "start")
    project.wait_for_queue("queued")
    run = next(run for run in project.runs() if run.data.tags.get("maskmill.dvc_exp") == "queued")
    assert run.data.params["train.learning_rate"] == "0.003"
    assert run.data.tags["maskmill.version"].startswith("queued-")


def test_mlflow_run_sets_a_value_by_hand(project: Project) -> None:
    options = ["-e", "train", "-P", "learning_rate=0.004", "--env-manager", "local", "--experiment-name", "maskmill"]
    project.run("mlflow", "run", ".", *options)
    run = project.runs()[0]
    trained = next(run for run in project.runs() if run.data.tags.get("maskmill.kind") == "train")
    assert trained.data.params["train.learning_rate"] == "0.004"
    assert trained.data.tags["mlflow.parentRunId"] in {other.info.run_id for other in project.runs()}
    assert run.info.status == "FINISHED"


def test_a_model_trained_elsewhere_is_taken_in(project: Project, tmp_path: Path) -> None:
    for source in ("build/model.keras", "params.yaml", "results/train/history.csv", "build/training/run.json"):
        shutil.copy2(project.folder / source, tmp_path / Path(source).name)
    run = json.loads((tmp_path / "run.json").read_text())
    run |= {"run_id": None, "device": {"kind": "gpu", "name": "a GPU elsewhere", "backend": "jax"}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    project.repro("evaluate")
    output = project.run("maskmill", "register", str(tmp_path))
    assert "champion" in output
    champion = project.client().get_model_version_by_alias("maskmill", "champion")
    assert champion.tags["maskmill.device_name"] == "a GPU elsewhere"
    assert (tmp_path / "evaluation" / "figures" / "overview.png").exists()


def test_a_broken_mask_stops_the_pipeline_by_name(project: Project) -> None:
    broken = sorted((project.folder / "data").glob("*.jpg"))[0]
    original = broken.read_bytes()
    encoded = project.hashes("build/encoded")
    broken.unlink()  # it may be a link into DVC's cache
    broken.write_bytes(original[: len(original) // 2])
    output = project.run("dvc", "repro", fails=True)
    assert broken.name in output
    assert project.hashes("build/encoded") == encoded
    broken.write_bytes(original)


def test_a_strangers_folder_becomes_a_registered_model_without_an_edit(project: Project, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "cells").mkdir()
    for number in range(24):
        mask = np.zeros((48, 64), np.uint8)
        top, left = rng.integers(4, 24), rng.integers(4, 36)
        mask[top : top + 16, left : left + 20] = 255
        photo = np.where(mask[..., np.newaxis] > 0, (170, 90, 120), (90, 120, 80)) + rng.normal(0, 20, (48, 64, 3))
        Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(tmp_path / "cells" / f"{number:02}.jpg")
        Image.fromarray(mask).save(tmp_path / "cells" / f"{number:02}_label.jpg", quality=60)
    versions = len(project.client().search_model_versions("name='maskmill'"))
    report = project.run("maskmill", "preset", "auto", "--source", str(tmp_path / "cells"))
    assert "24 pictures '{name}.jpg' have masks '{name}_label.jpg'" in report
    assert project.repro() == STAGES
    metrics = json.loads((project.folder / "results/evaluate/metrics.json").read_text())
    assert metrics["dice"] > 0.8
    assert len(project.client().search_model_versions("name='maskmill'")) == versions + 1
