import ast
import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image

from maskmill.evaluation.inference import Predictor
from maskmill.models.archive import load_model
from maskmill.pictures import encode_picture
from maskmill.serving.package import PACKAGE, pack_model, pin_requirements

PHOTO = np.random.default_rng(1).integers(0, 256, (45, 70, 3), dtype=np.uint8)


def ask(*pictures: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"image": [base64.b64encode(encode_picture(picture)).decode() for picture in pictures]})


def read_mask(answer: dict[str, Any]) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(answer["mask"]))) as mask:
        return np.asarray(mask)


@pytest.fixture(scope="module")
def packed(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "model"
    pack_model(model_file, folder)
    return folder


@pytest.fixture(scope="module")
def packed_files(packed: Path) -> list[Path]:
    """What the package holds; loading it adds byte code, so `served` asks for this first."""
    return [path for path in packed.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def served(packed: Path, packed_files: list[Path]) -> mlflow.pyfunc.PyFuncModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        return mlflow.pyfunc.load_model(str(packed))


def test_what_is_served_is_what_is_evaluated(served: mlflow.pyfunc.PyFuncModel, model_file: Path):
    answers = served.predict(ask(PHOTO, PHOTO[:30, :, :1]))
    predictor = Predictor(*load_model(model_file))
    for answer, picture in zip(answers, (PHOTO, PHOTO[:30, :, :1]), strict=True):
        mask = read_mask(answer)
        assert mask.shape == picture.shape[:2] == (answer["height"], answer["width"])
        assert np.array_equal(mask, predictor.mask(picture))
        assert sum(area["pixels"] for area in answer["areas"].values()) == mask.size
        assert list(answer["areas"]) == ["dark", "bright"]
    json.dumps(answers)


def test_overlapping_classes_of_many_bands_are_served_as_they_are_evaluated(overlapping_model_file: Path, tmp_path: Path):
    pack_model(overlapping_model_file, tmp_path / "packed")
    served = mlflow.pyfunc.load_model(str(tmp_path / "packed"))
    raster = np.random.default_rng(5).integers(0, 256, (45, 70, 5), dtype=np.uint8)
    (answer,) = served.predict(ask(raster))
    mask = read_mask(answer)
    assert mask.dtype == np.uint16
    assert np.array_equal(mask, Predictor(*load_model(overlapping_model_file)).mask(raster[..., [3, 1]]))
    assert (mask[raster[..., 3] > 130] & 0b01).all()
    assert not (mask[raster[..., 1] < 126] & 0b10).any()
    assert answer["labels"] == "overlapping"
    assert answer["areas"]["bright"]["pixels"] == np.count_nonzero(mask & 0b10)
    with pytest.raises(MlflowException, match=r"it has 3 bands.*; the model takes bands 4, 2 of a picture") as caught:
        served.predict(ask(PHOTO))
    assert caught.value.get_http_status_code() == 400


def test_a_picture_of_other_channels_is_refused_with_their_number(served: mlflow.pyfunc.PyFuncModel):
    with pytest.raises(
        MlflowException, match="the picture has 5 channels, the model takes 3; expected a picture of 3 channels"
    ) as caught:
        served.predict(ask(np.zeros((20, 30, 5), np.uint8)))
    assert caught.value.get_http_status_code() == 400


def test_an_upright_mask_answers_a_rotated_picture(served: mlflow.pyfunc.PyFuncModel):
    buffer = io.BytesIO()
    rotation = Image.Exif()
    rotation[0x0112] = 6
    Image.fromarray(PHOTO).save(buffer, "JPEG", exif=rotation)
    (answer,) = served.predict(pd.DataFrame({"image": [base64.b64encode(buffer.getvalue()).decode()]}))
    assert read_mask(answer).shape == (70, 45)


def test_many_threads_get_the_answer_of_one(served: mlflow.pyfunc.PyFuncModel):
    pictures = [np.roll(PHOTO, shift, axis=1) for shift in range(8)]
    alone = [served.predict(ask(picture))[0]["mask"] for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda picture: served.predict(ask(picture))[0]["mask"], pictures))
    assert together == alone


@pytest.mark.parametrize("rows", [pd.DataFrame({"image": ["@secret@"]}), pd.DataFrame({"picture": ["secret"]}), {"x": ["secret"]}])
def test_a_bad_request_is_refused_without_its_payload(served: mlflow.pyfunc.PyFuncModel, rows: Any):
    with pytest.raises(MlflowException) as caught:
        served.predict(rows)
    assert "'image'" in caught.value.message or '"image"' in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.get_http_status_code() == 400


def test_the_package_holds_the_code_and_the_model_and_nothing_compiled(packed: Path, packed_files: list[Path]):
    assert packed / "code" / "maskmill" / "serving" / "model.py" in packed_files
    assert packed / "artifacts" / "model.keras" in packed_files
    assert not [path for path in packed_files if path.suffix in (".pkl", ".pickle", ".pyc")]


def test_the_pinned_requirements_are_all_that_serving_imports():
    source = PACKAGE.parent
    distributions = {"cv2": "opencv-python-headless", "PIL": "pillow", "keras_hub": "keras-hub"}
    waiting, seen, needed = [PACKAGE / "serving" / "model.py"], set(), set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in getattr(node, "names", [])]
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for name in names:
                if name.partition(".")[0] != "maskmill":
                    needed.add(name.partition(".")[0])
                    continue
                inner = [f"{name}.{a.name}" for a in node.names] if isinstance(node, ast.ImportFrom) else []
                places = [source.joinpath(*module.split(".")) for module in (name, *inner)]
                files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.exists()]
                waiting += [file for file in files if file not in seen]
    needed = {distributions.get(name, name) for name in needed - sys.stdlib_module_names}
    pinned = {line.partition("==")[0] for line in pin_requirements()}
    assert {"keras", "numpy", "mlflow", "tensorflow"} <= needed
    assert needed == pinned


@pytest.fixture
def served_port(model_file: Path, tmp_path: Path) -> Iterator[int]:
    """A real store with a registered candidate, and MLflow's own server on it."""
    from maskmill.registry.tracking import connect
    from maskmill.registry.versions import register_version

    tracker = connect(f"sqlite:///{tmp_path}/mlflow.db", "maskmill")
    register_version(
        tracker,
        tracker.start_run("train", tags={}),
        partial(pack_model, model_file),
        name="maskmill",
        metrics={"dice": 0.5, "iou": 0.4, "accuracy": 0.6, "split": "test", "classes": {}},
        run={"device": {"kind": "cpu", "name": "a CPU"}, "git_commit": None},
        validated=True,
        test_manifest="m",
        data_name="toy",
        data_hash="d",
        require_gpu=True,
        floor=0.0,
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": tracker.uri,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["mlflow", "models", "serve", "-m", "models:/maskmill@candidate", "--env-manager", "local", "-p", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_up(port, server, tmp_path / "server.log")
        yield port
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait_until_up(port: int, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return
        except OSError:
            time.sleep(1)
    pytest.fail(log.read_text())


def _post(port: int, body: str) -> tuple[int, str]:
    address = f"http://127.0.0.1:{port}/invocations"
    question = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(question, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.slow
def test_mlflow_serves_the_candidate_and_the_printed_curl_works(served_port: int, model_file: Path, tmp_path: Path):
    from maskmill.serving.request import curl_command

    picture = tmp_path / "photo.png"
    large = np.random.default_rng(3).integers(0, 256, (300, 410, 3), dtype=np.uint8)
    picture.write_bytes(encode_picture(large))
    done = subprocess.run(
        ["sh", "-c", curl_command(picture, served_port)], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = Predictor(*load_model(model_file)).mask(large)
    with Image.open(tmp_path / "mask.png") as mask:
        assert np.array_equal(np.asarray(mask), expected)
    assert json.loads(done.stdout)["bright"]["pixels"] == (expected == 1).sum()

    body = json.dumps({"inputs": {"image": ask(PHOTO)["image"].tolist()}})
    status, text = _post(served_port, body)
    assert status == 200
    assert json.loads(text)["predictions"][0]["model_version"] == "1"

    for bad in ({"inputs": {"image": ["@secret@"]}}, {"inputs": {"picture": ["secret"]}}, {"inputs": {"image": ["c2VjcmV0"]}}):
        status, text = _post(served_port, json.dumps(bad))
        assert status == 400
        assert "secret" not in text
        assert "c2VjcmV0" not in text
        assert "image" in json.loads(text)["message"]
