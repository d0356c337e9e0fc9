"""The model card: what a version is, in the few lines that its page in the registry shows."""

import math
from collections.abc import Mapping
from typing import Any


def describe_model(
    *, data_name: str, metrics: Mapping[str, Any], tags: Mapping[str, Any], model: Mapping[str, Any] | None = None
) -> str:
    """Write a version's description in Markdown.

    Args:
        data_name: what people call the data.
        metrics: what metrics.json holds: `dice`, `iou`, `accuracy`, `split`, `classes` (name to `dice` and `iou`),
            where a pixel may have several classes `labels`: "overlapping", and `precision`, `true_positive_rate` and
            `boundary_f1` with `boundary_tolerance`, which earlier releases did not have.
        tags: the version's tags: device, commit, data hash, DVC experiment.
        model: `name` (architecture and backbone), `parameters`, `head`, and `thresholds` of the head by class; None where unknown.
    """
    kind = "classes, which may overlap" if metrics.get("labels") == "overlapping" else "classes"
    split = metrics.get("split", "test")
    lines = [
        f"Segmentation of {data_name}, {len(metrics.get('classes', {}))} {kind}.",
        *([_describe_network(model)] if model else []),
        "",
        f"On the {split} part: dice {_figure(metrics.get('dice'))}, IoU {_figure(metrics.get('iou'))}, "
        f"accuracy {_figure(metrics.get('accuracy'))}{_describe_further(metrics)}.",
        "",
        "| class | dice | IoU |",
        "| --- | --- | --- |",
    ]
    for name, figures in metrics.get("classes", {}).items():
        lines.append(f"| {name} | {_figure(figures.get('dice'))} | {_figure(figures.get('iou'))} |")
    lines += [
        "",
        f"Trained on {tags['maskmill.device_name']} ({tags['maskmill.device_kind']}).",
        f"Code: commit {tags.get('maskmill.git_commit') or 'unknown'}. Data: {tags['maskmill.data_hash']}.",
    ]
    if tags.get("maskmill.dvc_exp"):
        lines.append(f"DVC experiment: {tags['maskmill.dvc_exp']}.")
    return "\n".join(lines)


def _describe_network(model: Mapping[str, Any]) -> str:
    thresholds = ", ".join(f"{name} above {value:.3g}" for name, value in model["thresholds"].items())
    head = f"{model['head']} ({thresholds})" if thresholds else model["head"]
    return f"Model: {model['name']}, {model['parameters']:,} parameters, head {head}."


def _describe_further(metrics: Mapping[str, Any]) -> str:
    if "boundary_f1" not in metrics:
        return ""
    return (
        f", precision {_figure(metrics['precision'])}, true-positive rate {_figure(metrics['true_positive_rate'])}, "
        f"boundary F1 {_figure(metrics['boundary_f1'])} within {metrics['boundary_tolerance']} pixels"
    )


def _figure(value: float | None) -> str:
    """Show a figure with four digits; a class that is absent from the split (None or NaN) has none."""
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"
