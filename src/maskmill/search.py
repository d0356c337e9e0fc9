"""The Optuna study over train settings: resumable, pruned on validation dice, each trial recorded as it ends."""

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from maskmill.errors import ParamsError, TrainingError
from maskmill.registry.runs import recorded_run
from maskmill.registry.tracking import Tracker
from maskmill.terminal import say
from maskmill.training.run import train_model

Space = Mapping[str, Mapping[str, Any] | Sequence[Any]]
Objective = Callable[[Trial, dict[str, Any]], float]

FAILURE = "failure"  # user attribute: why a trial failed of itself
STOPPED = "stopped"  # user attribute: a person stopped it


def run_search(
    objective: Objective,
    *,
    space: Space,
    first: Mapping[str, Any],
    trials: int,
    epochs: int,
    seed: int,
    pruner: str,
    storage: Path,
) -> optuna.Study:
    """Run a study up to `trials` finished trials, going on from what `storage` already holds.

    The sampler is seeded anew for each trial from the seed and the number of finished ones, so that an interrupted
    study proposes what an uninterrupted one would have.

    Args:
        objective: trains with the given settings, reports val dice per epoch to the trial, returns the best.
        space: setting to choices, or to {low, high, log}.
        first: the values of trial 0.
        trials: finished trials wanted; failed and pruned ones count.
        epochs: of each trial, for the pruner.
        seed: of the sampler.
        pruner: median, hyperband or none.
        storage: SQLite file of the study.

    Raises:
        ParamsError: `first` lies outside the space.
        TrainingError: every trial failed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(choices) for name, choices in space.items()}
    _check_first(first, distributions)
    study = optuna.create_study(
        study_name="maskmill",
        storage=f"sqlite:///{storage}",
        direction="maximize",
        pruner=_build_pruner(pruner, epochs),
        load_if_exists=True,
    )
    _settle_interrupted(study)
    if not study.trials:
        study.enqueue_trial({name: first[name] for name in distributions})
    while (finished := len(finished_trials(study))) < trials:
        study.sampler = optuna.samplers.TPESampler(seed=seed + finished)
        trial = study.ask(distributions)
        say(f"trial {finished + 1}/{trials}: {describe_settings(trial.params)}")
        _run_trial(study, trial, objective)
    if not _complete(study):
        reasons = sorted({trial.user_attrs.get(FAILURE, trial.state.name.lower()) for trial in finished_trials(study)})
        raise TrainingError(
            f"none of the {trials} trials finished: {'; '.join(reasons)}",
            fix="correct tune.space or the train section, or set tune.trials: 0",
        )
    return study


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count: complete, pruned, or failed for a reason of their own (an interrupted one has none)."""
    over = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return [trial for trial in study.get_trials(states=over) if trial.state != TrialState.FAIL or FAILURE in trial.user_attrs]


def best_hyperparameters(study: optuna.Study) -> dict[str, Any]:
    """Return the searched settings of the best complete trial, the first of equals."""
    best = max(_complete(study), key=lambda trial: (trial.value, -trial.number))
    return dict(best.params)


def tabulate_trials(study: optuna.Study) -> pd.DataFrame:
    """Return a row a finished trial: trial (from 1), state, val_dice (its best), epochs, the settings, why it failed."""
    rows = []
    for number, trial in enumerate(finished_trials(study), start=1):
        reported = trial.intermediate_values
        rows.append(
            {
                "trial": number,
                "state": trial.state.name.lower(),
                "val_dice": max(reported.values(), default=float("nan")),
                "epochs": len(reported),
                **trial.params,
                "failure": trial.user_attrs.get(FAILURE, ""),
            }
        )
    return pd.DataFrame(rows)


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Write settings as one line, floats to three digits."""
    return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items())


@contextmanager
def study_folder(folder: Path) -> Iterator[Path]:
    """Yield the folder of an unfinished study; delete it when the block ends well, so that a forced run starts anew."""
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def _run_trial(study: optuna.Study, trial: Trial, objective: Objective) -> None:
    """Run one trial and tell the study how it ended; a failure is recorded and the search goes on."""
    try:
        value = objective(trial, dict(trial.params))
        if not math.isfinite(value):  # Optuna would fail the trial without a reason, and the search would try for ever
            raise TrainingError(
                f"val dice is {value}: no pixel of the validation part, true or predicted, is of a class that counts"
            )
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        say("  pruned")
    except KeyboardInterrupt:
        trial.set_user_attr(STOPPED, True)
        raise
    except Exception as error:  # whatever a setting brings about (out of memory, a loss of NaN) is that trial's result
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        trial.set_user_attr(FAILURE, reason)
        study.tell(trial, state=TrialState.FAIL)
        say(f"  failed: {reason}")
    else:
        study.tell(trial, value)
        say(f"  val dice {value:.4f}")


def _settle_interrupted(study: optuna.Study) -> None:
    """Close trials that an interruption left running and queue their settings again, so that none is lost or counted twice.

    Settings that were killed once before, by no person, count as failed: the system ends what takes too much memory.
    """
    earlier = study.get_trials(states=(TrialState.FAIL,))
    waiting = [trial.system_attrs.get("fixed_params") for trial in study.get_trials(states=(TrialState.WAITING,))]
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        killed_before = any(other.params == trial.params and not {FAILURE, STOPPED} & other.user_attrs.keys() for other in earlier)
        if killed_before and STOPPED not in trial.user_attrs:
            Trial(study, trial._trial_id).set_user_attr(FAILURE, "killed twice, probably out of memory")
        elif trial.params not in waiting:
            study.enqueue_trial(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)  # without a reason it does not count: see finished_trials


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(states=(TrialState.COMPLETE,))


def _distribution(choices: Mapping[str, Any] | Sequence[Any]) -> BaseDistribution:
    if isinstance(choices, Mapping):
        return FloatDistribution(choices["low"], choices["high"], log=choices["log"])
    return CategoricalDistribution(tuple(choices))


def _check_first(first: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]) -> None:
    for name, distribution in distributions.items():
        value = first[name]
        inside = (
            value in distribution.choices
            if isinstance(distribution, CategoricalDistribution)
            else isinstance(distribution, FloatDistribution) and distribution.low <= value <= distribution.high
        )
        if not inside:
            raise ParamsError(
                f"train.{name} = {value!r} lies outside tune.space.{name}, {distribution}",
                expected="the first trial takes params.yaml's own values",
                fix=f"widen tune.space.{name}, or fix the value by hand with tune.trials: 0",
            )


def _build_pruner(name: str, epochs: int) -> optuna.pruners.BasePruner:
    match name:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=max(1, epochs // 3))
        case "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs)
        case _:
            return optuna.pruners.NopPruner()


def train_trial(
    trial: Trial,
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
        record.log_params({"train": settings})
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
