"""Copies of the libraries' networks: with names that are the same in every build, and with our own batch norm."""

import re

import keras
import numpy as np
from keras import layers

from maskmill.models.blocks import NORM_MOMENTUM
from maskmill.models.norms import FastBatchNormalization


def copy_network(network: keras.Model) -> keras.Model:
    """Copy a network, weights aside: those are random.

    What the library left to be named by a counter of the process is named after what it follows: `conv_bn_activation` is the
    activation of `conv_bn`. A saved file holds the names: two builds in one process would else give two different files.

    Args:
        network: a functional model from float (B, H, W, 3).

    Returns:
        The copy, from an input `pictures`.
    """
    names = _name_operations(network)
    return keras.models.clone_model(
        network,
        input_tensors=keras.Input((None, None, 3), name="pictures"),
        clone_function=lambda operation: _copy_operation(operation, names[operation.name]),
    )


def copy_weights(network: keras.Model, copy: keras.Model) -> None:
    """Give a copy the weights of what it was copied from, or of a network that was built in the same way.

    Args:
        network: what a library built.
        copy: what `copy_network` made of it, or a part of that; its weights change.

    Raises:
        ValueError: the two do not fit.
    """
    names = {copied: name for name, copied in _name_operations(network).items()}
    for layer in copy.layers:
        if layer.weights:
            original = network.get_layer(names[layer.name])
            weights = original.get_weights()
            if isinstance(layer, layers.DepthwiseConv2D) and isinstance(original, layers.Conv2D):
                weights[0] = np.swapaxes(weights[0], 2, 3)  # (h, w, 1, C) to (h, w, C, 1)
            layer.set_weights(weights)


def _name_operations(network: keras.Model) -> dict[str, str]:
    """Return the name of each layer and operation, in the order of the graph, to its name in a copy."""
    names: dict[str, str] = {}
    for operation in network.operations:
        kind = type(operation).__name__.lower()
        is_counted = re.sub(r"_\d+$", "", operation.name).replace("_", "") == kind
        names[operation.name] = f"{names[_find_source(operation, names)]}_{kind}" if is_counted and names else operation.name
    return names


def _find_source(operation: keras.Operation, names: dict[str, str]) -> str:
    """Return the name of the operation whose output this one takes: of several one that the library named, if there is."""
    tensors = operation.input if isinstance(operation.input, list | tuple) else [operation.input]
    sources = [tensor._keras_history.operation.name for tensor in tensors]
    return next((source for source in sources if names[source] == source), sources[0])


def _copy_operation(operation: keras.Operation, name: str) -> keras.Operation:
    if isinstance(operation, keras.Sequential):
        pictures = keras.Input(operation.input_shape[1:], name=f"{name}_input")
        return keras.Sequential([pictures, *(_copy_operation(layer, layer.name) for layer in operation.layers)], name=name)
    config = {**operation.get_config(), "name": name}
    if isinstance(operation, layers.BatchNormalization):
        return FastBatchNormalization.from_config({**config, "momentum": NORM_MOMENTUM})
    if isinstance(operation, layers.Conv2D) and 1 < operation.groups == operation.filters:
        return _copy_grouped(config)
    return type(operation).from_config(config)


def _copy_grouped(config: dict) -> layers.DepthwiseConv2D:
    """A convolution in groups of one channel as what it is: TensorFlow takes 35 times as long for it by the other name."""
    renamed = {key: key.replace("kernel_", "depthwise_") for key in config if key != "kernel_size"}
    return layers.DepthwiseConv2D.from_config(
        {renamed.get(key, key): value for key, value in config.items() if key not in ("filters", "groups")}
    )
