"""A copy of this repository in which the real commands run, for the slow tests."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
OWN_RESULTS = ("results/", "dvcstore/", "data.dvc", "dvc.lock")
STAGES = ["download", "encode", "validate", "augment", "tune", "train", "evaluate", "register"]


class Project:
    """A copy of the repository with its own git history, store and environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "DVC"))}
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
        self.environment["DVC_NO_ANALYTICS"] = "1"

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def repro(self, *arguments: str, fails: bool = False) -> list[str]:
        """Run `dvc repro` and return the stages that it ran."""
        output = self.run("dvc", "repro", *arguments, fails=fails)
        return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]

    def change(self, section: str, **settings: Any) -> None:
        yaml = YAML()
        params = yaml.load(self.folder / "params.yaml")
        params[section].update(settings)
        yaml.dump(params, self.folder / "params.yaml")

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run(
            "git",
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@localhost",
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "state",
        )

    def wait_for_queue(self, name: str) -> None:
        """Wait until the queue has run an experiment; fail with its log if it did not end well."""
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            state = next(line for line in self.run("dvc", "queue", "status").splitlines() if name in line)
            if "Success" in state:
                return
            assert "Failed" not in state, self.run("dvc", "queue", "logs", name)
            time.sleep(2)
        raise AssertionError(f"experiment {name} is not over after 10 minutes: {state}")

    def client(self) -> mlflow.MlflowClient:
        uri = f"sqlite:///{self.folder / 'mlflow.db'}"
        return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def runs(self) -> list[Any]:
        client = self.client()
        return client.search_runs([client.get_experiment_by_name("maskmill").experiment_id])

    def hashes(self, *paths: str) -> dict[str, str]:
        """Hash files, and folders file by file."""
        found = {}
        for path in paths:
            place = self.folder / path
            for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if file.is_file():
                    found[str(file.relative_to(self.folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found


def copy_repository(folder: Path) -> Project:
    """Copy what git tracks here, what this checkout's own runs left aside, into a repository of its own."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in tracked:
        if not name.startswith(OWN_RESULTS) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    project = Project(folder)
    project.run("git", "init", "--quiet")
    return project
