"""Tables of run lengths: what they say becomes masks as drawn by hand; what is wrong with them is named."""

import re

import numpy as np
import pytest
from encode_source import encode, find, grid, save

from maskmill.errors import DataError, SourceError

HEIGHT, WIDTH = 3, 5
CLASSES = [{"id": 0, "name": "background"}, {"id": 1, "name": "1"}, {"id": 2, "name": "2"}]
FIRST = grid(".1...", ".1.11", ".1.11")  # down the columns "4 3 11 2 14 2"
SECOND = grid("....2", "....2", ".....")  # "13 2"
TABLE = "ImageId,ClassId,EncodedPixels\na.png,1,4 3 11 2 14 2\na.png,2,13 2\nb.png,2,1 1\n"
BOTH_OF_A = grid(".1..2", ".1.12", ".1.11")


def make(root, table=TABLE, pictures=("a", "b", "c"), *, name="train.csv", encoding="utf-8", folder="train_images"):
    for picture in pictures:
        save(root / "data" / folder / f"{picture}.png", np.full((HEIGHT, WIDTH, 3), 9, np.uint8))
    (root / "data" / name).write_text(table, encoding=encoding)


def found(root, **layout):
    return find(root, "rle", **{"images": "train_images/{name}.*", "annotations": "train.csv", **layout})


def encoded(root, labels="exclusive", classes=CLASSES, **layout):
    return encode(root, "rle", found(root, **layout), classes, labels)


def refused(root, table, **layout):
    make(root, table)
    with pytest.raises(SourceError) as error:
        found(root, **layout)
    assert error.value.fix
    return str(error.value)


def test_rows_of_labels_and_pictures_without_any(tmp_path, capsys):
    make(tmp_path)
    masks = encoded(tmp_path)
    np.testing.assert_array_equal(masks["a"], BOTH_OF_A)
    np.testing.assert_array_equal(masks["b"], grid("2....", ".....", "....."))
    np.testing.assert_array_equal(masks["c"], np.zeros((HEIGHT, WIDTH)))
    assert "1 pictures without a row are taken as background, e.g. train_images/c.png" in capsys.readouterr().out


def test_overlapping_labels_keep_both(tmp_path):
    make(tmp_path)
    bits = encoded(tmp_path, "overlapping")["a"]
    assert bits.dtype == np.uint16
    np.testing.assert_array_equal(bits, 2 * FIRST + 2 * SECOND)


def test_row_after_row(tmp_path):
    make(tmp_path, "ImageId,ClassId,EncodedPixels\na,1,2 1 7 1 9 2 12 1 14 2\na,2,5 1 10 1\n")
    np.testing.assert_array_equal(encoded(tmp_path, order="row")["a"], BOTH_OF_A)


def test_rows_of_one_label_are_united_and_equal_rows_count_once(tmp_path):
    make(tmp_path, "ImageId,ClassId,EncodedPixels\na,1,4 3\na,1,11 2\na,1,14 2\na,1,4 3\n")
    np.testing.assert_array_equal(encoded(tmp_path)["a"], FIRST)


def test_without_labels_they_are_objects(tmp_path):
    make(tmp_path, "id,rle_mask\na,4 3 11 2 14 2\nb,\nc,-1\n")
    classes = [{"id": 0, "name": "background"}, {"id": 1, "name": "salt", "source_ids": ["object"]}]
    masks = encoded(tmp_path, classes=classes)
    np.testing.assert_array_equal(masks["a"], FIRST)
    assert not masks["b"].any()
    assert not masks["c"].any()


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("ImageId_ClassId,EncodedPixels", {}),
        ("Image_Label,EncodedPixels", {}),
        ("both,EncodedPixels", {"image": "both", "label": "both"}),
    ],
)
def test_image_and_label_in_one_column(heading, columns, tmp_path):
    rows = "a_1.png_1,4 3 11 2 14 2\na_1.png_2,13 2\na_1.png_3,\nb.jpg_1,\n"
    make(tmp_path, f"{heading}\n{rows}", ("a_1", "b"))
    masks = encoded(tmp_path, columns=columns)
    np.testing.assert_array_equal(masks["a_1"], BOTH_OF_A)
    assert not masks["b"].any()


@pytest.mark.parametrize(
    "heading", ["image,label,rle", " Img ,CLASS,encoding", "filename,class_name,segmentation", "id,Category ID,mask"]
)
def test_usual_names_of_columns(heading, tmp_path):
    make(tmp_path, TABLE.replace("ImageId,ClassId,EncodedPixels", heading))
    np.testing.assert_array_equal(encoded(tmp_path)["a"], BOTH_OF_A)


def test_columns_of_other_names(tmp_path):
    make(tmp_path, "n,photo,what,where\n1,a,1,4 3 11 2 14 2\n2,a,2,13 2\n")
    columns = {"image": "photo", "label": "what", "runs": "where"}
    np.testing.assert_array_equal(encoded(tmp_path, columns=columns)["a"], BOTH_OF_A)


@pytest.mark.parametrize("entry", ["a", "a.png", "A.JPG", "train_images/a.png", "C:\\set\\x\\a.jpg", "./a"])
def test_names_of_pictures(entry, tmp_path):
    make(tmp_path, f"ImageId,ClassId,EncodedPixels\n{entry},1,4 3 11 2 14 2\n")
    np.testing.assert_array_equal(encoded(tmp_path)["a"], FIRST)


def test_a_name_with_a_dot(tmp_path):
    make(tmp_path, "ImageId,ClassId,EncodedPixels\nscan.1,1,4 3 11 2 14 2\n", ("scan.1", "scan.2"))
    np.testing.assert_array_equal(encoded(tmp_path)["scan.1"], FIRST)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(encoding, delimiter, tmp_path):
    table = TABLE.replace("ImageId,ClassId", "Größe,ImageId,ClassId").replace("a.png", "3,a.png").replace("b.png", "4,b.png")
    make(tmp_path, table.replace(",", delimiter), encoding=encoding)
    np.testing.assert_array_equal(encoded(tmp_path)["a"], BOTH_OF_A)


def test_numbers_that_were_written_as_fractions_and_empty_lines(tmp_path):
    make(tmp_path, 'ImageId,ClassId,EncodedPixels\r\n"a","1.0","4 3 11 2 14 2"\r\n\r\na,2.0,13 2\r\nb,,\r\n')
    masks = encoded(tmp_path)
    np.testing.assert_array_equal(masks["a"], BOTH_OF_A)
    assert not masks["b"].any()


def test_parts_by_tables(tmp_path):
    for part in ("train", "val"):
        make(tmp_path, TABLE, name=f"{part}.csv", folder=f"{part}_images")
    manifest = found(tmp_path, images="{split}_images/{name}.png", annotations="{split}.csv")
    assert manifest["split"].tolist() == ["train"] * 3 + ["val"] * 3


def test_pictures_of_a_folder_that_no_row_names_are_left_out(tmp_path, capsys):
    make(tmp_path)
    make(tmp_path, pictures=("d", "e"), folder="test_images")
    manifest = found(tmp_path, images="{split}_images/{name}.png")
    assert manifest["id"].tolist() == ["train-a", "train-b", "train-c"]
    assert "left out: 2 pictures without a row" in capsys.readouterr().out


def test_pictures_without_a_row_may_be_left_out(tmp_path):
    make(tmp_path)
    assert found(tmp_path, missing="skip")["id"].tolist() == ["a", "b"]


def test_several_tables_and_lists(tmp_path):
    make(tmp_path, "image,label,rle\na,1,4 3 11 2 14 2\n", name="train_1.csv")
    make(tmp_path, "image,label,rle\na,2,13 2\n", name="train_2.csv")
    (tmp_path / "data" / "val.txt").write_text("a\n")
    layout = {"annotations": "train_*.csv", "lists": {"val": "val.txt"}}
    assert found(tmp_path, **layout)["split"].tolist() == ["val"]
    np.testing.assert_array_equal(encoded(tmp_path, **layout)["a"], BOTH_OF_A)


def test_a_picture_in_tables_of_two_parts(tmp_path):
    make(tmp_path, name="train.csv")
    make(tmp_path, name="val.csv")
    with pytest.raises(SourceError, match=r"a\.png is named by val\.csv and by a table of another part"):
        found(tmp_path, annotations="{split}.csv")


def test_rows_that_name_no_picture(tmp_path):
    message = refused(tmp_path, TABLE + "gone.png,1,1 1\n,2,1 1\n")
    assert "2 rows name no picture that is there" in message
    assert "train.csv:5: gone.png" in message
    assert "train.csv:6: an empty cell" in message
    assert found(tmp_path, missing="skip")["id"].tolist() == ["a", "b"]


def test_no_row_names_a_picture(tmp_path):
    make(tmp_path, "ImageId,EncodedPixels\nx,1 1\n")
    with pytest.raises(SourceError, match=r"train\.csv below .* name no picture that is there"):
        found(tmp_path, missing="skip")


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("1 2 3", "odd number"),
        ("1 5 3 2", "overlap"),
        ("14 3", "beyond|overflow|after"),
        ("0 3", "0"),
        ("1 x", "x"),
        ("1 2.5", "2.5"),
    ],
)
def test_runs_that_cannot_be_drawn(runs, said, tmp_path):
    make(tmp_path, f"ImageId,ClassId,EncodedPixels\na,1,4 3\n\na,1,{runs}\n")
    with pytest.raises(DataError, match=rf"train\.csv, 1: line 4: .*({said})"):
        encoded(tmp_path)


def test_runs_without_a_label(tmp_path):
    message = refused(tmp_path, "ImageId,ClassId,EncodedPixels\na,,1 1\nb,,\n")
    assert "1 rows have no label:\n  - train.csv:2: a has runs and no label" in message


@pytest.mark.parametrize(
    ("table", "columns", "said"),
    [
        ("name;x\na;1\n", {}, "train.csv has no column for the runs"),
        ("title,rle\na,1 1\n", {}, "train.csv has no column for the image"),
        ("image,rle\na,1 1\n", {"runs": "pixels"}, "train.csv has no column 'pixels'"),
        ("image,rle\na,1 1\n", {"label": "ClassId"}, "train.csv has no column 'ClassId'"),
    ],
)
def test_missing_columns(table, columns, said, tmp_path):
    message = refused(tmp_path, table, columns=columns)
    assert said in message
    assert ", ".join(re.split("[,;]", table.partition("\n")[0])) in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\na,b\n", "has no heading"),
        (b"image,rle\na,1 1,5,6\n", "is no table"),
        (b"image,rle\na,1 1\na,1 1,5,6\n", "is no table: .*line 3, saw 4"),
        (b"image,rle\na,\x81\x00", "is no text"),
        (b"\xff\xfei\x00m\x00a\x00\n", "is no text"),
        (b"image,rle\n", "name no picture that is there"),
    ],
)
def test_what_is_no_table(content, said, tmp_path):
    make(tmp_path)
    (tmp_path / "data" / "train.csv").write_bytes(content)
    with pytest.raises(SourceError, match=rf"train\.csv.* {said}"):
        found(tmp_path)


@pytest.mark.parametrize("settings", [{"images": None}, {"annotations": None}, {"masks": "{name}.png"}])
def test_settings_that_do_not_fit_together(settings, tmp_path):
    make(tmp_path)
    with pytest.raises(SourceError, match=r"source\.form rle takes"):
        found(tmp_path, **settings)
