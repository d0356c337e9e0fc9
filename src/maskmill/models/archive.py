"""The model file: a `.keras` archive that also says how to use the model, byte-identical for identical weights."""

import json
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from maskmill.errors import ModelError
from maskmill.models import build  # noqa: F401  importing every architecture registers every layer that files refer to
from maskmill.outputs import new_file

# What a description says. 3: also the head and its thresholds; without them a half decides. 2: also whether the labels overlap
# and how pictures are read; without that, they do not, and as they come. 1: scale, classes, channels.
FORMAT = 3
DESCRIPTION_MEMBER = "maskmill.json"
METADATA_MEMBER = "metadata.json"
DATE_SAVED = "1980-01-01@00:00:00"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold


def save_model(model: keras.Model, path: Path, description: Mapping[str, Any]) -> None:
    """Write a model and its description to one file; what belongs to training (optimizer, loss, random states) is left out.

    Args:
        model: a functional model, compiled or not.
        path: file to write, ending in `.keras`; written whole or not at all.
        description: JSON-able facts that inference needs (scale, classes, channels, ...); `format` is added.

    Raises:
        ModelError: `path` does not end in `.keras`.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ModelError(f"{path}: not the name of a model file", expected="a name that ends in .keras")
    with tempfile.TemporaryDirectory() as folder, new_file(path) as temporary:
        keras_file = Path(folder, "model.keras")
        keras.saving.save_model(_copy_for_inference(model), keras_file)
        _rewrite(keras_file, temporary, {**description, "format": FORMAT})


def load_model(path: Path) -> tuple[keras.Model, dict[str, Any]]:
    """Read a model file; code that the file might carry is never run.

    Args:
        path: a file that `save_model` wrote.

    Returns:
        The uncompiled model, and its description.

    Raises:
        ModelError: the file is absent, no model file, has no description, is newer than this maskmill, or is damaged.
    """
    path = Path(path)
    description = read_description(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Skipping")  # Keras only warns of layers left with random weights
            return keras.saving.load_model(path, compile=False, safe_mode=True), description
    except (ValueError, TypeError, KeyError, OSError, ImportError, UserWarning) as error:
        raise ModelError(
            f"{path}: the model in it cannot be rebuilt: {error}",
            expected=f"a whole file written by maskmill with keras {keras.__version__} or an earlier release of its series",
            fix="write it again with the stage or command that made it",
        ) from error


def read_description(path: Path) -> dict[str, Any]:
    """Read what a model file says of its model, without building the model.

    Args:
        path: a file that `save_model` wrote.

    Returns:
        The description, `format` included.

    Raises:
        ModelError: the file is absent, no model file, has no description, or is newer than this maskmill.
    """
    path = Path(path)
    expected = "a .keras file written by maskmill"
    if not path.is_file():
        raise ModelError(
            f"{path}: there is no such file", expected=expected, fix="run dvc repro train, or dvc pull, or name another file"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            text = archive.read(DESCRIPTION_MEMBER) if DESCRIPTION_MEMBER in names else None
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{path}: not a .keras file: {error}", expected=expected) from error
    if METADATA_MEMBER not in names:
        raise ModelError(f"{path}: not a .keras file: it has no {METADATA_MEMBER}", expected=expected)
    if text is None:
        raise ModelError(
            f"{path}: has no description ({DESCRIPTION_MEMBER}): scale and classes of the model are unknown",
            expected=expected,
            fix="save the model with maskmill.models.archive.save_model",
        )
    return _parse_description(text, path)


def _parse_description(text: bytes, path: Path) -> dict[str, Any]:
    try:
        description = json.loads(text)
        version = int(description["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: {DESCRIPTION_MEMBER} in it is damaged: {error!r}", expected="a JSON object with `format`"
        ) from error
    if version > FORMAT:
        raise ModelError(
            f"{path}: has format {version}, written by a newer maskmill",
            expected=f"format {FORMAT} or lower",
            fix="update maskmill",
        )
    return description


def _copy_for_inference(model: keras.Model) -> keras.Model:
    """Return an uncompiled copy with the same weights, whose random states are zero: they say nothing about the model."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    weights = {id(weight) for weight in copy.weights}
    for variable in copy.variables:
        if id(variable) not in weights:
            variable.assign(np.zeros(variable.shape, variable.dtype))
    return copy


def _rewrite(keras_file: Path, target: Path, description: dict[str, Any]) -> None:
    """Copy a `.keras` archive with fixed dates and in fixed order, and add the description."""
    with zipfile.ZipFile(keras_file) as source:
        members = {name: source.read(name) for name in source.namelist()}
    metadata = json.loads(members[METADATA_MEMBER])
    members[METADATA_MEMBER] = _to_json({**metadata, "date_saved": DATE_SAVED})
    members[DESCRIPTION_MEMBER] = _to_json(description)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, ZIP_TIME)
            member.create_system = 3  # else the file would differ between operating systems
            member.external_attr = 0o644 << 16
            archive.writestr(member, members[name])


def _to_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
