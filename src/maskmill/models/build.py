"""From the name of an architecture to a model."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from maskmill.errors import ModelError, suggest
from maskmill.labels.heads import Head, count_planes
from maskmill.models.backbone_unet import build_backbone_unet
from maskmill.models.deeplabv3plus import build_deeplabv3plus
from maskmill.models.dynamic_unet import build_dynamic_unet
from maskmill.models.fcn import build_fcn
from maskmill.models.layers import BesideZero
from maskmill.models.plain_unet import build_plain_unet
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
    return tuple(_read_defaults(find_builder(architecture)))


def find_idle_settings(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that other architectures take and that were changed from their defaults to no effect here.

    Args:
        settings: the train section.
    """
    builder = find_builder(settings["architecture"])
    taken = set(_read_defaults(builder))
    if builder is build_unet:  # two in one
        taken = {"backbone", "weights", *_read_defaults(build_plain_unet if settings["backbone"] is None else build_backbone_unet)}
    defaults: dict[str, Any] = {}
    for other in BUILDERS.values():
        defaults = _read_defaults(other) | defaults  # the U-Net's, which is the first, are those of params.yaml
    return [name for name, default in defaults.items() if name not in taken and _as_list(settings[name]) != _as_list(default)]


def find_builder(architecture: str) -> Callable[..., keras.Model]:
    """Return the builder of an architecture; raise ModelError when there is none of that name."""
    if architecture not in BUILDERS:
        raise ModelError(
            f"architecture {architecture!r} is unknown{suggest(architecture, BUILDERS)}", expected=f"one of {', '.join(BUILDERS)}"
        )
    return BUILDERS[architecture]


def _read_defaults(builder: Callable[..., keras.Model]) -> dict[str, Any]:
    """Return the train settings in a builder's signature, data aside, with their defaults."""
    parameters = inspect.signature(builder).parameters
    return {name: parameter.default for name, parameter in parameters.items() if name not in ("channels", "num_classes")}


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
