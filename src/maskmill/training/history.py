"""A finished training in small files, for DVC's metrics and plots."""

import json
from pathlib import Path

import pandas as pd

from maskmill.outputs import new_folder
from maskmill.training.checkpoints import Row, find_best


def write_history(folder: Path, history: list[Row], *, monitor: str) -> None:
    """Write history.csv (a row an epoch) and metrics.json (the best epoch's row) to a folder that is made anew.

    Args:
        folder: results/train.
        history: a row an epoch.
        monitor: the column that decides which epoch is best.
    """
    best = history[find_best(history, monitor)]
    with new_folder(folder) as temporary:
        pd.DataFrame(history).to_csv(temporary / "history.csv", index=False, float_format="%.6g")
        rounded = {name: round(value, 6) for name, value in best.items() if name != "epoch"}
        metrics = {"best_epoch": int(best["epoch"]), "epochs": len(history), **rounded}
        (temporary / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
