"""COCO files: what they say becomes masks as drawn by hand; what is wrong with them is named."""

import json
import re

import numpy as np
import pytest
from encode_source import encode, find, grid, save
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from maskmill.errors import DataError, SourceError
from maskmill.sources.coco_segmentation import read_counts

HEIGHT, WIDTH = 5, 8
CATEGORIES = [{"id": 100, "name": "house"}, {"id": 7, "name": "tree"}]
CLASSES = [{"id": 0, "name": "background"}, {"id": 1, "name": "house"}, {"id": 2, "name": "tree"}]
HOUSE = [1, 1, 7, 1, 7, 4, 1, 4]  # columns 1 to 6, rows 1 to 3
TREE = [3, 2, 5, 2, 5, 5, 3, 5]  # columns 3 and 4, rows 2 to 4


def annotation(number, image, category, segmentation, **more):
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, "iscrowd": 0, **more}


def image(number, name, **more):
    return {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH, **more}


def write(path, images, annotations=(), categories=CATEGORIES, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"images": images, "annotations": list(annotations), "categories": categories}
    path.write_text(json.dumps(content), encoding=encoding)


def make(root, annotations, images=None, **settings):
    """Write pictures a.png and b.png and a COCO file of them."""
    for name in ("a", "b"):
        save(root / "data" / "images" / f"{name}.png", np.full((HEIGHT, WIDTH, 3), 9, np.uint8))
    images = [image(1, "a.png"), image(2, "b.png")] if images is None else images
    write(root / "data" / "coco.json", images, annotations, **settings)


def found(root, **layout):
    return find(root, "coco", **{"images": "images/{name}.*", "annotations": "coco.json", **layout})


def encoded(root, labels="exclusive", classes=CLASSES, **layout):
    return encode(root, "coco", found(root, **layout), classes, labels)


def refusal(root, annotations, images=None, **settings):
    make(root, annotations, images, **settings)
    with pytest.raises(SourceError) as error:
        found(root)
    return str(error.value)


def test_polygons_and_pictures_without_any(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [TREE]), annotation(2, 1, 100, [HOUSE])])
    masks = encoded(tmp_path)
    np.testing.assert_array_equal(masks["a"], grid("........", ".111111.", ".112211.", ".112211.", "...22..."))
    np.testing.assert_array_equal(masks["b"], np.zeros((HEIGHT, WIDTH)))


def test_the_smaller_or_the_later_one_lies_on_top(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [TREE]), annotation(2, 1, 100, [HOUSE])])
    later = encoded(tmp_path, overlaps="order")["a"]
    np.testing.assert_array_equal(later, grid("........", ".111111.", ".111111.", ".111111.", "...22..."))


def test_overlapping_classes_keep_both(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [TREE]), annotation(2, 1, 100, [HOUSE])])
    bits = encoded(tmp_path, "overlapping", CLASSES)["a"]
    assert bits.dtype == np.uint16
    np.testing.assert_array_equal(bits, 2 * grid("........", ".111111.", ".113311.", ".113311.", "...22..."))


def test_many_objects_of_few_labels_lie_as_they_were_painted(tmp_path):
    boxes = [(0, 0, 4, 4, 100), (2, 2, 6, 5, 7), (3, 1, 7, 3, 100), (5, 2, 8, 4, 7), (6, 0, 7, 5, 100)]
    make(
        tmp_path,
        [
            annotation(n, 1, label, [[left, top, right, top, right, low, left, low]])
            for n, (left, top, right, low, label) in enumerate(boxes)
        ],
    )
    truth, bits = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for left, top, right, low, label in boxes:
        truth[top:low, left:right] = 1 if label == 100 else 2
        bits[top:low, left:right] |= 2 if label == 100 else 4
    np.testing.assert_array_equal(encoded(tmp_path, overlaps="order")["a"], truth)
    np.testing.assert_array_equal(encoded(tmp_path, "overlapping")["a"], bits)


def test_several_polygons_of_one_object_and_one_that_stands_alone(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [[0, 0, 2, 0, 2, 2, 0, 2], [4, 0, 6, 0, 6, 1, 4, 1]]), annotation(2, 2, 7, HOUSE)])
    masks = encoded(tmp_path)
    np.testing.assert_array_equal(masks["a"], grid("22..22..", "22......", "........", "........", "........"))
    np.testing.assert_array_equal(masks["b"] > 0, grid("........", ".111111.", ".111111.", ".111111.", "........"))


@pytest.mark.parametrize("is_compressed", [False, True])
def test_run_lengths_go_down_the_columns(is_compressed, tmp_path):
    truth = grid(".....2..", ".22..2..", ".2...2..", ".2......", ".......2")
    counts = [6, 3, 2, 1, 13, 3, 11, 1]  # by hand: column 0 and a pixel are outside, then 3 inside ...
    counts = (
        coco_mask.frPyObjects({"size": [HEIGHT, WIDTH], "counts": counts}, HEIGHT, WIDTH)["counts"].decode()
        if is_compressed
        else counts
    )
    make(tmp_path, [annotation(1, 1, 7, {"size": [HEIGHT, WIDTH], "counts": counts}, iscrowd=1)])
    np.testing.assert_array_equal(encoded(tmp_path)["a"], truth)


def test_a_polygon_that_reaches_beyond_the_picture_is_cut_off(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [[-3, -2, 2, -2, 2, 3, -3, 3]])])
    np.testing.assert_array_equal(encoded(tmp_path)["a"], grid("22......", "22......", "22......", "........", "........"))


def test_parts_by_files_and_equal_names_in_both(tmp_path):
    for part, number in (("train", 1), ("val", 1)):
        save(tmp_path / "data" / part / "images" / "0001.png", np.zeros((HEIGHT, WIDTH), np.uint8))
        write(tmp_path / "data" / part / "annotation.json", [image(number, "0001.png")], [annotation(1, number, 7, [TREE])])
    manifest = find(tmp_path, "coco", images="{split}/images/{name}.png", annotations="{split}/annotation.json")
    assert manifest["split"].tolist() == ["train", "val"]
    assert manifest["image"].tolist() == [f"{tmp_path}/data/{part}/images/0001.png" for part in ("train", "val")]


def test_parts_of_coco_itself(tmp_path):
    for part, name in (("train", "0001.png"), ("val", "0002.png")):
        save(tmp_path / "data" / "top" / f"{part}2017" / name, np.zeros((HEIGHT, WIDTH), np.uint8))
        write(tmp_path / "data" / "top" / "annotations" / f"instances_{part}2017.json", [image(1, name)])
    manifest = find(tmp_path, "coco", images="{split}2017/{name}.png", annotations="annotations/instances_{split}2017.json")
    assert manifest[["id", "split"]].to_numpy().tolist() == [["train-0001", "train"], ["val-0002", "val"]]


def test_file_names_with_folders_of_another_machine_and_other_suffixes(tmp_path):
    make(tmp_path, [], [image(1, "/home/else/b/A.jpg"), image(2, "C:\\set\\c\\a.png")])
    for folder in "bc":
        save(tmp_path / "data" / "images" / folder / "a.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    manifest = found(tmp_path, images="images/{folder}/{name}.png")
    assert manifest["id"].tolist() == ["b-a", "c-a"]


def test_a_name_that_several_pictures_have(tmp_path):
    make(tmp_path, [], [image(1, "a.png")])
    for folder in "bc":
        save(tmp_path / "data" / "images" / folder / "a.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    with pytest.raises(SourceError, match=r"coco\.json: a\.png may be images/b/a\.png or images/c/a\.png"):
        found(tmp_path, images="images/{folder}/{name}.png")


def test_pictures_that_no_file_names_are_not_taken(tmp_path):
    make(tmp_path, [], [image(1, "a.png")])
    assert found(tmp_path)["id"].tolist() == ["a"]


def test_categories_of_one_name_and_one_called_background(tmp_path):
    categories = [{"id": 1, "name": "road"}, {"id": 2, "name": "road"}, {"id": 3, "name": "background"}]
    annotations = [annotation(1, 1, 1, [HOUSE]), annotation(2, 1, 2, [TREE]), annotation(3, 1, 3, [[4, 2, 5, 2, 5, 5, 4, 5]])]
    make(tmp_path, annotations, categories=categories)
    classes = [{"id": 0, "name": "background"}, {"id": 1, "name": "x", "source_ids": ["road-1"]}, {"id": 2, "name": "road-2"}]
    truth = grid("........", ".111111.", ".112.11.", ".112.11.", "...2....")
    np.testing.assert_array_equal(encoded(tmp_path, classes=classes)["a"], truth)


def test_a_category_without_a_class(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [TREE])])
    with pytest.raises(DataError, match="labels that no class has, most often tree"):
        encoded(tmp_path, classes=CLASSES[:2])


def test_a_picture_of_another_size_than_the_file_says(tmp_path):
    make(tmp_path, [annotation(1, 1, 7, [TREE])], [image(1, "a.png", width=9)])
    with pytest.raises(DataError, match=r"is 9 x 5 pixels, its picture .*a\.png is 8 x 5"):
        encoded(tmp_path)


def test_lists_choose(tmp_path):
    make(tmp_path, [])
    (tmp_path / "data" / "val.txt").write_text("b\n")
    assert found(tmp_path, lists={"val": "val.txt"})[["id", "split"]].to_numpy().tolist() == [["b", "val"]]


def test_absent_pictures(tmp_path):
    images = [image(1, "a.png"), image(2, "gone.png"), image(3, "away.png")]
    message = refusal(tmp_path, [annotation(1, 2, 7, [TREE])], images)
    assert "2 pictures that annotations name are not there" in message
    assert "coco.json: image 2: gone.png" in message
    assert "coco.json: image 3: away.png" in message
    assert found(tmp_path, missing="skip")["id"].tolist() == ["a"]


def test_none_of_the_pictures_is_there(tmp_path):
    make(tmp_path, [], [image(1, "gone.png")])
    with pytest.raises(SourceError, match="name no picture that is there"):
        found(tmp_path, missing="skip")


def test_annotations_without_a_segmentation(tmp_path):
    boxes = [annotation(1, 1, 7, []), annotation(2, 1, 7, None), annotation(3, 2, 7, [[]]), annotation(4, 2, 7, [TREE])]
    message = refusal(tmp_path, boxes)
    assert "3 annotations have no segmentation" in message
    assert "coco.json: annotation 2" in message
    assert len(found(tmp_path, missing="skip")) == 2


RUNS = {"size": [HEIGHT, WIDTH], "counts": [40]}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (annotation(3, 9, 7, [TREE]), "annotation 3: image_id 9 is of no image"),
        (annotation(3, 1, 8, [TREE]), "annotation 3: category_id 8 is of no category"),
        (annotation(3, [1], 8, [TREE]), "annotation 3: image_id [1] is of no image"),
        (annotation(3, 1, 7, [TREE[:-1]]), "annotation 3: a polygon of it has 7 coordinates"),
        (annotation(3, 1, 7, [TREE[:4]]), "annotation 3: a polygon of it has 4 coordinates"),
        (
            annotation(3, 1, 7, [[float("nan"), *TREE[1:]]]),
            "annotation 3: a polygon of it has a coordinate that is no finite number",
        ),
        (
            annotation(3, 1, 7, [[*TREE[:-1], float("inf")]]),
            "annotation 3: a polygon of it has a coordinate that is no finite number",
        ),
        (annotation(3, 1, 7, [[None, *TREE[1:]]]), "annotation 3: a polygon of it has a coordinate that is no finite number"),
        (annotation(3, 1, 7, [["x", *TREE[1:]]]), "annotation 3: a polygon of it is no list of coordinates"),
        (annotation(3, 1, 7, [[[1, 2], [3, 4], [5, 6]]]), "annotation 3: a polygon of it is no list of coordinates"),
        (annotation(3, 1, 7, [TREE, [9, 1, 12, 1, 12, 3]]), "annotation 3: a polygon of it lies outside: x 9 to 12"),
        (annotation(3, 1, 7, [[1, -9, 2, -9, 2, -1]]), "annotation 3: a polygon of it lies outside"),
        (annotation(3, 1, 7, [[1, 1, 1e9, 1, 1e9, 3]]), "annotation 3: a polygon of it reaches far out"),
        (annotation(3, 1, 7, {**RUNS, "counts": [3, 4]}), "annotation 3: its runs add up to 7 pixels, the picture has 40"),
        (annotation(3, 1, 7, {**RUNS, "counts": [30, 40]}), "annotation 3: its runs add up to 70 pixels"),
        (annotation(3, 1, 7, {**RUNS, "counts": [50, -10]}), "annotation 3: it has a run of -10 pixels"),
        (annotation(3, 1, 7, {**RUNS, "counts": [39.5, 0.5]}), "annotation 3: its counts are no whole numbers"),
        (annotation(3, 1, 7, {**RUNS, "counts": [2**70]}), "annotation 3: its counts are no whole numbers"),
        (annotation(3, 1, 7, {**RUNS, "counts": "72"}), "annotation 3: its runs add up to 9 pixels"),
        (annotation(3, 1, 7, {**RUNS, "counts": "7P"}), "annotation 3: its counts are no compressed run lengths"),
        (annotation(3, 1, 7, {**RUNS, "counts": "é"}), "annotation 3: its counts are no compressed run lengths"),
        (annotation(3, 1, 7, {**RUNS, "counts": "o" * 40 + "0"}), "annotation 3: its counts are no compressed run lengths"),
        (annotation(3, 1, 7, {**RUNS, "size": [8, 5]}), "annotation 3: its run lengths are for [height, width] [8, 5]"),
        (annotation(3, 1, 7, {"counts": [40]}), "annotation 3: its run lengths have no size or no counts"),
        (annotation(1, 1, 7, [TREE]), "annotation 1: its id was there before"),
    ],
)
def test_an_annotation_that_cannot_be_drawn(wrong, said, tmp_path):
    message = refusal(tmp_path, [annotation(1, 1, 7, [TREE]), wrong])
    assert "1 entries of the COCO files" in message
    assert f"coco.json: {said}" in message


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    images = [image(1, "a.png"), image(1, "b.png"), image(3, "a.png"), image(4, "b.png", width=None), {"id": 5}]
    categories = [*CATEGORIES, {"id": 7, "name": "bush"}, {"id": 8}]
    message = refusal(tmp_path, [annotation(1, 1, 7, [[1, 2, 3]]), annotation(2, 6, 7, [TREE])], images, categories=categories)
    assert "8 entries of the COCO files" in message
    for line in (
        "category id 7 belongs to tree and to bush",
        "category 4 has no id or no name",
        "image 1: its id belongs to a.png and to b.png",
        "image 4 is None wide and 5 high",
        "image 5 has no id or no file_name",
        "annotation 1: a polygon of it has 3 coordinates",
        "annotation 2: image_id 6 is of no image",
        "image 3: images/a.png was named before, by coco.json: image 1",
    ):
        assert f"coco.json: {line}" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b'{"images": [', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe{}", "is not UTF-8: byte 0"),
        (b"[]", "is no COCO file: it is no mapping, and no list of images"),
        (b'{"shapes": [], "imagePath": ""}', "is no COCO file: it holds shapes, imagePath, and no list of images"),
        (b'{"images": [], "licenses": []}', "is no COCO file: it holds images, licenses, and no list of annotations"),
        (b'{"images": [1], "annotations": [], "categories": []}', "is no COCO file"),
        (b'{"images": [], "annotations": [], "categories": []}', "describes no images"),
    ],
)
def test_what_is_no_coco_file(content, said, tmp_path):
    make(tmp_path, [])
    (tmp_path / "data" / "coco.json").write_bytes(content)
    with pytest.raises(SourceError, match=r"coco\.json " + re.escape(said)):
        found(tmp_path)


def test_a_byte_order_mark(tmp_path):
    make(tmp_path, [], encoding="utf-8-sig")
    assert len(found(tmp_path)) == 2


@pytest.mark.parametrize(
    "settings", [{"images": None}, {"annotations": None}, {"masks": "{name}.png"}, {"annotations": "a/../coco.json"}]
)
def test_settings_that_do_not_fit_together(settings, tmp_path):
    make(tmp_path, [])
    with pytest.raises(SourceError, match="source") as error:
        found(tmp_path, **settings)
    assert error.value.fix


def test_no_annotation_file(tmp_path):
    make(tmp_path, [])
    with pytest.raises(SourceError, match=r"fits source\.annotations 'annotations/\*\.json'"):
        found(tmp_path, annotations="annotations/*.json")


def test_annotations_of_no_part(tmp_path):
    make(tmp_path, [])
    with pytest.raises(SourceError, match=r"stands for no part of a data set:\n  - coco\.json"):
        found(tmp_path, annotations="{split}.json")


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 300))
def test_compressed_counts_are_read_as_coco_reads_them(pixels, stretch):
    mask = np.repeat(np.array(pixels, np.uint8), stretch)[:, np.newaxis]
    counts = read_counts(coco_mask.encode(np.asfortranarray(mask))["counts"].decode())
    drawn = np.repeat(np.arange(counts.size) % 2, counts)
    np.testing.assert_array_equal(drawn, mask[:, 0])
