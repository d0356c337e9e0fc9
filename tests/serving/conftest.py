from pathlib import Path

import numpy as np
import pytest

CLASSES = [{"id": 0, "name": "dark", "colour": [10, 20, 30]}, {"id": 1, "name": "bright", "colour": [250, 240, 230]}]


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of a tiny real U-Net with random weights."""
    from maskmill.models import build_model
    from maskmill.models.archive import save_model

    model = build_model(
        "unet", channels=3, num_classes=2, backbone=None, weights="none", base_filters=2, depth=2, decoder_filters=(2,), dropout=0.0
    )
    rng = np.random.default_rng(0)
    for weight in model.weights:
        values = rng.normal(size=weight.shape)
        weight.assign(np.abs(values) if "variance" in weight.path else values)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    scale = {"policy": "fit", "image_size": [32, 48], "factor": 1.0, "overlap": 0.25}
    save_model(model, path, {"scale": scale, "classes": CLASSES, "channels": 3, "architecture": "unet", "backbone": None})
    return path


@pytest.fixture(scope="session")
def overlapping_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of two overlapping classes, each where one of a raster's bands 4 and 2 is over 128."""
    import keras

    from maskmill.models.archive import save_model

    picture = keras.Input((None, None, 2), dtype="uint8")
    model = keras.Model(picture, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1.0)(picture)))
    model.layers[-1].set_weights([np.eye(2, dtype=np.float32).reshape(1, 1, 2, 2), np.full(2, -128.0, np.float32)])
    path = tmp_path_factory.mktemp("overlapping") / "model.keras"
    scale = {"policy": "native", "image_size": [32, 48], "factor": 1.0, "overlap": 0.25}
    reading = {"bands": [4, 2], "stretch": [0.0, 100.0]}
    save_model(model, path, {"scale": scale, "classes": CLASSES, "channels": 2, "labels": "overlapping", "reading": reading})
    return path
