"""What happens at the end of an epoch: scores, state, early stopping, reports; and the bar while it runs."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from rich.progress import TaskID, TextColumn

from maskmill.errors import TrainingError
from maskmill.metrics import (
    binary_accuracy_per_class,
    headline_dice,
    headline_figure,
    headline_iou,
    overall_accuracy,
    true_positive_rate_per_class,
)
from maskmill.metrics.streaming import StreamingCounts
from maskmill.terminal import build_progress, console, say
from maskmill.training.checkpoints import Checkpoint, Row, find_best

OnEpoch = Callable[[int, Row], None]


class EpochSeed(keras.callbacks.Callback):
    """Give every layer that draws random numbers a seed that depends on the epoch alone, so that a resumed run draws the same."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Keras has no public walk over nested layers.
        for position, layer in enumerate(self.model._flatten_layers()):
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                generator.state.assign(np.random.SeedSequence((self.seed, epoch, position)).generate_state(2))


class EpochScores(keras.callbacks.Callback):
    """Put an epoch's figures into its logs from the exact confusion matrices.

    They are dice, val_dice, val_iou, val_accuracy, val_true_positive_rate and val_binary_accuracy.
    Stands before every callback that reads them. Keras's own dice is of float32.

    Raises:
        TrainingError: the loss is no longer a number.
    """

    def __init__(self, metric: StreamingCounts) -> None:
        super().__init__()
        self.metric = metric
        self.dice = math.nan

    def on_test_begin(self, logs: dict | None = None) -> None:
        self.dice = headline_dice(self.metric.matrix())  # the training part's counts, which Keras resets next

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        if not math.isfinite(logs["loss"]):
            raise TrainingError(
                f"the loss became {logs['loss']} in epoch {epoch + 1}",
                expected="a finite number",
                fix="lower train.learning_rate, lengthen train.warmup, or use train.precision float32",
            )
        matrix = self.metric.matrix()  # reset by Keras before validation: its counts are the validation part's
        logs["dice"] = self.dice
        logs["val_dice"] = headline_dice(matrix)
        logs["val_iou"] = headline_iou(matrix)
        logs["val_accuracy"] = overall_accuracy(matrix)
        logs["val_true_positive_rate"] = headline_figure(matrix, true_positive_rate_per_class(matrix))
        logs["val_binary_accuracy"] = headline_figure(matrix, binary_accuracy_per_class(matrix))


class KeepState(keras.callbacks.Callback):
    """Write the state after every epoch, and stop when `patience` epochs after `first` have not improved on the best."""

    def __init__(self, checkpoint: Checkpoint, history: list[Row], *, patience: int, first: int = 0) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.history = history
        self.patience = patience
        self.first = first

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.checkpoint.write(self.model, self.history)
        if should_stop(self.history, self.checkpoint.monitor, self.patience, self.first):
            self.model.stop_training = True


def should_stop(history: list[Row], monitor: str, patience: int, first: int = 0) -> bool:
    """Whether the last `patience` epochs did not improve on the best one before them; the `first` ones try nobody's patience."""
    return bool(history) and len(history) - max(find_best(history, monitor) + 1, first) >= patience


class Report(keras.callbacks.Callback):
    """Append each epoch's row to the history, say it in a line, and hand it to whoever asked (`on_epoch`)."""

    def __init__(self, history: list[Row], *, epochs: int, on_epoch: OnEpoch | None) -> None:
        super().__init__()
        self.history = history
        self.epochs = epochs
        self.on_epoch = on_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in sorted(logs.items())}}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.history.append(row)
        say(
            f"epoch {epoch + 1:>3}/{self.epochs}  loss {row['loss']:.3f}  val loss {row['val_loss']:.3f}"
            f"  val dice {row['val_dice']:.3f}  val IoU {row['val_iou']:.3f}"
        )
        if self.on_epoch is not None:
            self.on_epoch(epoch + 1, row)


class Bar(keras.callbacks.Callback):
    """A live bar over an epoch's steps with loss and dice so far and the last validation's dice and IoU."""

    def __init__(self, *, epochs: int, steps: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.progress = build_progress(TextColumn("{task.fields[scores]}"))
        self.task: TaskID | None = None
        self.validated = ""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if not console.is_terminal:  # a log file gets the line an epoch, not a frozen bar
            return
        self.progress.start()
        self.task = self.progress.add_task(f"epoch {epoch + 1}/{self.epochs}", total=self.steps, scores=self.validated)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.task is None or logs is None:
            return
        scores = f"loss {float(logs['loss']):.3f}  dice {float(logs['dice']):.3f}{self.validated}"
        self.progress.update(self.task, completed=batch + 1, scores=scores)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        self.validated = f"  (val dice {logs['val_dice']:.3f}  IoU {logs['val_iou']:.3f})"
        self._close()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.task is not None:
            self.progress.remove_task(self.task)
            self.progress.stop()
            self.task = None
