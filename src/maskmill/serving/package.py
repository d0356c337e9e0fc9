"""Packing a model file into what MLflow serves, and asking the packed model once before anyone else does."""

import logging
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import Model

import maskmill
from maskmill.errors import ModelError
from maskmill.models.archive import read_description
from maskmill.serving.model import MODEL_ARTIFACT
from maskmill.serving.request import build_example, build_signature, find_reading
from maskmill.terminal import working

PACKAGE = Path(maskmill.__file__).parent
# What maskmill.serving.model needs, no more; a backend of choice may replace tensorflow (KERAS_BACKEND=jax).
REQUIREMENTS = (
    "mlflow",
    "keras",
    "keras-hub",
    "tensorflow",
    "numpy",
    "pandas",
    "pillow",
    "opencv-python-headless",
    "rasterio",
    "rich",
)

logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)  # it would announce the example's check, which passes or raises


def pin_requirements() -> list[str]:
    """Return the distributions that serving needs, at the versions that are installed here."""
    return [f"{name}=={version(name)}" for name in REQUIREMENTS]


def pack_model(model_path: Path, folder: Path, entry: Model | None = None) -> None:
    """Write the folder that MLflow serves: the model file, this checkout's package, the script that joins them.

    Args:
        model_path: a .keras file that maskmill.models.archive wrote.
        folder: to write; must not exist.
        entry: MLflow's record of the model, which ends up in the folder's MLmodel file.

    Raises:
        ModelError: the packed model does not answer its own example.
    """
    description = read_description(model_path)
    example = build_example(description["channels"], find_reading(description)["bands"])
    with working("packing the model and asking it once"):
        _save(model_path, folder, entry, example)
        _try_out(folder, example)


def _save(model_path: Path, folder: Path, entry: Model | None, example: Any) -> None:
    mlflow.pyfunc.save_model(
        path=folder,
        python_model=str(PACKAGE / "serving" / "model.py"),
        artifacts={MODEL_ARTIFACT: str(model_path)},
        code_paths=[str(PACKAGE)],
        signature=build_signature(),
        pip_requirements=pin_requirements(),
        input_example=example,
        mlflow_model=entry,
    )


def _try_out(folder: Path, example: Any) -> None:
    answer = mlflow.pyfunc.load_model(str(folder)).predict(example)
    if [(row["height"], row["width"]) for row in answer] != [(48, 64)]:
        raise ModelError(f"the packed model answered its 48 x 64 example with {len(answer)} masks of another size")
    for cache in list(folder.rglob("__pycache__")):  # loading compiled the script, and byte code is no part of a version
        shutil.rmtree(cache)
