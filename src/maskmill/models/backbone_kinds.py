"""What is known of a backbone, and what many have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import keras

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KAGGLE = "www.kaggle.com"
GOOGLE = "storage.googleapis.com"


@dataclass(frozen=True)
class Backbone:
    """What maskmill knows of one backbone.

    Args:
        build: returns the network with random weights, for float (B, H, W, 3) in RGB.
        skips: stride to the name of the layer or operation whose output is the skip at that stride, the strides rising; the
            names are those of a copy by `backbone_copies.copy_network`.
        mean: of each band over the pictures that it was trained on, values 0..1.
        deviation: standard deviation to the same.
        fetch: returns the same network, trained on ImageNet.
        host: where `fetch` downloads from.
    """

    build: Callable[[], keras.Model]
    skips: MappingProxyType[int, str]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    fetch: Callable[[], keras.Model]
    host: str


def skips_from(first: int, *layers: str) -> MappingProxyType[int, str]:
    """Return the skips of layers each of which has twice the stride of the one before, the first the stride `first`."""
    return MappingProxyType({first * 2**level: layer for level, layer in enumerate(layers)})
