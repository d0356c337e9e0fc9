"""From the name of an architecture to a model."""

from collections.abc import Callable, Sequence

import keras

from maskmill.errors import ModelError, suggest
from maskmill.models.unet import build_unet

# A builder is called with every keyword argument of `build_model` but the name, and leaves alone what it has no use for.
BUILDERS: dict[str, Callable[..., keras.Model]] = {"unet": build_unet}


def build_model(
    architecture: str,
    *,
    channels: int,
    num_classes: int,
    backbone: str | None,
    weights: str,
    base_filters: int,
    depth: int,
    decoder_filters: Sequence[int],
    dropout: float,
) -> keras.Model:
    """Build a segmentation model.

    Args:
        architecture: a key of BUILDERS.
        channels: bands of the pictures, 1 or more.
        num_classes: classes, void not among them, 1 to 255.
        backbone: a key of BACKBONES, or None for an architecture's own encoder.
        weights: what the backbone starts from: `none`, `imagenet` or the path of a `.weights.h5` file.
        base_filters: filters of the first level, where there is no backbone.
        depth: levels, where there is no backbone.
        decoder_filters: filters of the decoder's stages on a backbone, the coarsest first.
        dropout: fraction 0..1 of the values dropped while training.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels), any height and width, to float32 logits (B, H, W, num_classes).

    Raises:
        ModelError: unknown architecture or backbone, weights that cannot be had, or settings that do not go together.
    """
    if architecture not in BUILDERS:
        raise ModelError(
            f"architecture {architecture!r} is unknown{suggest(architecture, BUILDERS)}", expected=f"one of {', '.join(BUILDERS)}"
        )
    return BUILDERS[architecture](
        channels=channels,
        num_classes=num_classes,
        backbone=backbone,
        weights=weights,
        base_filters=base_filters,
        depth=depth,
        decoder_filters=decoder_filters,
        dropout=dropout,
    )
