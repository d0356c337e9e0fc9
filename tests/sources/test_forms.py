"""The three forms on small folders: what is found, what is read, and what a person is told when something is missing."""

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskmill.errors import DataError, SourceError
from maskmill.outputs import move_path
from maskmill.sources.forms import FORMS, list_samples, read_sample
from maskmill.sources.settings import Layout, Reading, SampleFiles

PHOTO = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
COLOURS = np.full((2, 3, 3), (200, 10, 90), np.uint8)
IDS = np.array([[0, 1, 2], [11, 1, 0]], np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())


def listed(root, form, images=None, masks=None, *, lists=None, group=None, **settings):
    layout = Layout(images=images, masks=masks, lists=lists or {})
    return list_samples(root, form=form, layout=layout, group=group, annotations_dir=root / "annotations", **settings)


def read(form, image, mask, side="left"):
    return read_sample(form, SampleFiles((image,), mask), Reading(image_side=side, max_pixels=1000))


def test_composite(tmp_path):
    touch(tmp_path, "train/f1_2.jpg", "train/f1_1.jpg", "Validation/f2_1.JPG", "notes.txt", ".hidden/f_1.jpg")
    manifest = listed(tmp_path, "composite", "{split}/{flight}_{scene}.jpg", group="{flight}")
    assert manifest["id"].tolist() == ["Validation-f2-1", "train-f1-1", "train-f1-2"]
    assert manifest["split"].tolist() == ["val", "train", "train"]
    assert manifest["group"].tolist() == ["f2", "f1", "f1"]
    assert manifest["image"].tolist() == manifest["mask"].tolist()
    assert manifest["image"][1] == (tmp_path / "train/f1_1.jpg").as_posix()
    assert manifest["sha256"][1] == hashlib.sha256(b"train/f1_1.jpg").hexdigest()


def test_the_packed_folder_s_name_is_not_taken_for_a_part(tmp_path):
    touch(tmp_path, "Set/train/1/a.jpg", "Set/val/b.jpg", "Set/test/2/3/c.jpg")
    manifest = listed(tmp_path, "composite", "{split}/**/{scene}.jpg")
    assert manifest["id"].tolist() == ["test-c", "train-a", "val-b"]
    assert manifest["split"].tolist() == ["test", "train", "val"]


def test_paths_are_as_the_settings_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "data/top/a.jpg")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert listed(Path("../data"), "composite", "{name}.jpg")["image"].tolist() == ["../data/top/a.jpg"]
    place = partial(move_path, old=Path("../data"), new=Path("build/raw/files"))
    moved = listed(Path("../data"), "composite", "{name}.jpg", place=place)
    assert moved["image"].tolist() == ["build/raw/files/top/a.jpg"]


def test_folders_pair_whatever_the_case_and_suffix(tmp_path):
    touch(
        tmp_path, "set/Tile 1/images/P_1.JPG", "set/Tile 2/images/p_1.jpg", "set/tile 1/masks/p_1.png", "set/Tile 2/masks/P_1.PNG"
    )
    touch(tmp_path, "README.txt", "__MACOSX/set/Tile 1/images/x.jpg")
    manifest = listed(tmp_path, "folders", "{tile}/images/{part}.*", "{tile}/masks/{part}.*", group="{tile}")
    assert manifest["id"].tolist() == ["Tile_1-P_1", "Tile_2-p_1"]
    assert manifest["mask"].tolist() == [f"{tmp_path}/set/tile 1/masks/p_1.png", f"{tmp_path}/set/Tile 2/masks/P_1.PNG"]
    assert manifest["group"].tolist() == ["Tile 1", "Tile 2"]
    assert manifest["split"].tolist() == ["", ""]


def test_a_file_that_fits_both_patterns_belongs_to_the_more_literal_one(tmp_path):
    touch(tmp_path, "a.png", "a_mask.png", "b.png", "b_mask.png")
    manifest = listed(tmp_path, "folders", "{name}.png", "{name}_mask.png")
    assert manifest["id"].tolist() == ["a", "b"]
    turned = listed(tmp_path, "folders", "{name}_mask.png", "{name}.png")
    assert turned["image"].tolist() == [f"{tmp_path}/a_mask.png", f"{tmp_path}/b_mask.png"]


def test_missing_masks_and_pictures_are_all_named_in_one_error(tmp_path):
    touch(tmp_path, *(f"images/{n:02}.jpg" for n in range(25)), "masks/00.png", "masks/30.png", "masks/31.png")
    with pytest.raises(SourceError) as error:
        listed(tmp_path, "folders", "images/{n}.jpg", "masks/{n}.png")
    message = str(error.value)
    assert f"24 pictures below {tmp_path} have no mask" in message
    assert "images/20.jpg" in message
    assert "images/21.jpg" not in message
    assert "and 4 more" in message
    assert "2 masks" in message
    assert "masks/30.png" in message
    assert "masks/31.png" in message
    assert error.value.fix


@pytest.mark.parametrize("form", ["composite", "folders", "index"])
def test_nothing_matches(form, tmp_path):
    touch(tmp_path, "photos/a.jpg", "photos/b.jpg", "labels/a.png")
    with pytest.raises(SourceError) as error:
        listed(tmp_path, form, "images/{name}.jpg", None if form == "composite" else "masks/{name}.png", name="set.zip")
    message = str(error.value)
    for part in ("images/{name}.jpg", "set.zip", "photos/a.jpg", "labels/a.png", "source.images", *FORMS):
        assert part in message


def test_no_masks_match(tmp_path):
    touch(tmp_path, "images/a.jpg", "labels/a.png")
    with pytest.raises(SourceError, match=r"source.masks 'masks/\{name\}.png'"):
        listed(tmp_path, "folders", "images/{name}.jpg", "masks/{name}.png")


@pytest.mark.parametrize(
    "make", [lambda root: None, lambda root: (root / "a" / "b").mkdir(parents=True), lambda root: touch(root, ".x")]
)
def test_empty_folder(make, tmp_path):
    make(tmp_path)
    with pytest.raises(SourceError, match="holds no files") as error:
        listed(tmp_path, "composite", "{name}.jpg")
    assert str(tmp_path) in error.value.what


def test_no_folder(tmp_path):
    with pytest.raises(SourceError, match="is not a folder"):
        listed(tmp_path / "absent", "composite", "{name}.jpg")


def test_files_with_the_same_values(tmp_path):
    touch(tmp_path, "a/p.jpg", "b/P.jpg", "c/q.jpg")
    with pytest.raises(SourceError, match=r"a/p\.jpg and b/P\.jpg"):
        listed(tmp_path, "composite", "**/{name}.jpg")


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        ("composite", {"images": "{n}.jpg", "masks": "{n}.png"}),
        ("composite", {"images": "{n}.jpg", "lists": {"train": "train.txt"}}),
        ("folders", {"images": "{n}.jpg"}),
        ("folders", {"images": "{n}.jpg", "masks": "{n}.png", "lists": {"train": "train.txt"}}),
        ("folders", {"images": "{n}.jpg", "masks": "{m}.png"}),
        ("index", {"images": "{n}.jpg"}),
        ("index", {"images": "{n}.jpg", "masks": "{n}.png", "lists": {"train": "train.txt"}}),
    ],
)
def test_settings_that_do_not_fit_together(form, settings, tmp_path):
    touch(tmp_path, "a.jpg", "a.png", "train.txt")
    with pytest.raises(SourceError, match="source") as error:
        listed(tmp_path, form, **settings)
    assert error.value.fix


def test_group_that_the_pattern_does_not_have(tmp_path):
    touch(tmp_path, "f1_1.jpg")
    with pytest.raises(SourceError, match="sequence") as error:
        listed(tmp_path, "composite", "{flight}_{scene}.jpg", group="{sequence}")
    assert "{flight}, {scene}" in error.value.expected


def test_names_that_are_no_text(tmp_path):
    touch(tmp_path, "a.jpg")
    try:
        (tmp_path / "caf\udce9.jpg").write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(SourceError, match="not UTF-8"):
        listed(tmp_path, "composite", "{name}.jpg")


def test_links_that_go_round_and_the_user_s_folder_is_only_read(tmp_path):
    touch(tmp_path, "set/a.jpg", "other/b.jpg")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "more").symlink_to(tmp_path / "other")
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert listed(tmp_path / "set", "composite", "**/{name}.jpg")["id"].tolist() == ["a", "b"]
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("side", ["left", "right"])
def test_read_composite(side, tmp_path):
    halves = [PHOTO, COLOURS] if side == "left" else [COLOURS, PHOTO]
    save(tmp_path / "a.png", np.concatenate(halves, axis=1))
    picture, mask = read("composite", tmp_path / "a.png", tmp_path / "a.png", side)
    np.testing.assert_array_equal(picture, PHOTO)
    np.testing.assert_array_equal(mask, COLOURS)


def test_read_grey_composite(tmp_path):
    save(tmp_path / "a.png", np.array([[1, 2, 7, 8]], np.uint8))
    picture, mask = read("composite", tmp_path / "a.png", tmp_path / "a.png", "left")
    np.testing.assert_array_equal(picture, [[[1], [2]]])
    np.testing.assert_array_equal(mask, [[[7, 7, 7], [8, 8, 8]]])


def test_composite_of_odd_width(tmp_path):
    save(tmp_path / "odd.png", PHOTO)
    with pytest.raises(DataError, match=r"odd\.png is 3 pixels wide"):
        read("composite", tmp_path / "odd.png", tmp_path / "odd.png", "left")


def test_read_folders_and_index(tmp_path):
    save(tmp_path / "photo.png", PHOTO)
    save(tmp_path / "colours.png", COLOURS)
    save(tmp_path / "ids.png", IDS)
    picture, mask = read("folders", tmp_path / "photo.png", tmp_path / "colours.png", "left")
    np.testing.assert_array_equal(picture, PHOTO)
    np.testing.assert_array_equal(mask, COLOURS)
    picture, mask = read("index", tmp_path / "photo.png", tmp_path / "ids.png", "left")
    np.testing.assert_array_equal(picture, PHOTO)
    np.testing.assert_array_equal(mask, IDS)
