"""Every preset runs whole through DVC and MLflow, on its data set in miniature."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from miniatures import LAYOUTS, shrink
from project import STAGES, Project, copy_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    yield copy_repository(tmp_path / "project")
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_preset_gives_a_registered_model(project: Project, tmp_path: Path, name: str) -> None:
    LAYOUTS[name](tmp_path / "set")
    project.run("maskmill", "preset", name, "--source", str(tmp_path / "set"))
    settings = shrink(project.folder / "params.yaml")
    assert project.repro() == STAGES

    metrics = json.loads((project.folder / "results/evaluate/metrics.json").read_text())
    assert metrics["split"] == "test"
    assert list(metrics["classes"]) == [entry["name"] for entry in settings["classes"] if not entry.get("void")]
    client = project.client()
    version = client.get_model_version_by_alias(settings["register"]["name"], "candidate")
    run = client.get_run(version.run_id)
    assert run.data.params["train.architecture"] == settings["train"]["architecture"]
    assert run.data.metrics["test_dice"] == pytest.approx(metrics["dice"], abs=1e-5)
