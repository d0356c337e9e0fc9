"""Every preset runs whole through DVC and MLflow, on its data set in miniature."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from miniatures import LAYOUTS, shrink
from project import STAGES, Project, copy_repository

from maskmill.params import load_params
from maskmill.registry.tracking import flatten

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    yield copy_repository(tmp_path / "project")
    shutil.rmtree(tmp_path)  # some 300 MB


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_preset_gives_a_registered_model(project: Project, tmp_path: Path, name: str) -> None:
    LAYOUTS[name](tmp_path / "set")
    project.run("maskmill", "preset", name, "--source", str(tmp_path / "set"))
    shrink(project.folder / "params.yaml")
    params = load_params(project.folder / "params.yaml")
    assert project.repro() == STAGES

    metrics = json.loads((project.folder / "results/evaluate/metrics.json").read_text())
    assert metrics["split"] == "test"
    assert list(metrics["classes"]) == [entry.name for entry in params.classes if not entry.void]
    client = project.client()
    version = client.get_model_version_by_alias(params.register_.name, "candidate")
    run = client.get_run(version.run_id)
    assert run.data.metrics["test_dice"] == pytest.approx(metrics["dice"], abs=1e-5)
    told = flatten({"train": params.train.model_dump(include={"architecture", "loss"})})
    assert {key: run.data.params[key] for key in told} == {key: str(value) for key, value in told.items()}
    if name == "default":
        assert project.repro() == []
