"""Model versions: log the served model, register it, move the aliases.

`candidate` is the version that was registered last; `champion` the best one so far that passed the gate.
"""

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from maskmill.errors import RegistryError
from maskmill.registry.card import describe_model
from maskmill.registry.gate import Contender, Verdict, judge
from maskmill.registry.tracking import STORE_ERRORS, RunRecord, Tracker

CANDIDATE = "candidate"
CHAMPION = "champion"
WriteModel = Callable[[Path, Model], None]


def register_version(
    tracker: Tracker,
    record: RunRecord,
    write_model: WriteModel,
    *,
    name: str,
    metrics: Mapping[str, Any],
    run: Mapping[str, Any],
    validated: bool | None,
    test_manifest: str | None,
    data_name: str,
    data_hash: str,
    require_gpu: bool,
    floor: float,
) -> dict[str, Any]:
    """Make a run's model a version of the registered model, and the champion if the gate lets it.

    Args:
        tracker: the connection to the store.
        record: the run that trained the model.
        write_model: writes the served model to a folder that does not exist, given MLflow's entry for it.
        name: the registered model.
        metrics: what metrics.json holds: `dice`, `iou`, `accuracy`, `split`, and `classes` (name to `dice`, `iou`).
        run: what run.json holds: `device` (`kind`, `name`), `git_commit`, and `model`, which earlier releases did not have.
        validated: whether the data passed validation, None where unknown.
        test_manifest: `gate.hash_test_part` of the data.
        data_name: what people call the data.
        data_hash: `lineage.hash_file` of statistics.csv.
        require_gpu: only a version trained on a GPU may become champion.
        floor: the lowest dice of a first champion.

    Returns:
        JSON-able: `name`, `version`, `run_id`, `model_uri`, `aliases`, `metrics`, `device`, `gate`.

    Raises:
        RegistryError: the store does not answer, so that the version would be recorded nowhere.
    """
    client = tracker.client
    if client is None or record.run_id is None:
        raise _cannot_register(tracker.uri, "it does not answer")
    tags = {
        **{f"maskmill.{figure}": metrics.get(figure) for figure in ("dice", "iou", "accuracy", "split")},
        "maskmill.device_kind": run["device"]["kind"],
        "maskmill.device_name": run["device"]["name"],
        "maskmill.git_commit": run.get("git_commit"),
        "maskmill.data_hash": data_hash,
        "maskmill.test_manifest": test_manifest,
        "maskmill.validated": validated,
    }
    try:
        experiment = client.get_run(record.run_id).data.tags.get("maskmill.dvc_exp")
        tags["maskmill.dvc_exp"] = experiment
        champion = find_champion(client, name)
        model = _log_model(client, record.run_id, write_model, metrics)
        tags["maskmill.model_id"] = model.model_id  # an SQLite store does not keep a version's own
        version = _create_version(
            client,
            name,
            source=model.artifact_location,  # models:/ID would be looked up in MLflow's global store, not in this one
            run_id=record.run_id,
            model_id=model.model_id,
            tags={key: str(value) for key, value in tags.items() if value is not None},
            description=describe_model(data_name=data_name, metrics=metrics, tags=tags, model=run.get("model")),
        )
        verdict = judge(read_contender(version), champion, require_gpu=require_gpu, floor=floor)
        aliases = _move_aliases(client, version, verdict)
    except STORE_ERRORS as error:
        raise _cannot_register(tracker.uri, str(error)) from error
    return {
        "name": name,
        "version": version.version,
        "run_id": record.run_id,
        "model_uri": f"models:/{name}/{version.version}",
        "aliases": aliases,
        "metrics": {key: metrics.get(key) for key in ("dice", "iou", "accuracy", "split")},
        "device": dict(run["device"]),
        "data_hash": data_hash,
        "test_manifest": test_manifest,
        "gate": verdict.to_dict(),
    }


def find_champion(client: MlflowClient, name: str) -> Contender | None:
    """Return the present champion of a registered model, None where there is none."""
    try:
        return read_contender(client.get_model_version_by_alias(name, CHAMPION))
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # no such model, or no such alias
            return None
        raise


def read_contender(version: ModelVersion) -> Contender:
    """Read from a version's tags what the gate wants to know."""
    tags = version.tags
    validated = {"True": True, "False": False}.get(tags.get("maskmill.validated", ""))
    return Contender(
        version=str(version.version),
        dice=float(tags.get("maskmill.dice", math.nan)),
        device_kind=tags.get("maskmill.device_kind"),
        validated=validated,
        test_manifest=tags.get("maskmill.test_manifest"),
    )


def _log_model(client: MlflowClient, run_id: str, write_model: WriteModel, metrics: Mapping[str, Any]) -> LoggedModel:
    """Log the served model into the run, once it is written and has answered; return it."""
    run = client.get_run(run_id)
    entry = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run_id, params=run.data.params, model_type="segmentation"
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder, "model")
            write_model(packed, Model(artifact_path=entry.artifact_location, run_id=run_id, model_id=entry.model_id))
            client.log_model_artifacts(entry.model_id, str(packed))
    except BaseException:
        client.finalize_logged_model(entry.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(entry.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(entry.model_id, step=0)])
    for figure in ("dice", "iou", "accuracy"):
        if metrics.get(figure) is not None:
            client.log_metric(run_id, f"{metrics.get('split', 'test')}_{figure}", metrics[figure], model_id=entry.model_id)
    return entry


def _create_version(client: MlflowClient, name: str, **version: Any) -> ModelVersion:
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(name, description="Segmentation models that maskmill trained.")
    return client.create_model_version(name, **version)


def _move_aliases(client: MlflowClient, version: ModelVersion, verdict: Verdict) -> list[str]:
    """Write the gate's findings to the version, then point the aliases at it; champion last, as it says all is well."""
    for check in verdict.checks:
        client.set_model_version_tag(version.name, version.version, f"gate.{check.name}", f"{check.outcome}: {check.reason}")
    client.set_model_version_tag(version.name, version.version, "gate.verdict", verdict.reason)
    aliases = [CANDIDATE, CHAMPION] if verdict.promoted else [CANDIDATE]
    for alias in aliases:
        client.set_registered_model_alias(version.name, alias, version.version)
    return aliases


def _cannot_register(uri: str, reason: str) -> RegistryError:
    return RegistryError(
        f"the model cannot be registered in the tracking store {uri}: {reason}",
        expected="a store that answers, as a version that is recorded nowhere is none",
        fix="start the tracking server, or set tracking.uri to null for mlflow.db here, then run: dvc repro register",
    )
