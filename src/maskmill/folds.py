"""The mean over folds: what runs that differ in nothing but split.fold came to."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from rich.table import Table

from maskmill.errors import RegistryError
from maskmill.registry.tracking import Tracker
from maskmill.registry.trainings import list_trainings
from maskmill.terminal import console, say

FOLD, FOLDS = "split.fold", "split.folds"
DECIDING = ("split.", "train.", "augment.", "scale.", "source.")  # the recorded settings that must agree
COMMIT_TAG = "maskmill.git_commit"
FIGURES = ("val dice", "val IoU", "test dice")
METRICS_FILE = "evaluation/metrics.json"  # what evaluate adds to a run


@dataclass
class Sweep:
    """Evaluated runs that agree in code and in all settings but split.fold.

    Args:
        settings: the settings that they agree in.
        commit: the Git commit of their code; "" for none.
        folds: how many folds there are.
        figures: the values of FIGURES by fold; where a fold ran several times, of its newest run.
    """

    settings: Mapping[str, str]
    commit: str
    folds: int
    figures: dict[int, tuple[float, ...]] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """The folds without an evaluated run."""
        return [fold for fold in range(self.folds) if fold not in self.figures]


def find_sweeps(tracker: Tracker) -> list[Sweep]:
    """Gather an experiment's finished and evaluated runs of folds, the sweep with the newest run first.

    Raises:
        RegistryError: the store does not answer, or has no such run.
    """
    sweeps: dict[tuple, Sweep] = {}
    for run in list_trainings(tracker):
        params = run.data.params
        if not params.get(FOLDS, "").isdigit():
            continue
        settings = {name: value for name, value in params.items() if name.startswith(DECIDING) and name != FOLD}
        commit = run.data.tags.get(COMMIT_TAG, "")
        sweep = sweeps.setdefault((*sorted(settings.items()), commit), Sweep(settings, commit, int(params[FOLDS])))
        fold = int(params[FOLD])
        if fold not in sweep.figures and (figures := _read_figures(tracker, run)):
            sweep.figures[fold] = figures
    evaluated = [sweep for sweep in sweeps.values() if sweep.figures]
    if not evaluated:
        raise RegistryError(
            f"{tracker.uri} has no evaluated run of a fold",
            fix="dvc exp run --queue -S tune.trials=0 -S split.folds=5 -S split.fold=0,1,2,3,4 && dvc queue start",
        )
    return evaluated


def show_sweep(sweep: Sweep) -> None:
    """Print the figures of each fold, their mean and sample standard deviation, and which folds are missing."""
    train = [sweep.settings.get(f"train.{name}", "") for name in ("architecture", "backbone")]
    name = " ".join(text for text in train if text not in ("", "None"))
    table = Table(title=f"{sweep.folds} folds of {name or 'a model'}, commit {sweep.commit[:8] or 'unknown'}", title_justify="left")
    for column in ("fold", *FIGURES):
        table.add_column(column, justify="right")
    for fold in range(sweep.folds):
        figures = sweep.figures.get(fold)
        table.add_row(str(fold), *(f"{value:.3f}" for value in figures) if figures else ["-"] * len(FIGURES))
    table.add_section()
    table.add_row("mean", *(_say_mean(values) for values in zip(*sweep.figures.values(), strict=True)), style="bold")
    console.print(table)
    if sweep.missing:
        command = f"dvc exp run --queue -S split.folds={sweep.folds} -S split.fold={','.join(map(str, sweep.missing))}"
        say(f"folds without an evaluated run: {', '.join(map(str, sweep.missing))}; with these settings: {command}")


def _read_figures(tracker: Tracker, run: Run) -> tuple[float, ...] | None:
    """Return what evaluate recorded, in the order of FIGURES; None where the run has not been evaluated."""
    assert tracker.client is not None
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = tracker.client.download_artifacts(run.info.run_id, METRICS_FILE, folder)
        except (MlflowException, OSError):
            return None
        metrics: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    values = (metrics["val"]["dice"], metrics["val"]["iou"], metrics["dice"])
    return tuple(float("nan") if value is None else value for value in values)


def _say_mean(values: tuple[float, ...]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"
