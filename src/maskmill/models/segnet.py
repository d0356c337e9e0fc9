"""SegNet and SegNet-Basic: the decoder puts each value back to where the encoder's pooling found it."""

import keras
from keras import layers

from maskmill.models.backbones import build_backbone
from maskmill.models.blocks import classify, normalise, pad_pictures, scale_bands
from maskmill.models.unpooling import PoolWithPositions, Unpool
from maskmill.models.weights import load_weights

VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # filters and number of the convolutions of each block
BASIC_LEVELS, BASIC_FILTERS, BASIC_KERNEL_SIZE = 4, 64, 7


def build_segnet(*, channels: int, num_classes: int, weights: str = "none") -> keras.Model:
    """Build SegNet; 29.5 million parameters: 14.71 of VGG16's convolutions, 14.75 of the decoder's, the rest batch norm.

    The 13 convolutions of VGG16 and 13 more that mirror them, each with batch norm and relu, none with a bias, which batch norm
    would take away again; then one 1 x 1 convolution for the classes.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        weights: what the encoder's kernels start from: `none`, or those of a VGG16: `imagenet` or the path of a
            `.weights.h5` file of the backbone vgg16. With other than 3 bands each gets the mean of the first kernel's three.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes); its layer `backbone` is
        the encoder.

    Raises:
        ModelError: the weights cannot be had or do not fit.

    Source: Badrinarayanan, Kendall and Cipolla, SegNet, 2017, https://arxiv.org/abs/1511.00561, sections 3 and 4.
    """
    pictures, padded = pad_pictures(channels, stride=2 ** len(VGG16))
    encoder = _build_encoder(channels)
    if weights != "none":
        _load_kernels(encoder, weights)
    features, *positions = encoder(scale_bands(padded, "scale"))
    for block in reversed(range(len(VGG16))):
        name, (filters, count) = f"decoder{block + 1}", VGG16[block]
        features = Unpool(name=f"{name}_unpool")(features, positions[block])
        for step in reversed(range(1, count + 1)):
            last = VGG16[max(block - 1, 0)][0] if step == 1 else filters  # what the next block up takes
            features = _convolve(features, last, 3, f"{name}_conv{step}")
            features = layers.Activation("relu", name=f"{name}_relu{step}")(features)
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=1), name="segnet")


def build_segnet_basic(*, channels: int, num_classes: int) -> keras.Model:
    """Build SegNet-Basic; 1.42 million parameters: 7 x 7 convolutions of 64 filters, 4 in the encoder, 4 in the decoder.

    Each has batch norm, those of the encoder relu as well.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Source: Badrinarayanan, Kendall and Cipolla, SegNet, 2017, https://arxiv.org/abs/1511.00561, section 3.1.
    """
    pictures, padded = pad_pictures(channels, stride=2**BASIC_LEVELS)
    features = scale_bands(padded, "scale")
    positions = []
    for level in range(1, BASIC_LEVELS + 1):
        features = _convolve(features, BASIC_FILTERS, BASIC_KERNEL_SIZE, f"encoder{level}_conv")
        features = layers.Activation("relu", name=f"encoder{level}_relu")(features)
        features, found = PoolWithPositions(name=f"encoder{level}_pool")(features)
        positions.append(found)
    for level in range(BASIC_LEVELS, 0, -1):
        features = Unpool(name=f"decoder{level}_unpool")(features, positions[level - 1])
        features = _convolve(features, BASIC_FILTERS, BASIC_KERNEL_SIZE, f"decoder{level}_conv")
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=1), name="segnet_basic")


def _build_encoder(channels: int) -> keras.Model:
    """Build VGG16's convolutions, from (B, H, W, channels) to the last pooled features and each pooling's positions."""
    inputs = features = keras.Input((None, None, channels), name="bands")
    positions = []
    for block, (filters, count) in enumerate(VGG16, start=1):
        for step in range(1, count + 1):
            features = _convolve(features, filters, 3, f"block{block}_conv{step}")
            features = layers.Activation("relu", name=f"block{block}_relu{step}")(features)
        features, found = PoolWithPositions(name=f"block{block}_pool")(features)
        positions.append(found)
    return keras.Model(inputs, [features, *positions], name="backbone")


def _convolve(features: keras.KerasTensor, filters: int, kernel_size: int, name: str) -> keras.KerasTensor:
    """Apply a convolution without bias and batch norm."""
    features = layers.Conv2D(filters, kernel_size, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(
        features
    )
    return normalise(features, f"{name}_norm")


def _load_kernels(encoder: keras.Model, weights: str) -> None:
    """Put the kernels of a VGG16 into the encoder; its biases would go with the batch's mean."""
    vgg = build_backbone("vgg16")
    load_weights(vgg, "vgg16", weights)
    for layer in encoder.layers:
        if isinstance(layer, layers.Conv2D):
            kernel = keras.ops.convert_to_numpy(vgg.get_layer(layer.name).kernel)
            bands = layer.kernel.shape[2]
            if bands != kernel.shape[2]:  # three times the mean over three bands: a grey picture is answered as before
                kernel = kernel.sum(axis=2, keepdims=True).repeat(bands, axis=2) / bands
            layer.kernel.assign(kernel)
