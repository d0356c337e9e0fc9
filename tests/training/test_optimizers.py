"""The schedule's corners, what decays, and a backbone at a rate of its own."""

import keras
import numpy as np
import pytest

from maskmill.training.optimizers import (
    BackboneAdamW,
    BackboneSGD,
    backbone_of,
    build_optimizer,
    build_schedule,
    find_idle_settings,
)


def test_rate_rises_to_the_given_one_and_falls_to_nothing() -> None:
    schedule = build_schedule(learning_rate=0.01, steps=100, warmup=0.1)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(101)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(0.005)
    assert rates[10] == pytest.approx(0.01)
    assert rates[55] == pytest.approx(0.005, rel=1e-3)  # half of the cosine
    assert rates[100] == pytest.approx(0, abs=1e-8)
    assert np.argmax(rates) == 10


def test_without_warmup_it_starts_at_the_top() -> None:
    assert float(keras.ops.convert_to_numpy(build_schedule(learning_rate=0.01, steps=100, warmup=0.0)(0))) == pytest.approx(0.01)


def test_a_constant_rate_stays_after_the_warmup() -> None:
    schedule = build_schedule(learning_rate=0.01, steps=100, warmup=0.1, schedule="constant")
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 5, 10, 55, 100, 1000)]
    assert rates == pytest.approx([0.0, 0.005, 0.01, 0.01, 0.01, 0.01])


def test_a_constant_rate_without_warmup_is_one_rate() -> None:
    schedule = build_schedule(learning_rate=0.01, steps=100, warmup=0.0, schedule="constant")
    assert [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 50, 100)] == pytest.approx([0.01] * 3)


@pytest.mark.parametrize("apart", [False, True])
def test_momentum_gathers_steps(apart: bool) -> None:
    """Steps of a gradient of 1 at a rate of 0.5: 0.5, then 0.5 * (1 + 0.9); the backbone's a tenth of both."""
    model = model_on_backbone()
    optimizer = build_optimizer(
        model,
        learning_rate=0.5,
        weight_decay=0.0,
        steps=10,
        warmup=0.0,
        optimizer="sgd",
        schedule="constant",
        backbone=backbone_of(model) if apart else None,
        backbone_factor=0.1,
    )
    assert isinstance(optimizer, BackboneSGD) == apart
    optimizer.build(model.trainable_variables)
    for _ in range(2):
        optimizer.apply([keras.ops.ones(variable.shape) for variable in model.trainable_variables])
    for layer, factor in (("adapter", 1.0), ("backbone", 0.1 if apart else 1.0), ("head", 1.0)):
        for weights in model.get_layer(layer).get_weights():
            np.testing.assert_allclose(1.0 - weights, factor * 1.45, rtol=1e-5)


def test_adam_does_not_decay() -> None:
    model = model_on_backbone()
    optimizer = build_optimizer(model, learning_rate=0.5, weight_decay=0.2, steps=10, warmup=0.0, optimizer="adam")
    optimizer.build(model.trainable_variables)
    optimizer.apply([keras.ops.zeros(variable.shape) for variable in model.trainable_variables])
    assert all((weights == 1.0).all() for weights in model.get_weights())


def test_what_an_optimizer_does_not_read_is_said() -> None:
    given = {"momentum": 0.8, "weight_decay": 0.01}
    assert find_idle_settings({"optimizer": "adam", **given}) == ["momentum", "weight_decay"]
    assert find_idle_settings({"optimizer": "adamw", **given}) == ["momentum"]
    assert find_idle_settings({"optimizer": "sgd", **given}) == []
    assert find_idle_settings({"optimizer": "adam", "momentum": 0.9, "weight_decay": 0.0001}) == []


def test_only_kernels_decay() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    optimizer = build_optimizer(model, learning_rate=1.0, weight_decay=0.1, steps=10, warmup=0.0)
    optimizer.build(model.trainable_variables)
    decaying = {variable.name for variable in model.trainable_variables if optimizer._use_weight_decay(variable)}
    assert decaying == {"kernel"}


def model_on_backbone() -> keras.Model:
    """A head before the backbone and one behind it, all weights 1."""
    ones = {"kernel_initializer": "ones", "bias_initializer": "ones"}
    inner = keras.Input((3,))
    backbone = keras.Model(inner, keras.layers.Dense(2, **ones)(inner), name="backbone")
    inputs = keras.Input((3,))
    adapted = keras.layers.Dense(3, name="adapter", **ones)(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="head", **ones)(backbone(adapted)))


def apply_once(gradient: float, *, weight_decay: float, factor: float) -> dict[str, float]:
    """Apply the same gradient to all weights, at a rate of 0.5; return how far each layer's kernel and bias moved."""
    model = model_on_backbone()
    optimizer = build_optimizer(
        model,
        learning_rate=0.5,
        weight_decay=weight_decay,
        steps=10,
        warmup=0.0,
        backbone=backbone_of(model),
        backbone_factor=factor,
    )
    optimizer.build(model.trainable_variables)
    optimizer.apply([keras.ops.full(variable.shape, gradient) for variable in model.trainable_variables])
    moved = {}
    for layer in ("adapter", "backbone", "head"):
        for name, weights in zip(("kernel", "bias"), model.get_layer(layer).get_weights(), strict=True):
            assert np.ptp(weights) == 0
            moved[f"{layer} {name}"] = 1.0 - float(weights.flat[0])
    return moved


@pytest.mark.parametrize("factor", [0.1, 1.0, 2.0])
def test_the_backbone_moves_by_its_part_of_the_rate(factor: float) -> None:
    """The first step of Adam is the rate, whatever the gradient: 0.5."""
    moved = apply_once(-3.0, weight_decay=0.0, factor=factor)
    for place, distance in moved.items():
        assert distance == pytest.approx(-0.5 * (factor if place.startswith("backbone") else 1.0), rel=1e-5), place


@pytest.mark.parametrize("factor", [0.1, 1.0])
def test_the_backbone_decays_by_its_part_of_the_rate(factor: float) -> None:
    """Without a gradient only kernels change, by rate times decay: 0.5 * 0.2."""
    moved = apply_once(0.0, weight_decay=0.2, factor=factor)
    expected = {"adapter kernel": 0.1, "backbone kernel": 0.1 * factor, "head kernel": 0.1}
    assert moved == pytest.approx(dict.fromkeys(moved, 0.0) | expected, rel=1e-5)


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_at_factor_one_it_is_adamw_to_the_bit(weight_decay: float) -> None:
    results = []
    for apart in (True, False):
        model = model_on_backbone()
        backbone = backbone_of(model) if apart else None
        optimizer = build_optimizer(model, learning_rate=0.01, weight_decay=weight_decay, steps=10, warmup=0.2, backbone=backbone)
        assert isinstance(optimizer, BackboneAdamW) == apart
        optimizer.build(model.trainable_variables)
        generator = np.random.default_rng(0)
        for _ in range(5):
            optimizer.apply([generator.normal(size=variable.shape).astype("float32") for variable in model.trainable_variables])
        results.append(model.get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [BackboneAdamW, BackboneSGD])
def test_it_is_built_again_from_its_configuration(kind: type) -> None:
    optimizer = kind(0.25, weight_decay=0.1, backbone=[2, 3], factor=0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, kind)
    assert again.get_config() == optimizer.get_config()
    assert (again.backbone, again.factor) == ({2, 3}, 0.5)


def test_loss_scaling_keeps_the_factor() -> None:
    """Under mixed_float16 Keras lays its LossScaleOptimizer around ours; a step of fit goes through both."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = model_on_backbone()
        optimizer = build_optimizer(
            model,
            learning_rate=0.5,
            weight_decay=0.0,
            steps=10,
            warmup=0.0,
            backbone=backbone_of(model),
            backbone_factor=0.1,
        )
        model.compile(optimizer, loss="mse")
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        model.optimizer.build(model.trainable_variables)
        model.fit(np.ones((4, 3)), np.full((4, 2), 26.99), batch_size=4, verbose=0)  # close to the 27 that it says: no overflow
        for layer, distance in (("adapter", 0.5), ("backbone", 0.05), ("head", 0.5)):
            for weights in model.get_layer(layer).get_weights():
                np.testing.assert_allclose(1.0 - weights, distance, rtol=1e-3)  # the gradient is small: AdamW's epsilon shows
    finally:
        keras.config.set_dtype_policy(before)


def test_only_a_network_of_that_name_is_a_backbone() -> None:
    inputs = keras.Input((3,))
    assert backbone_of(keras.Model(inputs, keras.layers.Dense(1, name="backbone")(inputs))) is None
    model = model_on_backbone()
    assert backbone_of(model) is model.get_layer("backbone")
