"""From padded pictures of any number of bands to the skips of a backbone."""

from collections.abc import Callable

import keras
from keras import layers

from maskmill.models.backbone_kinds import Backbone
from maskmill.models.backbones import build_backbone, find_backbone
from maskmill.models.blocks import scale_bands
from maskmill.models.weights import load_weights


def encode_pictures(
    padded: keras.KerasTensor,
    *,
    backbone: str,
    weights: str,
    deepest: int | None = None,
    rework: Callable[[keras.Model], keras.Model] | None = None,
) -> dict[int, keras.KerasTensor]:
    """Apply a backbone, as one layer of the name `backbone`; training finds it by that name to freeze it.

    Pictures of other than 3 bands pass a 1 x 1 convolution that makes 3 of them, so that weights trained on RGB fit.

    Args:
        padded: (B, H, W, C), 0..255, H and W multiples of `backbone_stride(backbone)`: what `blocks.pad_pictures` gives.
        backbone: a key of BACKBONES.
        weights: what the backbone starts from: `none`, `imagenet` or the path of a `.weights.h5` file.
        deepest: the largest stride to keep; stages of the backbone beyond it are left out. None keeps all.
        rework: given the network with its weights and all its outputs, returns the one to apply. None applies it as it is.

    Returns:
        Stride to skip (B, H / stride, W / stride, F), the strides rising: those of `BACKBONES[backbone].skips`.

    Raises:
        ModelError: unknown backbone, or weights that cannot be had.
    """
    kind = find_backbone(backbone)
    network = build_backbone(backbone)
    load_weights(network, backbone, weights)
    if rework is not None:
        network = rework(network)
    strides = [stride for stride in kind.skips if deepest is None or stride <= deepest]
    encoder = keras.Model(network.input, network.outputs[: len(strides)], name="backbone")
    return dict(zip(strides, encoder(_scale_to_rgb(padded, kind)), strict=True))


def backbone_stride(name: str) -> int:
    """Return the multiple, in pixels, to which the pictures of a backbone are padded.

    Args:
        name: a key of BACKBONES.

    Raises:
        ModelError: there is no such backbone.
    """
    return max(find_backbone(name).skips)


def _scale_to_rgb(pictures: keras.KerasTensor, backbone: Backbone) -> keras.KerasTensor:
    """Scale pictures of any number of bands to what the backbone expects."""
    channels = pictures.shape[-1]
    if channels == 3:
        return scale_bands(pictures, "scale", backbone.mean, backbone.deviation)
    fractions = scale_bands(pictures, "fractions", mean=[0.0], deviation=[1.0])
    # It starts as the mean of the bands, so that the backbone sees a grey picture in the range that it knows.
    adapted = layers.Conv2D(3, 1, kernel_initializer=keras.initializers.Constant(1 / channels), name="adapter")(fractions)
    return scale_bands(adapted, "scale", backbone.mean, backbone.deviation, maximum=1.0)
