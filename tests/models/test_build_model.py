import inspect
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models import BACKBONES, build_model
from maskmill.models.backbones import build_backbone
from maskmill.models.build import settings_of
from maskmill.models.mit import build_mit
from maskmill.models.plain_unet import build_plain_unet
from maskmill.models.unet import build_unet
from maskmill.params import read_yaml

SMALL = {
    "channels": 3,
    "num_classes": 4,
    "backbone": None,
    "weights": "none",
    "base_filters": 4,
    "depth": 3,
    "decoder_filters": [16, 8, 8, 4, 4],
    "dropout": 0.0,
}
ENCODERS = [None, "resnet18", "mit_b0"]  # all backbones: test_backbones.py


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module", params=ENCODERS, ids=str)
def model(request: pytest.FixtureRequest) -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_model("unet", **{**SMALL, "backbone": request.param})


@pytest.mark.parametrize(("height", "width"), [(37, 53), (64, 32), (1, 5)])
def test_logits_are_as_large_as_the_picture(model: keras.Model, height: int, width: int) -> None:
    logits = model(_pictures(2, height, width, 3))
    assert tuple(logits.shape) == (2, height, width, 4)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()


def test_skips_lie_at_their_strides(model: keras.Model, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["model"]
    if name is None:
        return
    skips = model.get_layer("backbone")(np.zeros((1, 64, 96, 3), np.float32))
    sizes = [tuple(skip.shape[1:3]) for skip in skips]
    assert sizes == [(64 // stride, 96 // stride) for stride in BACKBONES[name].skips]


def test_batch_norms_forget_fast(model: keras.Model) -> None:
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.9}


def test_a_second_build_has_the_same_configuration(model: keras.Model, request: pytest.FixtureRequest) -> None:
    """Names counted up through the process would make two files of the same weights differ."""
    second = build_model("unet", **{**SMALL, "backbone": request.node.callspec.params["model"]})
    assert json.dumps(keras.saving.serialize_keras_object(second)) == json.dumps(keras.saving.serialize_keras_object(model))


def test_gradient_reaches_every_trainable_weight(model: keras.Model) -> None:
    rng = np.random.default_rng(2)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    # A loss of several terms, so that no gradient cancels: random targets of every class.
    model.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.train_on_batch(_pictures(2, 64, 96, 3), rng.integers(0, 4, (2, 64, 96)))
    names = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    # A bias of the keys adds the same to every score of a query, which softmax takes away again.
    assert [name for name in names if "attention/key/bias" not in name] == []


FAMILIES = ["resnet18", "efficientnetv2_b0", "mobilenetv2", "cspdarknet53", "mit_b0"]


@pytest.mark.parametrize(("backbone", "channels"), [(None, 1), (None, 8), ("mobilenetv2", 1), *((name, 5) for name in FAMILIES)])
def test_any_number_of_bands(backbone: str | None, channels: int) -> None:
    model = build_model("unet", **{**SMALL, "backbone": backbone, "channels": channels, "decoder_filters": [8, 4, 4]})
    picture = _pictures(1, 37, 53, channels)
    logits = keras.ops.convert_to_numpy(model(picture))
    assert logits.shape == (1, 37, 53, 4)
    picture[..., -1] = 255 - picture[..., -1]
    assert not np.allclose(keras.ops.convert_to_numpy(model(picture)), logits)  # the last band is seen


def test_adapter_shows_the_backbone_the_mean_of_the_bands() -> None:
    model = build_model("unet", **{**SMALL, "backbone": "mobilenetv2", "channels": 2})
    picture = np.full((1, 32, 32, 2), 255, np.uint8)
    picture[..., 1] = 0
    scaled = keras.Model(model.input, model.get_layer("scale").output)(picture)
    assert np.allclose(keras.ops.convert_to_numpy(scaled), 0.0)  # the mean of 1 and 0, in -1..1


def test_weights_trained_on_three_bands_serve_five(tmp_path: Path) -> None:
    path = tmp_path / "mobile.weights.h5"
    build_backbone("mobilenetv2").save_weights(path)
    settings = {**SMALL, "backbone": "mobilenetv2", "weights": str(path)}
    three, five = (build_model("unet", **{**settings, "channels": channels}) for channels in (3, 5))
    grey = np.repeat(_pictures(1, 32, 64, 1), 5, axis=3)  # what all bands agree on looks to it as a grey picture in RGB
    seen, expected = (
        model.get_layer("backbone")(keras.Model(model.input, model.get_layer("scale").output)(picture))
        for model, picture in ((five, grey), (three, grey[..., :3]))
    )
    for one, other in zip(seen, expected, strict=True):
        assert np.allclose(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other), atol=1e-4)


def test_imagenet_scaling_of_three_bands() -> None:
    model = build_model("unet", **{**SMALL, "backbone": "resnet18"})
    scaled = keras.Model(model.input, model.get_layer("scale").output)(np.full((1, 32, 32, 3), 255, np.uint8))
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert np.allclose(keras.ops.convert_to_numpy(scaled)[0, 7, 9], expected, atol=1e-5)


def test_plain_unet_has_the_parameters_worked_out_by_hand() -> None:
    def block(inputs: int, filters: int) -> int:  # two convolutions without bias, each with a norm's scale and shift
        return 9 * inputs * filters + 9 * filters * filters + 4 * filters

    encoder = block(3, 4) + block(4, 8)
    decoder = (4 * 16 * 8 + 8) + block(16, 8) + (4 * 8 * 4 + 4) + block(8, 4)
    head = 4 * 4 + 4
    expected = encoder + block(8, 16) + decoder + head
    model = build_model("unet", **SMALL)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == expected


@pytest.mark.parametrize(("backbone", "peer"), [("resnet18", 14_328_354), ("resnet34", 24_436_514)])
def test_unet_on_a_resnet_has_as_many_parameters_as_the_peers(backbone: str, peer: int) -> None:
    """The peer: segmentation_models.pytorch's Unet for 2 classes."""
    model = build_model("unet", **{**SMALL, "backbone": backbone, "num_classes": 2, "decoder_filters": [256, 128, 64, 32, 16]})
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == pytest.approx(peer, rel=0.001)


def test_levels_poolings_and_filters_follow_the_settings() -> None:
    model = build_model("unet", **{**SMALL, "depth": 6, "base_filters": 2})
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers) == 5
    assert model.get_layer("bottleneck_2_conv").filters == 2 * 32


def test_every_setting_reaches_the_plain_unet() -> None:
    changed = {
        "base_filters": 3,
        "depth": 4,
        "dropout": [0.1, 0.2, 0.3, 0.4],
        "activation": "elu",
        "norm": "none",
        "initializer": "he_uniform",
        "upsampling": "bilinear",
        "input_noise": 0.3,
    }
    assert set(changed) == set(inspect.signature(build_plain_unet).parameters) - {"channels", "num_classes"}
    ours, plain = build_model("unet", **{**SMALL, **changed}), build_plain_unet(channels=3, num_classes=4, **changed)
    assert json.dumps(keras.saving.serialize_keras_object(ours)) == json.dumps(keras.saving.serialize_keras_object(plain))


def test_defaults_are_those_of_the_settings() -> None:
    settings = read_yaml(Path(__file__).parents[2] / "presets" / "default.yaml")["train"]
    parameters = inspect.signature(build_unet).parameters
    defaults = {name: parameters[name].default for name in settings_of("unet")}
    assert {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()} == {
        name: settings[name] for name in defaults
    }


def test_fewer_decoder_stages_leave_the_last_stages_of_the_backbone_out() -> None:
    model = build_model("unet", **{**SMALL, "backbone": "resnet18", "decoder_filters": [16, 8, 4]})
    names = [layer.name for layer in model.get_layer("backbone").layers]
    assert "stack1_block1_out" in names
    assert not [name for name in names if name.startswith(("stack2", "stack3"))]
    assert model(_pictures(1, 37, 53, 3)).shape == (1, 37, 53, 4)


def test_dropout_acts_only_in_training() -> None:
    model = build_model("unet", **{**SMALL, "dropout": 0.5})
    picture = _pictures(1, 16, 16, 3)
    quiet, again = (keras.ops.convert_to_numpy(model(picture, training=False)) for _ in range(2))
    assert np.array_equal(quiet, again)
    noisy, other = (keras.ops.convert_to_numpy(model(picture, training=True)) for _ in range(2))
    assert not np.array_equal(noisy, other)


@pytest.mark.parametrize(
    ("backbone", "policy"), [(None, "mixed_float16"), ("mit_b0", "mixed_bfloat16"), ("mobilenetv2", "mixed_bfloat16")]
)
def test_logits_stay_float32_in_mixed_precision(backbone: str | None, policy: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model("unet", **{**SMALL, "backbone": backbone})
    finally:
        keras.config.set_dtype_policy(before)
    logits = model(_pictures(1, 37, 53, 3))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert model.get_layer("decoder1_1_conv").compute_dtype == policy.removeprefix("mixed_")
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()


def test_mix_transformer_equals_the_librarys_on_square_pictures() -> None:
    import keras_hub

    library = keras_hub.models.MiTBackbone(
        layerwise_depths=[2, 2, 2, 2],
        num_layers=4,
        layerwise_num_heads=[1, 2, 5, 8],
        layerwise_sr_ratios=[8, 4, 2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        hidden_dims=[32, 64, 160, 256],
        image_shape=(64, 64, 3),
    )
    ours = build_mit()
    rng = np.random.default_rng(3)
    weights = [rng.normal(0, 0.1, weight.shape) for weight in library.get_weights()]
    library.set_weights(weights)
    ours.set_weights(weights)
    picture = rng.normal(size=(1, 64, 64, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(library(picture))
    assert expected.std() > 0.01
    assert np.allclose(keras.ops.convert_to_numpy(ours(picture)), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "changes", "words"),
    [
        ("unett", {}, ["'unett'", "did you mean unet?"]),
        ("unet", {"backbone": "resnet81"}, ["'resnet81'", "did you mean resnet18?", "mit_b0"]),
        ("unet", {"backbone": "resnet18", "decoder_filters": [8] * 6}, ["6 stages", "3 to 5"]),
        ("unet", {"weights": "imagenet"}, ["weights imagenet", "plain U-Net"]),
        (
            "unet",
            {"backbone": "resnet18", "dropout": [0.1] * 5},
            ["dropout [0.1,", "resnet18", "one fraction", "train.backbone to null"],
        ),
    ],
)
def test_settings_that_cannot_be_are_named(architecture: str, changes: dict, words: list[str]) -> None:
    with pytest.raises(ModelError) as caught:
        build_model(architecture, **{**SMALL, **changes})
    assert all(word in str(caught.value) for word in words)
