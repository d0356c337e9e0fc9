"""The plain U-Net: its own encoder, trained from nothing."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

import keras
from keras import layers

from maskmill.errors import ModelError, suggest
from maskmill.models.blocks import Activation, Initializer, Norm, classify, convolve_twice, pad_pictures, scale_bands
from maskmill.models.enlarging import BilinearUpsampling

Upsampling = Literal["transposed", "nearest", "bilinear"]


def build_plain_unet(
    *,
    channels: int,
    num_classes: int,
    base_filters: int = 32,
    depth: int = 5,
    dropout: float | Sequence[float] = 0.0,
    activation: Activation = "relu",
    norm: Norm = "batch",
    initializer: Initializer = "he_normal",
    upsampling: Upsampling = "transposed",
    input_noise: float = 0.0,
) -> keras.Model:
    """Build a U-Net; 7.77 million parameters at 32 filters and 5 levels.

    Args:
        channels: bands of the pictures.
        num_classes: classes, void not among them.
        base_filters: filters of the first level; each further level has twice as many.
        depth: levels; between them are `depth - 1` poolings, so the stride is 2 ** (depth - 1).
        dropout: fraction 0..1 of the values dropped between a block's two convolutions while training: one for all blocks; or
            `depth` of them, one a level, for its block on the way down as on the way up; or `2 * depth - 1`, one a block along
            the U.
        activation: after each 3 x 3 convolution.
        norm: between each 3 x 3 convolution and its activation.
        initializer: what the kernels start from, the last layer's aside.
        upsampling: `transposed`: a transposed convolution 2 x 2; `nearest` or `bilinear`: twice the size by that interpolation,
            then a convolution 2 x 2. All have the same number of parameters.
        input_noise: standard deviation 0..1 of the Gaussian noise added while training to the scaled picture, whose unit is
            63.75 grey values: 0.4 is a tenth of the range 0..255.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels) to float32 logits (B, H, W, num_classes).

    Raises:
        ModelError: a setting that there is none of, a wrong number of dropouts, or too much noise.

    Source: Ronneberger, Fischer and Brox, U-Net, 2015; here with padding, so that the logits are as large as the picture.
    """
    _check_choices(activation=(activation, Activation), norm=(norm, Norm), initializer=(initializer, Initializer))
    _check_choices(upsampling=(upsampling, Upsampling))
    if not 0.0 <= input_noise <= 1.0:
        raise ModelError(f"input_noise {input_noise:g}", expected="0 to 1, in the scaled picture's deviations")
    encoder_dropout, bottleneck_dropout, decoder_dropout = _spread_dropout(dropout, depth)
    pictures, padded = pad_pictures(channels, stride=2 ** (depth - 1))
    features = scale_bands(padded, "scale")
    if input_noise:
        features = layers.GaussianNoise(input_noise, name="noise")(features)
    convolve = partial(convolve_twice, activation=activation, norm=norm, initializer=initializer)
    skips = []
    for level in range(depth - 1):
        features = convolve(features, base_filters * 2**level, encoder_dropout[level], f"encoder{level + 1}")
        skips.append(features)
        features = layers.MaxPooling2D(2, name=f"encoder{level + 1}_pool")(features)
    features = convolve(features, base_filters * 2 ** (depth - 1), bottleneck_dropout, "bottleneck")
    for level in reversed(range(depth - 1)):
        filters, name = base_filters * 2**level, f"decoder{level + 1}"
        features = _double(features, filters, upsampling, initializer, f"{name}_up")
        features = layers.Concatenate(name=f"{name}_concat")([features, skips[level]])
        features = convolve(features, filters, decoder_dropout[level], name)
    return keras.Model(pictures, classify(features, pictures, num_classes, kernel_size=1), name="unet")


def _double(
    features: keras.KerasTensor, filters: int, upsampling: Upsampling, initializer: Initializer, name: str
) -> keras.KerasTensor:
    """Double height and width."""
    if upsampling == "transposed":
        return layers.Conv2DTranspose(filters, 2, strides=2, kernel_initializer=initializer, name=name)(features)
    enlarge = BilinearUpsampling(2, name=name) if upsampling == "bilinear" else layers.UpSampling2D(2, name=name)
    return layers.Conv2D(filters, 2, padding="same", kernel_initializer=initializer, name=f"{name}_conv")(enlarge(features))


def _spread_dropout(dropout: float | Sequence[float], depth: int) -> tuple[Sequence[float], float, Sequence[float]]:
    """Return the dropout of the encoder's blocks, the bottleneck and the decoder's blocks, the finest level first in both."""
    if not isinstance(dropout, Sequence):
        dropout = [dropout] * depth
    if len(dropout) == depth:
        return dropout[:-1], dropout[-1], dropout[:-1]
    if len(dropout) == 2 * depth - 1:
        return dropout[: depth - 1], dropout[depth - 1], dropout[:-depth:-1]
    raise ModelError(
        f"dropout {list(dropout)} has {len(dropout)} fractions, but depth is {depth}",
        expected=f"one fraction for all blocks, {depth} for the levels or {2 * depth - 1} for the blocks along the U",
    )


def _check_choices(**settings: tuple[str, object]) -> None:
    for name, (value, literal) in settings.items():
        choices = get_args(literal)
        if value not in choices:
            raise ModelError(f"{name} {value!r} is unknown{suggest(value, choices)}", expected=f"one of {', '.join(choices)}")
