"""Evaluate: predict the val and test parts at their own sizes, and leave figures, tables and pictures."""

import json

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.evaluation.figures import draw_figures
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.reports import evaluate_part, flatten_metrics, read_samples, write_reports
from maskmill.evaluation.summary import build_table
from maskmill.labels import read_class_table
from maskmill.models.archive import load_model
from maskmill.params import load_params, read_yaml
from maskmill.registry.composition import log_composition
from maskmill.registry.restore import restore_run
from maskmill.registry.tracking import connect
from maskmill.terminal import console, run_stage, say


def main() -> None:
    params = load_params()
    encoded, results, figures = params.paths.encoded, params.paths.results, params.paths.evaluation / "figures"
    model, description = load_model(params.paths.model)
    predictor = Predictor(model, description, batch_size=params.evaluate.batch_size)
    predictor.check_classes(read_class_table(encoded / "classes.csv").names)
    samples = read_samples(encoded)
    tolerance = params.evaluate.boundary_tolerance
    test, val = (evaluate_part(predictor, samples, encoded, split=split, boundary_tolerance=tolerance) for split in ("test", "val"))
    draw_figures(predictor, test, encoded, figures, pictures=params.evaluate.pictures)
    metrics = write_reports(results / "evaluate", test, val)

    run = json.loads((params.paths.training / "run.json").read_text(encoding="utf-8"))
    tracker = connect(params.tracking.uri, params.tracking.experiment)
    history = results / "train" / "history.csv"
    record = restore_run(tracker, run, params=read_yaml("params.yaml") | {"train": run["train"]}, history=history)
    record.log_metrics(flatten_metrics(metrics))
    record.log_artifact(results / "evaluate", "evaluation")
    record.log_artifact(figures, "evaluation/figures")
    log_composition(record, encoded)
    record.log_artifact(params.paths.contact_sheet, "data")

    console.print(build_table(metrics))
    say(f"pictures: {figures / 'overview.png'} and beside it")


if __name__ == "__main__":
    run_stage(main)
