"""A training from its settings, on one of the architectures that users name."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from maskmill.models import build_model
from maskmill.params import read_yaml
from maskmill.training.device import prepare_device
from maskmill.training.optimizers import backbone_of
from maskmill.training.run import find_idle_settings, name_backbone, train_model

DEFAULTS = read_yaml(Path(__file__).parents[2] / "presets" / "default.yaml")["train"]


def test_a_backbone_of_random_weights_is_frozen_with_a_word_of_doubt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator = np.random.default_rng(0)
    for part in ("train", "val"):
        (tmp_path / part).mkdir()
        np.save(tmp_path / part / "images.npy", generator.integers(0, 256, (2, 32, 64, 3), np.uint8))
        np.save(tmp_path / part / "masks.npy", generator.integers(0, 3, (2, 32, 64), np.uint8))
    settings = DEFAULTS | {"backbone": "resnet18", "decoder_filters": [8, 8, 8, 8, 8], "freeze_epochs": 1, "batch_size": 2}
    settings |= {"head": "softmax", "precision": "mixed_bfloat16"}
    before = keras.config.dtype_policy()
    try:
        trained, history = train_model(tmp_path, settings, num_classes=3, class_weights=None, transforms=(), epochs=1)
        prepare_device(seed=settings["seed"], precision=settings["precision"])
        fresh = build_model(**settings, channels=3, num_classes=3)
    finally:
        keras.config.set_dtype_policy(before)
    assert len(history) == 1
    assert "train.freeze_epochs keeps a backbone of random weights as it is" in capsys.readouterr().out
    # Both started from the seed's weights: the backbones still have them, the last layers are an epoch apart.
    started, ended = (backbone_of(model).get_weights() for model in (fresh, trained))
    assert all(np.array_equal(*pair) for pair in zip(started, ended, strict=True))
    assert not np.array_equal(*(model.get_layer("logits").get_weights()[0] for model in (fresh, trained)))


def test_a_backbone_counts_where_the_architecture_takes_one() -> None:
    assert name_backbone(DEFAULTS | {"architecture": "unet", "backbone": "resnet18"}) == "resnet18"
    assert name_backbone(DEFAULTS | {"architecture": "unet", "backbone": None}) is None
    assert name_backbone(DEFAULTS | {"architecture": "xception_unet", "backbone": "resnet18"}) is None


@pytest.mark.parametrize(
    ("changes", "idle"),
    [
        ({}, []),
        ({"activation": "elu", "depth": 4}, ["depth", "activation"]),  # of the plain U-Net; the default has a backbone
        ({"activation": "elu", "depth": 4, "backbone": None}, []),
        ({"backbone": None, "decoder_filters": (8, 8, 8)}, ["decoder_filters"]),
        ({"architecture": "xception_unet", "weights": "imagenet"}, ["weights"]),
        ({"architecture": "segformer", "backbone": "mit_b0", "fcn_stride": 8, "self_attention": True}, ["self_attention"]),
        ({"loss": {"dice": 1.0}, "class_weights": {"a": 2.0}, "label_smoothing": 0.1}, ["class_weights", "label_smoothing"]),
        ({"loss": {"focal": 1.0, "cross_entropy": 0.0}, "class_weights": (2.0, 1.0), "label_smoothing": 0.1}, ["label_smoothing"]),
        ({"threshold": 0.3}, ["threshold"]),
    ],
)
def test_what_is_given_to_no_effect_is_named(changes: dict[str, Any], idle: list[str]) -> None:
    assert find_idle_settings(DEFAULTS | changes, "softmax") == idle


def test_a_threshold_is_of_use_to_a_sigmoid() -> None:
    assert find_idle_settings(DEFAULTS | {"threshold": 0.3}, "sigmoid") == []
