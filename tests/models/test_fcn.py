import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models import build_model
from maskmill.models.bilinear import upsample

SMALL = {"channels": 3, "num_classes": 4, "backbone": "resnet18", "base_filters": 1}
VGG16 = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512), *[(512, 512)] * 5]


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _numpy(values: keras.KerasTensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(values)


def _count(weights: list[keras.Variable]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _upsampling(factor: int, channels: int) -> keras.Model:
    inputs = keras.Input((None, None, channels))
    return keras.Model(inputs, upsample(inputs, factor, "up"))


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_untrained_upsampling_continues_a_ramp(factor: int) -> None:
    """Pixel i of the large map has its centre at (i + 0.5) / factor - 0.5 of the small one: there a ramp has that value."""
    rows, columns = np.mgrid[:5, :7].astype(np.float32)
    ramps = np.stack([rows, columns, 3 * rows - 2 * columns], axis=-1)[None]
    large_rows, large_columns = (np.mgrid[: 5 * factor, : 7 * factor] + 0.5) / factor - 0.5
    expected = np.stack([large_rows, large_columns, 3 * large_rows - 2 * large_columns], axis=-1)[None]
    found = _numpy(_upsampling(factor, 3)(ramps))
    assert found.shape == (1, 5 * factor, 7 * factor, 3)
    inside = slice(factor // 2, -(factor // 2))  # beyond the outermost centres there is nothing to interpolate with
    assert np.allclose(found[:, inside, inside], expected[:, inside, inside], atol=1e-4)


def test_untrained_upsampling_is_bilinear_interpolation() -> None:
    features = np.random.default_rng(1).normal(size=(2, 6, 5, 3)).astype(np.float32)
    expected = _numpy(keras.ops.image.resize(features, (24, 20), interpolation="bilinear"))
    found = _numpy(_upsampling(4, 3)(features))
    assert np.allclose(found[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1e-5)


@pytest.mark.parametrize("fcn_stride", [32, 16, 8])
def test_logits_are_as_large_as_the_picture(fcn_stride: int) -> None:
    model = build_model("fcn", **{**SMALL, "backbone": "vgg16", "fcn_stride": fcn_stride})
    logits = model(_pictures(2, 97, 131, 3))
    assert tuple(logits.shape) == (2, 97, 131, 4)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(_numpy(logits)).all()


@pytest.mark.parametrize(
    ("fcn_stride", "scored", "enlarged"),
    [(32, [32], {"logits": 32}), (16, [32, 16], {"up16": 2, "logits": 16}), (8, [32, 16, 8], {"up16": 2, "up8": 2, "logits": 8})],
)
def test_strides_differ_in_what_is_scored_and_enlarged(fcn_stride: int, scored: list[int], enlarged: dict[str, int]) -> None:
    model = build_model("fcn", **SMALL, fcn_stride=fcn_stride)
    names = [layer.name for layer in model.layers]
    assert sorted(name for name in names if name.startswith("score")) == sorted(f"score{stride}" for stride in scored)
    ups = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert {layer.name: layer.strides[0] for layer in ups} == enlarged
    assert {layer.name: layer.kernel.shape[0] for layer in ups} == {name: 2 * factor for name, factor in enlarged.items()}


def test_scores_are_taken_after_the_poolings_of_vgg16() -> None:
    model = build_model("fcn", **{**SMALL, "backbone": "vgg16"})
    seen = keras.Model(model.input, [model.get_layer(f"score{stride}").input for stride in (8, 16, 32)])(_pictures(1, 64, 96, 3))
    assert [tuple(each.shape) for each in seen] == [(1, 8, 12, 256), (1, 4, 6, 512), (1, 2, 3, 128)]


def test_untrained_scores_are_sums_of_enlarged_ones() -> None:
    model = build_model("fcn", **SMALL, fcn_stride=8)
    scores = [model.get_layer(f"score{stride}").output for stride in (32, 16, 8)]
    coarse, middle, fine, logits = (
        _numpy(each) for each in keras.Model(model.input, [*scores, model.output])(_pictures(1, 256, 160, 3))
    )
    for finer in (middle, fine):
        coarse = finer + _numpy(keras.ops.image.resize(coarse, finer.shape[1:3], interpolation="bilinear"))
    expected = _numpy(keras.ops.image.resize(coarse, (256, 160), interpolation="bilinear"))
    inside = slice(48, -48)  # as far as the fading at the border of each step reaches
    assert np.allclose(logits[:, inside, inside], expected[:, inside, inside], atol=1e-3 * np.abs(expected).max())


def _scores_and_upsampling(features: list[int], classes: int) -> int:
    """Of FCN-8s: 1 x 1 convolutions with a bias, and upsampling 2, 2 and 8 times without."""
    scores = sum(filters * classes + classes for filters in features)
    return scores + (4 * 4 + 4 * 4 + 16 * 16) * classes * classes


def test_parameters_on_vgg16_worked_out_by_hand() -> None:
    convolutions = sum(9 * inputs * outputs + outputs for inputs, outputs in VGG16)
    assert convolutions == 14_714_688
    dense = (7 * 7 * 512 * 128 + 128) + (128 * 128 + 128)
    model = build_model("fcn", **{**SMALL, "backbone": None})
    assert _count(model.trainable_weights) == convolutions + dense + _scores_and_upsampling([128, 512, 256], classes=4)
    # The paper's, 134 million, at the 32 base filters that are the default.
    dense = (7 * 7 * 512 * 4096 + 4096) + (4096 * 4096 + 4096)
    assert convolutions + dense + _scores_and_upsampling([4096, 512, 256], classes=3) == 134_277_737


def test_parameters_on_resnet18_worked_out_by_hand() -> None:
    model = build_model("fcn", **SMALL)
    assert not {"fc6", "fc7"} & {layer.name for layer in model.layers}
    backbone = _count(model.get_layer("backbone").trainable_weights)
    assert _count(model.trainable_weights) == backbone + _scores_and_upsampling([512, 256, 128], classes=4)


def test_dropout_acts_only_in_training() -> None:
    model = build_model("fcn", **SMALL, dropout=0.5)
    quiet, again = (_numpy(model(_pictures(1, 32, 64, 3), training=False)) for _ in range(2))
    assert np.array_equal(quiet, again)
    on_vgg = build_model("fcn", **{**SMALL, "backbone": "vgg16"}, dropout=0.5)
    drops = [layer for layer in on_vgg.layers if isinstance(layer, keras.layers.Dropout)]
    assert [(layer.name, layer.rate) for layer in drops] == [("fc6_dropout", 0.5), ("dropout", 0.5)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fcn_stride": 4}, ["fcn_stride 4", "32, 16, 8"]),
        ({"dropout": [0.1, 0.3]}, ["dropout [0.1, 0.3]", "one fraction"]),
        ({"backbone": "resnet81"}, ["'resnet81'", "did you mean resnet"]),
        ({"weights": "imagnet"}, ["weights imagnet", "of a resnet18 backbone"]),
    ],
)
def test_settings_that_cannot_be_are_named(changes: dict, words: list[str]) -> None:
    with pytest.raises(ModelError) as caught:
        build_model("fcn", **{**SMALL, **changes})
    assert all(word in str(caught.value) for word in words)
