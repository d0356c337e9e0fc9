"""The thresholds in a model file decide what is served."""

import base64
import io
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
from PIL import Image

from maskmill.evaluation.inference import Predictor
from maskmill.models.archive import load_model, save_model
from maskmill.pictures import encode_picture
from maskmill.serving.package import pack_model


def test_a_threshold_changes_the_served_mask(overlapping_model_file: Path, tmp_path: Path) -> None:
    model, description = load_model(overlapping_model_file)  # logits are the bands' values less 128
    raster = np.random.default_rng(5).integers(0, 256, (45, 70, 5), dtype=np.uint8)
    raster[..., 3] = np.arange(70) % 10 + 122  # logits from -6 to 3 for the first class
    # a probability of 0.02 is a logit of -3.9
    save_model(model, tmp_path / "model.keras", {**description, "head": "sigmoids", "thresholds": [0.02, 0.5]})
    pack_model(tmp_path / "model.keras", tmp_path / "packed")
    served = mlflow.pyfunc.load_model(str(tmp_path / "packed"))
    row = base64.b64encode(encode_picture(raster)).decode()
    (answer,) = served.predict(pd.DataFrame({"image": [row]}))
    with Image.open(io.BytesIO(base64.b64decode(answer["mask"]))) as picture:
        mask = np.asarray(picture)

    at_a_half = Predictor(model, description).mask(raster[..., [3, 1]])
    np.testing.assert_array_equal(mask & 0b01, raster[..., 3] > 124)
    np.testing.assert_array_equal(at_a_half & 0b01, raster[..., 3] > 128)
    np.testing.assert_array_equal(mask & 0b10, at_a_half & 0b10)
    assert answer["areas"]["dark"]["pixels"] == np.count_nonzero(raster[..., 3] > 124)
