"""The Optuna study of a search: resumable, pruned on validation dice; what a trial does is handed to it."""

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from maskmill.errors import TrainingError
from maskmill.terminal import say

Space = Mapping[str, Mapping[str, Any] | Sequence[Any]]
Objective = Callable[[Trial, dict[str, Any]], float]

FAILURE = "failure"  # user attribute: why a trial failed of itself
STOPPED = "stopped"  # user attribute: a person stopped it


def run_study(
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
    study proposes what an uninterrupted one would have; hashed, as neighbouring seeds begin with like numbers.

    Args:
        objective: trains with the given settings, reports val dice per epoch to the trial, returns the best.
        space: setting to choices, or to {low, high, log}.
        first: the values of trial 0, within the space.
        trials: finished trials wanted; failed and pruned ones count.
        epochs: of each trial, for the pruner.
        seed: of the sampler.
        pruner: median, hyperband or none.
        storage: SQLite file of the study.

    Raises:
        TrainingError: every trial failed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(choices) for name, choices in space.items()}
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
        study.sampler = optuna.samplers.TPESampler(seed=int(np.random.SeedSequence((seed, finished)).generate_state(1)[0]))
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


def _build_pruner(name: str, epochs: int) -> optuna.pruners.BasePruner:
    match name:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=max(1, epochs // 3))
        case "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs)
        case _:
            return optuna.pruners.NopPruner()
