import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models.segformer import build_segformer


def _count(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_logits_are_as_large_as_the_picture() -> None:
    model = build_segformer(channels=5, num_classes=4)
    logits = keras.ops.convert_to_numpy(model(np.random.default_rng(0).integers(0, 256, (2, 97, 131, 5), dtype=np.uint8)))
    assert logits.shape == (2, 97, 131, 4)
    assert np.isfinite(logits).all()
    assert logits.std() > 0


def test_as_many_parameters_as_worked_out_by_hand() -> None:
    encoder = 3_319_392  # MiT-B0 without classifier
    linear = sum(width * 256 + 256 for width in (32, 64, 160, 256))
    fuse = 4 * 256 * 256 + 2 * 256
    classifier = 256 * 150 + 150
    assert encoder + linear + fuse + classifier == 3_752_694
    assert _count(build_segformer(channels=3, num_classes=150)) == 3_752_694


@pytest.mark.parametrize(("backbone", "millions"), [("mit_b0", 3.8), ("mit_b1", 13.7), ("mit_b2", 27.5)])
def test_as_many_parameters_as_published(backbone: str, millions: float) -> None:
    """The paper's table of ADE20K, whose 150 classes are counted."""
    assert _count(build_segformer(channels=3, num_classes=150, backbone=backbone)) / 1e6 == pytest.approx(millions, abs=0.1)


def test_the_librarys_segformer_answers_the_same() -> None:
    import keras_hub

    keras.utils.set_random_seed(2)
    encoder = keras_hub.models.MiTBackbone(
        layerwise_depths=[2, 2, 2, 2],
        num_layers=4,
        layerwise_num_heads=[1, 2, 5, 8],
        layerwise_sr_ratios=[8, 4, 2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        hidden_dims=[32, 64, 160, 256],
        image_shape=(64, 64, 3),
    )
    library = keras_hub.models.SegFormerImageSegmenter(
        keras_hub.models.SegFormerBackbone(image_encoder=encoder, projection_filters=256), num_classes=4
    )
    rng = np.random.default_rng(3)
    library.set_weights([rng.normal(0.1, 0.1, weight.shape) ** 2 for weight in library.get_weights()])
    ours = build_segformer(channels=3, num_classes=4, backbone="mit_b0")
    _copy(library, ours)
    picture = rng.integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    scaled = keras.Model(ours.input, ours.get_layer("scale").output)(picture)
    expected = keras.ops.convert_to_numpy(library(scaled, training=False))
    assert expected.std() > 0.01
    assert np.allclose(keras.ops.convert_to_numpy(ours(picture)), expected, rtol=1e-4, atol=1e-4)


def _copy(library: keras.Model, ours: keras.Model) -> None:
    ours.get_layer("backbone").set_weights(library.backbone.image_encoder.get_weights())
    fuse, norm, _ = library.backbone.linear_fuse.layers
    parts = {f"linear_{2 ** (level + 2)}": layer for level, layer in enumerate(library.backbone.mlp_blocks)}
    parts |= {"fuse_conv": fuse, "fuse_norm": norm, "logits": library.output_segmentation_head}
    for name, layer in parts.items():
        ours.get_layer(name).set_weights(layer.get_weights())


@pytest.mark.parametrize("backbone", ["resnet18", "mit_b9"])
def test_other_backbones_are_refused(backbone: str) -> None:
    with pytest.raises(ModelError) as caught:
        build_segformer(channels=3, num_classes=2, backbone=backbone)
    for word in (repr(backbone), "mit_b0", "train.backbone"):
        assert word in str(caught.value)
