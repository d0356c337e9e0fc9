import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import applications

from maskmill.errors import ModelError
from maskmill.models import BACKBONES, build_model
from maskmill.models.backbone_copies import copy_weights
from maskmill.models.backbones import build_backbone
from maskmill.models.blocks import scale_bands
from maskmill.models.hub_backbones import HUB_BACKBONES
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


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv2", "resnet34", "mit_b0"])
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


def _draw_weights(network: keras.Model) -> None:
    """Stand-ins for trained weights: what starts as a constant is drawn, so that it makes a difference."""
    rng = np.random.default_rng(5)
    for weight in network.weights:
        start = keras.ops.convert_to_numpy(weight)
        if start.std() == 0:
            drawn = start + rng.normal(0.0, 0.1, weight.shape)
            weight.assign(np.abs(drawn) if "variance" in weight.path else drawn)


def _keep(pictures: np.ndarray) -> np.ndarray:
    """The networks that scale pictures themselves."""
    return pictures


def _build_library(application: Callable[..., keras.Model]) -> keras.Model:
    network = application(include_top=False, weights=None, input_shape=(None, None, 3))
    _draw_weights(network)
    if application is applications.EfficientNetB0:
        # With ImageNet's weights it divides by the roots of these deviations twice, in two layers: the same as by their squares'.
        mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
        network.layers[2].set_weights([mean, deviation**2, np.array(0)])
    if application is applications.Xception:  # it drops the edges: at no stride would there be a skip
        for name in ("block1_conv1", "block1_conv2"):
            network.get_layer(name).padding = "same"
    return network


@pytest.mark.parametrize(
    ("name", "application", "preprocess"),
    [
        ("vgg16", applications.VGG16, applications.vgg16.preprocess_input),
        ("mobilenetv2", applications.MobileNetV2, applications.mobilenet_v2.preprocess_input),
        ("mobilenetv3_small", applications.MobileNetV3Small, _keep),
        ("convnext_tiny", applications.ConvNeXtTiny, _keep),
        ("efficientnet_b0", applications.EfficientNetB0, _keep),
        pytest.param("efficientnetv2_b0", applications.EfficientNetV2B0, _keep, marks=pytest.mark.slow),
        pytest.param("xception", applications.Xception, applications.xception.preprocess_input, marks=pytest.mark.slow),
    ],
)
def test_weights_of_keras_see_the_picture_that_they_were_trained_on(
    name: str, application: Callable[..., keras.Model], preprocess: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    library = _build_library(application)
    library.save_weights(tmp_path / "library.weights.h5")
    pictures = np.random.default_rng(6).integers(0, 256, (1, 64, 96, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(library(preprocess(pictures.copy())))

    backbone = BACKBONES[name]
    fetch: Any = backbone.fetch
    fetched = fetch.func(*fetch.args[:-1], str(tmp_path / "library.weights.h5"))  # a file in place of a download
    network = build_backbone(name)
    copy_weights(fetched, network)
    found = keras.ops.convert_to_numpy(network(scale_bands(pictures, "scale", backbone.mean, backbone.deviation))[-1])
    assert expected.std() > 0
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.std())


@pytest.mark.slow
def test_scaling_of_the_large_efficientnets_is_that_of_keras() -> None:
    """Of the first skip alone: hundreds of untrained layers make mere rounding visible in the last."""
    library, backbone = _build_library(applications.EfficientNetV2S), BACKBONES["efficientnetv2_s"]
    network = build_backbone("efficientnetv2_s")
    copy_weights(library, network)
    pictures = np.random.default_rng(6).integers(0, 256, (1, 64, 96, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(keras.Model(library.input, library.get_layer(backbone.skips[2]).output)(pictures))
    found = keras.ops.convert_to_numpy(network(scale_bands(pictures, "scale", backbone.mean, backbone.deviation))[0])
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.std())


@pytest.mark.parametrize(
    "name", ["resnet18", *(pytest.param(name, marks=pytest.mark.slow) for name in ("densenet121", "cspdarknet53"))]
)
def test_weights_of_keras_hub_answer_as_in_its_own_network(name: str) -> None:
    library, network = BACKBONES[name].build(), build_backbone(name)
    _draw_weights(library)
    copy_weights(library, network)
    pictures = np.random.default_rng(7).normal(size=(1, 64, 96, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(library(pictures))
    assert expected.std() > 0
    assert np.allclose(keras.ops.convert_to_numpy(network(pictures)[-1]), expected, rtol=1e-3, atol=1e-3 * expected.std())


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        copy_weights(BACKBONES["resnet34"].build(), build_backbone("resnet50"))


def test_presets_are_those_that_keras_hub_has() -> None:
    from keras_hub.models import CSPNetBackbone, DenseNetBackbone, MiTBackbone, ResNetBackbone

    known = {**ResNetBackbone.presets, **DenseNetBackbone.presets, **CSPNetBackbone.presets, **MiTBackbone.presets}
    presets = {name: backbone.fetch.args[0] for name, backbone in HUB_BACKBONES.items()}
    assert {preset for preset in presets.values() if "://" not in preset} <= set(known)
    assert [name for name, preset in presets.items() if "://" in preset] == ["resnet34"]
    assert all(name.split("_")[0].rstrip("0123456789") in preset.replace("_", "") for name, preset in presets.items())
