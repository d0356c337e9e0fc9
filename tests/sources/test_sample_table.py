"""A table of the source that gives each picture its part, and what it is grouped by."""

import json

import numpy as np
import pytest
from encode_source import find, save

from maskmill.errors import SourceError
from maskmill.sources.settings import TableColumns

PATTERNS = {"images": "scans/{name}.jpg", "masks": "masks/{name}.png"}
TABLE = TableColumns("cases.csv", "scan", "subset")
CASES = "scan,patient,subset\na1.jpg,anna,train\nscans/a2,anna,Training\nb1.JPG,bert,valid\n/home/x/scans/c1.jpg,carl,test2019\n"


@pytest.fixture
def cases(tmp_path):
    """Four pictures with masks, and a table that names each of them in another way."""
    for name in ("a1", "a2", "b1", "c1"):
        save(tmp_path / f"data/scans/{name}.jpg", np.zeros((4, 6, 3), np.uint8))
        save(tmp_path / f"data/masks/{name}.png", np.zeros((4, 6), np.uint8))
    write(tmp_path, CASES)
    return tmp_path


def write(root, text, name="cases.csv"):
    (root / "data" / name).write_text(text, encoding="utf-8")


def columns_of(manifest, *names):
    return manifest[list(names)].to_numpy().tolist()


@pytest.mark.parametrize("form", ["folders", "index", "suffix", "layers"])
def test_a_table_gives_parts_and_groups_and_no_ids(cases, form):
    manifest = find(cases, form, **PATTERNS, table=TABLE, group="{patient}")
    assert columns_of(manifest, "id", "split", "group") == [
        ["a1", "train", "anna"],
        ["a2", "train", "anna"],
        ["b1", "val", "bert"],
        ["c1", "test", "carl"],
    ]


def test_columns_and_fields_name_a_group_together_and_a_field_goes_first(cases):
    write(cases, CASES.replace("scan,patient", "scan,name"))
    table = TableColumns("cases.csv", "scan", "subset")
    manifest = find(cases, "folders", **PATTERNS, table=table, group="{subset}-{name}")
    assert manifest["group"].tolist() == ["train-a1", "Training-a2", "valid-b1", "test2019-c1"]


def test_without_a_split_column_the_parts_are_those_of_the_paths(cases):
    (cases / "data/scans").rename(cases / "data/val")
    patterns = {"images": "{split}/{name}.jpg", "masks": "masks/{name}.png"}
    with pytest.raises(SourceError, match="fields"):
        find(cases, "folders", **patterns, table=TABLE)
    for name in ("a1", "a2", "b1", "c1"):
        save(cases / f"data/pairs/val/{name}.png", np.zeros((4, 6, 3), np.uint8))
    table = TableColumns("cases.csv", "scan")
    manifest = find(cases, "composite", images="pairs/{split}/{name}.png", table=table, group="{patient}")
    assert manifest["split"].tolist() == ["val"] * 4
    assert manifest["group"].tolist() == ["anna", "anna", "bert", "carl"]


def test_an_empty_cell_is_no_part(cases):
    write(cases, CASES.replace("anna,train", "anna,"))
    assert find(cases, "folders", **PATTERNS, table=TABLE)["split"].tolist() == ["", "train", "val", "test"]


def test_a_table_with_tabs_below_the_packed_folder(cases):
    (cases / "packed/Set").mkdir(parents=True)
    (cases / "data").rename(cases / "packed/Set/inner")
    (cases / "packed").rename(cases / "data")
    write(cases, CASES.replace(",", "\t"), "Set/inner/cases.csv")
    assert find(cases, "folders", **PATTERNS, table=TABLE)["split"].tolist() == ["train", "train", "val", "test"]


def test_lists_choose_and_the_table_groups(cases):
    write(cases, "a2\nb1\n", "train.txt")
    write(cases, "scan,patient\na1,anna\na2,anna\nb1,bert\nc1,carl\n")
    layout = {"lists": {"train": "train.txt"}, "table": TableColumns("cases.csv", "scan"), "missing": "skip"}
    manifest = find(cases, "folders", **PATTERNS, **layout, group="{patient}")
    assert columns_of(manifest, "id", "split", "group") == [["a2", "train", "anna"], ["b1", "train", "bert"]]


def test_tiles_of_one_raster_share_its_row(tmp_path):
    for name in ("a1", "b1"):
        save(tmp_path / f"data/{name}.tif", np.zeros((32, 48, 3), np.uint8))
        save(tmp_path / f"data/{name}_mask.tif", np.zeros((32, 48), np.uint8))
    write(tmp_path, "scan,region,subset\na1,north,train\nb1.tif,south,test\n")
    patterns = {"images": "{name}.tif", "masks": "{name}_mask.tif", "tile": (16, 24)}
    manifest = find(tmp_path, "geotiff", **patterns, table=TABLE, group="{region}")
    assert len(manifest) == 8
    assert manifest.groupby("group")["split"].agg(["count", "first"]).to_numpy().tolist() == [[4, "train"], [4, "test"]]


def test_pictures_that_annotations_describe(cases):
    pictures = [
        {"id": 1, "file_name": "a1.jpg", "width": 6, "height": 4},
        {"id": 2, "file_name": "c1.jpg", "width": 6, "height": 4},
    ]
    document = {"images": pictures, "annotations": [], "categories": [{"id": 1, "name": "stone"}]}
    write(cases, json.dumps(document), "coco.json")
    write(cases, "ImageId,EncodedPixels\na1.jpg,1 2\nc1.jpg,\n", "runs.csv")
    write(cases, "scan,patient,subset\na1,anna,train\nc1,carl,test\n")
    for form, annotations in (("coco", "coco.json"), ("rle", "runs.csv")):
        patterns = {"images": PATTERNS["images"], "annotations": annotations, "missing": "skip"}
        manifest = find(cases, form, **patterns, table=TABLE, group="{patient}")
        assert columns_of(manifest, "id", "split", "group") == [["a1", "train", "anna"], ["c1", "test", "carl"]]


def refuse(root, said, **layout):
    with pytest.raises(SourceError, match=said) as error:
        find(root, "folders", **{**PATTERNS, "table": TABLE, **layout})
    assert "source." in error.value.fix or "row" in error.value.fix
    return str(error.value)


@pytest.mark.parametrize("name", ["case.csv", "../cases.csv", "/etc/hostname"])
def test_a_table_that_is_absent(cases, name):
    write(cases, CASES, "../cases.csv")
    refuse(cases, rf"no {name} below(.|\n)*cases\.csv(.|\n)*source\.table\.file", table=TableColumns(name, "scan"))


@pytest.mark.parametrize(("image", "split", "role"), [("scans", "subset", "image"), ("scan", "subsets", "split")])
def test_a_column_that_is_absent(cases, image, split, role):
    said = refuse(cases, r"has no column '(scans|subsets)'; did you mean", table=TableColumns("cases.csv", image, split))
    assert "scan, patient, subset" in said
    assert f"source.table.{role}" in said


def test_a_value_that_is_no_part(cases):
    write(cases, CASES.replace("valid", "holdout"))
    refuse(cases, r"1 values of column 'subset' are no part(.|\n)*cases\.csv:4: 'holdout'")


def test_a_picture_without_a_row(cases, capsys):
    write(cases, CASES.replace("b1.JPG,bert,valid\n", ""))
    refuse(cases, r"1 pictures have no row in cases\.csv(.|\n)*scans/b1\.jpg(.|\n)*source\.missing")
    assert find(cases, "folders", **PATTERNS, table=TABLE, missing="skip")["id"].tolist() == ["a1", "a2", "c1"]
    assert "left out: 1 pictures have no row in cases.csv" in capsys.readouterr().out


def test_a_row_without_a_picture(cases, capsys):
    write(cases, CASES + "d1.jpg,dora,train\n,emil,train\n")
    refuse(cases, r"2 rows name no picture(.|\n)*cases\.csv:6: 'd1\.jpg'(.|\n)*cases\.csv:7: ''(.|\n)*source\.missing")
    assert len(find(cases, "folders", **PATTERNS, table=TABLE, missing="skip")) == 4
    assert "left out: 2 rows name no picture" in capsys.readouterr().out


def test_a_row_about_a_namesake_in_another_folder(tmp_path, capsys):
    for name in ("1", "2"):
        save(tmp_path / f"data/train/{name}.png", np.zeros((4, 6, 3), np.uint8))
    layout = {"images": "train/{name}.png", "table": TABLE}
    write(tmp_path, "scan,subset,patient\ntrain/1.png,train,a\nval/2.png,val,c\nval/1.png,val,c\n")
    with pytest.raises(SourceError, match=r"2 rows name no picture(.|\n)*cases\.csv:3: 'val/2\.png'(.|\n)*:4: 'val/1\.png'"):
        find(tmp_path, "composite", **layout)
    manifest = find(tmp_path, "composite", **layout, missing="skip", group="{patient}")
    assert columns_of(manifest, "id", "split", "group") == [["1", "train", "a"]]
    said = capsys.readouterr().out
    assert "left out: 2 rows name no picture" in said
    assert "left out: 1 pictures have no row in cases.csv" in said


def test_a_name_that_may_be_several_pictures(cases):
    for name in ("east/1", "west/1"):
        save(cases / f"data/both/{name}.png", np.zeros((4, 6, 3), np.uint8))
    write(cases, "scan\neast/1\n1.png\n")
    with pytest.raises(SourceError, match=r"may name several(.|\n)*cases\.csv:3: '1\.png'"):
        find(cases, "composite", images="both/{side}/{name}.png", table=TableColumns("cases.csv", "scan"))


def test_a_table_that_names_nothing_here(cases):
    write(cases, CASES)
    for missing in ("error", "skip"):
        table = TableColumns("cases.csv", "patient", "subset")
        refuse(cases, r"column 'patient' of cases\.csv names none of the 4 pictures", table=table, missing=missing)


@pytest.mark.parametrize("missing", ["error", "skip"])
def test_two_rows_for_one_picture(cases, missing):
    write(cases, CASES + "A1.png,anna,train\n")
    refuse(cases, r"1 rows repeat a picture(.|\n)*cases\.csv:6: a1\.jpg has a row before, in line 2", missing=missing)


def test_a_part_in_contradiction(cases):
    for name, part in (("a1", "train"), ("a2", "test"), ("b1", "val"), ("c1", "test")):
        save(cases / f"data/pairs/{part}/{name}.png", np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(SourceError, match=r"1 parts contradict(.|\n)*cases\.csv:3: a2\.png is train here, test by \{split\}"):
        find(cases, "composite", images="pairs/{split}/{name}.png", table=TABLE)
    write(cases, "b1\n", "train.txt")
    refuse(cases, "b1.jpg is val here, train by", lists={"train": "train.txt"}, missing="skip")


def test_a_group_of_an_empty_cell(cases):
    write(cases, CASES.replace("carl", ""))
    with pytest.raises(SourceError, match=r"source\.group '\{patient\}' is empty for 1 pictures(.|\n)*c1\.jpg"):
        find(cases, "folders", **PATTERNS, table=TABLE, group="{patient}")


def test_a_group_that_no_column_has(cases):
    with pytest.raises(SourceError, match=r"'\{doctor\}'(.|\n)*\{scan\}, \{patient\}, \{subset\}, \{name\}"):
        find(cases, "folders", **PATTERNS, table=TABLE, group="{doctor}")
