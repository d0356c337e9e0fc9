"""One training from its settings: device, model, fit. The search's trials and the final training are both this."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from maskmill.data.batches import open_part
from maskmill.labels import ClassTable
from maskmill.labels.bits import Labels
from maskmill.labels.heads import Head, choose_head
from maskmill.models import build, build_model
from maskmill.models.build import settings_of
from maskmill.terminal import say
from maskmill.training import losses, optimizers
from maskmill.training.callbacks import OnEpoch
from maskmill.training.checkpoints import Checkpoint, Row
from maskmill.training.device import prepare_device
from maskmill.training.fit import find_labels, fit_model
from maskmill.training.losses import build_loss
from maskmill.training.optimizers import backbone_of

FIT_SETTINGS = (
    "batch_size",
    "optimizer",
    "momentum",
    "schedule",
    "learning_rate",
    "weight_decay",
    "warmup",
    "seed",
    "freeze_epochs",
    "backbone_factor",
)


def train_model(
    arrays: Path,
    settings: Mapping[str, Any],
    *,
    num_classes: int,
    class_weights: Sequence[float] | None,
    transforms: Sequence[Mapping[str, Any]],
    epochs: int,
    patience: int | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: OnEpoch | None = None,
) -> tuple[keras.Model, list[Row]]:
    """Build a model and train it.

    Args:
        arrays: folder with train/ and val/.
        settings: the train section.
        num_classes: void not among them.
        class_weights, transforms, epochs, patience, checkpoint, on_epoch: as `fit_model`.

    Returns:
        The model, with the best epoch's weights if there is a checkpoint; and a row an epoch.
    """
    keras.utils.clear_session()  # an earlier trial's graph would otherwise stay in memory
    prepare_device(seed=settings["seed"], precision=settings["precision"])
    head = choose_head(settings["head"], find_labels(arrays), num_classes)
    model = build_model(**{**settings, "head": head}, channels=count_channels(arrays), num_classes=num_classes)
    if idle := find_idle_settings(settings, head):
        say(f"without effect in this training: {', '.join(f'train.{name}' for name in idle)} (docs/models.md)")
    if settings["freeze_epochs"] and settings["weights"] == "none" and backbone_of(model):
        say("train.freeze_epochs keeps a backbone of random weights as it is: train.weights is none")
    history = fit_model(
        model,
        arrays,
        loss=build_loss(settings, head, class_weights),
        transforms=transforms,
        epochs=epochs,
        patience=patience,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
        **{name: settings[name] for name in FIT_SETTINGS},
    )
    return model, history


def find_idle_settings(settings: Mapping[str, Any], head: Head) -> list[str]:
    """Return the names of train settings that someone gave and that decide nothing here.

    Args:
        settings: the train section; of a trial without `threshold`.
        head: what the model's last layer tells apart.
    """
    of_head = ["threshold"] if head == "softmax" and settings.get("threshold", "auto") != "auto" else []
    return (
        build.find_idle_settings(settings) + losses.find_idle_settings(settings) + optimizers.find_idle_settings(settings) + of_head
    )


def name_backbone(settings: Mapping[str, Any]) -> str | None:
    """Return the backbone that train settings mean; None where the architecture takes none."""
    return settings["backbone"] if "backbone" in settings_of(settings["architecture"]) else None


def count_channels(arrays: Path) -> int:
    """Return the number of channels of the packed training pictures."""
    return int(open_part(arrays, "train")[0].shape[3])


def describe_model(
    model: keras.Model,
    settings: Mapping[str, Any],
    *,
    scale: Mapping[str, Any],
    classes: ClassTable,
    labels: Labels,
    head: Head,
    thresholds: Sequence[float],
    reading: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what a model file says of its model, so that inference needs nothing else.

    Args:
        model: the trained model.
        settings: of the train section.
        scale: the scale section.
        classes: the class table.
        labels: whether a pixel has one class ("exclusive") or any number of them ("overlapping").
        head: what the model's last layer tells apart.
        thresholds: the probability from which a pixel is of a class: of a sigmoid head the foreground's, of sigmoids each
            class's, of softmax none.
        reading: how pictures were read from their files: `bands` and `stretch`, as `maskmill.pictures.read_picture` takes them.
    """
    return {
        "architecture": settings["architecture"],
        "backbone": name_backbone(settings),
        "channels": int(model.input_shape[-1]),
        "labels": labels,
        "head": head,
        "thresholds": list(thresholds),
        "reading": {name: None if value is None else list(value) for name, value in reading.items()},
        "scale": {**scale, "image_size": list(scale["image_size"])},
        "classes": [
            {"id": index, "name": name, "colour": classes.palette[index].tolist()} for index, name in enumerate(classes.names)
        ],
    }
