"""The state of an unfinished training, from which a killed run goes on.

It lives outside DVC's outputs, which DVC deletes before a stage runs, in a folder named by a fingerprint of everything
that decides the result: a changed run never goes on from another one's state.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from maskmill.outputs import new_file
from maskmill.terminal import working

STATE_FILE = "state.json"
PACKAGE = Path(__file__).parents[1]
ROOMS = ("data", "labels", "metrics", "models", "training")  # whose code decides what a training comes to
Row = dict[str, float]


class Checkpoint:
    """Weights and history of an unfinished training.

    state.json is written last and by rename, so whatever a kill interrupts, it names weights that are whole.

    Args:
        folder: where the state lives; made when first written.
        monitor: the history's column that decides which epoch is best.
    """

    def __init__(self, folder: Path, *, monitor: str) -> None:
        self.folder = folder
        self.monitor = monitor

    def read_history(self) -> list[Row]:
        """Return the finished epochs' rows; empty when there is nothing to go on from."""
        return self._read_state().get("history", [])

    def restore_last(self, model: keras.Model) -> None:
        """Load weights and optimizer state as they were after the last finished epoch."""
        model.load_weights(self.folder / self._read_state()["last"])

    def restore_best(self, model: keras.Model) -> None:
        """Load the best epoch's weights."""
        model.load_weights(self.folder / self._read_state()["best"])

    def write(self, model: keras.Model, history: list[Row]) -> None:
        """Keep the state after the epoch that `history` ends with."""
        self.folder.mkdir(parents=True, exist_ok=True)
        last = _weights_name(len(history))
        best = _weights_name(find_best(history, self.monitor) + 1)
        with new_file(self.folder / last) as temporary:
            model.save_weights(temporary)
        with new_file(self.folder / STATE_FILE) as temporary:
            temporary.write_text(json.dumps({"history": history, "last": last, "best": best}, indent=1))
        for stale in set(self.folder.glob("*.weights.h5")) - {self.folder / last, self.folder / best}:
            stale.unlink()

    def clear(self) -> None:
        """Forget the state: the training that it belongs to has finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read_state(self) -> dict[str, Any]:
        path = self.folder / STATE_FILE
        return json.loads(path.read_text()) if path.exists() else {}


def find_best(history: list[Row], monitor: str) -> int:
    """Return the index of the best row: the lowest for a loss, else the highest, the first of equals; NaN is the worst."""
    sign = -1 if monitor.endswith("loss") else 1
    values = [-math.inf if math.isnan(row[monitor]) else sign * row[monitor] for row in history]
    return values.index(max(values))


def fingerprint(settings: Mapping[str, Any], files: Iterable[Path]) -> str:
    """Return a hash of settings, of files' names and contents, and of the code that trains.

    Args:
        settings: whatever decides the result and can be written as JSON.
        files: the data; a folder counts with every file in it, byte-code caches left out.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    with working("looking for an interrupted run of the same data, settings and code"):
        for path in sorted(file for root in (*files, *(PACKAGE / room for room in ROOMS)) for file in _walk(root)):
            digest.update(path.as_posix().encode())
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]


def _walk(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    return (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _weights_name(epoch: int) -> str:
    return f"epoch-{epoch:04d}.weights.h5"
