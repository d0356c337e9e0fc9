import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.models import Model

from maskmill.errors import RegistryError
from maskmill.registry.folder import read_run_folder, register_folder
from maskmill.registry.tracking import Tracker


@pytest.fixture
def encoded(tmp_path: Path) -> Path:
    folder = tmp_path / "encoded"
    folder.mkdir()
    (folder / "classes.csv").write_text("id,name,red,green,blue\n0,water,0,0,255\n1,road,128,128,128\n")
    (folder / "samples.csv").write_text("id,channels\na,3\nb,1\n")
    return folder


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    def write(classes: tuple[str, ...] = ("water", "road"), channels: int = 3, **files: str) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        content = {
            "params.yaml": "train:\n  epochs: 2\n",
            "history.csv": "epoch,loss\n0,1.5\n1,0.5\n",
            "run.json": json.dumps({"run_id": "f" * 32, "device": {"kind": "gpu", "name": "H200"}, "git_commit": "abc"}),
        }
        for name, text in {**content, **files}.items():
            (folder / name).write_text(text)
        entries = [{"id": number, "name": name, "colour": [0, 0, number]} for number, name in enumerate(classes)]
        with zipfile.ZipFile(folder / "model.keras", "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("maskmill.json", json.dumps({"format": 1, "classes": entries, "channels": channels}))
        return folder

    return write


def test_a_whole_folder_is_read(write_folder: Callable[..., Path], encoded: Path):
    trained = read_run_folder(write_folder(), encoded)
    assert trained.params == {"train": {"epochs": 2}}
    assert trained.run["device"]["name"] == "H200"


@pytest.mark.parametrize("name", ["model.keras", "params.yaml", "history.csv", "run.json"])
def test_a_missing_file_is_named(write_folder: Callable[..., Path], encoded: Path, name: str):
    folder = write_folder()
    (folder / name).unlink()
    with pytest.raises(RegistryError, match=f"- {name}: "):
        read_run_folder(folder, encoded)


def test_a_folder_that_is_not_there_lacks_everything(tmp_path: Path, encoded: Path):
    with pytest.raises(RegistryError, match="absent is not a run folder"):
        read_run_folder(tmp_path / "absent", encoded)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params.yaml": "a: [1"}, "params.yaml"),
        ({"params.yaml": "augment: {}"}, "no settings with a section `train`"),
        ({"history.csv": ""}, "history.csv"),
        ({"history.csv": "epoch,loss\n"}, "holds no figures"),
        ({"run.json": "{"}, "run.json"),
        ({"run.json": "{}"}, "says nothing of the device"),
        ({"run.json": '{"device": {"kind": "toaster", "name": "x"}}'}, "says nothing of the device"),
        ({"classes": ("water", "path")}, "tells apart water, path; the data here has water, road"),
        ({"channels": 4}, "takes pictures of 4 channels; those here have 1, 3"),
    ],
)
def test_what_does_not_fit_is_refused(write_folder: Callable[..., Path], encoded: Path, changes: dict[str, Any], message: str):
    with pytest.raises(RegistryError, match=message):
        read_run_folder(write_folder(**changes), encoded)


def test_all_that_is_wrong_is_listed_at_once(write_folder: Callable[..., Path], encoded: Path):
    folder = write_folder(channels=4, **{"run.json": "{}", "history.csv": ""})
    (folder / "model.keras").write_bytes(b"no archive")
    with pytest.raises(RegistryError) as caught:
        read_run_folder(folder, encoded)
    assert all(name in str(caught.value) for name in ("run.json", "history.csv", "model.keras"))


def test_a_model_from_elsewhere_is_registered_as_if_trained_here(
    write_folder: Callable[..., Path], encoded: Path, tracker: Tracker, request: pytest.FixtureRequest
):
    folder = write_folder()
    packed: list[Path] = []

    def write_model(model: Path) -> Callable[[Path, Model], None]:
        def write(target: Path, entry: Model) -> None:
            packed.append(model)
            target.mkdir()
            entry.add_flavor("python_function", loader_module="nothing")
            entry.save(str(target / "MLmodel"))

        return write

    registration = register_folder(
        folder,
        tracker,
        encoded=encoded,
        evaluate=lambda _: {"dice": 0.5, "iou": 0.4, "accuracy": 0.6, "split": "test", "classes": {}},
        write_model=write_model,
        name=request.node.name,
        validated=True,
        test_manifest="m",
        data_name="toy",
        data_hash="d",
        require_gpu=True,
        floor=0.0,
    )
    assert packed == [folder / "model.keras"]
    assert registration["aliases"] == ["candidate", "champion"]
    run = tracker.client.get_run(registration["run_id"])
    assert run.data.tags["maskmill.device_kind"] == "gpu"
    assert run.data.params == {"train.epochs": "2"}
    assert np.isclose(run.data.metrics["test_dice"], 0.5)
    assert run.data.metrics["loss"] == 0.5
