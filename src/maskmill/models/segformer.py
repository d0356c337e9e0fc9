"""SegFormer: a Mix Transformer, and a decoder of linear layers alone."""

import keras
from keras import layers

from maskmill.errors import ModelError
from maskmill.models.backbones import BACKBONES
from maskmill.models.blocks import normalise, pad_pictures
from maskmill.models.coarse_logits import classify_coarse
from maskmill.models.encoder import backbone_stride, encode_pictures
from maskmill.models.enlarging import BilinearUpsampling

DROPOUT = 0.1  # before the classifier, as published
NARROW, WIDE = 256, 768  # widths of the decoder: B0 and B1, and the larger ones
STRIDE = 4  # at which the levels are put together, in pixels


def build_segformer(*, channels: int, num_classes: int, backbone: str | None = None, weights: str = "none") -> keras.Model:
    """Build a SegFormer; 3,752,694 parameters with mit_b0, 3 bands and 150 classes, as many as the published SegFormer-B0.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        backbone: mit_b0 to mit_b5; None is mit_b0.
        weights: what the backbone starts from: `none`, `imagenet` or a path.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes); its layer `backbone`
        is the encoder.

    Raises:
        ModelError: a backbone that is no Mix Transformer, or weights that cannot be had.

    Source: Xie et al., SegFormer, 2021. The decoder has the layers of keras-hub's SegFormerBackbone and SegFormerImageSegmenter,
    which themselves take pictures of one fixed size only.
    """
    backbone = backbone or "mit_b0"
    transformers = [name for name in BACKBONES if name.startswith("mit_")]
    if backbone not in transformers:
        raise ModelError(
            f"backbone {backbone!r}: SegFormer is built on a Mix Transformer",
            expected=f"one of {', '.join(transformers)}, or null for mit_b0",
            fix="set train.backbone to one of these, or train.architecture to another",
        )
    pictures, padded = pad_pictures(channels, backbone_stride(backbone))
    levels = encode_pictures(padded, backbone=backbone, weights=weights)
    features = _fuse(levels, NARROW if backbone in ("mit_b0", "mit_b1") else WIDE)
    features = layers.Dropout(DROPOUT, name="dropout")(features)
    return keras.Model(pictures, classify_coarse(features, pictures, num_classes, STRIDE), name="segformer")


def _fuse(levels: dict[int, keras.KerasTensor], width: int) -> keras.KerasTensor:
    """Bring all levels to one width and to the size of the finest, and mix them at each place."""
    upsampled = []
    for stride, level in sorted(levels.items(), reverse=True):
        features = layers.Dense(width, name=f"linear_{stride}")(level)
        if stride > STRIDE:
            features = BilinearUpsampling(stride // STRIDE, name=f"up_{stride}")(features)
        upsampled.append(features)
    features = layers.Concatenate(name="levels")(upsampled)
    features = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="he_normal", name="fuse_conv")(features)
    return layers.Activation("relu", name="fuse_relu")(normalise(features, "fuse_norm"))
