"""The backbones by name."""

import keras

from maskmill.errors import ModelError, suggest
from maskmill.models.application_backbones import APPLICATION_BACKBONES
from maskmill.models.backbone_copies import copy_network, copy_weights
from maskmill.models.backbone_kinds import Backbone
from maskmill.models.hub_backbones import HUB_BACKBONES

BACKBONES: dict[str, Backbone] = {**HUB_BACKBONES, **APPLICATION_BACKBONES}


def build_backbone(name: str) -> keras.Model:
    """Build a backbone with random weights.

    Args:
        name: a key of BACKBONES.

    Returns:
        A model named `backbone` from float (B, H, W, 3) in RGB, H and W multiples of its deepest stride, to the list of skips in
        the order of `BACKBONES[name].skips`.

    Raises:
        ModelError: there is no such backbone.
    """
    backbone = find_backbone(name)
    network = copy_network(backbone.build())
    operations = {operation.name: operation for operation in network.operations}  # ConvNeXt's sums are no layers
    return keras.Model(network.input, [operations[name].output for name in backbone.skips.values()], name="backbone")


def fetch_weights(network: keras.Model, name: str) -> None:
    """Download ImageNet's weights into a backbone; the libraries that do so raise many kinds of errors.

    Args:
        network: what `build_backbone(name)` returned.
        name: a key of BACKBONES.
    """
    copy_weights(find_backbone(name).fetch(), network)


def find_backbone(name: str) -> Backbone:
    """Return what is known of a backbone.

    Args:
        name: a key of BACKBONES.

    Raises:
        ModelError: there is no such backbone.
    """
    if name not in BACKBONES:
        raise ModelError(
            f"backbone {name!r} is unknown{suggest(name, BACKBONES)}", expected=f"null or one of {', '.join(BACKBONES)}"
        )
    return BACKBONES[name]
