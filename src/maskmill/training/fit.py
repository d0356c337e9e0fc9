"""One training from packed arrays: the same for the search's trials and for the final model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import keras

from maskmill.data.batches import num_batches, open_part, training_batches, validation_batches
from maskmill.labels.bits import Labels, name_labels
from maskmill.metrics.streaming import STREAMING
from maskmill.terminal import say
from maskmill.training.callbacks import Bar, EpochScores, EpochSeed, KeepState, OnEpoch, Report, should_stop
from maskmill.training.checkpoints import Checkpoint, Row
from maskmill.training.optimizers import Optimizer, Schedule, backbone_of, build_optimizer


def fit_model(
    model: keras.Model,
    arrays: Path,
    *,
    transforms: Sequence[Mapping[str, Any]],
    epochs: int,
    batch_size: int,
    optimizer: Optimizer,
    momentum: float,
    schedule: Schedule,
    learning_rate: float,
    weight_decay: float,
    warmup: float,
    loss: keras.losses.Loss,
    seed: int,
    freeze_epochs: int = 0,
    backbone_factor: float = 1.0,
    patience: int | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[Row]:
    """Train `model` in place; with a checkpoint, go on from its state and end with the best epoch's weights.

    Args:
        model: uncompiled, uint8 (B, H, W, C) to logits (B, H, W, K).
        arrays: folder with train/ and val/, as packing leaves them; the masks' dtype says whether their classes overlap.
        transforms: augmentation applied anew in every epoch; empty for none.
        epochs: at most.
        batch_size: pictures a step.
        optimizer, momentum, schedule: as `build_optimizer`.
        learning_rate: the schedule's highest.
        weight_decay: of AdamW and SGD.
        warmup: fraction of all steps.
        loss: of label masks and logits.
        seed: of order, augmentation and dropout.
        freeze_epochs: the first epochs, in which the layer `backbone` stays as it is, moving statistics included.
        backbone_factor: the backbone's learning rate and decay as a part of the others'.
        patience: epochs without improvement, frozen ones aside, before it stops; needs a checkpoint, which says what that is.
        checkpoint: where the state is kept; None keeps none, and the last epoch's weights stay.
        on_epoch: called with the epoch (from 1) and its row after each one; may raise to stop.

    Returns:
        A row an epoch: epoch, loss, dice, val_loss, val_dice, val_iou, val_accuracy, val_true_positive_rate,
        val_binary_accuracy, learning_rate.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    steps = num_batches(arrays, "train", batch_size)
    metric = STREAMING[find_labels(arrays)](model.output_shape[-1])
    backbone = backbone_of(model) if freeze_epochs or backbone_factor != 1.0 else None
    if backbone is None:
        for name, is_idle in (("freeze_epochs", freeze_epochs > 0), ("backbone_factor", backbone_factor != 1.0)):
            if is_idle:
                say(f"train.{name} has no effect: the model has no backbone")
        freeze_epochs = 0
    updates = build_optimizer(
        model,
        optimizer=optimizer,
        momentum=momentum,
        schedule=schedule,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        steps=steps * epochs,
        warmup=warmup,
        backbone=backbone,
        backbone_factor=backbone_factor,
    )
    compile_model = partial(model.compile, loss=loss, metrics=[metric], jit_compile="auto")
    compile_model(updates)
    model.optimizer.build(model.trainable_variables)  # over all, frozen ones too, so that both phases have the same state
    history = checkpoint.read_history() if checkpoint else []
    if checkpoint and history:
        checkpoint.restore_last(model)
        say(f"going on after epoch {len(history)} of an interrupted training")
    callbacks = [
        EpochSeed(seed),
        EpochScores(metric),
        Bar(epochs=epochs, steps=steps),
        Report(history, epochs=epochs, on_epoch=on_epoch),
    ]
    if checkpoint:
        callbacks.append(KeepState(checkpoint, history, patience=patience or epochs, first=freeze_epochs))

    def train_until(last: int) -> None:
        """Train up to and with epoch `last`, from 1, unless patience ran out before."""
        if len(history) >= last or (checkpoint and should_stop(history, checkpoint.monitor, patience or epochs, freeze_epochs)):
            return
        compile_model(model.optimizer)  # Keras looks only here at what is trainable
        metric.reset_state()  # which Keras does not do before the first epoch after that
        model.fit(
            training_batches(arrays, batch_size=batch_size, transforms=transforms, seed=seed, first_epoch=len(history)),
            steps_per_epoch=steps,
            validation_data=validation_batches(arrays, batch_size=batch_size),
            validation_steps=num_batches(arrays, "val", batch_size),
            epochs=last,
            initial_epoch=len(history),
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )

    if backbone and freeze_epochs:
        with frozen(backbone):
            train_until(min(freeze_epochs, epochs))
    train_until(epochs)
    if checkpoint:
        checkpoint.restore_best(model)
    return history


@contextmanager
def frozen(layer: keras.layers.Layer) -> Iterator[None]:
    """Keep a layer's weights and moving statistics as they are for the length of a block."""
    layer.trainable = False
    try:
        yield
    finally:
        layer.trainable = True


def find_labels(arrays: Path) -> Labels:
    """Return whether the classes of the packed label masks are exclusive or overlapping."""
    return name_labels(open_part(arrays, "train")[1].dtype)
