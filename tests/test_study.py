"""The search with a made-up objective: resumes to the same trials, records failures, prunes, starts with params.yaml's values."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from maskmill import study as studies
from maskmill.errors import TrainingError

SPACE = {"learning_rate": {"low": 0.001, "high": 0.1, "log": True}, "batch_size": (4, 8, 16)}
FIRST = {"learning_rate": 0.01, "batch_size": 8, "seed": 0}


class Objective:
    """Val dice is the learning rate; batches of 16 do not fit; Ctrl-C comes in call number `stop`."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.settings: list[dict[str, Any]] = []

    def __call__(self, trial: optuna.Trial, settings: dict[str, Any]) -> float:
        self.settings.append(settings)
        if len(self.settings) == self.stop:
            raise KeyboardInterrupt
        if settings["batch_size"] == 16:
            raise MemoryError("no room for 16")
        for epoch in range(3):
            trial.report(settings["learning_rate"] + 0.001 * epoch, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return settings["learning_rate"]


def run(objective: studies.Objective, storage: Path, **changes: Any) -> optuna.Study:
    settings = {"space": SPACE, "first": FIRST, "trials": 9, "epochs": 3, "seed": 1, "pruner": "median", "storage": storage}
    return studies.run_study(objective, **(settings | changes))


def test_the_first_trial_takes_the_own_values_and_the_best_one_wins(tmp_path: Path) -> None:
    objective = Objective()
    study = run(objective, tmp_path / "study.db")
    assert objective.settings[0] == {"learning_rate": 0.01, "batch_size": 8}
    table = studies.tabulate_trials(study)
    assert len(table) == 9
    assert set(table["state"]) == {"complete", "pruned", "fail"}
    assert table.loc[table["state"] == "fail", "failure"].str.contains("MemoryError: no room for 16").all()
    complete = table[table["state"] == "complete"]
    best = complete.loc[complete["learning_rate"].idxmax()]
    assert studies.best_hyperparameters(study) == {"learning_rate": best["learning_rate"], "batch_size": best["batch_size"]}


def test_an_interrupted_study_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = studies.tabulate_trials(run(Objective(), tmp_path / "whole.db"))
    with pytest.raises(KeyboardInterrupt):
        run(Objective(stop=4), tmp_path / "cut.db")
    rest = Objective()
    resumed = studies.tabulate_trials(run(rest, tmp_path / "cut.db"))
    assert len(rest.settings) == 6  # three had finished, the fourth is run again
    assert resumed.equals(whole)


def test_a_study_that_was_finished_runs_no_more_trials(tmp_path: Path) -> None:
    run(Objective(), tmp_path / "study.db")
    again = Objective()
    run(again, tmp_path / "study.db")
    assert again.settings == []


def test_when_every_trial_fails_the_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no room for 16"):
        run(Objective(), tmp_path / "study.db", space={"batch_size": (16,)}, first={"batch_size": 16}, trials=2)


def test_a_trial_whose_dice_is_no_number_fails_and_counts(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="val dice is nan"):
        run(lambda trial, settings: float("nan"), tmp_path / "study.db", trials=2)


@pytest.mark.parametrize("pruner", ["median", "hyperband", "none"])
def test_every_pruner_runs(tmp_path: Path, pruner: str) -> None:
    states = studies.tabulate_trials(run(Objective(), tmp_path / "study.db", pruner=pruner))["state"]
    assert pruner != "none" or "pruned" not in set(states)


def test_the_folder_of_a_finished_study_goes_and_that_of_a_cut_one_stays(tmp_path: Path) -> None:
    with studies.study_folder(tmp_path / "a") as folder:
        (folder / "study.db").touch()
    assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), studies.study_folder(tmp_path / "b") as folder:
        raise KeyboardInterrupt
    assert folder.exists()


class Killed(BaseException):
    """Stands for the end of the process: nothing of the search runs any more."""


def test_settings_that_get_the_process_killed_twice_are_a_failed_trial(tmp_path: Path) -> None:
    def objective(trial: optuna.Trial, settings: dict[str, Any]) -> float:
        if settings["batch_size"] == 8:
            raise Killed
        return 0.5

    for _ in range(2):
        with pytest.raises(Killed):
            run(objective, tmp_path / "study.db", pruner="none", trials=1)
    with pytest.raises(TrainingError, match="killed twice"):
        run(objective, tmp_path / "study.db", pruner="none", trials=1)


def test_stopping_by_hand_is_never_held_against_the_settings(tmp_path: Path) -> None:
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run(Objective(stop=1), tmp_path / "study.db", trials=2)
    assert len(studies.tabulate_trials(run(Objective(), tmp_path / "study.db", trials=2))) == 2
