"""Tune: search the settings that tune.space names with Optuna; train lays what wins over its section."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import _checkout  # noqa: F401  first: this checkout's package before any installed one
from ruamel.yaml import YAML

from maskmill.labels import read_class_table
from maskmill.outputs import new_folder
from maskmill.params import load_params
from maskmill.terminal import run_stage, say


def main() -> None:
    params = load_params()
    encoded, write = params.paths.encoded, partial(write_results, params.paths.results / "tune")
    if not params.tune.trials:
        write({}, "trial\n")
        say("tune.trials is 0: train takes params.yaml's own values")
        return
    from maskmill.registry.tracking import connect  # seconds to import, as is Keras
    from maskmill.search import search_settings

    search_settings(
        params.train.of_a_trial,
        tune=params.tune.model_dump(),
        augment={"seed": params.augment.seed, "recipe": params.augment.chosen.model_dump()},
        transforms=() if params.augment.offline else params.augment.chosen.transforms,
        arrays=params.paths.arrays,
        classes=read_class_table(encoded / "classes.csv"),
        statistics=encoded / "statistics.csv",
        tracker=connect(params.tracking.uri, params.tracking.experiment),
        write=write,
    )


def write_results(folder: Path, hyperparameters: Mapping[str, Any], trials: str) -> None:
    """Write hyperparameters.yaml and trials.csv to a folder that is made anew."""
    with new_folder(folder) as temporary:
        YAML().dump(dict(hyperparameters), temporary / "hyperparameters.yaml")
        (temporary / "trials.csv").write_text(trials)


if __name__ == "__main__":
    run_stage(main)
