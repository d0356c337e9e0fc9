"""Tune: search backbone, learning rate and batch size with Optuna; train lays what wins over its section."""

from pathlib import Path
from typing import Any

import _checkout  # noqa: F401  first: this checkout's package before any installed one
from ruamel.yaml import YAML

from maskmill.labels import read_class_table
from maskmill.outputs import new_folder
from maskmill.params import Params, load_params
from maskmill.terminal import run_stage, say


def main() -> None:
    params = load_params()
    if params.tune.trials:
        search(params)
    else:
        write_results(params.paths.results / "tune", {}, "trial\n")
        say("tune.trials is 0: train takes params.yaml's own values")


def write_results(folder: Path, hyperparameters: dict[str, Any], trials: str) -> None:
    """Write hyperparameters.yaml and trials.csv to a folder that is made anew."""
    with new_folder(folder) as temporary:
        YAML().dump(hyperparameters, temporary / "hyperparameters.yaml")
        (temporary / "trials.csv").write_text(trials)


def search(params: Params) -> None:
    """Run the study and write its best settings and the table of trials, before the study itself is forgotten."""
    from maskmill import search
    from maskmill.registry.runs import recorded_run
    from maskmill.registry.tracking import connect
    from maskmill.training.checkpoints import fingerprint
    from maskmill.training.class_weights import list_class_weights

    own = {
        "seed": params.train.seed,
        "architecture": params.train.architecture,
        "backbone": params.train.backbone,
        "weights": params.train.weights,
        "base_filters": params.train.base_filters,
        "depth": params.train.depth,
        "decoder_filters": params.train.decoder_filters,
        "dropout": params.train.dropout,
        "activation": params.train.activation,
        "norm": params.train.norm,
        "initializer": params.train.initializer,
        "upsampling": params.train.upsampling,
        "input_noise": params.train.input_noise,
        "fcn_stride": params.train.fcn_stride,
        "self_attention": params.train.self_attention,
        "head": params.train.head,
        "freeze_epochs": params.train.freeze_epochs,
        "backbone_factor": params.train.backbone_factor,
        "batch_size": params.train.batch_size,
        "learning_rate": params.train.learning_rate,
        "weight_decay": params.train.weight_decay,
        "warmup": params.train.warmup,
        "loss": params.train.loss,
        "label_smoothing": params.train.label_smoothing,
        "focal_gamma": params.train.focal_gamma,
        "tversky": params.train.tversky,
        "class_weights": params.train.class_weights,
        "precision": params.train.precision,
    }
    settings = {
        "own": own,
        "tune": params.tune.model_dump(exclude={"trials"}),
        "augment": {"seed": params.augment.seed, "recipe": params.augment.chosen.model_dump()},
    }
    code = Path(__file__).resolve().parents[1] / "src" / "maskmill"
    key = fingerprint(settings, [params.paths.arrays, *(code / room for room in ("training", "models", "data", "metrics"))])
    classes = read_class_table(params.paths.encoded / "classes.csv")
    class_weights = list_class_weights(params.train.class_weights, classes.names)
    tracker = connect(params.tracking.uri, params.tracking.experiment)
    tags = {"maskmill.kind": "tune"}
    with (
        search.study_folder(Path(".maskmill/search", key)) as folder,
        recorded_run(tracker, "tune", tags=tags, note=folder / "run_id") as record,
    ):
        study = search.run_search(
            lambda trial, chosen: search.train_trial(
                trial,
                own | chosen,
                arrays=params.paths.arrays,
                num_classes=classes.num_classes,
                class_weights=class_weights,
                transforms=() if params.augment.offline else params.augment.chosen.transforms,
                epochs=params.tune.epochs,
                tracker=tracker,
                parent=record.run_id,
            ),
            space=params.tune.model_dump()["space"],
            first=own,
            trials=params.tune.trials,
            epochs=params.tune.epochs,
            seed=params.tune.seed,
            pruner=params.tune.pruner,
            storage=folder / "study.db",
        )
        record.log_metrics({"val_dice": study.best_value})
        hyperparameters = search.best_hyperparameters(study)
        write_results(params.paths.results / "tune", hyperparameters, search.tabulate_trials(study).to_csv(index=False))
    say(f"tune found {search.describe_settings(hyperparameters)}")


if __name__ == "__main__":
    run_stage(main)
