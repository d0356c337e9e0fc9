"""Which runs the results page shows: of each preset the newest training that has been evaluated."""

from pathlib import Path

from mlflow.entities import Run

from maskmill.errors import RegistryError
from maskmill.registry.store import SQLITE_PREFIX, resolve_uri
from maskmill.registry.tracking import STORE_ERRORS, Tracker, connect
from maskmill.registry.trainings import list_trainings
from maskmill.reporting.record import Record, identify_run, read_record

EVALUATED = "test_dice"  # what evaluate adds to a run, though it be NaN


def open_store(uri: str | None, experiment: str) -> Tracker:
    """Connect to a store that is there; a file that is not is not made for a page about what is in it.

    Args:
        uri: the setting `tracking.uri`.
        experiment: the setting `tracking.experiment`.

    Raises:
        RegistryError: the store's file does not exist.
    """
    address = resolve_uri(uri)
    if address.startswith(SQLITE_PREFIX) and not Path(address.removeprefix(SQLITE_PREFIX)).exists():
        raise RegistryError(f"{address} does not exist: nothing has been trained here", fix="make repro")
    return connect(uri, experiment)


def choose_records(tracker: Tracker, folder: Path) -> list[Record]:
    """Read the newest finished and evaluated training of each preset and data set, by name.

    Args:
        tracker: the store.
        folder: an empty folder, for the runs' artifacts.

    Raises:
        RegistryError: the store does not answer, or has no such run.
    """
    newest: dict[tuple[str, str], Run] = {}
    try:
        for run in list_trainings(tracker):
            if EVALUATED in run.data.metrics:
                newest.setdefault(identify_run(tracker, run, folder / f"{run.info.run_id}.settings"), run)
        if not newest:
            raise RegistryError(f"{tracker.uri} has no training that is finished and evaluated", fix="make repro")
        return [read_record(tracker, newest[key], folder / newest[key].info.run_id) for key in sorted(newest)]
    except STORE_ERRORS as error:
        raise RegistryError(f"{tracker.uri} cannot be read: {error}", fix="correct tracking.uri, or start the server") from error
