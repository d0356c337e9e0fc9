"""The tune stage: what it leaves with a search and without, and that train makes the best trial again."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


def run_stage(name: str) -> None:
    runpy.run_path(str(ROOT / "stages" / f"{name}.py"))["main"]()


def test_the_best_trial_is_made_again_by_train(training_project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Over architectures, each with its own settings; one choice goes with none of them."""
    space = {"architecture": ["unet", "segnet_basic"], "weights": ["none", "imagenet"], "base_filters": [4]}
    project = training_project({}, {"trials": 3, "epochs": 2, "seed": 2, "pruner": "none", "space": space})
    run_stage("tune")
    best = YAML(typ="safe").load(project / "results" / "tune" / "hyperparameters.yaml")
    trials = pd.read_csv(project / "results" / "tune" / "trials.csv")
    assert len(trials) == 3
    assert (trials["architecture"][0], trials["base_filters"][0]) == ("unet", 4)  # params.yaml's own values
    assert set(trials["architecture"]) == {"unet", "segnet_basic"}
    failed = trials["state"] == "fail"
    assert (failed == ((trials["architecture"] == "unet") & (trials["weights"] == "imagenet"))).all()
    assert failed.any()
    assert trials["failure"][failed].str.contains("weights imagenet: the plain U-Net has no backbone").all()
    assert "failed: ModelError" in capsys.readouterr().out

    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("maskmill").experiment_id])
    assert sorted(run.info.status for run in runs) == ["FAILED"] * failed.sum() + ["FINISHED"] * (4 - failed.sum())

    run_stage("train")  # for as many epochs as the trials
    metrics = json.loads((project / "results" / "train" / "metrics.json").read_text())
    assert metrics["val_dice"] == pytest.approx(trials["val_dice"].max(), abs=1e-6)
    trained = json.loads((project / "build" / "training" / "run.json").read_text())["train"]
    assert {name: trained[name] for name in space} == best


def test_without_trials_it_leaves_nothing_to_lay_over_and_starts_no_keras(training_project: Callable[..., Path]) -> None:
    project = training_project({}, {"trials": 0})
    program = (
        "import runpy, sys; sys.argv = ['tune.py'];"
        f"runpy.run_path({str(ROOT / 'stages' / 'tune.py')!r}, run_name='__main__');"
        "print('keras' in sys.modules, 'mlflow' in sys.modules)"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'stages')!r}); {program}"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "False False"
    assert YAML(typ="safe").load(project / "results" / "tune" / "hyperparameters.yaml") == {}
    assert (project / "results" / "tune" / "trials.csv").read_text() == "trial\n"
