"""What the served model is asked and what it answers: a base64 picture in, a base64 mask and the classes' areas out.

Masks of exclusive classes are ids (8-bit palette PNG), those of overlapping ones a bit a class (16-bit grey PNG).
"""

import base64
import binascii
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array, Map, Object, Property
from numpy.typing import NDArray

from maskmill.errors import DataError
from maskmill.labels.bits import LabelMask, name_labels
from maskmill.pictures import encode_label_mask, encode_picture, read_picture

COLUMN = "image"
MAX_BYTES = 64 * 2**20  # of the picture's file
MAX_PIXELS = 50_000_000
EXPECTED = "a PNG or JPEG file as base64 text"
MOST_PROBLEMS = 5  # that one refusal names


class RequestError(MlflowException):
    """A request that cannot be answered; MLflow turns it into status 400 with this message."""

    def __init__(self, message: str) -> None:
        self._message = message
        super().__init__(message, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """The message as it was first."""
        return self._message

    @message.setter
    def message(self, value: str) -> None:
        """Stay as it is: MLflow's server would put the whole payload in front."""


def find_reading(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a model's pictures are to be read, the `bands` and `stretch` of `read_request`, from its description."""
    reading = description.get("reading") or {}
    return {name: None if reading.get(name) is None else tuple(reading[name]) for name in ("bands", "stretch")}


def read_request(
    rows: Any, *, bands: Sequence[int] | None = None, stretch: tuple[float, float] | None = None
) -> list[NDArray[np.uint8]]:
    """Decode the pictures of a request.

    Args:
        rows: a table with the text column `image`, one base64 picture a row; the text may begin as a data URL.
        bands: 1-based numbers of the bands that the model takes; None: all.
        stretch: percentiles that become 0 and 255 where values have more than 8 bits; None: the high byte.

    Returns:
        uint8 (H, W, C) a row, upright: 1 channel for grey, 3 for RGB, as many as `bands` or the raster itself has.

    Raises:
        RequestError: something cannot be used; rows are named by number, never by content.
    """
    if not isinstance(rows, pd.DataFrame) or COLUMN not in rows.columns:
        raise RequestError(f'the request has no column "{COLUMN}"; expected {{"inputs": {{"{COLUMN}": [...]}}}}, each {EXPECTED}')
    if rows.empty:
        raise RequestError(f"the request has no rows; expected at least one, each {EXPECTED}")
    pictures, problems = [], []
    for number, value in enumerate(rows[COLUMN]):
        try:
            pictures.append(read_picture(_decode(value), name="it", max_pixels=MAX_PIXELS, bands=bands, stretch=stretch))
        except DataError as error:
            expected = f"; expected {error.expected}" if error.expected else ""
            problems.append(f"row {number}: '{COLUMN}' cannot be used: {error.what}{expected}")
    if problems:
        more = f"; and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
        wanted = f"; the model takes bands {', '.join(map(str, bands))} of a picture" if bands else ""
        raise RequestError("; ".join(problems[:MOST_PROBLEMS]) + more + wanted)
    return pictures


def build_answer(
    label_mask: LabelMask, classes: Mapping[int, tuple[str, tuple[int, int, int]]], model_version: str | None
) -> dict[str, Any]:
    """Put one mask into the answer's form.

    Args:
        label_mask: uint8 (H, W) class ids, or uint16 (H, W) with a bit a class.
        classes: id to name and RGB colour.
        model_version: the registered version that answers, None where it is not known.

    Returns:
        `mask` (base64 PNG: ids with a palette, or 16-bit grey whose bit k is class k), `labels` ("exclusive" or "overlapping",
        which says which), `width`, `height`, `areas` (class name to `pixels` and `percent`, of overlapping classes more than 100
        in all), `classes` (`id`, `name`, `colour` each) and `model_version`.
    """
    palette = np.full((256, 3), 255, np.uint8)
    palette[list(classes)] = [colour for _, colour in classes.values()]
    labels = name_labels(label_mask.dtype)
    pixels = {k: int(np.count_nonzero(label_mask == k if labels == "exclusive" else label_mask >> k & 1)) for k in classes}
    return {
        "mask": base64.b64encode(encode_label_mask(label_mask, palette)).decode(),
        "labels": labels,
        "width": int(label_mask.shape[1]),
        "height": int(label_mask.shape[0]),
        "areas": {
            name: {"pixels": pixels[class_id], "percent": round(100.0 * pixels[class_id] / label_mask.size, 2)}
            for class_id, (name, _) in classes.items()
        },
        "classes": [{"id": class_id, "name": name, "colour": list(colour)} for class_id, (name, colour) in classes.items()],
        "model_version": model_version,
    }


def build_signature() -> ModelSignature:
    """Return the schema of request and answer.

    The column is text: MLflow would take binary columns apart itself, but not in every form of request, and turns what is not
    base64 into nothing without a word. It is declared optional so that `read_request` refuses a request without it: MLflow's
    own refusal repeats the whole payload.
    """
    area = Object([Property("pixels", DataType.long), Property("percent", DataType.double)])
    colour = Array(DataType.long)
    class_entry = Object([Property("id", DataType.long), Property("name", DataType.string), Property("colour", colour)])
    answer = [
        ColSpec(DataType.string, "mask"),
        ColSpec(DataType.string, "labels"),
        ColSpec(DataType.long, "width"),
        ColSpec(DataType.long, "height"),
        ColSpec(Map(area), "areas"),
        ColSpec(Array(class_entry), "classes"),
        ColSpec(DataType.string, "model_version", required=False),
    ]
    return ModelSignature(inputs=Schema([ColSpec(DataType.string, COLUMN, required=False)]), outputs=Schema(answer))


def build_example(channels: int, bands: Sequence[int] | None = None, *, height: int = 48, width: int = 64) -> pd.DataFrame:
    """Return a small request that a model can answer: one row, a grey ramp as PNG, or as a TIFF of all its bands.

    Args:
        channels: what the model takes.
        bands: the numbers of those bands in the pictures it is asked about; None: they are all.
        height, width: in pixels.
    """
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    num_bands = max(bands) if bands else 1 if channels in (1, 3) else channels
    picture = np.broadcast_to(ramp[:, np.newaxis], (height, width, num_bands))
    return pd.DataFrame({COLUMN: [base64.b64encode(encode_picture(np.ascontiguousarray(picture))).decode()]})


def curl_command(picture_path: Path, port: int) -> str:
    """Return a shell line that asks the server at `port` for a picture's mask, writes it to mask.png and prints the areas.

    It works in sh and bash; the picture goes through a pipe, as one argument may hold no more than 128 KiB.
    """
    program = (
        "import base64, json, sys; "
        "answer = json.load(sys.stdin); "
        'found = answer.get("predictions") or sys.exit(str(answer.get("message", answer))); '
        'open("mask.png", "wb").write(base64.b64decode(found[0]["mask"])); '
        'print(json.dumps(found[0]["areas"], indent=1))'
    )
    return (
        f"""(printf '{{"inputs": {{"{COLUMN}": ["'; base64 < {shlex.quote(str(picture_path))} | tr -d '\\n'; printf '"]}}}}')"""
        " | curl -sS -H 'Content-Type: application/json' --data-binary @-"
        f" http://127.0.0.1:{port}/invocations | python3 -c '{program}'"
    )


def _decode(value: Any) -> bytes:
    """Return the bytes behind base64 text; raise DataError for what is none."""
    if not isinstance(value, str) or not value.strip():
        raise DataError("it is empty" if value is None or value == "" else "it is not text", expected=EXPECTED)
    if len(value) > MAX_BYTES * 4 // 3 + 1024:
        raise DataError(f"it has {len(value) * 3 // 4:,} bytes", expected=f"at most {MAX_BYTES:,}")
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # `base64` breaks lines unless told otherwise
    except (binascii.Error, ValueError):
        raise DataError("it is not base64", expected=EXPECTED) from None
