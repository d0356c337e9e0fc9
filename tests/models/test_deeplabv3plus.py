import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models.backbones import build_backbone
from maskmill.models.coarse_logits import classify_coarse
from maskmill.models.deeplabv3plus import build_deeplabv3plus

RESNET18 = 11_176_512  # without its classifier


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_deeplabv3plus(channels=3, num_classes=4, backbone="resnet18")


def _check_size(model: keras.Model) -> None:
    logits = keras.ops.convert_to_numpy(model(_pictures(2, 97, 131, model.input_shape[-1])))
    assert logits.shape == (2, 97, 131, 4)
    assert np.isfinite(logits).all()
    assert logits.std() > 0


def test_logits_are_as_large_as_the_picture(model: keras.Model) -> None:
    _check_size(model)


def test_a_backbone_without_dilation_and_other_bands() -> None:
    model = build_deeplabv3plus(channels=5, num_classes=4, backbone="mit_b0")
    _check_size(model)
    assert model.get_layer("backbone")(np.zeros((1, 64, 96, 3), np.float32))[-1].shape[1:3] == (2, 3)


def test_as_many_parameters_as_worked_out_by_hand(model: keras.Model) -> None:
    def convolve(inputs: int, filters: int, size: int = 1) -> int:  # with a norm's scale and shift in place of a bias
        return size**2 * inputs * filters + 2 * filters

    pooling = 2 * convolve(512, 256) + 3 * convolve(512, 256, 3) + convolve(5 * 256, 256)
    head = pooling + convolve(64, 48) + convolve(256 + 48, 256) + 256 * 4 + 4
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == RESNET18 + head


def test_dilated_stage_sees_what_the_strided_one_sees_and_the_places_between(model: keras.Model) -> None:
    dilated, strided = model.get_layer("backbone"), build_backbone("resnet18")
    strided.set_weights(dilated.get_weights())
    picture = np.random.default_rng(1).normal(size=(1, 64, 96, 3)).astype(np.float32)
    fine, coarse = (keras.ops.convert_to_numpy(network(picture)[-1]) for network in (dilated, strided))
    assert fine.shape == (1, 4, 6, 512)
    assert coarse.std() > 0
    assert np.allclose(fine[:, ::2, ::2], coarse, rtol=1e-4, atol=1e-5)


def test_the_librarys_model_answers_the_same() -> None:
    import keras_hub

    keras.utils.set_random_seed(2)
    ours = build_deeplabv3plus(channels=3, num_classes=2, backbone="mobilenetv2")
    _, low, _, _, deep = ours.get_layer("backbone").outputs
    encoder = keras.Model(ours.get_layer("backbone").input, [low, deep])
    encoder.pyramid_outputs = {"P2": low, "P5": deep}
    library = keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        low_level_feature_key="P2",
        spatial_pyramid_pooling_key="P5",
        dilation_rates=[6, 12, 18],
        upsampling_size=8,
    )
    rng = np.random.default_rng(3)
    counterparts = {layer.name: layer for layer in ours.layers if layer.weights and layer.name not in ("backbone", "logits")}
    assert len(counterparts) == 2 * (6 + 2)  # a convolution and a norm: pyramid and its projection, low features, both together
    originals = {layer.name: layer for layer in library._flatten_layers()}
    for name, layer in counterparts.items():
        layer.set_weights([rng.normal(0.0, 0.3, weight.shape) ** 2 for weight in layer.get_weights()])
        originals[name].set_weights(layer.get_weights())
        originals[name].epsilon = 1e-5  # of the norms
    picture = _pictures(1, 64, 96, 3)
    scaled = keras.Model(ours.input, ours.get_layer("scale").output)(picture)
    expected = keras.Model(library.input, library.get_layer("segmentation_head_relu").output)(scaled, training=False)
    found = keras.Model(ours.input, ours.get_layer("segmentation_head_relu").output)(picture, training=False)
    expected, found = keras.ops.convert_to_numpy(expected), keras.ops.convert_to_numpy(found)
    assert expected.std() > 0.01
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_call_that_does_not_say_so_does_not_train(model: keras.Model) -> None:
    """Keras's Resizing, which the library's model has, makes all layers behind it train in such a call."""
    pictures = _pictures(2, 64, 96, 3)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.weights]
    answer, quiet = (keras.ops.convert_to_numpy(each) for each in (model(pictures), model(pictures, training=False)))
    assert np.array_equal(answer, quiet)
    assert all(np.array_equal(keras.ops.convert_to_numpy(weight), old) for weight, old in zip(model.weights, before, strict=True))


def test_classifying_first_gives_the_logits_of_upsampling_first() -> None:
    features, pictures = keras.Input((None, None, 6)), keras.Input((None, None, 3))
    model = keras.Model([features, pictures], classify_coarse(features, pictures, num_classes=2, stride=4))
    seen = np.random.default_rng(2).normal(size=(1, 4, 5, 6)).astype(np.float32)
    upsampled = keras.layers.UpSampling2D(4, interpolation="bilinear")(seen)
    expected = keras.ops.convert_to_numpy(model.get_layer("logits")(upsampled))[:, :13, :18]
    found = keras.ops.convert_to_numpy(model([seen, np.zeros((1, 13, 18, 3), np.float32)]))
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "words"), [(None, ["no backbone", "train.backbone"]), ("resnet81", ["'resnet81'", "did you mean resnet18?"])]
)
def test_a_backbone_is_needed(backbone: str | None, words: list[str]) -> None:
    with pytest.raises(ModelError) as caught:
        build_deeplabv3plus(channels=3, num_classes=2, backbone=backbone)
    assert all(word in str(caught.value) for word in words)
