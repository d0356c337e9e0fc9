"""Several mask files a picture: gathered by name, painted over one another; what has no partner is named."""

import numpy as np
import pandas as pd
import pytest
from encode_source import encode, find, grid, save

from maskmill.errors import DataError, ParamsError, SourceError

HEIGHT, WIDTH = 4, 6
CLASSES = [{"id": 0, "name": "background"}, {"id": 1, "name": "skin"}, {"id": 2, "name": "left_eye"}]
SKIN = grid("111111", "111111", "111111", "......")
EYE = grid("......", "..11..", "......", "..11..")
BY_CLASS = {"images": "images/{name}.*", "masks": "masks/{name}_{class}.png"}
BY_OBJECT = {"images": "{id}/images/{id}.png", "masks": "{id}/masks/*.png"}


def make(root, *pictures, **masks):
    for path in pictures:
        save(root / "data" / path, np.full((HEIGHT, WIDTH, 3), 9, np.uint8))
    for path, mask in masks.items():
        save(root / "data" / path, mask * np.uint8(255))


def found(root, layout=BY_CLASS, **settings):
    return find(root, "layers", **{**layout, **settings})


def encoded(root, layout=BY_CLASS, labels="exclusive", classes=CLASSES, **settings):
    reading = {key: settings.pop(key) for key in ("mask_size", "threshold") if key in settings}
    return encode(root, "layers", found(root, layout, **settings), classes, labels, **reading)


def make_faces(root):
    masks = {"masks/a_skin.png": SKIN, "masks/a_left_eye.png": EYE, "masks/b_c_left_eye.png": EYE}
    make(root, "images/a.png", "images/b_c.png", **masks)


def test_a_file_for_each_class_the_smaller_one_on_top(tmp_path):
    make_faces(tmp_path)
    masks = encoded(tmp_path)
    np.testing.assert_array_equal(masks["a"], grid("111111", "112211", "111111", "..22.."))
    np.testing.assert_array_equal(masks["b_c"], 2 * EYE)


def test_by_order_the_later_name_lies_on_top(tmp_path):
    make_faces(tmp_path)
    np.testing.assert_array_equal(encoded(tmp_path, overlaps="order")["a"], grid("111111", "111111", "111111", "..22.."))


def test_overlapping_classes_keep_both(tmp_path):
    make_faces(tmp_path)
    bits = encoded(tmp_path, labels="overlapping")["a"]
    assert bits.dtype == np.uint16
    np.testing.assert_array_equal(bits, 2 * SKIN + 4 * EYE)


def test_a_file_for_each_object(tmp_path):
    make(
        tmp_path,
        "set/u1/images/u1.png",
        "set/u2/images/u2.png",
        **{"set/u1/masks/x.png": SKIN, "set/u1/masks/y.png": EYE, "set/u2/masks/z.png": EYE},
    )
    classes = [{"id": 0, "name": "background"}, {"id": 1, "name": "nucleus", "source_ids": ["object"]}]
    masks = encoded(tmp_path, BY_OBJECT, classes=classes)
    np.testing.assert_array_equal(masks["u1"], SKIN | EYE)
    np.testing.assert_array_equal(masks["u2"], EYE)


def test_folders_of_classes_with_several_objects_each(tmp_path):
    make(
        tmp_path,
        "images/a.png",
        **{"masks/skin/a_1.png": SKIN, "masks/left_eye/a_1.png": EYE, "masks/left_eye/a_2.png": SKIN[::-1]},
    )
    bits = encoded(tmp_path, {"images": "images/{name}.png", "masks": "masks/{class}/{name}_*.png"}, "overlapping")["a"]
    np.testing.assert_array_equal(bits, 2 * SKIN + 4 * (EYE | SKIN[::-1]))


def test_numbers_with_leading_zeros(tmp_path):
    make(tmp_path, "photos/0.jpg", "photos/12.jpg", **{"anno/0/00000_left_eye.png": EYE, "anno/1/00012_skin.png": SKIN})
    masks = encoded(tmp_path, {"images": "photos/{number}.jpg", "masks": "anno/*/{number}_{class}.png"})
    np.testing.assert_array_equal(masks["0"], 2 * EYE)
    np.testing.assert_array_equal(masks["12"], SKIN)


def test_numbers_that_differ_by_their_zeros_alone(tmp_path):
    make(tmp_path, "images/1.png", "images/01.png", **{"masks/1_skin.png": SKIN, "masks/01_skin.png": EYE})
    masks = encoded(tmp_path)
    np.testing.assert_array_equal(masks["1"], SKIN)
    np.testing.assert_array_equal(masks["01"], EYE)
    make(tmp_path, **{"masks/001_skin.png": SKIN})
    with pytest.raises(SourceError, match=r"the mask masks/001_skin\.png has no picture"):
        found(tmp_path)


def test_of_two_pictures_the_longer_name_has_the_mask(tmp_path):
    make(tmp_path, "images/a.png", "images/a_left.png", **{"masks/a_skin.png": SKIN, "masks/a_left_eye.png": EYE})
    classes = [*CLASSES[:2], {"id": 2, "name": "eye"}]
    masks = encoded(tmp_path, classes=classes)
    np.testing.assert_array_equal(masks["a_left"], 2 * EYE)
    np.testing.assert_array_equal(masks["a"], SKIN)


def test_thresholds(tmp_path):
    make(tmp_path, "images/a.png")
    save(tmp_path / "data" / "masks" / "a_skin.png", SKIN * np.uint8(100))
    np.testing.assert_array_equal(encoded(tmp_path)["a"], SKIN)
    assert not encoded(tmp_path, threshold=100)["a"].any()


def test_masks_of_another_size_than_the_picture(tmp_path):
    make_faces(tmp_path)
    for name in ("a", "b_c"):
        save(tmp_path / "data" / "images" / f"{name}.png", np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.uint8))
    with pytest.raises(DataError, match=r"is 6 x 4 pixels, its picture .* is 12 x 8"):
        encoded(tmp_path)
    doubled = encoded(tmp_path, mask_size="resize")["a"]
    np.testing.assert_array_equal(doubled, grid("111111", "112211", "111111", "..22..").repeat(2, axis=0).repeat(2, axis=1))


def test_masks_of_different_sizes(tmp_path):
    make_faces(tmp_path)
    save(tmp_path / "data" / "masks" / "a_skin.png", SKIN[:, :-1] * np.uint8(255))
    with pytest.raises(DataError, match=r"masks/a_skin\.png, skin: it is 5 x 4 pixels, others of its picture are 6 x 4"):
        encoded(tmp_path, mask_size="resize")


def test_a_mask_that_is_no_picture(tmp_path):
    make_faces(tmp_path)
    (tmp_path / "data" / "masks" / "a_skin.png").write_text("text")
    with pytest.raises(DataError, match=r"masks/a_skin\.png, skin: .*a_skin\.png is not a picture"):
        encoded(tmp_path)


def test_files_without_a_partner(tmp_path):
    make_faces(tmp_path)
    make(tmp_path, "images/d.png", **{"masks/e_skin.png": SKIN})
    with pytest.raises(SourceError) as error:
        found(tmp_path)
    assert "2 files have no partner" in str(error.value)
    assert "the mask masks/e_skin.png has no picture" in str(error.value)
    assert "the picture images/d.png has no mask" in str(error.value)
    assert found(tmp_path, missing="skip")["id"].tolist() == ["a", "b_c"]


def test_no_picture_has_a_mask(tmp_path):
    make(tmp_path, "images/a.png", **{"masks/e_skin.png": SKIN})
    with pytest.raises(SourceError, match=r"no picture below .* has a mask"):
        found(tmp_path, missing="skip")


def test_a_label_without_a_class(tmp_path):
    make_faces(tmp_path)
    with pytest.raises(DataError, match="labels that no class has, most often left_eye"):
        encoded(tmp_path, classes=CLASSES[:2])


def test_parts_and_lists(tmp_path):
    make(tmp_path, "train/i/a.png", "test/i/b.png", **{"train/m/a_skin.png": SKIN, "test/m/b_skin.png": SKIN})
    layout = {"images": "{split}/i/{name}.png", "masks": "{split}/m/{name}_{class}.png"}
    assert found(tmp_path, layout)["split"].tolist() == ["test", "train"]
    (tmp_path / "data" / "val.txt").write_text("b\n")
    assert found(tmp_path, layout, lists={"val": "val.txt"})[["id", "split"]].to_numpy().tolist() == [["test-b", "val"]]


@pytest.mark.parametrize(
    "settings",
    [
        {"images": None},
        {"masks": None},
        {"masks": "masks/{class}.png"},
        {"images": "images/{class}.png", "masks": "masks/{class}.png"},
    ],
)
def test_settings_that_do_not_fit_together(settings, tmp_path):
    make_faces(tmp_path)
    with pytest.raises(SourceError, match="source") as error:
        found(tmp_path, **settings)
    assert error.value.fix


@pytest.mark.parametrize(("setting", "pattern"), [("images", "photos/{name}.png"), ("masks", "painted/{name}_{class}.png")])
def test_nothing_matches(setting, pattern, tmp_path):
    make_faces(tmp_path)
    with pytest.raises(SourceError, match=rf"fits source\.{setting} "):
        found(tmp_path, **{setting: pattern})


def test_more_overlapping_classes_than_bits(tmp_path):
    classes = [{"id": number, "name": f"class {number}"} for number in range(16)]
    with pytest.raises(ParamsError, match="there are 16 classes"):
        encode(tmp_path, "layers", pd.DataFrame({"id": []}), classes, labels="overlapping")
