import time
from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models import build_model
from maskmill.models.backbones import build_backbone
from maskmill.models.weights import load_weights

SETTINGS = {
    "channels": 3,
    "num_classes": 2,
    "base_filters": 4,
    "depth": 3,
    "decoder_filters": [8, 8, 4, 4, 4],
    "dropout": 0.0,
}


def test_weights_saved_from_one_model_start_another(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.weights.h5"
    source = build_backbone("resnet18")
    source.save_weights(path)
    model = build_model("unet", backbone="resnet18", weights=str(path), **SETTINGS)
    picture = np.random.default_rng(0).normal(size=(1, 32, 64, 3)).astype(np.float32)
    for expected, found in zip(source(picture), model.get_layer("backbone")(picture), strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(found), keras.ops.convert_to_numpy(expected))


def test_a_file_that_does_not_fit_is_named(tmp_path: Path) -> None:
    wrong, text = tmp_path / "mobile.weights.h5", tmp_path / "text.weights.h5"
    build_backbone("mobilenetv2").save_weights(wrong)
    text.write_text("no weights")
    network = build_backbone("resnet18")
    for path, words in (
        (wrong, "do not fit a resnet18"),
        (text, "do not fit a resnet18"),
        (tmp_path / "absent.weights.h5", "no such file"),
        (tmp_path / "resnet18.pth", "not the name of a weights file"),
        (Path("imagnet"), "not the name of a weights file"),
    ):
        with pytest.raises(ModelError) as caught:
            load_weights(network, "resnet18", str(path))
        assert str(path) in str(caught.value)
        assert words in str(caught.value)
        assert "imagenet, or the path" in str(caught.value)


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv2", "resnet34"])
def test_imagenet_without_network_fails_in_seconds_and_says_what_to_do(backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_backbone(backbone)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there: no network, on any machine
    start = time.monotonic()
    with pytest.raises(ModelError) as caught:
        load_weights(network, backbone, "imagenet")
    assert time.monotonic() - start < 10
    assert "cannot be reached" in str(caught.value)
    assert f"download_weights('{backbone}'" in str(caught.value)
    assert "train.weights to none" in str(caught.value)
