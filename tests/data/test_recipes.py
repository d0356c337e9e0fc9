"""Recipes: what params.yaml lists becomes albumentations transforms, or is refused with its place and a likely spelling."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from maskmill.data.augmentation import augment_sample, build_transform, check_transforms
from maskmill.data.recipes import A, build_compose
from maskmill.errors import ParamsError
from maskmill.params import load_params

ROOT = Path(__file__).parents[2]
RECIPES = load_params(ROOT / "presets" / "default.yaml").augment.recipes
WHERE = "augment.recipes.mine.transforms"


def build(transforms, image_size=(24, 36), mask_type=np.uint8):
    return build_compose(transforms, image_size=image_size, mask_type=mask_type, where=WHERE)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"name": "HorizontalFlop"}, ": HorizontalFlop is not a transform of albumentations; did you mean HorizontalFlip?"),
        ({"name": "Rotate", "limits": 30}, ": limits is not an argument of Rotate; did you mean limit?"),
        ({"name": "RandomRotate90", "limit": 30}, ": limit is not an argument of RandomRotate90; known: p"),
        ({"name": "HorizontalFlip", "p": 2.0}, ": HorizontalFlip refuses its arguments: p = 2.0: Input should be less than"),
        ({"name": "Rotate", "limit": "x"}, "limit = 'x': Input should be a valid tuple or: Input should be a valid number"),
        ({"name": "SomeOf", "n": 3, "transforms": [{"name": "D4"}]}, "SomeOf refuses its arguments: `n` is greater"),
        ({"p": 0.5}, " has no name"),
        ({"name": "OneOf", "transforms": [{"name": "Blurr"}]}, ".transforms[0]: Blurr is not a transform"),
        ({"name": "OneOf"}, ": OneOf holds no list of transforms"),
        ({"name": "OneOf", "transforms": 3}, ": OneOf holds no list of transforms"),
        ({"name": "OneOf", "transforms": ["D4"]}, ": OneOf holds no list of transforms"),
        ({"name": "BasicTransform"}, ": BasicTransform is not a transform"),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_place(transform, message):
    with pytest.raises(ParamsError) as caught:
        build([{"name": "D4"}, transform])
    assert str(caught.value).startswith(f"{WHERE}[1]")
    assert message in str(caught.value)
    assert "errors.pydantic.dev" not in str(caught.value)


def test_holes_are_void_by_that_name_and_bits_take_no_ids():
    holes = {"name": "CoarseDropout", "fill_mask": "void", "p": 1.0}
    for mask_type, void in ((np.uint8, 255), (np.uint16, 1 << 15)):
        compose = build_compose([holes], image_size=(40, 56), mask_type=mask_type, where="here")
        mask = compose(image=np.zeros((40, 56, 3), np.uint8), mask=np.ones((40, 56), mask_type))["mask"]
        assert set(np.unique(mask)) == {1, void}
    with pytest.raises(ParamsError, match=r"here\[0\]: fill_mask is 255"):
        build_compose([holes | {"fill_mask": 255}], image_size=(40, 56), mask_type=np.uint16, where="here")


def test_a_size_that_is_left_out_is_the_training_size():
    picture, labels = np.zeros((24, 36, 3), np.uint8), np.zeros((24, 36), np.uint8)
    for transform in ({"name": "RandomResizedCrop"}, {"name": "RandomCrop"}, {"name": "Resize"}):
        outcome = build([{"name": "RandomScale", "scale_limit": [0.3, 0.5], "p": 1}, {**transform, "p": 1}])(
            image=picture, mask=labels
        )
        assert (outcome["image"].shape, outcome["mask"].shape) == ((24, 36, 3), (24, 36))
    given = build([{"name": "RandomCrop", "height": 10, "p": 1}])(image=picture, mask=labels)
    assert given["mask"].shape == (10, 36)


BORDERS = [
    {"name": "Rotate", "limit": [30, 30]},
    {"name": "SafeRotate", "limit": [30, 30]},
    {"name": "Affine", "scale": [0.7, 0.8]},
    {"name": "Affine", "translate_percent": [0.2, 0.3]},
    {"name": "ShiftScaleRotate", "shift_limit": [0.2, 0.3]},
    {"name": "Perspective", "scale": [0.1, 0.2], "fit_output": True},
    {"name": "ElasticTransform", "alpha": 60, "sigma": 5},
    {"name": "GridDistortion", "distort_limit": [0.4, 0.5]},
    {"name": "OpticalDistortion", "distort_limit": [0.4, 0.5]},
    {"name": "ThinPlateSpline"},
    {"name": "CropAndPad", "percent": [0.1, 0.2]},
    {"name": "PadIfNeeded", "min_height": 50, "min_width": 60},
]
WITHIN = [
    {"name": "D4"},
    {"name": "HorizontalFlip"},
    {"name": "VerticalFlip"},
    {"name": "Transpose"},
    {"name": "RandomRotate90"},
    {"name": "Rotate", "limit": [30, 30], "border_mode": 4},
    {"name": "RandomResizedCrop"},
    {"name": "GridElasticDeform", "num_grid_xy": [4, 4], "magnitude": 4},
]


def move_alike(transform, mask_type, index):
    """Send a picture that is its own mask through a transform, both by nearest pixel; return what became of the two."""
    ids = np.repeat(np.repeat(np.random.default_rng(index).integers(1, 200, (8, 9), np.uint8), 5, axis=0), 6, axis=1)
    exact = {"interpolation": 0} if "interpolation" in inspect.signature(getattr(A, transform["name"])).parameters else {}
    compose = build([{**transform, **exact, "p": 1}], ids.shape, mask_type)
    compose.set_random_seed(index)
    outcome = compose(image=ids[..., np.newaxis], mask=ids.astype(mask_type))
    return outcome["image"][..., 0], outcome["mask"]


@pytest.mark.parametrize("mask_type", [np.uint8, np.uint16])
@pytest.mark.parametrize("transform", BORDERS + WITHIN, ids=lambda transform: transform["name"])
def test_mask_and_picture_move_together_and_a_new_border_is_void(transform, mask_type):
    borders = 0
    for index in range(4):
        picture, mask = move_alike(transform, mask_type, index)
        void = mask == {np.uint8: 255, np.uint16: 0x8000}[mask_type]
        assert mask.dtype == mask_type
        np.testing.assert_array_equal(picture[~void], mask[~void])
        assert not picture[void].any()  # the border is black, and void: no id of the picture is 0
        borders += void.sum()
    assert (borders > 0) == (transform in BORDERS)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("mask_type", [np.uint8, np.uint16])
@pytest.mark.parametrize("image_size", [(48, 48), (40, 56)])
@pytest.mark.parametrize("name", list(RECIPES))
def test_the_recipes_work_on_any_picture_or_name_what_does_not(name, image_size, mask_type, channels):
    where = f"augment.recipes.{name}.transforms"
    settings = {"image_size": image_size, "channels": channels, "mask_type": mask_type, "where": where}
    if name == "street" and channels == 5:  # of grey the brightness alone changes
        with pytest.raises(ParamsError, match=rf"{where}: ColorJitter does not work on pictures of {channels} channel"):
            check_transforms(RECIPES[name].transforms, **settings)
    elif name == "satellite" and image_size[0] != image_size[1]:
        with pytest.raises(ParamsError, match=rf"{where}: D4 makes a 56 x 40(.|\n)*scale.image_size square"):
            check_transforms(RECIPES[name].transforms, **settings)
    else:
        check_transforms(RECIPES[name].transforms, **settings)


@pytest.mark.parametrize("name", ["stones", "satellite", "street"])
def test_a_recipe_changes_nearly_every_picture_and_keeps_its_labels(name):
    transform = build_transform(RECIPES[name].transforms, image_size=(48, 48), channels=3)
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (48, 48, 3), np.uint8)
    labels = np.repeat(np.repeat(generator.integers(0, 4, (6, 6), np.uint8), 8, axis=0), 8, axis=1)
    outcomes = [augment_sample(transform, picture, labels, (0, 0, index)) for index in range(40)]
    assert len({picture.tobytes() for picture, _ in outcomes}) > 20
    for _, mask in outcomes:
        assert set(np.unique(mask).tolist()) <= {0, 1, 2, 3, 255}
        assert (mask != 255).mean() > 0.4
