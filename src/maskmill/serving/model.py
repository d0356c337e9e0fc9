"""The model that MLflow serves: a script that MLflow runs to get the object that answers (models-from-code, no pickle)."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from maskmill.errors import DataError
from maskmill.serving.request import RequestError, build_answer, find_reading, read_request

MODEL_ARTIFACT = "model"  # name of the .keras file among the artifacts
VERSION_FILE = "registered_model_meta"  # MLflow writes it beside a model that it takes from the registry


class ServedModel(PythonModel):
    """Answers pictures with masks, through the same function that evaluated the model; safe to call from many threads."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model once, when the server starts."""
        from maskmill.evaluation.inference import Predictor
        from maskmill.models.archive import load_model

        path = Path(context.artifacts[MODEL_ARTIFACT])
        model, description = load_model(path)
        self._predictor = Predictor(model, description)
        classes = sorted(description["classes"], key=lambda entry: entry["id"])
        self._classes = {entry["id"]: (entry["name"], tuple(entry["colour"])) for entry in classes}
        self._reading = find_reading(description)
        self._version = _find_version(path.parent)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Answer a request: one row in, one row out (see maskmill.serving.request)."""
        pictures = read_request(model_input, **self._reading)
        try:
            return [build_answer(self._predictor.mask(picture), self._classes, self._version) for picture in pictures]
        except DataError as error:
            raise RequestError(f"the model cannot take this picture: {error.what}; expected {error.expected}") from None


def _find_version(folder: Path) -> str | None:
    for candidate in (folder / VERSION_FILE, folder.parent / VERSION_FILE):
        if candidate.exists():
            lines = dict(line.split(": ", 1) for line in candidate.read_text().splitlines() if ": " in line)
            return lines.get("model_version", "").strip("'\"") or None
    return None


set_model(ServedModel())
