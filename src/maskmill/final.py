"""The final training: resumed where it was interrupted, one MLflow run, the model file and what it came to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from maskmill.evaluation.curves import draw_curves
from maskmill.labels import ClassTable
from maskmill.labels.heads import choose_head
from maskmill.models.archive import save_model
from maskmill.outputs import new_folder
from maskmill.registry.lineage import hash_file, hash_samples, log_lineage
from maskmill.registry.runs import recorded_run
from maskmill.registry.tracking import Tracker
from maskmill.terminal import say
from maskmill.training.checkpoints import Checkpoint, find_best, fingerprint
from maskmill.training.class_weights import find_class_weights
from maskmill.training.device import describe_determinism, describe_device
from maskmill.training.fit import find_labels
from maskmill.training.history import write_history
from maskmill.training.run import describe_model, name_backbone, train_model
from maskmill.training.thresholds import choose_thresholds


def train_final(
    settings: Mapping[str, Any],
    *,
    sections: Mapping[str, Mapping[str, Any]],
    reading: Mapping[str, Any],
    transforms: Sequence[Mapping[str, Any]],
    arrays: Path,
    classes: ClassTable,
    statistics: Path,
    tracker: Tracker,
    model_path: Path,
    training_dir: Path,
    results_dir: Path,
) -> None:
    """Train the model that is kept, and write it.

    Args:
        settings: the train section, the search's values laid over it.
        sections: the other sections that the model follows from, for the record: augment, scale, source, split.
        reading: how pictures were read from their files: `bands` and `stretch`.
        transforms: augmentation applied anew in every epoch; empty for none.
        arrays: folder with train/ and val/.
        classes: the class table.
        statistics: statistics.csv of the encoded samples.
        tracker: the MLflow store.
        model_path: the model file to write.
        training_dir: folder to make anew, of run.json (the MLflow run, its device, model and settings) and curves.png.
        results_dir: folder to make anew, of history.csv and metrics.json.

    Raises:
        ParamsError: settings that do not go with the classes or labels.
        ModelError: settings that do not go together.
        TrainingError: the loss is no longer a number.
    """
    labels = find_labels(arrays)
    head = choose_head(settings["head"], labels, classes.num_classes)
    class_weights = find_class_weights(settings["class_weights"], classes.names, statistics)
    device = describe_device(settings["precision"])
    key = fingerprint({"train": settings, **sections, "device": device}, [arrays])
    checkpoint = Checkpoint(Path(".maskmill/training", key), monitor=settings["monitor"])
    name = " ".join(filter(None, [settings["architecture"], name_backbone(settings)]))
    with recorded_run(tracker, f"train {name}", tags={"maskmill.kind": "train"}, note=checkpoint.folder / "run_id") as record:
        commit = log_lineage(record, data_hash=hash_file(statistics), device=device).commit
        record.log_params({"train": settings, **sections, "source.samples": hash_samples(statistics)})
        record.log_params({"determinism": describe_determinism(), "device": device})
        say(f"training {name} on {device['name']} in {device['precision']}, head {head}")
        model, history = train_model(
            arrays,
            settings,
            num_classes=classes.num_classes,
            class_weights=class_weights,
            transforms=transforms,
            epochs=settings["epochs"],
            patience=settings["patience"],
            checkpoint=checkpoint,
            on_epoch=lambda epoch, row: record.log_metrics(row, epoch),
        )
        thresholds = choose_thresholds(model, arrays, head=head, setting=settings["threshold"], batch_size=settings["batch_size"])
        by_name = dict(zip(classes.names[-len(thresholds) :], thresholds, strict=True)) if thresholds else {}
        if thresholds:  # of the foreground alone, or of each class
            say(
                "a pixel is of a class above the probability: "
                + ", ".join(f"{name} {value:.3g}" for name, value in by_name.items())
            )
            record.log_params({"thresholds": by_name})
        description = describe_model(
            model,
            settings,
            scale=sections["scale"],
            classes=classes,
            labels=labels,
            head=head,
            thresholds=thresholds,
            reading=reading,
        )
        save_model(model, model_path, description)
        write_history(results_dir, history, monitor=settings["monitor"])
        with new_folder(training_dir) as folder:
            draw_curves(pd.DataFrame(history), folder / "curves.png", monitor=settings["monitor"])
            kept = {"name": name, "parameters": model.count_params(), "head": head, "thresholds": by_name}
            run = {"run_id": record.run_id, "device": device, "git_commit": commit, "model": kept, "train": settings}
            (folder / "run.json").write_text(json.dumps(run, indent=2))
        record.log_artifact(training_dir, "training")
    checkpoint.clear()
    say(f"kept epoch {find_best(history, settings['monitor']) + 1} of {len(history)}, the best by {settings['monitor']}")
