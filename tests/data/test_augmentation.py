import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskmill.data.augmentation import augment_sample, build_transform, check_transforms, derive_seed
from maskmill.errors import DataError, ParamsError

DEFAULTS = [
    {"name": "RandomRotate90", "p": 0.75},
    {"name": "HorizontalFlip", "p": 0.5},
    {"name": "RandomBrightnessContrast", "brightness_limit": 0.2, "contrast_limit": 0.2, "p": 0.5},
]
PICTURE = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)
LABELS = np.random.default_rng(2).choice(np.array([0, 3, 255], np.uint8), (24, 24))


def build(transforms, channels=3, mask_type=np.uint8, image_size=(24, 24)):
    return build_transform(transforms, image_size=image_size, channels=channels, mask_type=mask_type)


def augment(transforms, seed_parts=(0, 0, 0), picture=PICTURE, labels=LABELS):
    return augment_sample(build(transforms, picture.shape[2]), picture, labels, seed_parts)


def augment_number(number):
    return [array.tobytes() for array in augment(DEFAULTS, (7, 0, number))]


def test_a_certain_flip_turns_picture_and_mask_alike():
    picture, labels = augment([{"name": "HorizontalFlip", "p": 1.0}])
    np.testing.assert_array_equal(picture, PICTURE[:, ::-1])
    np.testing.assert_array_equal(labels, LABELS[:, ::-1])
    assert (picture.dtype, labels.dtype) == (np.uint8, np.uint8)


def test_the_outcome_follows_from_the_seed_parts_alone():
    transform = build(DEFAULTS)
    first = [augment_sample(transform, PICTURE, LABELS, (0, 1, index))[0].tobytes() for index in range(12)]
    np.random.seed(5)  # noqa: NPY002  global generators must not matter
    random.seed(5)
    backwards = [augment_sample(transform, PICTURE, LABELS, (0, 1, index))[0].tobytes() for index in reversed(range(12))]
    assert first == backwards[::-1]
    assert len(set(first)) > 4
    other_epoch = [augment_sample(transform, PICTURE, LABELS, (0, 2, index))[0].tobytes() for index in range(12)]
    assert first != other_epoch


def test_another_process_gives_the_same_outcome():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = list(pool.map(augment_number, range(4)))
    assert elsewhere == [augment_number(number) for number in range(4)]


def test_each_transform_draws_for_itself():
    flips = build([{"name": "HorizontalFlip", "p": 0.5}, {"name": "VerticalFlip", "p": 0.5}])
    outcomes = Counter(augment_sample(flips, PICTURE, LABELS, (0, 0, index))[0].tobytes() for index in range(400))
    ways = [PICTURE, PICTURE[:, ::-1], PICTURE[::-1], PICTURE[::-1, ::-1]]
    assert set(outcomes) == {way.tobytes() for way in ways}
    assert all(70 < count < 130 for count in outcomes.values())  # 100 expected of each; three and a half standard deviations


def test_the_sample_itself_is_not_changed():
    picture, labels = PICTURE.copy(), LABELS.copy()
    picture.setflags(write=False)
    labels.setflags(write=False)
    augment([{"name": "CoarseDropout", "p": 1.0}, {"name": "Affine", "rotate": [30, 40], "p": 1.0}], picture=picture, labels=labels)
    np.testing.assert_array_equal(picture, PICTURE)


def test_a_border_is_void_unless_the_list_says_otherwise():
    labels = np.zeros((24, 24), np.uint8)
    turn = {"name": "Rotate", "limit": [45, 45], "p": 1.0}
    assert augment([turn], labels=labels)[1][0, 0] == 255
    assert augment([{**turn, "fill_mask": 3}], labels=labels)[1][0, 0] == 3
    assert not augment([{**turn, "border_mode": 4}], labels=labels)[1].any()  # mirrored, so nothing is unknown


def test_the_border_of_a_bit_mask_is_void_too():
    bits = np.full((24, 24), 1 << 14, np.uint16)
    turn = {"name": "OneOf", "p": 1.0, "transforms": [{"name": "Rotate", "limit": [45, 45], "p": 1.0}]}
    picture, labels = augment_sample(build([turn], 3, np.uint16), PICTURE, bits, (0, 0, 0))
    assert labels.dtype == np.uint16
    assert set(np.unique(labels).tolist()) == {1 << 14, 0x8000}
    assert labels[0, 0] == 0x8000
    assert not picture[0, 0].any()


WARPS = ["Affine", "ElasticTransform", "GridDistortion", "OpticalDistortion", "Perspective", "ThinPlateSpline", "D4"]


@pytest.mark.parametrize("name", WARPS)
def test_every_band_moves_alike_and_bits_are_copied(name):
    grey = PICTURE[..., :1]
    bits = np.random.default_rng(3).choice(np.array([0, 0b101, 1 << 14], np.uint16), (24, 24))
    many, labels = augment_sample(build([{"name": name, "p": 1.0}], 6, np.uint16), np.repeat(grey, 6, axis=2), bits, (0, 0, 1))
    assert many.shape == (24, 24, 6)
    assert (many == many[..., :1]).all()
    assert set(np.unique(labels).tolist()) <= {0, 0b101, 1 << 14, 0x8000}


def test_a_list_is_tried_on_the_type_of_the_masks():
    turn = [{"name": "Rotate", "limit": [20, 30], "p": 1.0}]
    check_transforms(turn, image_size=(32, 48), channels=5, mask_type=np.uint16)
    with pytest.raises(ParamsError, match="ids that were not there"):
        check_transforms([{**turn[0], "mask_interpolation": 1}], image_size=(32, 48), channels=5, mask_type=np.uint16)


def test_a_dropout_keeps_the_label_below_its_holes():
    picture, labels = augment([{"name": "CoarseDropout", "p": 1.0}])
    assert (picture != PICTURE).any()
    np.testing.assert_array_equal(labels, LABELS)


def test_a_composition_holds_transforms():
    choice = {"name": "OneOf", "p": 1.0, "transforms": [{"name": "HorizontalFlip", "p": 1.0}, {"name": "VerticalFlip", "p": 1.0}]}
    outcomes = {augment([choice], (0, 0, index))[0].tobytes() for index in range(8)}
    assert outcomes == {PICTURE[:, ::-1].tobytes(), PICTURE[::-1].tobytes()}


@pytest.mark.parametrize("channels", [1, 4, 8])
def test_a_colour_transform_is_refused_for_other_channels(channels):
    with pytest.raises(ParamsError, match=rf"RandomFog does not work on pictures of {channels} channel"):
        build([{"name": "OneOf", "transforms": [{"name": "RandomFog", "p": 0.1}]}], channels)
    build([{"name": "RandomFog", "p": 0.1}])


def test_grey_pictures_keep_their_channel():
    picture, _ = augment(DEFAULTS, picture=PICTURE[..., :1])
    assert picture.shape == (24, 24, 1)


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        ([{"name": "RandomRotate90", "p": 0.01}], "RandomRotate90 makes a 48 x 32 x 3 picture of uint8 out of a 32 x 48"),
        ([{"name": "HorizontalFlip"}, {"name": "CenterCrop", "height": 16, "width": 16}], "CenterCrop makes a 16 x 16"),
        ([{"name": "Normalize", "p": 0.1}], "Normalize makes .* of float32"),
        ([{"name": "RandomCrop", "height": 64, "width": 64}], "RandomCrop fails on a 32 x 48 .* exceeds"),
        ([{"name": "FDA", "p": 0.1}], "FDA requires"),
        ([{"name": "Affine", "rotate": [20, 30], "mask_interpolation": 1}], "ids that were not there"),
    ],
)
def test_an_unfit_list_is_found_before_training(transforms, message):
    with pytest.raises(ParamsError, match=message):
        check_transforms(transforms, image_size=(32, 48), channels=3)


@pytest.mark.parametrize(
    "transforms",
    [
        DEFAULTS,
        [{"name": "RandomCrop", "height": 16, "width": 16}, {"name": "Resize", "height": 32, "width": 32}],
        [{"name": "ShiftScaleRotate", "fill_mask": 7}, {"name": "ElasticTransform"}, {"name": "GridDistortion"}],
        [{"name": "Transpose", "p": 0}],
        [],
    ],
)
def test_a_fit_list_passes(transforms):
    check_transforms(transforms, image_size=(32, 32) if transforms != [] else (32, 48), channels=3)


def test_a_change_of_size_names_the_last_transform_that_made_it():
    steps = [{"name": "Resize", "height": 30, "width": 30}, {"name": "CenterCrop", "height": 20, "width": 20, "p": 1.0}]
    with pytest.raises(DataError, match="CenterCrop makes a 20 x 20 x 3 picture of uint8 out of a 30 x 30"):
        augment(steps)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=3, max_size=3))
def test_seeds_are_32_bit_and_stable(parts):
    assert 0 <= derive_seed(*parts) < 2**32
    assert derive_seed(*parts) == derive_seed(*parts)


def test_neighbouring_parts_give_different_seeds():
    seeds = {derive_seed(seed, epoch, index) for seed in range(5) for epoch in range(10) for index in range(40)}
    assert len(seeds) == 2000
