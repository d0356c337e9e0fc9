"""One training from packed arrays: the same for the search's trials and for the final model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from maskmill.data.batches import num_batches, open_part, training_batches, validation_batches
from maskmill.labels.bits import Labels, name_labels
from maskmill.metrics.streaming import STREAMING
from maskmill.terminal import say
from maskmill.training.callbacks import Bar, EpochScores, EpochSeed, KeepState, OnEpoch, Report, should_stop
from maskmill.training.checkpoints import Checkpoint, Row
from maskmill.training.optimizers import build_optimizer


def fit_model(
    model: keras.Model,
    arrays: Path,
    *,
    transforms: Sequence[Mapping[str, Any]],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    warmup: float,
    loss: keras.losses.Loss,
    seed: int,
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
        learning_rate: the schedule's highest.
        weight_decay: of AdamW.
        warmup: fraction of all steps.
        loss: of label masks and logits.
        seed: of order, augmentation and dropout.
        patience: epochs without improvement before it stops; needs a checkpoint, which says what improvement is.
        checkpoint: where the state is kept; None keeps none, and the last epoch's weights stay.
        on_epoch: called with the epoch (from 1) and its row after each one; may raise to stop.

    Returns:
        A row an epoch: epoch, loss, dice, val_loss, val_dice, val_iou, val_accuracy, learning_rate.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    steps = num_batches(arrays, "train", batch_size)
    metric = STREAMING[find_labels(arrays)](model.output_shape[-1])
    model.compile(
        optimizer=build_optimizer(learning_rate=learning_rate, weight_decay=weight_decay, steps=steps * epochs, warmup=warmup),
        loss=loss,
        metrics=[metric],
        jit_compile="auto",
    )
    model.optimizer.build(model.trainable_variables)
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
        callbacks.append(KeepState(checkpoint, history, patience=patience or epochs))
    if len(history) < epochs and not (checkpoint and should_stop(history, checkpoint.monitor, patience or epochs)):
        model.fit(
            training_batches(arrays, batch_size=batch_size, transforms=transforms, seed=seed, first_epoch=len(history)),
            steps_per_epoch=steps,
            validation_data=validation_batches(arrays, batch_size=batch_size),
            validation_steps=num_batches(arrays, "val", batch_size),
            epochs=epochs,
            initial_epoch=len(history),
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )
    if checkpoint:
        checkpoint.restore_best(model)
    return history


def find_labels(arrays: Path) -> Labels:
    """Return whether the classes of the packed label masks are exclusive or overlapping."""
    return name_labels(open_part(arrays, "train")[1].dtype)
