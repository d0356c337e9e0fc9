"""The fully convolutional networks FCN-32s, FCN-16s and FCN-8s."""

from collections.abc import Sequence

import keras
from keras import layers

from maskmill.errors import ModelError
from maskmill.models.bilinear import upsample
from maskmill.models.blocks import convolve_relu, pad_pictures
from maskmill.models.encoder import backbone_stride, encode_pictures
from maskmill.models.layers import CropToPictures

STRIDES = (32, 16, 8)  # of the features that are scored, the coarsest first
DENSE_FILTERS = 128  # of VGG's two hidden dense layers, for each base filter: 4096 at 32


def build_fcn(
    *,
    channels: int,
    num_classes: int,
    backbone: str | None = "resnet18",
    weights: str = "none",
    fcn_stride: int = 8,
    base_filters: int = 32,
    dropout: float | Sequence[float] = 0.0,
) -> keras.Model:
    """Build an FCN; 134.3 million parameters on vgg16 (the paper's 134), 11.2 million on resnet18, at 3 classes.

    1 x 1 convolutions score the classes at stride 32, for FCN-16s and -8s also at 16, for FCN-8s also at 8. Scores are enlarged
    by learned upsampling, which starts bilinear, and added to the next finer ones.

    As in the paper, the classifier's own last layer goes and its hidden dense layers become convolutions. Only VGG has such
    layers: 7 x 7 and 1 x 1, 119.5 of its 134.3 million parameters at 32 base filters. They start from random kernels.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        backbone: a key of BACKBONES, or None for vgg16.
        weights: what the backbone starts from: `none`, `imagenet` or a path.
        fcn_stride: of the finest features that are scored: 32, 16 or 8.
        base_filters: VGG's former dense layers have 128 times as many: 4096, the paper's, at 32.
        dropout: fraction 0..1 of the values dropped while training, before the scores at stride 32 and between VGG's former dense
            layers; the paper's is 0.5.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Raises:
        ModelError: unknown backbone, weights that cannot be had, another stride, or more than one dropout.

    Source: Long, Shelhamer and Darrell, Fully convolutional networks, 2015, https://arxiv.org/abs/1411.4038; layers as in
    https://github.com/shelhamer/fcn.berkeleyvision.org, but pictures padded to the stride and not by 100, and scores that start
    from random kernels, so that gradients reach the backbone from the first step.
    """
    if fcn_stride not in STRIDES:
        raise ModelError(f"fcn_stride {fcn_stride}: there is no such FCN", expected=f"one of {', '.join(map(str, STRIDES))}")
    if isinstance(dropout, Sequence):
        raise ModelError(f"dropout {list(dropout)}: an FCN takes one", fix="set train.dropout to one fraction")
    backbone = backbone or "vgg16"
    pictures, padded = pad_pictures(channels, backbone_stride(backbone))
    stages = _find_stages(encode_pictures(padded, backbone=backbone, weights=weights))
    features = stages[32]
    if backbone.startswith("vgg"):
        features = convolve_relu(features, DENSE_FILTERS * base_filters, 7, "fc6")
        features = _drop(features, dropout, "fc6_dropout")
        features = convolve_relu(features, DENSE_FILTERS * base_filters, 1, "fc7")
    scores = _score(_drop(features, dropout, "dropout"), num_classes, "score32")
    for stride in STRIDES[1 : STRIDES.index(fcn_stride) + 1]:
        scores = upsample(scores, 2, f"up{stride}")
        scores = layers.Add(name=f"sum{stride}")([scores, _score(stages[stride], num_classes, f"score{stride}")])
    logits = upsample(scores, fcn_stride, "logits")
    return keras.Model(pictures, CropToPictures(dtype="float32", name="crop")(logits, pictures), name="fcn")


def _find_stages(skips: dict[int, keras.KerasTensor]) -> dict[int, keras.KerasTensor]:
    """Return the features at the three strides; VGG's are those after its poolings, the skips at 16 and 8 lie before them."""
    if 1 not in skips:
        return skips
    return {
        32: skips[32],
        16: layers.MaxPooling2D(2, name="pool4")(skips[8]),
        8: layers.MaxPooling2D(2, name="pool3")(skips[4]),
    }


def _drop(features: keras.KerasTensor, dropout: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(dropout, name=name)(features) if dropout else features


def _score(features: keras.KerasTensor, num_classes: int, name: str) -> keras.KerasTensor:
    # float32 whatever the precision of the network: from 4096 filters to a few classes, TensorFlow 2.21's oneDNN corrupts memory
    # in bfloat16.
    return layers.Conv2D(num_classes, 1, kernel_initializer="he_normal", dtype="float32", name=name)(features)
