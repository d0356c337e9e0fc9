"""The mean over folds, of runs in a real store."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskmill.cli import app
from maskmill.errors import RegistryError
from maskmill.folds import find_sweeps, show_sweep
from maskmill.registry.tracking import connect


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def tracker(uri, request, monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    return connect(uri, request.node.name)


@pytest.fixture
def record(tracker, tmp_path):
    """Record the run of a fold as train and evaluate do."""

    def record(fold, dice, *, folds=3, rate=0.001, samples="ab12", commit="0123456789", status="FINISHED", evaluated=True):
        run = tracker.start_run("train unet resnet18", tags={"maskmill.kind": "train", "maskmill.git_commit": commit})
        split = {"by": "source", "folds": folds, "fold": fold}
        source = {"name": "sample", "samples": samples}
        train = {"architecture": "unet", "learning_rate": rate}
        run.log_params({"source": source, "train": train, "split": split, "determinism": f"run {fold}"})
        if evaluated:
            folder = tmp_path / run.run_id
            folder.mkdir()
            test = None if dice is None else dice / 2
            metrics = {"dice": test, "split": "test", "val": {"dice": dice or 0.0, "iou": (dice or 0.0) - 0.25}}
            (folder / "metrics.json").write_text(json.dumps(metrics))
            run.log_artifact(folder, "evaluation")
        run.finish(status)

    return record


def test_runs_that_differ_in_the_fold_alone_are_one_sweep(tracker, record, capsys):
    for fold, dice in enumerate((0.5, 0.6, 0.7)):
        record(fold, dice)
    (sweep,) = find_sweeps(tracker)
    assert sweep.figures == {fold: pytest.approx((dice, dice - 0.25, dice / 2)) for fold, dice in enumerate((0.5, 0.6, 0.7))}
    assert sweep.missing == []
    show_sweep(sweep)
    said = capsys.readouterr().out
    assert "3 folds of unet, commit 01234567" in said
    # 0.5, 0.6, 0.7 deviate from their mean by -0.1, 0, 0.1: sqrt(0.02 / 2) = 0.1; the halves by half of that
    assert [cell.strip() for cell in said.splitlines()[-2].split("│")[1:-1]] == [
        "mean",
        "0.600 ± 0.100",
        "0.350 ± 0.100",
        "0.300 ± 0.050",
    ]
    assert "without" not in said


def test_other_settings_another_commit_and_other_folds_are_other_sweeps(tracker, record):
    record(0, 0.5)
    record(1, 0.5, rate=0.01)
    record(1, 0.5, commit="fedcba")
    record(1, 0.5, folds=4)
    sweeps = find_sweeps(tracker)
    assert [sweep.missing for sweep in sweeps] == [[0, 2, 3], [0, 2], [0, 2], [1, 2]]  # the newest first


def test_the_newest_run_of_a_fold_counts_and_missing_ones_are_named(tracker, record, capsys):
    record(0, 0.2)
    record(0, 0.75)
    record(1, 0.9, status="FAILED")
    record(2, 0.9, evaluated=False)
    (sweep,) = find_sweeps(tracker)
    assert sweep.figures == {0: (0.75, 0.5, 0.375)}
    show_sweep(sweep)
    said = capsys.readouterr().out
    assert "folds without an evaluated run: 1, 2" in said
    assert "-S split.folds=3 -S split.fold=1,2" in said
    assert "0.750 ±" not in said  # one run has no spread


def test_a_figure_that_is_absent_makes_no_mean(tracker, record, capsys):
    record(0, None)
    record(1, 0.5)
    (sweep,) = find_sweeps(tracker)
    assert math.isnan(sweep.figures[0][-1])
    show_sweep(sweep)
    assert "nan" in capsys.readouterr().out.splitlines()[-3]


def test_runs_without_folds_are_no_sweep(tracker, record):
    record(0, 0.5, folds=None)
    with pytest.raises(RegistryError, match="no evaluated run of a fold") as error:
        find_sweeps(tracker)
    assert "split.fold=0,1,2,3,4" in error.value.fix


def test_as_a_command(tracker, record, uri, tmp_path, monkeypatch):
    record(1, 0.5, folds=2)
    monkeypatch.chdir(tmp_path)
    settings = (Path(__file__).parents[1] / "presets/default.yaml").read_text(encoding="utf-8")
    assert "  experiment: maskmill" in settings
    (tmp_path / "params.yaml").write_text(settings.replace("  experiment: maskmill", "  experiment: test_as_a_command"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    done = CliRunner().invoke(app, ["folds"])
    assert done.exit_code == 0, done.output
    assert "2 folds of unet" in done.output


def test_runs_of_other_samples_are_another_sweep(tracker, record):
    record(0, 0.4)
    record(1, 0.5)
    record(0, 0.9, samples="cd34")
    assert [sorted(sweep.figures) for sweep in find_sweeps(tracker)] == [[0], [0, 1]]
