"""From the name of an architecture to a model."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from maskmill.errors import ModelError, suggest
from maskmill.labels.heads import Head, count_planes
from maskmill.models.deeplabv3plus import build_deeplabv3plus
from maskmill.models.dynamic_unet import build_dynamic_unet
from maskmill.models.fcn import build_fcn
from maskmill.models.layers import BesideZero
from maskmill.models.segformer import build_segformer
from maskmill.models.segnet import build_segnet, build_segnet_basic
from maskmill.models.unet import build_unet
from maskmill.models.xception_unet import build_xception_unet

BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "unet": build_unet,
    "xception_unet": build_xception_unet,
    "segnet": build_segnet,
    "segnet_basic": build_segnet_basic,
    "fcn": build_fcn,
    "dynamic_unet": build_dynamic_unet,
    "deeplabv3plus": build_deeplabv3plus,
    "segformer": build_segformer,
}


def build_model(architecture: str, *, channels: int, num_classes: int, head: Head = "softmax", **settings: Any) -> keras.Model:
    """Build a segmentation model.

    Args:
        architecture: a key of BUILDERS.
        channels: bands of the pictures, 1 or more.
        num_classes: K classes, void not among them, 1 to 255.
        head: what the last layer tells apart.
        settings: of the train section; those that the architecture does not take are left alone, those that are absent have the
            builder's defaults.

    Returns:
        An uncompiled model from uint8 (B, H, W, channels), any height and width, to float32 logits (B, H, W, K). With the head
        `sigmoid` the first of the two is 0, so that the softmax of both is the sigmoid of the second.

    Raises:
        ModelError: unknown architecture or backbone, weights that cannot be had, or settings that do not go together.
    """
    builder = find_builder(architecture)
    taken = {name: settings[name] for name in settings_of(architecture) if name in settings}
    model = builder(channels=channels, num_classes=count_planes(head, num_classes), **taken)
    if head != "sigmoid":
        return model
    return keras.Model(model.input, BesideZero(dtype="float32", name="beside_zero")(model.output), name=model.name)


def settings_of(architecture: str) -> tuple[str, ...]:
    """Return the train settings that an architecture takes: the keyword arguments of its builder, data and head aside."""
    return tuple(
        name for name in inspect.signature(find_builder(architecture)).parameters if name not in ("channels", "num_classes")
    )


def find_builder(architecture: str) -> Callable[..., keras.Model]:
    """Return the builder of an architecture; raise ModelError when there is none of that name."""
    if architecture not in BUILDERS:
        raise ModelError(
            f"architecture {architecture!r} is unknown{suggest(architecture, BUILDERS)}", expected=f"one of {', '.join(BUILDERS)}"
        )
    return BUILDERS[architecture]
