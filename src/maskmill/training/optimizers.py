"""The optimizer and its learning-rate schedule."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import keras
from keras import ops

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["cosine", "constant"]


def build_schedule(
    *, learning_rate: float, steps: int, warmup: float, schedule: Schedule = "cosine"
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return a rate that rises linearly from 0 over the first `warmup` of all `steps`, then falls to 0 along a half cosine.

    With the schedule `constant` it stays where it is instead.

    Source: Loshchilov and Hutter, SGDR, 2017, equation 5 (one period).
    """
    warmup_steps = round(steps * warmup)
    lowest = 1.0 if schedule == "constant" else 0.0  # as a part of the highest
    if not warmup_steps:
        return keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=max(1, steps), alpha=lowest)
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=max(1, steps - warmup_steps), alpha=lowest, warmup_target=learning_rate, warmup_steps=warmup_steps
    )


def build_optimizer(
    model: keras.Model,
    *,
    learning_rate: float,
    weight_decay: float,
    steps: int,
    warmup: float,
    optimizer: Optimizer = "adamw",
    momentum: float = 0.9,
    schedule: Schedule = "cosine",
    backbone: keras.Model | None = None,
    backbone_factor: float = 1.0,
) -> keras.optimizers.Optimizer:
    """Return an optimizer on the schedule above for all that `model` trains; biases and normalisation parameters do not decay.

    Args:
        model: nothing of it is frozen yet.
        learning_rate: the highest rate, reached at the end of the warm-up.
        weight_decay: decoupled, per step and unit of learning rate; Adam has none.
        steps: all training steps, over all epochs.
        warmup: fraction of them that warms up.
        optimizer: `adam` is AdamW without decay.
        momentum: of SGD.
        schedule: what the rate does after the warm-up.
        backbone: the part of the model that is treated apart: slowed, or frozen for some of the steps.
        backbone_factor: its rate and decay as a part of the others'.
    """
    rate = build_schedule(learning_rate=learning_rate, steps=steps, warmup=warmup, schedule=schedule)
    settings: dict[str, Any] = {"weight_decay": 0.0 if optimizer == "adam" else weight_decay, "name": optimizer}
    if optimizer == "sgd":
        settings["momentum"] = momentum
    if backbone is None:  # on torch, Keras's own update all variables in one call
        made = (keras.optimizers.SGD if optimizer == "sgd" else keras.optimizers.AdamW)(rate, **settings)
    else:
        own = {id(variable) for variable in backbone.trainable_variables}
        positions = [place for place, variable in enumerate(model.trainable_variables) if id(variable) in own]
        made = (BackboneSGD if optimizer == "sgd" else BackboneAdamW)(rate, backbone=positions, factor=backbone_factor, **settings)
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return made


def find_idle_settings(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the train settings that were changed from their defaults and that the optimizer does not read."""
    unread = {"momentum": settings["optimizer"] != "sgd", "weight_decay": settings["optimizer"] == "adam"}
    defaults = {"momentum": 0.9, "weight_decay": 0.0001}
    return [name for name, is_unread in unread.items() if is_unread and settings[name] not in (0.0, defaults[name])]


def backbone_of(model: keras.Model) -> keras.Model | None:
    """Return the layer `backbone` of a model that is a network of its own; None where there is none."""
    return next((layer for layer in model.layers if layer.name == "backbone" and isinstance(layer, keras.Model)), None)


class OnBackbone(keras.optimizers.Optimizer):
    """What an optimizer gains for a model on a backbone, which may learn at a rate of its own, or be frozen for some of the steps.

    Keras's optimizers know one rate for all variables.

    Args:
        learning_rate: of all variables but the backbone's.
        backbone: positions of the backbone's among the variables that the optimizer is built with.
        factor: the backbone's rate and decay as a part of the others'.
        **settings: of the optimizer that this comes before.
    """

    def __init__(self, learning_rate: Any = 0.001, *, backbone: Collection[int] = (), factor: float = 1.0, **settings: Any) -> None:
        super().__init__(learning_rate, **settings)
        self.backbone = frozenset(backbone)
        self.factor = factor

    def update_step(self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor) -> None:
        super().update_step(gradient, variable, learning_rate * self._factor_of(variable))

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        for variable in variables:  # Keras's own, another on each backend, knows one rate, too
            if self._use_weight_decay(variable):
                rate = ops.cast(self.learning_rate * self._factor_of(variable), variable.dtype)
                variable.assign_sub(variable * self.weight_decay * rate)

    def stateless_apply(
        self, optimizer_variables: list[Any], grads: list[Any], trainable_variables: list[Any]
    ) -> tuple[list, list]:
        """Do as Keras's own, which only jax calls, but also while some of the variables are frozen."""
        moving = [variable for variable in self._trainable_variables if variable.trainable]
        state = [*zip(moving, trainable_variables, strict=True), *zip(self.variables, optimizer_variables, strict=True)]
        with keras.StatelessScope(state_mapping=state) as scope:
            self.apply(grads, moving)
        return [scope.get_current_value(each) for each in moving], [scope.get_current_value(each) for each in self.variables]

    def _factor_of(self, variable: keras.Variable) -> float:
        return self.factor if self._get_variable_index(variable) in self.backbone else 1.0

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"backbone": sorted(self.backbone), "factor": self.factor}


@keras.saving.register_keras_serializable(package="maskmill")
class BackboneAdamW(OnBackbone, keras.optimizers.AdamW):
    """AdamW that treats a backbone apart."""


@keras.saving.register_keras_serializable(package="maskmill")
class BackboneSGD(OnBackbone, keras.optimizers.SGD):
    """Stochastic gradient descent that treats a backbone apart."""
