"""Models that were trained on another machine: checked against this repository's data, then treated as if trained here."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from maskmill.errors import ModelError, RegistryError, summarise_problems
from maskmill.labels import read_class_table
from maskmill.models.archive import read_description
from maskmill.registry.restore import read_history, restore_run
from maskmill.registry.tracking import Tracker
from maskmill.registry.versions import WriteModel, register_version

CONTENT = {
    "model.keras": "the model file that train writes (build/model.keras)",
    "params.yaml": "the settings that it was trained with",
    "history.csv": "one row an epoch (results/train/history.csv)",
    "run.json": "the run and its device (build/training/run.json)",
}


@dataclass(frozen=True)
class TrainedRun:
    """What a run folder holds.

    Attributes:
        model: path of the model file.
        history: path of history.csv.
        params: the settings, nested.
        run: what run.json says: `run_id`, `device`, `git_commit`.
    """

    model: Path
    history: Path
    params: Mapping[str, Any]
    run: Mapping[str, Any]


def read_run_folder(folder: Path, encoded: Path) -> TrainedRun:
    """Read a run folder and check that its model fits the data of this repository.

    Args:
        folder: holds model.keras, params.yaml, history.csv and run.json.
        encoded: build/encoded of this repository.

    Raises:
        RegistryError: a file is missing or unfit, or the model has other classes or channels; all of it is listed.
    """
    folder = Path(folder)
    missing = [f"{name}: {meaning}" for name, meaning in CONTENT.items() if not (folder / name).is_file()]
    if missing:
        raise RegistryError(
            f"{folder} is not a run folder; it lacks\n{summarise_problems(missing)}",
            expected=f"a folder with {', '.join(CONTENT)}",
            fix="copy them from the machine that trained the model",
        )
    problems: list[str] = []
    params = _collect(problems, folder / "params.yaml", _read_params)
    run = _collect(problems, folder / "run.json", _read_run)
    _collect(problems, folder / "history.csv", _check_history)
    description = _collect(problems, folder / "model.keras", read_description)
    if description is not None:
        problems += _compare_with_data(description, encoded)
    if problems or params is None or run is None:
        raise RegistryError(
            f"{folder} cannot be registered here:\n{summarise_problems(problems)}",
            expected="a run on the classes and the kind of pictures that this repository's data has",
            fix="copy the files again, or set params.yaml and data here to what the model was trained on and run dvc repro encode",
        )
    return TrainedRun(folder / "model.keras", folder / "history.csv", params, run)


def register_folder(
    folder: Path,
    tracker: Tracker,
    *,
    encoded: Path,
    evaluate: Callable[[Path], Mapping[str, Any]],
    write_model: Callable[[Path], WriteModel],
    **registration: Any,
) -> dict[str, Any]:
    """Take a model that was trained elsewhere through evaluation, gate and registration, as if trained here.

    Args:
        folder: as `read_run_folder`.
        tracker: the connection to the store.
        encoded: build/encoded of this repository.
        evaluate: measures a model file on this repository's test part; returns what metrics.json holds.
        write_model: given the model file, what `register_version` calls to write the served model.
        registration: as `register_version`: name, validated, test_manifest, data_name, data_hash, require_gpu, floor.

    Returns:
        As `register_version`.

    Raises:
        RegistryError: the folder is unfit, or the store does not answer.
    """
    trained = read_run_folder(folder, encoded)
    metrics = evaluate(trained.model)
    in_force = {name: trained.run[name] for name in ("train",) if name in trained.run}  # with what its search had found
    record = restore_run(tracker, trained.run, params={**trained.params, **in_force}, history=trained.history)
    split = metrics["split"]
    record.log_metrics({f"{split}_{figure}": metrics[figure] for figure in ("dice", "iou", "accuracy")})
    return register_version(tracker, record, write_model(trained.model), metrics=metrics, run=trained.run, **registration)


def _collect(problems: list[str], path: Path, read: Callable[[Path], Any]) -> Any:
    """Read a file; on failure note it among `problems` and return None."""
    try:
        return read(path)
    except (ValueError, KeyError, TypeError, YAMLError, ModelError) as error:
        text = error.what if isinstance(error, ModelError) else f"{path}: {error}"
        problems.append(" ".join(text.split()))
        return None


def _read_params(path: Path) -> dict[str, Any]:
    params = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    if not isinstance(params, dict) or "train" not in params:
        raise ValueError("holds no settings with a section `train`")
    return params


def _read_run(path: Path) -> dict[str, Any]:
    run = json.loads(path.read_text(encoding="utf-8"))
    device = run.get("device") if isinstance(run, dict) else None
    if not isinstance(device, dict) or device.get("kind") not in ("cpu", "gpu") or not device.get("name"):
        raise ValueError('says nothing of the device; expected "device": {"kind": "cpu" or "gpu", "name": ...}')
    return run


def _check_history(path: Path) -> None:
    history = read_history(path)
    if not history or not any(history.values()):
        raise ValueError("holds no figures of any epoch")


def _compare_with_data(description: Mapping[str, Any], encoded: Path) -> list[str]:
    """Return how a model does not fit the data: other classes, or pictures of another kind."""
    problems = []
    names = [entry["name"] for entry in sorted(description["classes"], key=lambda entry: entry["id"])]
    here = list(read_class_table(encoded / "classes.csv").names)
    if names != here:
        problems.append(f"model.keras tells apart {', '.join(names)}; the data here has {', '.join(here)}")
    counts = sorted(int(count) for count in pd.read_csv(encoded / "samples.csv", usecols=["channels"])["channels"].unique())
    channels = int(description["channels"])
    if any(count != channels and {count, channels} != {1, 3} for count in counts):  # grey and RGB stand in for each other
        problems.append(f"model.keras takes pictures of {channels} channels; those here have {', '.join(map(str, counts))}")
    return problems
