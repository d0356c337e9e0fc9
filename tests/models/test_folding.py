"""Batch norms worked into convolutions: the same answers, fewer layers."""

import keras
import numpy as np
import pytest
from keras import layers

from maskmill.models import build_model
from maskmill.models.folding import fold_norms
from maskmill.models.norms import FastBatchNormalization


def give_statistics(model: keras.Model) -> None:
    """Make every norm one that does something."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        match weight.path.rsplit("/")[-1]:
            case "gamma" | "moving_variance":
                weight.assign(rng.uniform(0.5, 2.0, weight.shape))
            case "beta" | "moving_mean" | "bias":
                weight.assign(rng.normal(0.0, 0.3, weight.shape))


def count_norms(model: keras.Model) -> int:
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model._flatten_layers())


def assert_same_answers(model: keras.Model, folded: keras.Model, pictures: np.ndarray) -> None:
    expected, found = (np.asarray(each.predict_on_batch(pictures)) for each in (model, folded))
    scale = expected.std()
    assert scale > 0
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-4)
    assert np.mean(found.argmax(-1) != expected.argmax(-1)) < 1e-4  # two logits may be alike


@pytest.mark.parametrize(
    "convolution",
    [
        layers.Conv2D(6, 3, padding="same", use_bias=False),
        layers.Conv2D(6, 3, padding="same", groups=3),
        layers.Conv2D(6, 3, strides=2),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.SeparableConv2D(6, 3, use_bias=False),
        layers.Conv2DTranspose(6, 2, strides=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}], ids=str)
def test_a_convolution_takes_up_its_norm(convolution: keras.Layer, options: dict[str, bool]) -> None:
    inputs = keras.Input((9, 11, 3))
    copy = type(convolution).from_config(convolution.get_config())
    model = keras.Model(inputs, layers.Activation("relu")(FastBatchNormalization(**options)(copy(inputs))))
    give_statistics(model)
    folded = fold_norms(model)
    assert (count_norms(model), count_norms(folded)) == (1, 0)
    assert_same_answers(model, folded, np.random.default_rng(1).normal(size=(2, 9, 11, 3)).astype(np.float32))


def test_a_norm_stays_where_another_layer_needs_what_came_before_it() -> None:
    inputs = keras.Input((8, 6, 3))
    features = layers.Conv2D(4, 3, padding="same")(inputs)
    shared = layers.Conv2D(4, 1)
    twice = layers.Add()([shared(features), FastBatchNormalization()(shared(layers.Activation("tanh")(features)))])
    model = keras.Model(inputs, layers.Concatenate()([twice, FastBatchNormalization()(features), FastBatchNormalization()(inputs)]))
    give_statistics(model)
    assert fold_norms(model) is model


def test_a_norm_stays_behind_an_output_and_behind_an_activation() -> None:
    inputs = keras.Input((8, 6, 3))
    seen = layers.Conv2D(4, 3)(inputs)
    activated = layers.Conv2D(4, 3, activation="relu")(inputs)
    model = keras.Model(inputs, [seen, FastBatchNormalization()(seen), FastBatchNormalization()(activated)])
    assert fold_norms(model) is model


@pytest.mark.parametrize("backbone", [None, "resnet18", "mobilenetv2"], ids=str)
def test_a_whole_network_answers_the_same_at_any_size(backbone: str | None) -> None:
    keras.utils.set_random_seed(0)
    model = build_model("unet", channels=3, num_classes=4, backbone=backbone, base_filters=8, depth=4)
    give_statistics(model)
    weights = [weight.copy() for weight in model.get_weights()]
    folded = fold_norms(model)
    assert count_norms(folded) == 0 < count_norms(model)
    assert folded.name == model.name
    for height, width in ((97, 131), (64, 96)):
        pictures = np.random.default_rng(2).integers(0, 256, (2, height, width, 3), np.uint8)
        assert_same_answers(model, folded, pictures)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
