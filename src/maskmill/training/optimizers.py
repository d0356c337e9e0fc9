"""The optimizer and its learning-rate schedule."""

from collections.abc import Collection, Sequence
from typing import Any

import keras
from keras import ops


def build_schedule(*, learning_rate: float, steps: int, warmup: float) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return a rate that rises linearly from 0 over the first `warmup` of all `steps`, then falls to 0 along a half cosine.

    Source: Loshchilov and Hutter, SGDR, 2017, equation 5 (one period).
    """
    warmup_steps = round(steps * warmup)
    if not warmup_steps:
        return keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=max(1, steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=max(1, steps - warmup_steps), warmup_target=learning_rate, warmup_steps=warmup_steps
    )


def build_optimizer(
    model: keras.Model,
    *,
    learning_rate: float,
    weight_decay: float,
    steps: int,
    warmup: float,
    backbone: keras.Model | None = None,
    backbone_factor: float = 1.0,
) -> keras.optimizers.Optimizer:
    """Return AdamW on the schedule above for all that `model` trains; biases and normalisation parameters do not decay.

    Args:
        model: nothing of it is frozen yet.
        learning_rate: the highest rate, reached at the end of the warm-up.
        weight_decay: decoupled, per step and unit of learning rate.
        steps: all training steps, over all epochs.
        warmup: fraction of them that warms up.
        backbone: the part of the model that is treated apart: slowed, or frozen for some of the steps.
        backbone_factor: its rate and decay as a part of the others'.
    """
    schedule = build_schedule(learning_rate=learning_rate, steps=steps, warmup=warmup)
    if backbone is None:
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=weight_decay, name="adamw"
        )  # on torch, the one that updates all in one call
    else:
        own = {id(variable) for variable in backbone.trainable_variables}
        positions = [place for place, variable in enumerate(model.trainable_variables) if id(variable) in own]
        optimizer = BackboneAdamW(schedule, weight_decay=weight_decay, backbone=positions, factor=backbone_factor, name="adamw")
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def backbone_of(model: keras.Model) -> keras.Model | None:
    """Return the layer `backbone` of a model that is a network of its own; None where there is none."""
    return next((layer for layer in model.layers if layer.name == "backbone" and isinstance(layer, keras.Model)), None)


@keras.saving.register_keras_serializable(package="maskmill")
class BackboneAdamW(keras.optimizers.AdamW):
    """AdamW for a model on a backbone, which may learn at a rate of its own, or be frozen for some of the steps.

    Keras's optimizers know one rate for all variables.

    Args:
        learning_rate: of all variables but the backbone's.
        backbone: positions of the backbone's among the variables that the optimizer is built with.
        factor: the backbone's rate and decay as a part of the others'.
        **settings: of AdamW.
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
