"""Making the record of a run again that the tracking store does not know: pulled from a DVC remote, or trained elsewhere."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from maskmill.registry.lineage import hash_file
from maskmill.registry.tracking import RESTORED_TAG, RunRecord, Tracker


def restore_run(tracker: Tracker, run: Mapping[str, Any], *, params: Mapping[str, Any], history: Path) -> RunRecord:
    """Take up the run that run.json names, or make its record again where the store does not know it.

    The new record is tagged with what it stands for, and found by that tag the next time.

    Args:
        tracker: the connection to the store.
        run: what run.json holds: `run_id` (None when it went unrecorded), `device`, `git_commit`.
        params: the settings that it ran with, nested as in params.yaml.
        history: history.csv, one row an epoch.

    Returns:
        The record, to add to; its run has ended.
    """
    known = tracker.open_run(run.get("run_id"))
    if known is not None:
        return known
    # A run without an id is told from others by its history: the same file is the same training.
    original = run.get("run_id") or f"unrecorded-{hash_file(history)[:16]}"
    made_before = tracker.open_run(tracker.find_run(RESTORED_TAG, original))
    if made_before is not None:
        return made_before
    record = tracker.start_run(
        "train",
        tags={RESTORED_TAG: original, "maskmill.kind": "train", "maskmill.preset": params.get("preset"), **describe_run(run)},
    )
    record.log_params(params)
    record.log_history(read_history(history))
    settings = StringIO()
    YAML(typ="safe", pure=True).dump(dict(params), settings)
    record.log_text(settings.getvalue(), "lineage/params.yaml")
    record.log_text(json.dumps(dict(run), indent=2), "training/run.json")
    record.finish()
    return record


def describe_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tags that say what a run.json says: device and commit."""
    device = run.get("device") or {}
    return {
        "mlflow.source.git.commit": run.get("git_commit"),
        "maskmill.git_commit": run.get("git_commit"),
        "maskmill.device_kind": device.get("kind"),
        "maskmill.device_name": device.get("name"),
        "maskmill.backend": device.get("backend"),
    }


def read_history(path: Path) -> dict[int, dict[str, float]]:
    """Return the figures of history.csv: epoch to figure by name, text columns left out."""
    table = pd.read_csv(path)
    epochs = table.pop("epoch") if "epoch" in table else pd.Series(range(len(table)))
    figures = table.select_dtypes("number")
    return {int(epoch): figures.loc[row].to_dict() for row, epoch in epochs.items()}  # type: ignore[call-overload]
