import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from maskmill.errors import RegistryError
from maskmill.registry.store import find_root, resolve_uri, set_up_store


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = (tmp_path / "repository").resolve()
    (root / ".git").mkdir(parents=True)
    (root / "src" / "deep").mkdir(parents=True)
    return root


def test_the_root_is_the_nearest_folder_with_a_pipeline_or_a_repository(repository: Path):
    assert find_root(repository / "src" / "deep") == repository
    (repository / "src" / "dvc.yaml").touch()
    assert find_root(repository / "src" / "deep") == repository / "src"


def test_a_folder_in_no_repository_is_its_own_root(tmp_path: Path):
    alone = tmp_path / "alone"
    alone.mkdir()
    if any((folder / ".git").exists() for folder in alone.parents):
        pytest.skip("the temporary folder lies in a repository")
    assert find_root(alone) == alone.resolve()


def test_an_experiment_copy_belongs_to_the_repository_it_was_made_from(repository: Path):
    copy = repository / ".dvc" / "tmp" / "exps" / "tmp123"
    (copy / ".git").mkdir(parents=True)
    (copy / "stages").mkdir()
    (copy / "dvc.yaml").touch()
    assert find_root(copy / "stages") == repository
    assert resolve_uri(None, copy) == f"sqlite:///{repository}/mlflow.db"


def test_the_environment_wins_over_the_setting_and_the_setting_over_the_default(repository: Path, monkeypatch: pytest.MonkeyPatch):
    assert resolve_uri(None, repository / "src") == f"sqlite:///{repository}/mlflow.db"
    assert resolve_uri("http://setting:5000", repository) == "http://setting:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://environment:5000")
    assert resolve_uri("http://setting:5000", repository) == "http://environment:5000"


def test_a_relative_file_is_relative_to_the_root_wherever_one_is(repository: Path):
    assert resolve_uri("sqlite:///runs/my.db", repository / "src") == f"sqlite:///{repository}/runs/my.db"
    assert resolve_uri("sqlite:////elsewhere/my.db", repository) == "sqlite:////elsewhere/my.db"


@pytest.mark.parametrize("address", ["./mlruns", "file:///somewhere/mlruns"])
def test_a_folder_is_no_store(address: str):
    with pytest.raises(RegistryError, match="mlruns' is a folder"):
        resolve_uri(address)


def test_three_processes_that_start_at_once_share_one_store(repository: Path):
    program = (
        "from maskmill.registry.tracking import connect\n"
        "record = connect(None, 'together').start_run('one', tags={})\n"
        "record.log_metrics({'dice': 0.5}); record.finish(); print(record.run_id)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_TRACKING", "MLFLOW_RUN"))}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=repository / "src", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], answers
    with sqlite3.connect(repository / "mlflow.db") as database:
        runs = {row[0] for row in database.execute("select run_uuid from runs where status = 'FINISHED'")}
        names = [row[0] for row in database.execute("select name from experiments order by name")]
    assert runs == {out.decode().strip() for out, _ in answers}
    assert names == ["Default", "together"]


def test_a_failed_set_up_leaves_no_half_store(repository: Path, monkeypatch: pytest.MonkeyPatch):
    from mlflow.store.tracking import sqlalchemy_store

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(sqlalchemy_store, "SqlAlchemyStore", fail)
    with pytest.raises(OSError, match="disk full"):
        set_up_store(f"sqlite:///{repository}/mlflow.db")
    assert not list(repository.glob("*mlflow*"))


def test_the_default_experiment_keeps_its_files_beside_the_store(store_uri: str, tracker):
    database = Path(store_uri.removeprefix("sqlite:///"))
    locations = {experiment.artifact_location for experiment in tracker.client.search_experiments()}
    assert all(location.startswith((database.parent / "mlartifacts").as_uri()) for location in locations)
