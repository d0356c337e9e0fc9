"""For inference: weights as constants of the compiled function."""

import math
from typing import Any

import keras

Shape = tuple[int | None, ...]
MOST_BYTES = 2**30  # of weights: a graph of TensorFlow holds 2 GiB at most, and each picture size has one


def freeze_weights(model: keras.Model) -> keras.Model:
    """Return a model for inference with the same answers, which keeps the weights that `model` has now.

    TensorFlow brings the weights of a convolution into its library's own order at every call, unless they are constants: of one
    picture that is half of the time.

    Args:
        model: a functional model of one input and one output.

    Returns:
        An uncompiled model to call by `predict_on_batch`; on other backends than TensorFlow, and of more than MOST_BYTES,
        `model` itself.
    """
    size = sum(4 * math.prod(weight.shape) for weight in model.weights)  # bytes, in float32
    if keras.backend.backend() != "tensorflow" or size > MOST_BYTES:
        return model
    inputs = keras.Input(batch_shape=model.input_shape, dtype=model.input.dtype)
    return keras.Model(inputs, _Frozen(model)(inputs), name=model.name)


class _Frozen(keras.layers.Layer):
    """Applies a model as it would be when not training, with constants in place of its variables."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="frozen", dtype="float32", autocast=False)
        self.model = model
        # NumPy arrays, which become constants where the call is compiled; tensors would become its arguments.
        self._trainable = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
        self._others = [keras.ops.convert_to_numpy(variable) for variable in model.non_trainable_variables]

    def call(self, inputs: Any) -> Any:
        return self.model.stateless_call(self._trainable, self._others, inputs, training=False)[0]

    def compute_output_shape(self, inputs_shape: Shape) -> Shape:
        return self.model.compute_output_shape(inputs_shape)
