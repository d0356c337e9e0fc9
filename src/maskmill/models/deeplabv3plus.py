"""DeepLabV3+: keras-hub's own head on any backbone of ours."""

from collections.abc import Sequence

import keras
from keras import layers

from maskmill.errors import ModelError
from maskmill.models.blocks import normalise, pad_pictures
from maskmill.models.coarse_logits import classify_coarse
from maskmill.models.encoder import backbone_stride, encode_pictures
from maskmill.models.enlarging import BilinearUpsampling
from maskmill.models.spread import SpreadOver

RATES = (6, 12, 18)  # of the convolutions that look far, in places of the deepest features
LOW_STRIDE = 4  # of the features that bring the edges, in pixels
LOW_FILTERS = 48
DILATED_STRIDE = 16


def build_deeplabv3plus(
    *, channels: int, num_classes: int, backbone: str | None = "resnet18", weights: str = "none"
) -> keras.Model:
    """Build a DeepLabV3+; 39.1 million parameters with resnet50, 15.4 million with resnet18.

    From keras-hub's DeepLabV3Backbone: all layers of the spatial pyramid pooling (rates 6, 12 and 18, and the mean of the picture),
    the projection of the features at stride 4, and the 1 x 1 convolution over both. They are copied one by one: its pooling as a
    whole would have the layers behind it train whenever the model is called without saying whether it trains (docs/traps.md).
    The last stage of a resnet is dilated instead of strided, so that its features have stride 16 as published; those of other
    backbones have stride 32.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        backbone: a key of BACKBONES.
        weights: what the backbone starts from: `none`, `imagenet` or a path.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes); its layer `backbone`
        is the encoder.

    Raises:
        ModelError: no or an unknown backbone, or weights that cannot be had.

    Source: Chen et al., Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation, 2018.
    """
    if backbone is None:
        raise ModelError(
            "architecture deeplabv3plus: no backbone to put it on",
            expected="a backbone",
            fix="name one in train.backbone, for example resnet50",
        )
    can_dilate = backbone.startswith("resnet")
    stride = DILATED_STRIDE if can_dilate else backbone_stride(backbone)
    pictures, padded = pad_pictures(channels, stride)
    skips = encode_pictures(padded, backbone=backbone, weights=weights, rework=_dilate_last_stack if can_dilate else None)
    features = _attach_head(skips[LOW_STRIDE], skips[max(skips)], stride)
    return keras.Model(pictures, classify_coarse(features, pictures, num_classes, LOW_STRIDE), name="deeplabv3plus")


def _dilate_last_stack(network: keras.Model) -> keras.Model:
    """Return a resnet of the same weights whose last stack keeps the size: its convolutions look further instead."""

    def copy(operation: keras.Operation) -> keras.Operation:
        config = operation.get_config()
        if isinstance(operation, layers.Conv2D) and operation.name.startswith("stack3_"):
            if operation.strides == (2, 2):
                config["strides"] = (1, 1)
            elif operation.kernel_size == (3, 3):
                config["dilation_rate"] = (2, 2)
        return type(operation).from_config(config)

    dilated = keras.models.clone_model(network, clone_function=copy)
    dilated.set_weights(network.get_weights())
    return dilated


def _attach_head(low: keras.KerasTensor, deep: keras.KerasTensor, stride: int) -> keras.KerasTensor:
    """Put copies of keras-hub's layers on the features at strides 4 and `stride`; (B, H, W, 256) at stride 4."""
    library = _build_library_model(deep.shape[-1], stride)
    pooling = next(layer for layer in library.layers if hasattr(layer, "aspp_parallel_channels"))
    branches = [_apply_copies(branch.layers, deep) for branch in pooling.aspp_parallel_channels]
    branches[-1] = SpreadOver(name="spread_pooling")(branches[-1], deep)  # the mean of the picture
    features = _apply_copies(pooling.projection.layers, layers.Concatenate(name="aspp_concat")(branches))
    named = library.get_layer
    features = BilinearUpsampling(stride // LOW_STRIDE, name="encoder_output_upsampling")(features)
    low = _apply_copies([named("decoder_conv"), named("decoder_norm"), named("decoder_relu")], low)
    features = layers.Concatenate(name="encoder_decoder_concat")([features, low])
    head = [named("segmentation_head_conv"), named("segmentation_head_norm"), named("segmentation_head_relu")]
    return _apply_copies(head, features)


def _build_library_model(filters: int, stride: int) -> keras.Model:
    """Build keras-hub's model on a stand-in for the backbone whose features have the right number of filters."""
    import keras_hub

    skips = keras.Input((None, None, filters))
    encoder = keras.Model(skips, skips)
    encoder.pyramid_outputs = {"P2": skips, "P5": skips}
    return keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        low_level_feature_key="P2",
        projection_filters=LOW_FILTERS,
        spatial_pyramid_pooling_key="P5",
        dilation_rates=RATES,
        upsampling_size=stride // LOW_STRIDE,
        image_shape=(None, None, filters),
    )


def _apply_copies(originals: Sequence[keras.layers.Layer], features: keras.KerasTensor) -> keras.KerasTensor:
    for layer in originals:
        if isinstance(layer, layers.BatchNormalization):
            features = normalise(features, layer.name)
        else:
            features = type(layer).from_config(layer.get_config())(features)
    return features
