"""Train: fit the model, keep the best epoch, and record one MLflow run."""

import json
from pathlib import Path

import _checkout  # noqa: F401  first: this checkout's package before any installed one
import pandas as pd

from maskmill.evaluation.curves import draw_curves
from maskmill.labels import read_class_table
from maskmill.labels.heads import choose_head
from maskmill.models.archive import save_model
from maskmill.models.build import settings_of
from maskmill.outputs import new_folder
from maskmill.params import load_params, overlay_train, read_yaml
from maskmill.registry.lineage import hash_file, hash_samples, log_lineage
from maskmill.registry.runs import recorded_run
from maskmill.registry.tracking import connect
from maskmill.terminal import run_stage, say
from maskmill.training.checkpoints import Checkpoint, find_best, fingerprint
from maskmill.training.class_weights import list_class_weights
from maskmill.training.device import describe_determinism, describe_device
from maskmill.training.fit import find_labels
from maskmill.training.history import write_history
from maskmill.training.run import describe_model, train_model


def main() -> None:
    params = load_params()
    hyperparameters = read_yaml(params.paths.results / "tune" / "hyperparameters.yaml")
    train = overlay_train(params.train, hyperparameters)
    for name, value in hyperparameters.items():
        say(f"{name} {value} from tune, params.yaml has {getattr(params.train, name)}")
    if hyperparameters:
        say("(tune.trials: 0 makes train take params.yaml's own values)")
    classes = read_class_table(params.paths.encoded / "classes.csv")
    class_weights = list_class_weights(train.class_weights, classes.names)
    settings = {
        "train": train.model_dump(),
        "augment": {"seed": params.augment.seed, "recipe": params.augment.recipe} | params.augment.chosen.model_dump(),
        "scale": params.scale.model_dump(),
    }
    code = Path(__file__).resolve().parents[1] / "src" / "maskmill"
    key = fingerprint(settings, [params.paths.arrays, *(code / room for room in ("training", "models", "data", "metrics"))])
    labels = find_labels(params.paths.arrays)
    checkpoint = Checkpoint(Path(".maskmill/training", key), monitor=train.monitor)

    bands = None if params.source.band_files else params.source.bands  # a picture of several files is sent as one, of its bands
    device = describe_device()
    tracker = connect(params.tracking.uri, params.tracking.experiment)
    note = checkpoint.folder / "run_id"
    backbone = train.backbone if "backbone" in settings_of(train.architecture) else None
    name = " ".join(filter(None, ["train", train.architecture, backbone]))
    with recorded_run(tracker, name, tags={"maskmill.kind": "train"}, note=note) as record:
        state = log_lineage(record, data_hash=hash_file(params.paths.encoded / "statistics.csv"), device=device)
        data = {
            "source": {"name": params.source.name, "samples": hash_samples(params.paths.encoded / "statistics.csv")},
            "split": params.split.model_dump(),
        }
        record.log_params({**settings, **data, "determinism": describe_determinism()})
        model, history = train_model(
            params.paths.arrays,
            settings["train"],
            num_classes=classes.num_classes,
            class_weights=class_weights,
            transforms=() if params.augment.offline else params.augment.chosen.transforms,
            epochs=train.epochs,
            patience=train.patience,
            checkpoint=checkpoint,
            on_epoch=lambda epoch, row: record.log_metrics(row, epoch),
        )
        description = describe_model(
            model,
            settings["train"],
            scale=settings["scale"],
            classes=classes,
            labels=labels,
            head=choose_head(train.head, labels, classes.num_classes),
            thresholds=(),
            reading={"bands": bands, "stretch": params.source.stretch},
        )
        save_model(model, params.paths.model, description)
        write_history(params.paths.results / "train", history, monitor=train.monitor)
        with new_folder(params.paths.training) as folder:
            draw_curves(pd.DataFrame(history), folder / "curves.png", monitor=train.monitor)
            run = {"run_id": record.run_id, "device": device, "git_commit": state.commit, "train": settings["train"]}
            (folder / "run.json").write_text(json.dumps(run, indent=2))
        record.log_artifact(params.paths.training, "training")
    checkpoint.clear()
    say(f"kept epoch {find_best(history, train.monitor) + 1} of {len(history)}, the best by {train.monitor}")


if __name__ == "__main__":
    run_stage(main)
