"""Checkpoints: whole after a kill, and of this very training."""

from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.training import checkpoints
from maskmill.training.callbacks import should_stop
from maskmill.training.checkpoints import Checkpoint, find_best, fingerprint


def tiny_model(value: float) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights([np.full((2, 1), value, np.float32), np.zeros(1, np.float32)])
    return model


def rows(*values: float) -> list[dict[str, float]]:
    return [{"epoch": epoch, "val_dice": value} for epoch, value in enumerate(values, start=1)]


def test_keeps_the_last_and_the_best_epoch_and_nothing_else(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state", monitor="val_dice")
    assert checkpoint.read_history() == []
    scores = (0.1, 0.5, 0.3, 0.2)
    for epoch in range(1, 5):
        checkpoint.write(tiny_model(float(epoch)), rows(*scores[:epoch]))
    assert sorted(path.name for path in checkpoint.folder.glob("*.h5")) == ["epoch-0002.weights.h5", "epoch-0004.weights.h5"]
    model = tiny_model(0.0)
    checkpoint.restore_best(model)
    assert model.get_weights()[0][0, 0] == 2
    checkpoint.restore_last(model)
    assert model.get_weights()[0][0, 0] == 4
    assert len(checkpoint.read_history()) == 4
    checkpoint.clear()
    assert not checkpoint.folder.exists()


def test_a_kill_while_writing_weights_leaves_the_state_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path, monitor="val_dice")
    checkpoint.write(tiny_model(1.0), rows(0.1))

    def killed(path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    model = tiny_model(2.0)
    monkeypatch.setattr(model, "save_weights", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(model, rows(0.1, 0.2))
    assert len(checkpoint.read_history()) == 1
    restored = tiny_model(0.0)
    checkpoint.restore_last(restored)
    assert restored.get_weights()[0][0, 0] == 1
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("monitor", "best"), [("val_dice", 1), ("val_loss", 2)])
def test_best_is_the_highest_score_or_the_lowest_loss(monitor: str, best: int) -> None:
    history = [{"val_dice": d, "val_loss": v} for d, v in ((0.2, 0.9), (0.6, 0.8), (0.6, 0.3))]
    assert find_best(history, monitor) == best


def test_a_score_that_is_no_number_is_never_the_best() -> None:
    history = [{"val_dice": d, "val_loss": d} for d in (float("nan"), 0.4, 0.6)]
    assert find_best(history, "val_dice") == 2
    assert find_best(history, "val_loss") == 1


def test_stops_when_patience_runs_out() -> None:
    assert not should_stop([], "val_dice", 2)
    assert not should_stop(rows(0.5, 0.4), "val_dice", 2)
    assert should_stop(rows(0.5, 0.4, 0.5), "val_dice", 2)
    assert not should_stop(rows(0.5, 0.4, 0.6), "val_dice", 2)
    assert not should_stop(rows(0.5, 0.4, 0.3, 0.4), "val_dice", 2, first=3)
    assert should_stop(rows(0.5, 0.4, 0.3, 0.4, 0.4), "val_dice", 2, first=3)


def test_fingerprint_follows_settings_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"1")
    (tmp_path / "__pycache__").mkdir()
    before = fingerprint({"x": 1}, [tmp_path])
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"noise")
    assert fingerprint({"x": 1}, [tmp_path]) == before
    assert fingerprint({"x": 2}, [tmp_path]) != before
    (tmp_path / "a.npy").write_bytes(b"2")
    assert fingerprint({"x": 1}, [tmp_path]) != before


def test_fingerprint_follows_the_code_that_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint({}, [])
    monkeypatch.setattr(checkpoints, "PACKAGE", tmp_path)
    for room in checkpoints.ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "code.py").write_text("1")
    seen = {before, fingerprint({}, [])}
    for room in checkpoints.ROOMS:
        (tmp_path / room / "code.py").write_text("2")
        seen.add(fingerprint({}, []))
    assert len(seen) == 2 + len(checkpoints.ROOMS)


def test_every_room_of_the_fingerprint_is_there() -> None:
    assert all((checkpoints.PACKAGE / room / "__init__.py").exists() for room in checkpoints.ROOMS)
