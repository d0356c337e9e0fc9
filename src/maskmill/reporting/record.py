"""What the store has of one run: its figures, and the files among its artifacts that the results page is made from."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from ruamel.yaml import YAML

from maskmill.registry.tracking import STORE_AWAY, Tracker

COLUMNS = ("loss", "val_loss", "dice", "val_dice", "val_iou", "val_accuracy")
WRITTEN_BY = re.compile(r"# Written by: (make preset P=(?P<preset>\S+)(?: SOURCE=(?P<source>.*?))?(?P<picks>(?: PICK=.*)?))")


@dataclass(frozen=True)
class Record:
    """A run as the store has it.

    Attributes:
        run: MLflow's run.
        preset: the preset that it ran with; of runs that do not say, the name of their data.
        source_name: what people call its data.
        artifacts: the folder with its artifacts; what the run lacks is not in it.
        params: its params.yaml; empty where the run has none.
        heading: the first line of that file.
        history: one row an epoch: epoch, and those of COLUMNS that were recorded.
        versions: the model versions made of it, (name, number, aliases) each, the newest first.
    """

    run: Run
    preset: str
    source_name: str
    artifacts: Path
    params: dict[str, Any]
    heading: str
    history: pd.DataFrame
    versions: list[tuple[str, str, tuple[str, ...]]]

    def read_json(self, path: str) -> dict[str, Any] | None:
        """Read a JSON artifact; None where the run has none."""
        place = self.artifacts / path
        return json.loads(place.read_text(encoding="utf-8")) if place.exists() else None

    def read_table(self, path: str) -> pd.DataFrame | None:
        """Read a CSV artifact, names such as "NA" as names and empty cells as missing; None where the run has none."""
        place = self.artifacts / path
        texts = dict.fromkeys(("id", "class", "part", "bands"), "str")
        return pd.read_csv(place, dtype=texts, keep_default_na=False, na_values=[""]) if place.exists() else None


def identify_run(tracker: Tracker, run: Run, folder: Path) -> tuple[str, str]:
    """Return a run's preset, or the name of its data where it says none, and the name of its data.

    Args:
        tracker: the store.
        run: a run of it.
        folder: folder to make, for its params.yaml if it takes that to know: earlier releases did not tag the preset.
    """
    preset, source_name = run.data.tags.get("maskmill.preset"), run.data.params.get("source.name")
    if not preset or not source_name:
        _fetch_artifacts(tracker, run.info.run_id, folder, only="lineage")
        params, heading = _read_params(folder)
        written = WRITTEN_BY.match(heading)
        source_name = source_name or params.get("source", {}).get("name") or "unnamed data"
        preset = preset or params.get("preset") or (written["preset"] if written else source_name)
    return preset, source_name


def read_record(tracker: Tracker, run: Run, folder: Path) -> Record:
    """Fetch a run's artifacts, its history and what the registry knows of it.

    Args:
        tracker: the store.
        run: a run of it.
        folder: folder to make, for the artifacts.
    """
    preset, source_name = identify_run(tracker, run, folder)
    _fetch_artifacts(tracker, run.info.run_id, folder)
    params, heading = _read_params(folder)
    history, versions = _read_history(tracker, run), _list_versions(tracker, run.info.run_id)
    return Record(run, preset, source_name, folder, params, heading, history, versions)


def _fetch_artifacts(tracker: Tracker, run_id: str, folder: Path, only: str = "") -> None:
    """Copy a run's artifacts, or those below `only`, as far as the store has them; raise MlflowException where it went away."""
    assert tracker.client is not None
    folder.mkdir(exist_ok=True)
    try:
        for entry in tracker.client.list_artifacts(run_id):
            if entry.path.startswith(only):
                tracker.client.download_artifacts(run_id, entry.path, str(folder))
    except OSError:  # of a local store: the folder was moved or deleted
        return
    except MlflowException as error:
        if error.error_code in STORE_AWAY:
            raise


def _read_params(folder: Path) -> tuple[dict[str, Any], str]:
    """Return the recorded params.yaml, nested, and its first line; of a run without it, nothing."""
    path = folder / "lineage" / "params.yaml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return YAML(typ="safe", pure=True).load(text) or {}, text.partition("\n")[0]


def _read_history(tracker: Tracker, run: Run) -> pd.DataFrame:
    """Return the recorded figures of each epoch; of an epoch that was interrupted and repeated, the later ones."""
    assert tracker.client is not None
    columns = {}
    for name in COLUMNS:
        if name in run.data.metrics:
            entries = sorted(tracker.client.get_metric_history(run.info.run_id, name), key=lambda entry: entry.timestamp)
            columns[name] = pd.Series({entry.step: entry.value for entry in entries}, dtype="float64")
    return pd.DataFrame(columns).sort_index().rename_axis("epoch").reset_index()


def _list_versions(tracker: Tracker, run_id: str) -> list[tuple[str, str, tuple[str, ...]]]:
    assert tracker.client is not None
    versions = []
    for version in tracker.client.search_model_versions(f"run_id = '{run_id}'"):
        aliases = tracker.client.get_registered_model(version.name).aliases
        own = sorted(alias for alias, number in aliases.items() if str(number) == str(version.version))
        versions.append((version.name, str(version.version), tuple(own)))
    return sorted(versions, key=lambda entry: int(entry[1]), reverse=True)
