"""The optimizer and its learning-rate schedule."""

import keras


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


def build_optimizer(*, learning_rate: float, weight_decay: float, steps: int, warmup: float) -> keras.optimizers.Optimizer:
    """Return AdamW on the schedule above; biases and normalisation parameters do not decay.

    Args:
        learning_rate: the highest rate, reached at the end of the warm-up.
        weight_decay: decoupled, per step and unit of learning rate.
        steps: all training steps, over all epochs.
        warmup: fraction of them that warms up.
    """
    schedule = build_schedule(learning_rate=learning_rate, steps=steps, warmup=warmup)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
