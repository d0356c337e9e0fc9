"""The backbones of keras-hub, and the Mix Transformers, whose weights are keras-hub's."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from maskmill.models.backbone_kinds import IMAGENET_DEVIATION, IMAGENET_MEAN, KAGGLE, Backbone, skips_from
from maskmill.models.mit import build_mit


def _fetch_preset(preset: str) -> keras.Model:
    import keras_hub

    return keras_hub.models.Backbone.from_preset(preset)


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


def _build_densenet(blocks: list[int]) -> keras.Model:
    import keras_hub

    return keras_hub.models.DenseNetBackbone(stackwise_num_repeats=blocks)


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


def _fetch_mit(preset: str, **sizes: Any) -> keras.Model:
    network = build_mit(**sizes)
    network.set_weights(_fetch_preset(preset).get_weights())  # the library's takes square pictures of one size
    return network


def _hub(build: Callable[[], keras.Model], fetch: Callable[[], keras.Model], host: str = KAGGLE, **known: Any) -> Backbone:
    return Backbone(build=build, fetch=fetch, host=host, mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION, **known)


def _resnet(blocks: list[int], block_type: str, preset: str, host: str = KAGGLE) -> Backbone:
    stacks = [f"stack{stack}_block{count - 1}_out" for stack, count in enumerate(blocks)]
    return _hub(
        partial(_build_resnet, blocks, block_type),
        partial(_fetch_preset, preset),
        host,
        skips=skips_from(2, "conv1_relu", *stacks),
    )


def _mit(preset: str, **sizes: Any) -> Backbone:
    return _hub(
        partial(build_mit, **sizes),
        partial(_fetch_mit, preset, **sizes),  # trained on ImageNet, then on ADE20K
        skips=skips_from(4, *(f"stage{stage}_norm" for stage in (1, 2, 3, 4))),
    )


HUB_BACKBONES: dict[str, Backbone] = {
    "resnet18": _resnet([2, 2, 2, 2], "basic_block", "resnet_18_imagenet"),
    "resnet34": _resnet([3, 4, 6, 3], "basic_block", "hf://timm/resnet34.a1_in1k", "huggingface.co"),  # no preset of its own
    "resnet50": _resnet([3, 4, 6, 3], "bottleneck_block", "resnet_50_imagenet"),
    "resnet101": _resnet([3, 4, 23, 3], "bottleneck_block", "resnet_101_imagenet"),
    "resnet152": _resnet([3, 8, 36, 3], "bottleneck_block", "resnet_152_imagenet"),
    "densenet121": _hub(
        partial(_build_densenet, [6, 12, 24, 16]),
        partial(_fetch_preset, "densenet_121_imagenet"),
        skips=skips_from(2, "conv1_relu", "transition1_relu", "transition2_relu", "transition3_relu", "relu"),
    ),
    "cspdarknet53": _hub(
        _build_cspdarknet,
        partial(_fetch_preset, "csp_darknet_53_ra_imagenet"),
        skips=skips_from(2, *(f"stage_{stage}_csp_transition_activation" for stage in range(5))),
    ),
    "mit_b0": _mit("mit_b0_ade20k_512"),
    "mit_b1": _mit("mit_b1_ade20k_512", filters=(64, 128, 320, 512), depths=(2, 2, 2, 2)),
    "mit_b2": _mit("mit_b2_ade20k_512", filters=(64, 128, 320, 512), depths=(3, 4, 6, 3)),
    "mit_b3": _mit("mit_b3_ade20k_512", filters=(64, 128, 320, 512), depths=(3, 4, 18, 3)),
    "mit_b4": _mit("mit_b4_ade20k_512", filters=(64, 128, 320, 512), depths=(3, 8, 27, 3)),
    "mit_b5": _mit("mit_b5_ade20k_640", filters=(64, 128, 320, 512), depths=(3, 6, 40, 3)),
}
