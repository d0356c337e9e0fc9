"""What is said of a run in words: its command, where it came from, what the model is."""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from maskmill.evaluation.curves import find_best
from maskmill.registry.tracking import RESTORED_TAG
from maskmill.reporting.record import WRITTEN_BY, Record

Facts = list[tuple[str, str]]


def describe_command(record: Record) -> str | None:
    """Return the command that its params.yaml was written by, with the data's file name alone; None where it does not say."""
    written = WRITTEN_BY.fullmatch(record.heading.rstrip())
    if not written:
        return None
    source = written["source"]
    name = f" SOURCE={shlex.quote(PurePosixPath(source).name or source)}" if source else ""
    return f"make preset P={written['preset']}{name}{written['picks']} && make repro"


def describe_origin(record: Record) -> Facts:
    """Return when, where and from which code the run came, and what became of it in the registry."""
    run, tags = record.run, record.run.data.tags
    device = (record.read_json("training/run.json") or {}).get("device", {})
    start, end = run.info.start_time, run.info.end_time
    restored = RESTORED_TAG in tags  # its record was made after the training
    commit = tags.get("maskmill.git_commit")
    edited = " with uncommitted changes" if tags.get("maskmill.git_dirty") == "True" else ""
    return _known(
        {
            "date": f"{datetime.fromtimestamp(start / 1000, UTC):%Y-%m-%d %H:%M} UTC{', of the record' if restored else ''}",
            "device": tags.get("maskmill.device_name"),
            "precision": device.get("precision") or run.data.params.get("device.precision"),
            "backend": tags.get("maskmill.backend"),
            "time of training": None if restored or end is None else _say_duration((end - start) / 1000),
            "commit": commit and f"{commit[:10]}{edited}",
            "DVC experiment": tags.get("maskmill.dvc_exp"),
            "registered as": "; ".join(_say_version(*version) for version in record.versions) or "not registered",
            "run": run.info.run_id,
        }
    )


def describe_model(record: Record) -> Facts:
    """Return what the model is and how it was trained, the settings that a search found laid over params.yaml's."""
    run = record.read_json("training/run.json") or {}
    train, model = read_train_settings(record), run.get("model", {})
    scale, split = record.params.get("scale", {}), record.params.get("split", {})
    backbone = name_model(record).split()[1:]  # run.json names it where the architecture takes one
    thresholds = model.get("thresholds", {})
    return _known(
        {
            "architecture": train.get("architecture"),
            "backbone": " ".join(backbone) or None,
            "weights": train.get("weights"),
            "parameters": f"{model['parameters']:,}" if "parameters" in model else None,
            "head": model.get("head"),
            "thresholds": ", ".join(f"{name} {value:.3g}" for name, value in thresholds.items()) or None,
            "training size": _say_scale(scale),
            "augmentation": record.params.get("augment", {}).get("recipe"),
            "loss": _say_loss(train.get("loss")),
            "optimizer": _say_optimizer(train),
            "batch size": train.get("batch_size"),
            "epochs": _say_epochs(record, train),
            "fold": f"{split['fold']} of {split['folds']}, from 0" if split.get("folds") else None,
        }
    )


def read_train_settings(record: Record) -> Mapping[str, Any]:
    """Return the train section that the run ran with."""
    run = record.read_json("training/run.json") or {}
    return run.get("train") or record.params.get("train", {})


def name_model(record: Record) -> str:
    """Return architecture and backbone in a few words."""
    train = read_train_settings(record)
    name = (record.read_json("training/run.json") or {}).get("model", {}).get("name")
    return name or " ".join(filter(None, [train.get("architecture"), train.get("backbone")])) or "unknown"


def _known(facts: Mapping[str, Any]) -> Facts:
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def _say_duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds) // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {round(seconds) % 60} s"


def _say_version(name: str, number: str, aliases: tuple[str, ...]) -> str:
    return f"{name} version {number}" + (f" ({', '.join(aliases)})" if aliases else "")


def _say_scale(scale: Mapping[str, Any]) -> str | None:
    if "image_size" not in scale:
        return None
    height, width = scale["image_size"]
    tiles = f", tiles at {scale['factor']:g} times the picture's scale" if scale["policy"] == "native" else ""
    return f"{height} x {width}{tiles}"


def _say_loss(loss: str | Mapping[str, float] | None) -> str | None:
    """Name a loss, or the sum of terms that it is."""
    if isinstance(loss, Mapping):
        return " + ".join(f"{weight:g} {term}" for term, weight in loss.items())
    return loss


def _say_optimizer(train: Mapping[str, Any]) -> str | None:
    """Name the optimizer with its rates; earlier releases had one alone and did not record its name."""
    if "learning_rate" not in train:
        return None
    momentum = f"momentum {train['momentum']:g}" if train.get("optimizer") == "sgd" and "momentum" in train else None
    decay = f"weight decay {train['weight_decay']:g}" if train.get("weight_decay") else None
    rate = f"learning rate {train['learning_rate']:.3g}"
    schedule = train.get("schedule") and f"schedule {train['schedule']}"
    return ", ".join(filter(None, [train.get("optimizer"), rate, schedule, decay, momentum]))


def _say_epochs(record: Record, train: Mapping[str, Any]) -> str | None:
    if record.history.empty:
        return None
    monitor = train.get("monitor", "")
    best = find_best(record.history, monitor)
    count = f"{len(record.history)} of {train['epochs']}" if "epochs" in train else str(len(record.history))
    return count if best is None else f"{count}; {int(best['epoch'])} was kept, the best by {monitor}"
