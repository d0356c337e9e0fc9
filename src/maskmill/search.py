"""The search over train settings from start to end: one MLflow run, with one a trial nested in it, recorded as each ends."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from maskmill.labels import ClassTable
from maskmill.registry.runs import recorded_run
from maskmill.registry.tracking import Tracker
from maskmill.study import best_hyperparameters, describe_settings, run_study, study_folder, tabulate_trials
from maskmill.terminal import say
from maskmill.training.checkpoints import fingerprint
from maskmill.training.class_weights import find_class_weights
from maskmill.training.device import describe_device
from maskmill.training.run import train_model


def search_settings(
    settings: Mapping[str, Any],
    *,
    tune: Mapping[str, Any],
    augment: Mapping[str, Any],
    transforms: Sequence[Mapping[str, Any]],
    arrays: Path,
    classes: ClassTable,
    statistics: Path,
    tracker: Tracker,
    write: Callable[[Mapping[str, Any], str], None],
) -> None:
    """Search from start to end: go on from an interrupted study, record an MLflow run with one a trial, write what was found.

    Args:
        settings: what a trial trains with, before its own settings are laid over it.
        tune: the tune section.
        augment: what augmentation follows from; another one makes another study.
        transforms: augmentation applied anew in every epoch; empty for none.
        arrays: folder with train/ and val/.
        classes: the class table.
        statistics: statistics.csv of the encoded samples.
        tracker: the MLflow store.
        write: called with the best settings and the table of trials as CSV, before the study is forgotten.

    Raises:
        ParamsError: settings that do not go with the classes.
        TrainingError: every trial failed.
    """
    class_weights = find_class_weights(settings["class_weights"], classes.names, statistics)
    device = describe_device(settings["precision"])
    say(f"searching on {device['name']} in {device['precision']}")
    decisive = {
        "train": settings,
        "tune": {**tune, "trials": None},
        "augment": augment,
        "device": device,
    }  # more trials: same study
    with (
        study_folder(Path(".maskmill/search", fingerprint(decisive, [arrays]))) as folder,
        recorded_run(tracker, "tune", tags={"maskmill.kind": "tune"}, note=folder / "run_id") as record,
    ):
        study = run_study(
            lambda trial, chosen: train_trial(
                trial,
                {**settings, **chosen},
                arrays=arrays,
                num_classes=classes.num_classes,
                class_weights=class_weights,
                transforms=transforms,
                epochs=tune["epochs"],
                tracker=tracker,
                parent=record.run_id,
            ),
            first=settings,
            storage=folder / "study.db",
            **tune,
        )
        record.log_metrics({"val_dice": study.best_value})
        best = best_hyperparameters(study)
        write(best, tabulate_trials(study).to_csv(index=False))
    say(f"tune found {describe_settings(best)}")


def train_trial(
    trial: optuna.Trial,
    settings: Mapping[str, Any],
    *,
    arrays: Path,
    num_classes: int,
    class_weights: Sequence[float] | None,
    transforms: Sequence[Mapping[str, Any]],
    epochs: int,
    tracker: Tracker,
    parent: str | None,
) -> float:
    """Train with a trial's settings, report val dice after each epoch, record a run nested in the study's.

    Args:
        trial: the trial, told each epoch's val dice.
        settings: the train section with the trial's own laid over it.
        arrays, num_classes, class_weights, transforms, epochs: as `train_model`.
        tracker: the MLflow store.
        parent: the study's run.

    Returns:
        The best epoch's val dice.

    Raises:
        optuna.TrialPruned: the pruner gave the trial up.
    """

    def report(epoch: int, row: Mapping[str, float]) -> None:
        record.log_metrics(row, epoch)
        trial.report(row["val_dice"], epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    pruned = False
    history: list[dict[str, float]] = []
    tags = {"maskmill.kind": "trial", "maskmill.trial": trial.number}
    with recorded_run(tracker, f"trial {trial.number}", tags=tags, parent=parent) as record:
        record.log_params({"train": settings, "device": describe_device(settings["precision"])})
        try:
            _, history = train_model(
                arrays,
                settings,
                num_classes=num_classes,
                class_weights=class_weights,
                transforms=transforms,
                epochs=epochs,
                on_epoch=report,
            )
        except optuna.TrialPruned:  # an end as planned, no failed run
            pruned = True
            record.set_tags({"maskmill.pruned": True})
    if pruned:
        raise optuna.TrialPruned
    return max(row["val_dice"] for row in history)
