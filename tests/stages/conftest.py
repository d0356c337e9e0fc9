"""What the training stages read, made small."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"backbone": None, "base_filters": 4, "depth": 2, "epochs": 2, "batch_size": 2, "learning_rate": 0.02}


@pytest.fixture
def training_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_encoded: Callable) -> Callable[..., Path]:
    """Write params.yaml with these settings of train and tune, and what the stages before tune leave; return the folder.

    Four training and two validation pictures, 16 x 24, of class b where green exceeds red.
    """

    def write(train: dict[str, Any], tune: dict[str, Any]) -> Path:
        params = YAML(typ="safe").load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
        params["train"] |= SMALL | train
        params["tune"] |= {"trials": 0} | tune
        params["classes"] = [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]
        params["augment"] |= {"recipe": "flips", "recipes": {"flips": {"transforms": [{"name": "HorizontalFlip"}]}}}
        with (tmp_path / "params.yaml").open("w", encoding="utf-8") as stream:
            YAML().dump(params, stream)
        generator = np.random.default_rng(0)
        images = np.repeat(np.repeat(generator.integers(0, 256, (6, 4, 6, 3), np.uint8), 4, axis=1), 4, axis=2)
        masks = (images[..., 1] > images[..., 0]).astype(np.uint8)
        parts = ["train"] * 4 + ["val"] * 2
        write_encoded({f"s{row}": (part, images[row], masks[row]) for row, part in enumerate(parts)})
        for part, rows in (("train", slice(0, 4)), ("val", slice(4, 6))):
            folder = tmp_path / "build" / "arrays" / part
            folder.mkdir(parents=True)
            np.save(folder / "images.npy", images[rows])
            np.save(folder / "masks.npy", masks[rows])
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(ROOT / "stages")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
        monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
        return tmp_path

    return write
