import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models.dynamic_unet import build_dynamic_unet
from maskmill.models.pixel_shuffle import PixelShuffle

RESNET34 = 21_284_672  # without its classifier


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _answer(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(pictures, training=False))


@pytest.fixture(scope="module", params=["resnet18", "mit_b0"])
def model(request: pytest.FixtureRequest) -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_dynamic_unet(channels=4, num_classes=3, backbone=request.param, self_attention=True)


def test_logits_are_as_large_as_the_picture(model: keras.Model) -> None:
    logits = _answer(model, _pictures(2, 97, 131, 4))
    assert logits.shape == (2, 97, 131, 3)
    assert np.isfinite(logits).all()
    assert logits.std() > 0


def test_cells_are_flat_before_training(model: keras.Model) -> None:
    shuffles = [layer for layer in model.layers if isinstance(layer, PixelShuffle)]
    assert len(shuffles) == len(model.get_layer("backbone").outputs)  # one to each skip but the last, one to the picture
    maps = keras.Model(model.input, [layer.output for layer in shuffles])(_pictures(1, 64, 96, 4), training=False)
    for shuffle, answer in zip(shuffles, maps, strict=True):
        upsampled = keras.ops.convert_to_numpy(answer)
        batch, height, width, filters = upsampled.shape
        cells = upsampled.reshape(batch, height // shuffle.scale, shuffle.scale, width // shuffle.scale, shuffle.scale, filters)
        assert cells.std() > 0
        assert np.allclose(cells, cells[:, :, :1, :, :1], rtol=1e-5, atol=1e-6), shuffle.name


def test_attention_is_in_the_third_last_upsampling_and_adds_nothing_at_first(model: keras.Model) -> None:
    ups = len(model.get_layer("backbone").outputs) - 1
    attention = model.get_layer(f"up{ups - 2}_attention")
    places = keras.Model(model.input, [attention.input, attention.output])(_pictures(1, 64, 96, 4), training=False)
    before, after = (keras.ops.convert_to_numpy(each) for each in places)
    assert before.std() > 0
    assert np.array_equal(after, before)
    assert keras.Model(model.input, attention.output)(_pictures(1, 64, 96, 4)).shape[1] == 64 // 2 ** (5 - (ups - 2))


def test_the_last_block_sees_the_picture(model: keras.Model) -> None:
    picture = _pictures(1, 64, 96, 4)
    together = _answer(keras.Model(model.input, model.get_layer("last_concat").output), picture)
    assert np.allclose(together[..., -4:], (picture / 255.0 - 0.5) / 0.25, atol=1e-4)


def test_as_many_parameters_as_the_original() -> None:
    """fastai's unet_learner with resnet34 at 3 classes has 41.2 million; here worked out layer by layer."""

    def convolve(inputs: int, filters: int, size: int = 3) -> int:
        return size**2 * inputs * filters + filters

    def up(inputs: int, skip: int, shrink: int = 1) -> int:
        together = inputs // 2 + skip
        filters = together // shrink
        return convolve(inputs, 4 * (inputs // 2), 1) + 2 * skip + convolve(together, filters) + convolve(filters, filters)

    middle = 2 * 512 + convolve(512, 1024) + convolve(1024, 512)
    ups = up(512, 256) + up(512, 128) + up(384, 64) + up(256, 64, shrink=2)
    end = convolve(96, 4 * 96, 1) + 2 * convolve(99, 99) + convolve(99, 3, 1)
    expected = RESNET34 + middle + ups + end
    assert expected == 41_221_268
    model = build_dynamic_unet(channels=3, num_classes=3, backbone="resnet34")
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == expected


@pytest.mark.parametrize(
    ("backbone", "words"), [(None, ["no backbone", "train.backbone"]), ("resnet81", ["'resnet81'", "did you mean resnet18?"])]
)
def test_a_backbone_is_needed(backbone: str | None, words: list[str]) -> None:
    with pytest.raises(ModelError) as caught:
        build_dynamic_unet(channels=3, num_classes=2, backbone=backbone)
    assert all(word in str(caught.value) for word in words)
