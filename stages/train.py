"""Train: fit the model with what tune found, keep the best epoch, and record one MLflow run."""

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.final import train_final
from maskmill.labels import read_class_table
from maskmill.params import load_params, overlay_train, read_yaml
from maskmill.registry.tracking import connect
from maskmill.terminal import run_stage, say


def main() -> None:
    params = load_params()
    encoded, results = params.paths.encoded, params.paths.results
    hyperparameters = read_yaml(results / "tune" / "hyperparameters.yaml")
    train = overlay_train(params.train, hyperparameters)
    for name, value in hyperparameters.items():
        say(f"{name} {value} from tune, params.yaml has {getattr(params.train, name)}")
    if hyperparameters:
        say("(tune.trials: 0 makes train take params.yaml's own values)")

    bands = None if params.source.band_files else params.source.bands  # a picture of several files is sent as one, of its bands
    train_final(
        train.model_dump(),
        sections={
            "augment": {"seed": params.augment.seed, "recipe": params.augment.recipe} | params.augment.chosen.model_dump(),
            "scale": params.scale.model_dump(),
            "source": {"name": params.source.name},
            "split": params.split.model_dump(),
        },
        reading={"bands": bands, "stretch": params.source.stretch},
        transforms=() if params.augment.offline else params.augment.chosen.transforms,
        arrays=params.paths.arrays,
        classes=read_class_table(encoded / "classes.csv"),
        statistics=encoded / "statistics.csv",
        tracker=connect(params.tracking.uri, params.tracking.experiment),
        model_path=params.paths.model,
        training_dir=params.paths.training,
        results_dir=results / "train",
    )


if __name__ == "__main__":
    run_stage(main)
