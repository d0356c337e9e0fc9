"""Recording runs in MLflow, without ever standing in the way of a run.

What DVC keeps is the truth, MLflow is the record: while the tracking store is away, a stage says so once and goes on.
Runs are addressed by id through MlflowClient; MLflow's global "active run" is not used, as `mlflow run` puts its own there.
"""

import contextlib
import getpass
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from maskmill.registry.store import default_artifact_folder, resolve_uri, set_up_store
from maskmill.terminal import say

Result = TypeVar("Result")

FIRST_CONTACT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
LATER_CONTACT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}  # MLflow's own: 4 minutes of trying
STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError)
STORE_AWAY = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"}  # how MlflowException says that a server did not answer
MAX_PARAM_LENGTH = 6000
BATCH_PARAMS = 100
BATCH_METRICS = 1000
PARENT_TAG = "mlflow.parentRunId"
RESTORED_TAG = "maskmill.restored_from"


class Tracker:
    """A connection to one experiment of a tracking store; without a store, everything recorded through it is let go.

    Attributes:
        uri: where the store is.
        experiment_id: the experiment's id, None without a store.
    """

    def __init__(self, uri: str, client: MlflowClient | None, experiment_id: str | None) -> None:
        self.uri = uri
        self.experiment_id = experiment_id
        self._client = client

    @property
    def client(self) -> MlflowClient | None:
        """MLflow's own client, for what must not be let go; None once the store does not answer."""
        return self._client

    def start_run(self, name: str, *, tags: Mapping[str, Any], parent: str | None = None) -> "RunRecord":
        """Start a new run.

        Args:
            name: what people see in lists.
            tags: names to values; values that are None are left out.
            parent: the run that it is nested in; when not given, the one that `mlflow run` announces in MLFLOW_RUN_ID.
        """
        parent = parent or os.environ.get("MLFLOW_RUN_ID")
        every_tag = {**_describe_source(), PARENT_TAG: parent, **tags}
        return RunRecord(self, self.attempt(lambda client: self._create_run(client, name, every_tag)))

    def open_run(self, run_id: str | None) -> "RunRecord | None":
        """Take up a run to add to it, whatever its status; None when the store does not know it."""
        known = self.attempt(lambda client: _knows_run(client, run_id)) if run_id else False
        return RunRecord(self, run_id) if known else None

    def resume_run(self, run_id: str | None) -> "RunRecord | None":
        """Take up an interrupted run, which then counts as running until `finish`; None when the store does not know it."""
        record = self.open_run(run_id)
        if record is not None:
            self.attempt(lambda client: client.update_run(run_id, status="RUNNING"))
        return record

    def find_run(self, tag: str, value: str) -> str | None:
        """Return the id of the newest run of this experiment with this tag value, None when there is none."""
        query = f"tags.`{tag}` = '{value}'"
        found = self.attempt(lambda client: client.search_runs([self.experiment_id], query, max_results=1))
        return found[0].info.run_id if found else None

    def attempt(self, action: Callable[[MlflowClient], Result]) -> Result | None:
        """Do something with the store, or without one let it go; a refusal is printed, a lost store is given up for good."""
        if self._client is None:
            return None
        try:
            return action(self._client)
        except STORE_ERRORS as error:
            if isinstance(error, FileNotFoundError) or getattr(error, "error_code", "INTERNAL_ERROR") not in STORE_AWAY:
                say(f"MLflow did not record this: {_first_line(error)}")
            else:
                self._client = None
                say(f"The tracking store {self.uri} no longer answers; going on without recording. ({_first_line(error)})")
            return None

    def _create_run(self, client: MlflowClient, name: str, tags: Mapping[str, Any]) -> str:
        texts = {key: str(value) for key, value in tags.items() if value is not None}
        return client.create_run(self.experiment_id, tags=texts, run_name=name).info.run_id


class RunRecord:
    """The record of one run; nothing that it does fails, or takes effect, without a store.

    Attributes:
        run_id: the MLflow run id, None when the run goes unrecorded.
    """

    def __init__(self, tracker: Tracker, run_id: str | None) -> None:
        self.run_id = run_id
        self._tracker = tracker

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log settings; nested ones under names joined by dots, `{"train": {"epochs": 3}}` as `train.epochs`."""
        entries = [Param(_fit_name(name), str(value)[:MAX_PARAM_LENGTH]) for name, value in flatten(params).items()]
        for start in range(0, len(entries), BATCH_PARAMS):
            self._log_batch(params=entries[start : start + BATCH_PARAMS])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log the figures of one step in one call; NaN is kept as such (a class that is absent, a loss that diverged)."""
        self.log_history({step: metrics})

    def log_history(self, rows: Mapping[int, Mapping[str, float]]) -> None:
        """Log the figures of many steps at once.

        Args:
            rows: step to figures by name.
        """
        now = int(time.time() * 1000)
        entries = [
            Metric(_fit_name(name), float(value), now, step) for step, figures in rows.items() for name, value in figures.items()
        ]
        for start in range(0, len(entries), BATCH_METRICS):
            self._log_batch(metrics=entries[start : start + BATCH_METRICS])

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; values that are None are left out."""
        entries = [RunTag(name, str(value)) for name, value in tags.items() if value is not None]
        self._log_batch(tags=entries)

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy a file, or a folder with all in it, to the run's artifacts (below `folder`)."""
        if Path(path).is_dir():
            self._attempt(lambda client: client.log_artifacts(self.run_id, str(path), folder))
        else:
            self._attempt(lambda client: client.log_artifact(self.run_id, str(path), folder))

    def log_text(self, text: str, artifact: str) -> None:
        """Write `text` to an artifact of the run, e.g. "lineage/uncommitted.diff"."""
        self._attempt(lambda client: client.log_text(self.run_id, text, artifact))

    def finish(self, status: str = "FINISHED") -> None:
        """End the run: FINISHED, FAILED or KILLED."""
        self._attempt(lambda client: client.set_terminated(self.run_id, status))

    def _log_batch(self, **entries: list) -> None:
        self._attempt(lambda client: client.log_batch(self.run_id, **entries))

    def _attempt(self, action: Callable[[MlflowClient], Any]) -> None:
        if self.run_id is not None:
            self._tracker.attempt(action)


def connect(uri: str | None, experiment: str) -> Tracker:
    """Open the tracking store, set up where it is a file that does not exist yet.

    Args:
        uri: the setting `tracking.uri`; MLFLOW_TRACKING_URI in the environment wins over it.
        experiment: name of the experiment, created when the store does not have it.

    Returns:
        A tracker. When the store does not answer within seconds, that is printed and the tracker lets everything go.

    Raises:
        RegistryError: the address cannot be one of a store.
    """
    address = resolve_uri(uri)
    for name, value in LATER_CONTACT.items():
        os.environ.setdefault(name, value)
    try:
        with _environment(FIRST_CONTACT):
            set_up_store(address)
            client = MlflowClient(tracking_uri=address, registry_uri=address)
            return Tracker(address, client, _ensure_experiment(client, experiment, default_artifact_folder(address)))
    except STORE_ERRORS as error:
        say(f"The tracking store {address} cannot be used; this run goes on without being recorded. ({_first_line(error)})")
        return Tracker(address, None, None)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one with names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _ensure_experiment(client: MlflowClient, name: str, artifact_folder: str | None) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            location = f"{artifact_folder}/{_fit_name(name)}" if artifact_folder else None
            return client.create_experiment(name, artifact_location=location)
        except MlflowException:
            experiment = client.get_experiment_by_name(name)  # another process was first
            if experiment is None:
                raise
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return experiment.experiment_id


def _knows_run(client: MlflowClient, run_id: str) -> bool:
    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # the latter: not an id at all
            return False
        raise


def _describe_source() -> dict[str, str | None]:
    """Say who started what, as MLflow's own columns show it."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        user = None
    return {"mlflow.user": user, "mlflow.source.name": Path(sys.argv[0]).name, "mlflow.source.type": "LOCAL"}


def _fit_name(name: str) -> str:
    """Replace what MLflow allows in no name of a metric, a param or a folder."""
    return re.sub(r"[^\w\-. /]", "_", name)[:250]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the length of a block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
