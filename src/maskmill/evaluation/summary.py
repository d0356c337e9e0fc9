"""What a person reads at the end: the figures by class, where the pictures are, which version it became, and what to run next."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from maskmill.terminal import console, say


def build_table(metrics: Mapping[str, Any]) -> Table:
    """Put dice and IoU of each class, and single figures below, of the validation and the test part, into a table.

    Args:
        metrics: what metrics.json holds; null and NaN alike mean that a class is absent.
    """
    val, split = metrics["val"], metrics["split"]
    table = Table(title=f"val: {val['pictures']} pictures   {split}: {metrics['pictures']} pictures", title_justify="left")
    table.add_column("class")
    for column in ("val dice", "val IoU", f"{split} dice", f"{split} IoU"):
        table.add_column(column, justify="right")
    for name, figures in metrics["classes"].items():
        table.add_row(name, *_row(val["classes"][name], figures))
    overlap = metrics.get("labels") == "overlapping"
    headline = "mean over classes" if overlap or len(metrics["classes"]) > 2 else f"headline: {list(metrics['classes'])[-1]}"
    table.add_section()
    table.add_row(headline, *_row(val, metrics), style="bold")
    singles = {
        "accuracy": "accuracy over pixels and classes" if overlap else "pixel accuracy",
        "precision": "precision",
        "true_positive_rate": "true-positive rate",
        "boundary_f1": f"boundary F1 within {metrics.get('boundary_tolerance')} px",
    }
    for name, title in singles.items():
        if name in metrics:  # figures of an earlier release have accuracy alone
            table.add_row(title, _say_figure(val[name]), "", _say_figure(metrics[name]), "")
    return table


def print_summary(
    metrics: Mapping[str, Any],
    *,
    figures: Path,
    name: str,
    version: str | int,
    alias: str,
    no_champion_because: str | None,
    curl: str,
    port: int = 5001,
    activate: str | None = None,
    store: str | None = None,
) -> None:
    """Print the closing summary of a pipeline.

    Args:
        metrics: what results/evaluate/metrics.json holds.
        figures: folder of the pictures.
        name: the registered model.
        version: the version registered.
        alias: the alias that now points at it, the highest of them.
        no_champion_because: why it is not the champion; None when it is.
        curl: the request to try, as one or more lines of shell.
        port: where the model is to be served.
        activate: the command that a shell needs first, to find mlflow; None where it does.
        store: address of the tracking store; None for the one at the repository's root, which MLflow finds by itself.
    """
    console.print()
    console.print(build_table(metrics))
    say(f"pictures          {figures / 'overview.png'}, and {_count_pictures(figures)} more in {figures}")
    say(f"model             {name} version {version}, alias {alias}")
    if no_champion_because:
        say(f"no new champion   {no_champion_because}")
    say("\nnext:")
    if activate:
        say(f"  {activate}")
    if store:
        say(f"  export MLFLOW_TRACKING_URI={store}")
    say(f"  {_ui_command(store)}")
    say(f"  mlflow models serve -m models:/{name}@{alias} --env-manager local --port {port}")
    say("and, once it is up:")
    say("\n".join(f"  {line}" for line in curl.strip().splitlines()))


def _ui_command(store: str | None) -> str:
    """Return what shows the runs: a command, or the address where a server already does."""
    if store is None:
        return "mlflow ui"
    return f"open {store}" if store.startswith("http") else f"mlflow ui --backend-store-uri {store}"


def _count_pictures(figures: Path) -> int:
    return max(0, len(list(figures.glob("*.png"))) - 1)


def _row(val: Mapping[str, Any], test: Mapping[str, Any]) -> list[str]:
    return [_say_figure(figures[name]) for figures in (val, test) for name in ("dice", "iou")]


def _say_figure(value: float | None) -> str:
    return "absent" if value is None or math.isnan(value) else f"{value:.3f}"
