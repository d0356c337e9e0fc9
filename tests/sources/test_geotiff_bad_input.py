"""The geotiff form: what can be wrong with rasters, masks, GeoJSON and tables, each named with its file."""

import numpy as np
import pytest
from scene_drawing import (
    CLASSES,
    DSTL,
    FEATURES,
    GRID,
    UTM,
    encode,
    find,
    grid_box,
    make_scene,
    ring,
    run,
    write_dstl,
    write_geojson,
    write_raster,
)

from maskmill.errors import DataError, SourceError

BY_GEOJSON = {"images": "{scene}.tif", "annotations": "{scene}.geojson"}
BY_TABLE = {"images": "{scene}.tif", "annotations": "table.csv"}
BY_MASK = {"images": "{scene}.tif", "masks": "{scene}_mask.tif"}
BOX = ring(10, 2, 30, 17)


@pytest.fixture
def root(tmp_path):
    write_raster(tmp_path / "set/a.tif", make_scene(bands=3))
    return tmp_path / "set"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.mark.parametrize(
    "settings",
    [
        {"images": "{scene}.tif"},
        {"annotations": "{scene}.geojson"},
        {"images": "{scene}.tif", "masks": "{scene}_mask.tif", "annotations": "{scene}.geojson"},
    ],
)
def test_settings_that_name_no_masks_or_two_kinds(root, out, settings):
    with pytest.raises(SourceError, match=r"takes source\.images, and source\.masks or source\.annotations"):
        find(root, out, **({"images": None} | settings))


# rasters


def test_a_text_file_called_tif(root, out):
    (root / "b.tif").write_text("no picture")
    (root / "c.tif").write_text("nor this")
    for name in "abc":
        write_geojson(root / f"{name}.geojson", FEATURES, crs=UTM)
    with pytest.raises(SourceError, match=r"2 of 3 rasters cannot be opened:\n.*b\.tif is not a picture.*\n.*c\.tif"):
        find(root, out, **BY_GEOJSON)


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_a_truncated_tiff(root, out, tile):
    write_raster(root / "a.tif", make_scene(200, 300))
    path = root / "a.tif"
    path.write_bytes(path.read_bytes()[:200_000])
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    with pytest.raises(DataError, match=r"a\.tif cannot be decoded: .*; fix: copy it again"):
        run(root, out, tile=tile, **BY_GEOJSON)


def test_a_band_that_is_not_there(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    with pytest.raises(DataError, match=r"a\.tif has 3 bands, and source\.bands asks for band 4"):
        run(root, out, bands=(1, 4), **BY_GEOJSON)


def test_bands_that_a_scene_lacks(tmp_path, out):
    write_dstl(tmp_path, ["6010_1_2,1,MULTIPOLYGON EMPTY", "6010_4_4,1,MULTIPOLYGON EMPTY"])
    (tmp_path / "sixteen_band/6010_4_4_M.tif").unlink()
    with pytest.raises(SourceError, match=r"1 rasters of further bands are missing:\n.*6010_4_4\.tif: sixteen_band/"):
        find(tmp_path, out, **DSTL)
    assert find(tmp_path, out, missing="skip", **DSTL)["id"].tolist() == ["6010-1-2"]


def test_band_files_that_are_nowhere_or_have_other_fields(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    with pytest.raises(SourceError, match=r"fits source\.band_files 'more/\{scene\}\.tif'"):
        find(root, out, band_files=("more/{scene}.tif",), **BY_GEOJSON)
    with pytest.raises(SourceError, match=r"has the fields name, source\.images has scene"):
        find(root, out, band_files=("{name}.tif",), **BY_GEOJSON)


def test_several_rasters_of_the_same_bands(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    for number in "12":
        write_raster(root / f"more/a_{number}.tif", make_scene())
    with pytest.raises(SourceError, match=r"a\.tif: more/a_1\.tif and more/a_2\.tif"):
        find(root, out, band_files=("more/{scene}_*.tif",), **BY_GEOJSON)


# mask rasters


@pytest.mark.parametrize(
    ("size", "changes", "message"),
    [
        ((23, 36), {}, r"a_mask\.tif and its picture .*a\.tif are 36 x 23 and 37 x 23 pixels"),
        ((23, 37), {"crs": "EPSG:32632"}, r"a\.tif are in EPSG:32632 and EPSG:32633"),
        ((23, 37), {"transform": GRID @ GRID.translation(3, 0)}, r"a\.tif lie 3\.0 pixels apart"),
        ((23, 37), {"transform": GRID @ GRID.scale(2)}, r"a\.tif lie 37\.0 pixels apart"),
    ],
)
def test_a_mask_on_another_grid(root, out, size, changes, message):
    write_raster(root / "a_mask.tif", np.ones(size, np.uint8), **changes)
    with pytest.raises(DataError, match=message):
        run(root, out, tile=(16, 16), **BY_MASK)


def test_a_mask_of_another_size_without_tiles(root, out):
    write_raster(root / "a_mask.tif", np.ones((23, 36), np.uint8))
    with pytest.raises(DataError, match=r"a_mask\.tif is 36 x 23 pixels, its picture .*a\.tif is 37 x 23"):
        run(root, out, **BY_MASK)


def test_a_mask_without_georeference_is_taken_as_it_lies(root, out):
    write_raster(root / "a_mask.tif", np.full((23, 37), 2, np.uint8), crs=None, transform=None)
    _, _, masks = run(root, out, tile=(16, 16), **BY_MASK)
    assert all((mask == 2).all() for mask in masks.values())


def test_a_mask_of_fractions(root, out):
    write_raster(root / "a_mask.tif", np.full((23, 37), 0.5, np.float32))
    with pytest.raises(DataError, match=r"a_mask\.tif holds no ids"):
        run(root, out, tile=(16, 16), **BY_MASK)


# GeoJSON


def test_pictures_without_geojson_and_the_other_way_round(root, out):
    write_raster(root / "b.tif", make_scene())
    for name in "ac":
        write_geojson(root / f"{name}.geojson", FEATURES, crs=UTM)
    with pytest.raises(SourceError, match=r"1 annotation files have no picture:\n.*c\.geojson"):
        find(root, out, **BY_GEOJSON)
    (root / "c.geojson").unlink()
    with pytest.raises(SourceError, match=r"1 pictures are in none of the files .*:\n.*b\.tif"):
        find(root, out, **BY_GEOJSON)
    assert find(root, out, missing="skip", **BY_GEOJSON)["id"].tolist() == ["a"]


def test_no_such_file_and_strange_fields(root, out):
    with pytest.raises(SourceError, match=r"is source\.annotations 'all\.geojson'; some of the 1 files there:\n  - a\.tif"):
        find(root, out, images="{scene}.tif", annotations="all.geojson")
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    with pytest.raises(SourceError, match=r"source\.annotations has the fields name"):
        find(root, out, images="{scene}.tif", annotations="{name}.geojson")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"type": "FeatureCollection", "features": [', r"a\.geojson is not JSON: .*\n  expected: a whole GeoJSON file"),
        (b"", r"a\.geojson is not JSON"),
        ('{"type": "Höhe"}'.encode("latin-1"), r"a\.geojson is no text in UTF-8"),
        (b'{"images": [], "annotations": []}', r"a\.geojson is JSON and no GeoJSON: its type is None"),
        (b'{"type": "Topology"}', r"its type is 'Topology'"),
        (b"[1]", r"its type is None"),
        (b'{"type": "FeatureCollection"}', r"a\.geojson has no list of features"),
        (b'{"type": "FeatureCollection", "features": [1]}', r"a\.geojson has no list of features"),
        (b'{"type": "FeatureCollection", "features": [], "crs": {"type": "link"}}', r"crs member that names no coordinate"),
    ],
)
def test_a_file_that_is_no_geojson(root, out, content, message):
    (root / "a.geojson").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        find(root, out, **BY_GEOJSON)


def test_all_bad_files_are_named_at_once(root, out):
    for name in "abc":
        write_raster(root / f"{name}.tif", make_scene(bands=3))
        write_geojson(root / f"{name}.geojson", FEATURES, crs=UTM)
    for name in "ac":
        (root / f"{name}.geojson").write_text("{")
    with pytest.raises(SourceError, match=r"2 annotation files cannot be used:\n.*a\.geojson is not.*\n.*c\.geojson is not"):
        find(root, out, **BY_GEOJSON)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "Point", "coordinates": [500_000, 5_540_000]}, "is a Point, which has no area"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "is a LineString, which has no area"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 1], [1, 1], [0, 0]]]}, "has coordinates that are NaN"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [float("inf"), 1], [1, 1], [0, 0]]]},
            "has coordinates that are NaN or infinite",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "has a geometry that cannot be read: "),
        ({"type": "Polygon", "coordinates": [["x"]]}, "has a geometry that cannot be read: "),
        ({"type": "Polygon"}, "has a geometry that cannot be read: "),
        ({"type": "Blob", "coordinates": []}, "has a geometry that cannot be read: "),
    ],
)
def test_features_that_are_no_areas(root, out, geometry, message):
    write_geojson(root / "a.geojson", [FEATURES[0], ("field", geometry)], crs=UTM)
    with pytest.raises(SourceError, match=rf"a\.geojson: 1 of 2 features cannot be used:\n  - feature 2 {message}"):
        find(root, out, **BY_GEOJSON)


def test_features_without_a_label(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM, key="kind_of_thing")
    with pytest.raises(SourceError, match=r"no property that says the class; its features have id, kind_of_thing\n"):
        find(root, out, **BY_GEOJSON)
    write_geojson(root / "a.geojson", [FEATURES[0], (None, [BOX])], crs=UTM, key="kind_of_thing")
    with pytest.raises(SourceError, match=r"feature 2 has no kind_of_thing"):
        find(root, out, columns={"label": "kind_of_thing"}, **BY_GEOJSON)


def test_a_raster_without_coordinate_system(tmp_path, out):
    degrees = [[15.0, 50.0], [15.0003, 50.0], [15.0003, 50.0001], [15.0, 50.0001], [15.0, 50.0]]
    write_raster(tmp_path / "a.tif", make_scene(bands=3), crs=None, transform=None)
    for rings, crs in (([BOX], UTM), ([degrees], None)):
        write_geojson(tmp_path / "a.geojson", [("field", rings)], crs=crs)
        with pytest.raises(SourceError, match=r"a\.tif has no coordinate system, .*a\.geojson is in EPSG:(32633|4326)"):
            find(tmp_path, out, **BY_GEOJSON)
    write_raster(tmp_path / "a.tif", make_scene(bands=3), crs=None, transform=GRID)  # a world file says no more
    write_geojson(tmp_path / "a.geojson", [("field", [BOX])])
    with pytest.raises(SourceError, match=r"a\.tif has no coordinate system"):
        find(tmp_path, out, **BY_GEOJSON)


def test_a_system_that_nobody_knows(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs="Atlantis")
    with pytest.raises(SourceError, match=r"a\.geojson names the coordinate system 'Atlantis', which is unknown"):
        find(root, out, **BY_GEOJSON)


def test_everything_outside(root, out):
    write_geojson(root / "a.geojson", FEATURES)  # metres that are called degrees
    message = (
        r"a\.geojson: all 2 polygons lie outside of .*a\.tif: they span x 500020 to .* the picture spans x 15 to .* in EPSG:4326"
    )
    with pytest.raises(SourceError, match=message):
        find(root, out, **BY_GEOJSON)
    write_raster(root / "b.tif", make_scene())
    write_geojson(root / "all.geojson", [("field", [ring(500, 500, 600, 600)])], crs=UTM)
    with pytest.raises(SourceError, match=r"all\.geojson: all 1 polygons lie outside of .*a\.tif and 1 more"):
        find(root, out, images="{scene}.tif", annotations="all.geojson")


def test_some_outside_are_left_out_and_counted(root, out, capsys):
    write_geojson(root / "a.geojson", [*FEATURES, ("house", [ring(50, 50, 60, 60)])], crs=UTM)
    find(root, out, **BY_GEOJSON)
    assert "left out: 1 polygons that lie outside of their picture or have no area" in capsys.readouterr().out


def test_coordinates_that_the_rasters_system_cannot_have(root, out):
    # reaches from the picture to beyond the pole
    write_geojson(root / "a.geojson", [("field", [[[14, 49], [16, 49], [15, 95], [14, 49]]])])
    with pytest.raises(SourceError, match=r"a\.geojson in .*a\.tif cannot be brought from EPSG:4326 to EPSG:32633: "):
        find(root, out, **BY_GEOJSON)


def test_a_label_that_no_class_has(root, out):
    write_geojson(root / "a.geojson", [*FEATURES, ("lake", [BOX])], crs=UTM)
    samples = find(root, out, overlaps="order", **BY_GEOJSON)
    with pytest.raises(DataError, match=r"a\.json has labels that no class has, most often lake"):
        encode(samples, out, CLASSES)


def test_a_grid_goes_with_tables_only(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    with pytest.raises(SourceError, match=r"source\.grid_sizes goes with a table"):
        find(root, out, grid_sizes="grid_sizes.csv", **BY_GEOJSON)


# tables

WKT = "POLYGON ((" + ", ".join(f"{x} {y}" for x, y in BOX) + "))"
HEADING = "ImageId,ClassType,MultipolygonWKT\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f'{HEADING}a,1,"{WKT}"\na,2,"POLYGON ((0 0, 1"\n',
            r"table\.csv: 1 of 2 rows .*\n  - line 3 has a geometry that cannot be read",
        ),
        (f'{HEADING}a,1,"{WKT}"\n\na,2,"POLYGON ((0 0, 1"\na,3,\n', r"2 of 3 rows .*\n  - line 4 .*\n  - line 5 has a geometry"),
        (f"{HEADING}a,1,POINT (1 1)\n", r"line 2 is a Point, which has no area"),
        (f'{HEADING}a,1,"POLYGON ((0 0, nan 1, 1 1, 0 0))"\n', r"line 2 has coordinates that are NaN or infinite"),
        (f'{HEADING}a,,"{WKT}"\n', r"line 2 has no label"),
        (f'{HEADING},1,"{WKT}"\n', r"line 2 names no picture"),
        (f"{HEADING}a,1,{WKT}\n", r"table\.csv is no table: .*\n  expected: as many cells"),
        (f'ImageId,MultipolygonWKT\na,"{WKT}"\n', r"table\.csv has no column for the label\n"),
        ("", r"table\.csv is empty"),
        (f'{HEADING}a,1,"{WKT}\n', r"table\.csv is no table"),
        (f'{HEADING}a,1,"{WKT}"\nz,1,"{WKT}"\n', r"1 pictures that the table names are not there:\n  - .*table\.csv: z"),
        (f'{HEADING}a,1,"POLYGON ((1 1, 5 1, 5 5, 1 1))"\n', r"table\.csv, a: all 1 polygons lie outside of .*in EPSG:32633"),
    ],
)
def test_a_table_with_mistakes(root, out, text, message):
    (root / "table.csv").write_text(text)
    with pytest.raises(SourceError, match=message):
        find(root, out, **BY_TABLE)


def test_a_table_in_another_encoding(root, out):
    (root / "table.csv").write_bytes(f'{HEADING}a,Häuser,"{WKT}"\n'.encode("cp1252"))
    classes = [{"id": 0, "name": "background"}, {"id": 1, "name": "Häuser"}]
    _, _, masks = run(root, out, classes, **BY_TABLE)
    assert masks["a"].sum() == 20 * 15


def test_a_column_that_is_called_otherwise(root, out):
    (root / "table.csv").write_text(f'{HEADING}a,1,"{WKT}"\n')
    with pytest.raises(SourceError, match=r"has no column 'ClasType'\n  expected: one of its columns: ImageId, ClassType, "):
        find(root, out, columns={"label": "ClasType"}, **BY_TABLE)


def test_scenes_without_a_row(root, out):
    write_raster(root / "b.tif", make_scene())
    (root / "table.csv").write_text(f'{HEADING}a,1,"{WKT}"\n')
    with pytest.raises(SourceError, match=r"1 pictures are in none of the files of source\.annotations 'table\.csv':\n.*b\.tif"):
        find(root, out, **BY_TABLE)
    assert find(root, out, missing="skip", **BY_TABLE)["id"].tolist() == ["a"]
    (root / "table.csv").write_text(f'{HEADING}z,1,"{WKT}"\n')
    with pytest.raises(SourceError, match=r"describes none of the pictures"):
        find(root, out, missing="skip", **BY_TABLE)


def test_a_picture_in_the_tables_of_two_parts(root, out):
    for part in ("train", "val"):
        (root / f"{part}.csv").write_text(f'{HEADING}a,1,"{WKT}"\n')
    with pytest.raises(SourceError, match=r"1 pictures are in the tables of several parts:\n.*val\.csv: a"):
        find(root, out, images="{scene}.tif", annotations="{split}.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",Xmax,Ymin\n6010_1_2,0.1,-0.1\n", r"1 pictures are not in grid_sizes\.csv:\n  - 6010_4_4"),
        (
            ",Xmax,Ymin\n6010_1_2,0.1,0.1\n6010_4_4,x,-1\n",
            r"2 rows .*\n  - line 2: Xmax '0\.1' and Ymin '0\.1' are no range.*\n  - line 3",
        ),
        (",Xmax,Ymin\n6010_1_2,nan,-0.1\n", r"line 2: Xmax 'nan'"),
        (",Xmax,Ymin\n6010_1_2,1,-1\n6010_1_2,2,-1\n", r"line 3: 6010_1_2 has other values above"),
        ("Xmax,Ymin\n1,-1\n", r"grid_sizes\.csv has the columns 'Xmax', 'Ymin'"),
        (",Xmax,Ymax\n6010_1_2,1,-1\n", r"grid_sizes\.csv has the columns '.*', 'Xmax', 'Ymax'"),
        (
            ",Xmax,Ymin\n6010_1_2,0.0074,-0.0046\n6010_4_4,1e-9,-1e-9\n",
            r"all 1 polygons lie outside of .*6010_4_4\.tif: .* in its grid",
        ),
    ],
)
def test_a_table_of_grid_sizes_with_mistakes(tmp_path, out, text, message):
    write_dstl(tmp_path, [f'{name},1,"POLYGON {grid_box(12, 4, 15, 6)}"' for name in ("6010_1_2", "6010_4_4")])
    (tmp_path / "grid_sizes.csv").write_text(text)
    with pytest.raises(SourceError, match=message):
        find(tmp_path, out, **DSTL)


def test_no_table_of_grid_sizes(tmp_path, out):
    write_dstl(tmp_path, ["6010_1_2,1,MULTIPOLYGON EMPTY", "6010_4_4,1,MULTIPOLYGON EMPTY"])
    (tmp_path / "grid_sizes.csv").unlink()
    with pytest.raises(SourceError, match=r"is source\.grid_sizes 'grid_sizes\.csv'"):
        find(tmp_path, out, **DSTL)
