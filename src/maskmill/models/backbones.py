"""The backbones: for each name, how its network is built, what it expects as input, and which layers give the skips."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import keras

from maskmill.errors import ModelError, suggest
from maskmill.models.blocks import NORM_MOMENTUM
from maskmill.models.mit import build_mit
from maskmill.models.norms import FastBatchNormalization

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """What maskmill knows of one backbone.

    Args:
        build: returns the network with random weights, for float (B, H, W, 3).
        skips: stride to the name of the layer whose output is the skip at that stride.
        mean: of each band over the pictures that it was trained on, values 0..1.
        deviation: standard deviation to the same.
        fetch: returns a network of the same weights in the same order, trained on ImageNet.
        host: where `fetch` downloads from.
    """

    build: Callable[[], keras.Model]
    skips: MappingProxyType[int, str]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    fetch: Callable[[], keras.Model]
    host: str


def build_backbone(name: str) -> keras.Model:
    """Build a backbone with random weights.

    Args:
        name: a key of BACKBONES.

    Returns:
        A model named `backbone` from float (B, H, W, 3), H and W multiples of 32, to the list of skips in the order of
        `BACKBONES[name].skips`.

    Raises:
        ModelError: there is no such backbone.
    """
    backbone = find_backbone(name)
    network = backbone.build()
    skips = [network.get_layer(layer).output for layer in backbone.skips.values()]
    return keras.models.clone_model(
        keras.Model(network.input, skips, name="backbone"),
        input_tensors=keras.Input((None, None, 3), name="pictures"),
        clone_function=_StableCopy(),
    )


class _StableCopy:
    """Copies layers one by one; what the libraries leave to be named by a counter of the process gets a name of its own.

    A saved file holds the names: without this, two builds in one process would give two different files.
    """

    def __init__(self) -> None:
        self.unnamed = 0

    def __call__(self, operation: keras.Operation) -> keras.Operation:
        config = operation.get_config()
        if isinstance(operation, keras.layers.BatchNormalization):
            return FastBatchNormalization.from_config({**config, "momentum": NORM_MOMENTUM})
        if not isinstance(operation, keras.layers.Layer):
            self.unnamed += 1
            config["name"] = f"operation{self.unnamed}"
        return type(operation).from_config(config)


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


def _build_resnet(blocks: list[int], block_type: str) -> keras.Model:
    import keras_hub

    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=blocks,
        stackwise_num_strides=[1, 2, 2, 2],
        block_type=block_type,
    )


def _build_cspdarknet() -> keras.Model:
    import keras_hub

    return keras_hub.models.CSPNetBackbone(
        stem_filters=32,
        stem_kernel_size=3,
        stem_strides=1,
        stem_padding="same",
        stackwise_depth=[1, 2, 8, 8, 4],
        stackwise_strides=[2, 2, 2, 2, 2],
        stackwise_num_filters=[64, 128, 256, 512, 1024],
        bottle_ratio=[0.5, 1.0],
        block_ratio=[1.0, 0.5],
        expand_ratio=[2.0, 1.0],
        block_type="dark_block",
        stage_type="csp",
        down_growth=True,
    )


def _build_mobilenet(weights: str | None) -> keras.Model:
    return keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=weights)


def _build_efficientnet(weights: str | None) -> keras.Model:
    return keras.applications.EfficientNetV2B0(
        include_top=False, weights=weights, input_shape=(None, None, 3), include_preprocessing=False
    )


def _fetch_preset(preset: str) -> keras.Model:
    import keras_hub

    return keras_hub.models.Backbone.from_preset(preset)


def _skips(*layers: str, first: int = 2) -> MappingProxyType[int, str]:
    return MappingProxyType({first * 2**level: layer for level, layer in enumerate(layers)})


def _resnet(blocks: list[int], block_type: str, preset: str, host: str = "www.kaggle.com") -> Backbone:
    stacks = [f"stack{stack}_block{count - 1}_out" for stack, count in enumerate(blocks)]
    return Backbone(
        build=partial(_build_resnet, blocks, block_type),
        skips=_skips("conv1_relu", *stacks),
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
        fetch=partial(_fetch_preset, preset),
        host=host,
    )


BACKBONES: dict[str, Backbone] = {
    "resnet18": _resnet([2, 2, 2, 2], "basic_block", "resnet_18_imagenet"),
    "resnet34": _resnet([3, 4, 6, 3], "basic_block", "hf://timm/resnet34.a1_in1k", "huggingface.co"),  # no preset of its own
    "resnet50": _resnet([3, 4, 6, 3], "bottleneck_block", "resnet_50_imagenet"),
    "efficientnetv2_b0": Backbone(
        build=partial(_build_efficientnet, None),
        skips=_skips(
            "block1a_project_activation", "block2b_add", "block4a_expand_activation", "block6a_expand_activation", "top_activation"
        ),
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
        fetch=partial(_build_efficientnet, "imagenet"),
        host="storage.googleapis.com",
    ),
    "mobilenetv2": Backbone(
        build=partial(_build_mobilenet, None),
        skips=_skips("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu", "out_relu"),
        mean=(0.5, 0.5, 0.5),
        deviation=(0.5, 0.5, 0.5),
        fetch=partial(_build_mobilenet, "imagenet"),
        host="storage.googleapis.com",
    ),
    "cspdarknet53": Backbone(
        build=_build_cspdarknet,
        skips=_skips(*(f"stage_{stage}_csp_transition_activation" for stage in range(5))),
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
        fetch=partial(_fetch_preset, "csp_darknet_53_ra_imagenet"),
        host="www.kaggle.com",
    ),
    "mit_b0": Backbone(
        build=build_mit,
        skips=_skips(*(f"stage{stage}_norm" for stage in (1, 2, 3, 4)), first=4),
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
        fetch=partial(_fetch_preset, "mit_b0_ade20k_512"),  # trained on ImageNet, then on ADE20K
        host="www.kaggle.com",
    ),
}
