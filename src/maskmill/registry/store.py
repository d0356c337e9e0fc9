"""Where the record of all runs lies, and its set-up.

The store is mlflow.db with mlartifacts/ at the repository's root. It is always addressed by an absolute URI, because DVC runs
experiments in temporary copies of the repository, and MLflow's own default depends on the working directory.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from maskmill.errors import RegistryError
from maskmill.outputs import new_file

SQLITE_PREFIX = "sqlite:///"
EXPERIMENT_COPIES = (".dvc", "tmp", "exps")  # where DVC puts the copies that experiments run in


def find_root(start: Path | str = ".") -> Path:
    """Find the repository that a folder belongs to.

    Args:
        start: a folder in the repository, or in a copy of it that DVC made for an experiment.

    Returns:
        The absolute path of the nearest folder above with a dvc.yaml or a .git; for an experiment's copy, that of the repository
        it was made from; `start` itself where there is neither.
    """
    start = Path(start).resolve()
    for folder in (start, *start.parents):
        if folder.parts[-3:] == EXPERIMENT_COPIES:
            return folder.parents[2]
    for folder in (start, *start.parents):
        if (folder / "dvc.yaml").exists() or (folder / ".git").exists():
            return folder
    return start


def resolve_uri(uri: str | None, start: Path | str = ".") -> str:
    """Say which tracking store is meant: MLFLOW_TRACKING_URI, else `uri`, else mlflow.db at the repository's root.

    Args:
        uri: the setting `tracking.uri`.
        start: a folder in the repository.

    Returns:
        A tracking URI; that of an SQLite file is absolute.

    Raises:
        RegistryError: it is a folder; MLflow no longer keeps runs in one.
    """
    chosen = os.environ.get("MLFLOW_TRACKING_URI") or uri or f"{SQLITE_PREFIX}mlflow.db"
    if "://" not in chosen or chosen.startswith("file:"):
        raise RegistryError(
            f"the tracking store {chosen!r} is a folder",
            expected="an address such as sqlite:///mlflow.db or http://host:5000",
            fix="set tracking.uri in params.yaml to null for mlflow.db here, or unset MLFLOW_TRACKING_URI",
        )
    if not chosen.startswith(SQLITE_PREFIX):
        return chosen
    return f"{SQLITE_PREFIX}{find_root(start) / chosen.removeprefix(SQLITE_PREFIX)}"  # an absolute path replaces the root


def default_artifact_folder(uri: str) -> str | None:
    """Return the artifact folder that belongs to an SQLite store, as a URI; None for a server, which has its own."""
    if not uri.startswith(SQLITE_PREFIX):
        return None
    return (Path(uri.removeprefix(SQLITE_PREFIX)).parent / "mlartifacts").as_uri()


def set_up_store(uri: str) -> None:
    """Create an SQLite store that is not there yet; whole or not at all, however many processes want it at once."""
    if not uri.startswith(SQLITE_PREFIX):
        return
    database = Path(uri.removeprefix(SQLITE_PREFIX))
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with _locked(database.parent / ".maskmill" / "store.lock"):
        if database.exists():  # another process was first
            return
        with new_file(database) as temporary, _quiet("mlflow.store.db.utils"):
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            # MlflowClient would do, but then the default experiment's artifacts depend on the working directory.
            SqlAlchemyStore(f"{SQLITE_PREFIX}{temporary}", default_artifact_folder(uri)).engine.dispose()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Show only this logger's warnings and errors."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
