"""Folders whose pictures have annotation files, or nothing that could be a mask."""

import json

import numpy as np
import pytest
from PIL import Image

from maskmill.sources.inspection.pairing import propose_pairings
from maskmill.sources.inspection.proposals import find_rivals
from maskmill.sources.tree import read_tree


def draw_photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 255, (16, 24, 3), np.uint8)).save(path)


def draw_mask(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((16, 24), np.uint8)
    mask[value % 9 : value % 9 + 6, value % 7 : value % 7 + 9] = 255
    Image.fromarray(mask).save(path)


def inspect(root):
    return propose_pairings(read_tree(root))


def test_coco_parts_and_what_it_names_in_vain(tmp_path):
    for part, numbers in (("train", (1, 2, 3)), ("val", (4, 5))):
        for number in numbers:
            draw_photo(tmp_path / f"{part}2017/{number:04d}.jpg")
        images = [{"id": number, "file_name": f"{number:04d}.jpg"} for number in (*numbers, 90 + len(numbers))]
        content = {"images": images, "annotations": [{"image_id": 1, "segmentation": [[0, 0, 4, 0, 4, 4]]}], "categories": []}
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / f"annotations/instances_{part}2017.json").write_text(json.dumps(content))
    best = inspect(tmp_path)[0]
    assert (best.layout, best.annotation_kind, best.masks) == ("annotations", "coco", None)
    assert best.annotations == ("annotations/instances_train2017.json", "annotations/instances_val2017.json")
    assert [(sample.image, sample.split) for sample in best.samples] == [
        ("train2017/0001.jpg", "train"),
        ("train2017/0002.jpg", "train"),
        ("train2017/0003.jpg", "train"),
        ("val2017/0004.jpg", "val"),
        ("val2017/0005.jpg", "val"),
    ]
    assert best.images == "{split}2017/{name}.jpg"
    assert best.missing == ("annotations/instances_train2017.json: 0093.jpg", "annotations/instances_val2017.json: 0092.jpg")


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("Image_Label,EncodedPixels\n" + "".join(f"a{n}.jpg_Fish,1 3 25 3\na{n}.jpg_Sugar,\n" for n in range(4)), "rle"),
        ("ImageId,EncodedPixels\n" + "".join(f"a{n}.jpg,{n + 1} 3 30 2\n" for n in range(4)), "rle"),
        (
            ",ImageId,ClassType,MultipolygonWKT\n" + "".join(f'{n},a{n},1,"POLYGON ((0 0, 1 0, 1 -1, 0 0))"\n' for n in range(4)),
            "wkt",
        ),
    ],
)
def test_tables(table, kind, tmp_path):
    for number in range(4):
        draw_photo(tmp_path / f"pictures/a{number}.jpg")
    (tmp_path / "truth.csv").write_text(table)
    best = inspect(tmp_path)[0]
    assert (best.annotation_kind, best.annotations, best.images) == (
        kind,
        ("truth.csv",),
        "{name}.jpg",
    )  # the single top folder is left out
    assert [sample.image for sample in best.samples] == [f"pictures/a{number}.jpg" for number in range(4)]


def test_geojson_beside_rasters(tmp_path):
    for number in range(1, 5):
        draw_photo(tmp_path / f"RGB/RGB_AOI_2_img{number}.tif")
        (tmp_path / "geojson").mkdir(exist_ok=True)
        (tmp_path / f"geojson/buildings_AOI_2_img{number}.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    best = inspect(tmp_path)[0]
    assert best.annotation_kind == "geojson"
    assert {sample.image: sample.masks for sample in best.samples} == {
        f"RGB/RGB_AOI_2_img{number}.tif": (f"geojson/buildings_AOI_2_img{number}.geojson",) for number in range(1, 5)
    }


def test_masks_are_preferred_to_a_table_of_the_same(tmp_path):
    for number in range(4):
        draw_photo(tmp_path / f"train/images/a{number}.png")
        draw_mask(tmp_path / f"train/masks/a{number}.png", number)
    (tmp_path / "train.csv").write_text("id,rle_mask\n" + "".join(f"a{number},1 3 25 3\n" for number in range(4)))
    best = inspect(tmp_path)[0]
    assert (best.layout, best.images, best.masks) == ("separate", "images/{name}.png", "masks/{name}.png")
    assert best.lists == {}  # a table that names every picture as training divides nothing


@pytest.mark.parametrize(
    "names", [["a.jpg"], ["a.jpg", "b.jpg", "c.png"], ["train/1.jpg", "train/2.jpg", "val/1.jpg", "val/2.jpg"]]
)
def test_photos_alone_are_no_pairs(names, tmp_path):
    for name in names:
        draw_photo(tmp_path / name)
    assert inspect(tmp_path) == []


def test_no_pictures_at_all(tmp_path):
    (tmp_path / "README.md").write_text("nothing")
    assert inspect(tmp_path) == []


def test_files_that_are_no_pictures_leave_the_choice_to_names(tmp_path):
    for number in range(4):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / f"{folder}/{number}.png").write_text("cut off")
    best = inspect(tmp_path)[0]
    assert (best.images, best.masks) == ("images/{name}.png", "masks/{name}.png")
    assert any("names decide" in reason for reason in best.reasons)


def test_a_picture_without_mask_and_a_mask_without_picture_are_named(tmp_path):
    for number in range(6):
        draw_photo(tmp_path / f"images/{number}.jpg")
        draw_mask(tmp_path / f"masks/{number + 1}.png", number)
    best = inspect(tmp_path)[0]
    assert best.num_pairs == 5
    assert (best.pictures_without_mask, best.masks_without_picture) == (("images/0.jpg",), ("masks/6.png",))


def test_two_annotators_are_asked_about(tmp_path):
    for number in range(5):
        draw_photo(tmp_path / f"{number}.jpg")
        for person in ("expert1", "expert2"):
            draw_mask(tmp_path / f"{number}_{person}.png", number + len(person))
    assert {proposal.kind for proposal in find_rivals(inspect(tmp_path))} == {"expert1", "expert2"}
