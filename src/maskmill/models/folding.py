"""For inference: batch norms worked into the convolutions before them, where they cost nothing."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)


def fold_norms(model: keras.Model) -> keras.Model:
    """Return a model for inference with the same answers, whose convolutions do what the batch norms after them did.

    A batch norm stays where it does not follow a convolution, or one whose output something else uses, too.

    Args:
        model: a functional model; models that are layers of it are folded as well.

    Returns:
        An uncompiled copy with the same names and types; the model itself where there is nothing to fold.
    """
    pairs = _find_pairs(model)
    inner = {layer.name: fold_norms(layer) for layer in model.layers if isinstance(layer, keras.Model)}
    if not pairs and all(folded is model.get_layer(name) for name, folded in inner.items()):
        return model
    norms = set(pairs.values())
    copies: dict[str, keras.Operation] = {}

    def copy(operation: keras.Operation) -> keras.Operation:
        name = operation.name
        if name in inner or name in norms:
            return inner.get(name, operation)
        if name not in copies:  # a layer that is used twice stays one layer
            config = operation.get_config() | ({"use_bias": True} if name in pairs else {})
            copies[name] = type(operation).from_config(config)
        return copies[name]

    def call(operation: keras.Operation, *inputs: Any, **options: Any) -> Any:
        return inputs[0] if operation.name in norms else operation(*inputs, **options)

    folded = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in model.layers:
        if layer.name in pairs:
            copies[layer.name].set_weights(_fold_weights(layer, model.get_layer(pairs[layer.name])))
        elif layer.name in copies:
            copies[layer.name].set_weights(layer.get_weights())
    return folded


def _find_pairs(model: keras.Model) -> dict[str, str]:
    """Return the names of the convolutions that can take up a batch norm, each with that of the norm."""
    config = model.get_config()
    sources = {layer["name"]: list(_read_sources(layer["inbound_nodes"])) for layer in config["layers"]}
    uses = Counter(source for names in sources.values() for source in names)
    uses.update(tensor[0] for tensor in _read_outputs(config["output_layers"]))
    pairs = {}
    for norm in model.layers:
        if not isinstance(norm, layers.BatchNormalization) or norm.axis not in (-1, 3) or len(sources[norm.name]) != 1:
            continue
        (source,) = sources[norm.name]
        convolution = next((layer for layer in model.layers if layer.name == source), None)
        if (
            isinstance(convolution, CONVOLUTIONS)
            and convolution.activation is keras.activations.linear
            and len(sources[source]) == uses[source] == 1
        ):
            pairs[source] = norm.name
    return pairs


def _read_sources(nodes: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs a layer takes, from the `inbound_nodes` of a model's configuration."""
    if isinstance(nodes, dict):
        if "keras_history" in nodes:
            yield nodes["keras_history"][0]
        nodes = nodes.values()
    if not isinstance(nodes, str):
        for node in nodes if hasattr(nodes, "__iter__") else ():
            yield from _read_sources(node)


def _read_outputs(outputs: Any) -> list[Any]:
    """Return the outputs of a model's configuration as a list, which it is only where there are several."""
    return [outputs] if isinstance(outputs[0], str) else list(outputs)


def _fold_weights(convolution: keras.Layer, norm: layers.BatchNormalization) -> list[NDArray[np.float32]]:
    """Return the weights of the convolution, with a bias, that does what both do."""
    mean, variance = (keras.ops.convert_to_numpy(each).astype(np.float64) for each in (norm.moving_mean, norm.moving_variance))
    gamma = keras.ops.convert_to_numpy(norm.gamma) if norm.scale else 1.0
    beta = keras.ops.convert_to_numpy(norm.beta) if norm.center else 0.0
    *others, kernel = convolution.get_weights()[: -1 if convolution.use_bias else None]
    bias = convolution.get_weights()[-1] if convolution.use_bias else 0.0
    factor = gamma / np.sqrt(variance + norm.epsilon)  # of each channel that comes out
    match convolution:
        case layers.DepthwiseConv2D():
            by_channel = factor.reshape(kernel.shape[2:])
        case layers.Conv2DTranspose():
            by_channel = factor[:, np.newaxis]
        case _:
            by_channel = factor
    return [*others, (kernel * by_channel).astype(np.float32), ((bias - mean) * factor + beta).astype(np.float32)]
