"""What every architecture must do, whatever is in it."""

import json
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest

from maskmill.metrics import confusion_matrix, headline_dice
from maskmill.models import BUILDERS, build_model
from maskmill.models.archive import load_model, save_model
from maskmill.models.build import settings_of
from maskmill.train_sections import Architecture, TrainParams
from maskmill.training.losses import WeightedSum

# The settings that an architecture usually has, and what it takes to learn four small pictures by heart: steps, learning rate.
USUAL: dict[str, tuple[str, dict[str, Any], int, float]] = {
    "unet": ("unet", {"backbone": None, "base_filters": 8, "depth": 4}, 60, 0.01),
    "unet-elu": (
        "unet",
        {"backbone": None, "base_filters": 8, "depth": 5, "activation": "elu", "upsampling": "bilinear", "input_noise": 0.1},
        80,
        0.01,
    ),
    "unet-relu": ("unet", {"backbone": None, "base_filters": 8, "depth": 6, "norm": "none", "dropout": 0.1}, 400, 0.002),
    "unet-resnet18": ("unet", {"backbone": "resnet18"}, 60, 0.002),
    "xception_unet": ("xception_unet", {}, 120, 0.005),
    "segnet": ("segnet", {}, 100, 0.002),
    "segnet_basic": ("segnet_basic", {}, 150, 0.002),
    "fcn": ("fcn", {"backbone": "vgg16", "fcn_stride": 8, "base_filters": 4}, 200, 0.0005),
    "dynamic_unet": ("dynamic_unet", {"backbone": "resnet18", "self_attention": True}, 60, 0.002),
    "deeplabv3plus": ("deeplabv3plus", {"backbone": "resnet18"}, 120, 0.002),
    "segformer": ("segformer", {"backbone": "mit_b0"}, 100, 0.002),
}
CASES = [name for name, (architecture, *_) in USUAL.items() if architecture in BUILDERS]
DESCRIPTION = {
    "classes": [{"id": k, "name": str(k), "colour": [k, k, k]} for k in range(3)],
    "channels": 3,
    "scale": {"policy": "fit", "image_size": [97, 131], "factor": 1.0, "overlap": 0.25},
}


def build(case: str, **changes: Any) -> keras.Model:
    architecture, settings, *_ = USUAL[case]
    return build_model(architecture, **{"channels": 3, "num_classes": 3, **settings, **changes})


def draw_pictures(count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of noisy ground with a disk of class 1 and a bar of class 2: uint8 (N, H, W, 3), uint8 (N, H, W)."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    pictures = rng.integers(60, 140, (count, height, width, 3)).astype(np.uint8)
    masks = np.zeros((count, height, width), np.uint8)
    for picture, mask in zip(pictures, masks, strict=True):
        top, left = rng.uniform(0.3, 0.7, 2) * (height, width)
        mask[(rows - top) ** 2 + (columns - left) ** 2 < (height / 5) ** 2] = 1
        start = int(rng.uniform(0.0, 0.7) * width)
        mask[:, start : start + width // 6][mask[:, start : start + width // 6] == 0] = 2
        picture[mask == 1] = (200, 80, 60)
        picture[mask == 2] = (40, 90, 210)
    masks[:, 0, 0] = 255
    return pictures, masks


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(case: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    return build(case)


def test_settings_name_every_architecture() -> None:
    assert set(get_args(Architecture)) == set(BUILDERS) == {architecture for architecture, *_ in USUAL.values()}


@pytest.mark.parametrize("architecture", BUILDERS)
def test_what_a_builder_takes_are_train_settings(architecture: str) -> None:
    assert set(settings_of(architecture)) <= set(TrainParams.model_fields)


@pytest.mark.parametrize(("height", "width"), [(97, 131), (256, 256)])
def test_logits_are_as_large_as_the_picture(model: keras.Model, height: int, width: int) -> None:
    logits = model(draw_pictures(1, height, width)[0])
    assert tuple(logits.shape) == (1, height, width, 3)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()


def test_any_number_of_bands(case: str) -> None:
    assert build(case, channels=5).input_shape == (None, None, None, 5)


def test_a_second_build_has_the_same_configuration(case: str, model: keras.Model) -> None:
    """Names counted up through the process would make two files of the same weights differ."""
    assert json.dumps(keras.saving.serialize_keras_object(build(case))) == json.dumps(keras.saving.serialize_keras_object(model))


def test_a_file_answers_as_the_model_does(case: str, model: keras.Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.keras", DESCRIPTION)
    again, _ = load_model(tmp_path / "model.keras")
    picture = draw_pictures(1, 64, 96)[0]
    assert np.array_equal(keras.ops.convert_to_numpy(again(picture)), keras.ops.convert_to_numpy(model(picture)))


def test_gradient_reaches_every_trainable_weight(case: str) -> None:
    keras.utils.set_random_seed(2)
    model = build(case)
    for weight in model.trainable_weights:
        if "attention" in weight.path and "gamma" in weight.path and weight.shape == ():
            weight.assign(0.5)  # it starts at 0, which lets nothing through
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), WeightedSum({"cross_entropy": 1.0}), jit_compile=False)
    model.train_on_batch(*draw_pictures(2, 64, 96))
    names = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    # A bias of the keys adds the same to every score of a query, which softmax takes away again.
    assert [name for name in names if "attention/key/bias" not in name] == []


def test_bfloat16_trains(case: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        keras.utils.set_random_seed(3)
        model = build(case)
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(keras.optimizers.AdamW(1e-3), WeightedSum({"cross_entropy": 1.0}), jit_compile=False)
    pictures, masks = draw_pictures(2, 64, 96)
    losses = [float(model.train_on_batch(pictures, masks)) for _ in range(4)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert keras.backend.standardize_dtype(model(pictures).dtype) == "float32"


@pytest.mark.slow
def test_four_pictures_are_learnt_by_heart(case: str) -> None:
    _, _, steps, rate = USUAL[case]
    keras.utils.set_random_seed(4)
    model = build(case)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=steps * 9 // 10, warmup_target=rate, warmup_steps=steps // 10
    )
    model.compile(keras.optimizers.AdamW(schedule), WeightedSum({"cross_entropy": 1.0, "dice": 1.0}), jit_compile=False)
    pictures, masks = draw_pictures(4, 64, 96)
    for _ in range(steps):
        model.train_on_batch(pictures, masks)
    predicted = model.predict_on_batch(pictures).argmax(axis=-1).astype(np.uint8)
    dice = headline_dice(confusion_matrix(masks, predicted, 3))
    print(f"{case}: dice {dice:.3f} after {steps} steps")
    assert dice > 0.95
