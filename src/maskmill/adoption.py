"""Taking in a model that was trained elsewhere: evaluated, judged and registered here, as if trained here."""

import functools
import json
from pathlib import Path
from typing import Any

from maskmill.errors import RegistryError
from maskmill.evaluation.figures import draw_figures
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.reports import evaluate_part, flatten_metrics, read_samples, write_reports
from maskmill.models.archive import load_model
from maskmill.params import Params
from maskmill.registry.composition import log_composition
from maskmill.registry.folder import register_folder
from maskmill.registry.gate import hash_test_part
from maskmill.registry.lineage import hash_file
from maskmill.registry.tracking import connect
from maskmill.serving.package import pack_model


def adopt_run(folder: Path, params: Params) -> dict[str, Any]:
    """Evaluate a run folder's model on this repository's val and test parts, and register it.

    Args:
        folder: model.keras, params.yaml, history.csv and run.json (with the device) of a training, and contact_sheet.png if
            its record is to have it; the evaluation's tables and pictures are added to it.
        params: the settings in force here.

    Returns:
        What registration.json would hold.

    Raises:
        RegistryError: the folder is unfit, no data is encoded and validated here, or the store does not answer.
    """
    encoded = params.paths.encoded
    statistics = encoded / "statistics.csv"
    validation = params.paths.results / "validate" / "result.json"
    if not statistics.exists() or not validation.exists():
        raise RegistryError(
            f"{statistics} or {validation} does not exist: there is no test part to judge it on", fix="dvc repro validate"
        )

    def evaluate(model_path: Path) -> dict[str, Any]:
        predictor = Predictor(*load_model(model_path), batch_size=params.evaluate.batch_size)
        samples = read_samples(encoded)
        tolerance = params.evaluate.boundary_tolerance
        test, val = (
            evaluate_part(predictor, samples, encoded, split=split, boundary_tolerance=tolerance) for split in ("test", "val")
        )
        draw_figures(predictor, test, encoded, folder / "evaluation" / "figures", pictures=params.evaluate.pictures)
        return write_reports(folder / "evaluation" / "tables", test, val)

    tracker = connect(params.tracking.uri, params.tracking.experiment)
    registration = register_folder(
        folder,
        tracker,
        encoded=encoded,
        evaluate=evaluate,
        write_model=lambda model_path: functools.partial(pack_model, model_path),
        name=params.register_.name,
        validated=True,  # validate leaves its result only when every check passed
        test_manifest=hash_test_part(statistics),
        data_name=params.source.name,
        data_hash=hash_file(statistics),
        require_gpu=params.register_.require_gpu,
        floor=params.register_.floor,
    )
    record = tracker.open_run(registration["run_id"])
    if record is not None:
        record.log_metrics(flatten_metrics(json.loads((folder / "evaluation" / "tables" / "metrics.json").read_text())))
        record.log_artifact(folder / "evaluation" / "tables", "evaluation")
        record.log_artifact(folder / "evaluation" / "figures", "evaluation/figures")
        record.log_artifact(folder / "params.yaml", "lineage")  # with its comments, which say how it was written
        if (folder / "contact_sheet.png").exists():
            record.log_artifact(folder / "contact_sheet.png", "data")
        log_composition(record, encoded)
    return registration
