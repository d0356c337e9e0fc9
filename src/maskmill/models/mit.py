"""The Mix Transformer encoder (MiT) for pictures of any size; keras-hub's own takes square ones of one fixed size."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

Shape = tuple[int | None, ...]


def build_mit(
    *,
    filters: Sequence[int] = (32, 64, 160, 256),
    depths: Sequence[int] = (2, 2, 2, 2),
    heads: Sequence[int] = (1, 2, 5, 8),
    reductions: Sequence[int] = (8, 4, 2, 1),
    drop_path: float = 0.1,
) -> keras.Model:
    """Build a Mix Transformer; the defaults are MiT-B0, 3.3 million parameters.

    Args:
        filters: channels of the four stages.
        depths: transformer blocks of each stage.
        heads: attention heads of each stage.
        reductions: how many times shorter the sides of keys and values are than those of the queries, each stage.
        drop_path: the part of the samples that skip the last block while training; blocks before it skip fewer.

    Returns:
        A model from float (B, H, W, 3), H and W multiples of 32, to the last stage's features; the stages end in layers
        `stage{1..4}_norm` at strides 4, 8, 16 and 32. Its weights are in the order of keras-hub's MiTBackbone.

    Source: Xie et al., SegFormer, 2021, section 3.1.
    """
    pictures = keras.Input((None, None, 3), name="pictures")
    features = pictures
    drops = iter(np.linspace(0.0, drop_path, sum(depths)).tolist())
    for stage in range(len(filters)):
        name = f"stage{stage + 1}"
        patch, stride = (7, 4) if stage == 0 else (3, 2)
        features = layers.ZeroPadding2D(patch // 2, name=f"{name}_patch_pad")(features)
        features = layers.Conv2D(filters[stage], patch, strides=stride, name=f"{name}_patch_conv")(features)
        features = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_patch_norm")(features)
        for block in range(depths[stage]):
            features = _transformer_block(
                features, heads[stage], reductions[stage], drop=next(drops), name=f"{name}_block{block + 1}"
            )
        features = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(features)
    return keras.Model(pictures, features, name="mit")


def _transformer_block(features: keras.KerasTensor, heads: int, reduction: int, drop: float, name: str) -> keras.KerasTensor:
    width = features.shape[-1]
    mixed = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(features)
    mixed = ReducedAttention(width, heads, reduction, name=f"{name}_attention")(mixed)
    features = layers.Add(name=f"{name}_add1")([features, _drop_samples(mixed, drop, f"{name}_drop1")])
    mixed = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(features)
    mixed = layers.Dense(4 * width, name=f"{name}_expand")(mixed)
    mixed = layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(mixed)
    mixed = layers.Activation("gelu", name=f"{name}_gelu")(mixed)
    mixed = layers.Dense(width, name=f"{name}_project")(mixed)
    return layers.Add(name=f"{name}_add2")([features, _drop_samples(mixed, drop, f"{name}_drop2")])


def _drop_samples(features: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    """Stochastic depth: leave a block out for some samples of a training batch."""
    return layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=name)(features) if rate else features


@keras.saving.register_keras_serializable(package="maskmill")
class ReducedAttention(keras.layers.Layer):
    """Self-attention between all places of a feature map and those of a smaller copy of it.

    Args:
        width: channels of the input and of the output.
        heads: number of attention heads, a divisor of `width`.
        reduction: how many times shorter the sides of the smaller copy are.

    Source: Xie et al., SegFormer, 2021, section 3.1, "Efficient Self-Attention".
    """

    def __init__(self, width: int, heads: int, reduction: int, **options: Any) -> None:
        super().__init__(**options)
        self.width, self.heads, self.reduction = width, heads, reduction
        # The order of these is the order of the weights, which is keras-hub's.
        self.query = layers.Dense(width, name="query", dtype=self.dtype_policy)
        self.key = layers.Dense(width, name="key", dtype=self.dtype_policy)
        self.value = layers.Dense(width, name="value", dtype=self.dtype_policy)
        self.project = layers.Dense(width, name="project", dtype=self.dtype_policy)
        if reduction > 1:
            self.reduce = layers.Conv2D(width, reduction, strides=reduction, name="reduce", dtype=self.dtype_policy)
            self.norm = layers.LayerNormalization(epsilon=1e-5, name="norm", dtype=self.dtype_policy)

    def build(self, features_shape: Shape) -> None:
        for layer in (self.query, self.key, self.value, self.project):
            layer.build(features_shape)
        if self.reduction > 1:
            self.reduce.build(features_shape)
            self.norm.build(features_shape)

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:  # (B, H, W, C)
        smaller = self.norm(self.reduce(features)) if self.reduction > 1 else features
        attended = ops.dot_product_attention(
            self._split_heads(self.query(features)),
            self._split_heads(self.key(smaller)),
            self._split_heads(self.value(smaller)),
        )  # (B, H * W, heads, C / heads)
        return self.project(ops.reshape(attended, ops.shape(features)))

    def compute_output_shape(self, features_shape: Shape) -> Shape:
        return features_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width, "heads": self.heads, "reduction": self.reduction}

    def _split_heads(self, features: keras.KerasTensor) -> keras.KerasTensor:
        batch, height, width, _ = ops.shape(features)
        return ops.reshape(features, (batch, height * width, self.heads, self.width // self.heads))
