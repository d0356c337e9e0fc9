"""The geotiff form: from rasters with masks, GeoJSON or tables to encoded pictures and masks."""

import json

import numpy as np
import pytest
from rasterio.warp import transform
from scene_drawing import (
    CLASSES,
    DSTL,
    FEATURES,
    GRID,
    HEIGHT,
    UTM,
    WIDTH,
    assemble,
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

from maskmill.depth import percentile_limits, to_8_bit
from maskmill.labels.classes import VOID_BIT


def expect_mask():
    """A field of 20 x 15 pixels with a hole of 4 x 5, and a house of 3 x 2 upon it."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[2:17, 10:30] = 2
    mask[8:13, 20:24] = 0
    mask[4:6, 12:15] = 1
    return mask


@pytest.fixture
def root(tmp_path):
    """One scene of 5 bands in 16 bits, georeferenced."""
    write_raster(tmp_path / "set/a.tif", make_scene())
    return tmp_path / "set"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_geojson_in_the_rasters_own_system(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs="urn:ogc:def:crs:EPSG::32633")
    samples, images, masks = run(root, out, images="{scene}.tif", annotations="{scene}.geojson")
    assert samples["window"].tolist() == [""]
    np.testing.assert_array_equal(masks["a"], expect_mask())
    scene = make_scene()
    limits = [percentile_limits(scene[..., band], (2, 98)) for band in range(5)]
    expected = np.stack([to_8_bit(scene[..., band], "", limits[band]) for band in range(5)], axis=-1)
    np.testing.assert_array_equal(images["a"], expected)


def test_geojson_in_degrees_on_a_raster_in_metres(root, out):
    def to_degrees(corners):
        return [list(point) for point in zip(*transform(UTM, "EPSG:4326", *zip(*corners, strict=True)), strict=True)]

    write_geojson(root / "a.geojson", [(label, [to_degrees(corners) for corners in rings]) for label, rings in FEATURES])
    _, _, masks = run(root, out, images="{scene}.tif", annotations="{scene}.geojson")
    np.testing.assert_array_equal(masks["a"], expect_mask())


def test_one_geojson_for_all_scenes_is_cut_to_each(root, out):
    write_raster(root / "b.tif", make_scene(seed=1), transform=GRID @ GRID.translation(WIDTH, 0))  # to the right of a
    write_raster(root / "c.tif", make_scene(seed=2), transform=GRID @ GRID.translation(0, 1000))
    write_geojson(root / "all.geojson", [("field", [ring(30, 5, 40, 9)]), ("house", [ring(-90, -90, -80, -80)])], crs=UTM)
    _, _, masks = run(root, out, images="{scene}.tif", annotations="all.geojson")
    expected = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    expected[0, 5:9, 30:37] = 2
    expected[1, 5:9, 0:3] = 2
    np.testing.assert_array_equal([masks[name] for name in "abc"], expected)


def test_a_file_for_each_class_without_a_property(root, out):
    write_geojson(root / "house/a.geojson", [(None, FEATURES[0][1])], crs=UTM)
    write_geojson(root / "field/a.geojson", [(None, FEATURES[1][1])], crs=UTM)
    _, _, masks = run(root, out, images="{scene}.tif", annotations="{label}/{scene}.geojson")
    np.testing.assert_array_equal(masks["a"], expect_mask())


def test_labels_by_a_named_property_numbers_among_them(root, out):
    write_geojson(root / "a.geojson", [(1, FEATURES[0][1]), (2.0, FEATURES[1][1])], crs=UTM, key="Code")
    settings = {"images": "{scene}.tif", "annotations": "{scene}.geojson", "columns": {"label": "code"}}
    _, _, masks = run(root, out, **settings)
    np.testing.assert_array_equal(masks["a"], expect_mask())


def test_pixel_coordinates_on_a_raster_without_georeference(tmp_path, out):
    write_raster(tmp_path / "set/a.png", make_scene(bands=3, dtype=np.uint8), crs=None, transform=None)
    features = [("house", [ring(12, 4, 15, 6, metres=False)]), ("field", [ring(10, 2, 30, 17, metres=False)])]
    write_geojson(tmp_path / "set/a.json", features)
    _, images, masks = run(tmp_path / "set", out, images="{scene}.png", annotations="{scene}.json")
    expected = expect_mask()
    expected[8:13, 20:24] = 2
    np.testing.assert_array_equal(masks["a"], expected)
    np.testing.assert_array_equal(images["a"], make_scene(bands=3, dtype=np.uint8))


def test_overlapping_classes_keep_a_bit_each(root, out):
    write_geojson(root / "a.geojson", [*FEATURES, ("cloud", [ring(0, 0, 3, 1)])], crs=UTM)
    classes = [{"id": 0, "name": "house"}, {"id": 1, "name": "field"}, {"name": "cloud", "void": True}]
    settings = {"images": "{scene}.tif", "annotations": "{scene}.geojson"}
    _, _, masks = run(root, out, classes, labels="overlapping", **settings)
    expected = np.zeros((HEIGHT, WIDTH), np.uint16)
    expected[2:17, 10:30] = 0b10
    expected[8:13, 20:24] = 0
    expected[4:6, 12:15] = 0b11
    expected[0, 0:3] = VOID_BIT
    np.testing.assert_array_equal(masks["a"], expected)


@pytest.mark.parametrize("overlap", [0.0, 0.4])
def test_tiles_laid_together_are_the_whole_scene(root, out, overlap):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    settings = {"images": "{scene}.tif", "annotations": "{scene}.geojson"}
    _, whole_image, whole_mask = run(root, out / "whole", **settings)
    samples, images, masks = run(root, out / "tiles", tile=(16, 16), tile_overlap=overlap, **settings)
    assert set(samples["group"]) == {"a"}
    assert len(set(samples["mask"])) == 1
    assert len(samples) == {0.0: 6, 0.4: 8}[overlap]
    assert {image.shape for image in images.values()} == {(16, 16, 5)}
    np.testing.assert_array_equal(assemble(samples, masks, (HEIGHT, WIDTH)), whole_mask["a"])
    np.testing.assert_array_equal(whole_mask["a"], expect_mask())
    # stretched by the percentiles of the scene, not by a tile's own
    np.testing.assert_array_equal(assemble(samples, images, (HEIGHT, WIDTH, 5)), whole_image["a"])


def test_a_scene_smaller_than_a_tile_is_one_sample(root, out):
    write_raster(root / "b.tif", make_scene(40, 20))
    for name in "ab":
        write_geojson(root / f"{name}.geojson", FEATURES, crs=UTM)
    samples = find(root, out, images="{scene}.tif", annotations="{scene}.geojson", tile=(24, 40))
    assert dict(zip(samples["id"], samples["window"], strict=True)) == {"a": "", "b-r0-c0": "0 0 24 20", "b-r16-c0": "16 0 24 20"}
    assert samples["group"].tolist() == ["a", "b", "b"]


def test_ids_colours_and_rgba_of_mask_rasters_in_tiles(tmp_path, out):
    ids = expect_mask()
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 200, 0]], np.uint8)[ids]
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    classes = [
        {"id": 0, "name": "background", "colours": [[0, 0, 0]], "source_ids": [10]},
        {"id": 1, "name": "house", "colours": [[255, 0, 0]], "source_ids": [11]},
        {"id": 2, "name": "field", "colours": [[0, 200, 0]], "source_ids": [12]},
    ]
    deep = np.where(colours > 0, np.uint16(colours) * 257, 0).astype(np.uint16)
    variants = {"ids": ids + 10, "rgb": colours, "rgba": np.concatenate([colours, alpha], axis=2), "deep": deep}
    for name, mask in variants.items():
        write_raster(tmp_path / f"set/pictures/{name}.tif", make_scene(bands=3, dtype=np.uint8))
        write_raster(tmp_path / f"set/masks/{name}.tif", mask, photometric="RGB" if name == "rgba" else "MINISBLACK")
    settings = {"images": "pictures/{scene}.tif", "masks": "masks/{scene}.tif", "group": "{scene}"}
    _, _, masks = run(tmp_path / "set", out / "whole", classes, **settings)
    samples, _, tiles = run(tmp_path / "set", out / "tiles", classes, tile=(16, 20), **settings)
    for name in variants:
        np.testing.assert_array_equal(masks[name], ids)
        own = samples[samples["group"] == name]
        np.testing.assert_array_equal(assemble(own, tiles, (HEIGHT, WIDTH)), ids)


def test_bands_of_further_rasters_and_the_chosen_ones(root, out):
    coarse = np.repeat(np.arange(8, dtype=np.uint8)[np.newaxis, np.newaxis] * 30, 6, axis=0).repeat(10, axis=1)  # 8 even bands
    write_raster(root / "more/a_M.tif", coarse, transform=GRID @ GRID.scale(WIDTH / 10, HEIGHT / 6))
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    settings = {"images": "{scene}.tif", "annotations": "{scene}.geojson", "band_files": ("more/{scene}_M.tif",)}
    samples, images, masks = run(root, out, bands=(13, 1, 8), tile=(16, 16), **settings)
    assert samples["image"][0].split("|") == [str(root / "a.tif"), str(root / "more/a_M.tif")]
    picture = assemble(samples, images, (HEIGHT, WIDTH, 3))
    assert (picture[..., 0] == 210).all()  # band 8 of the second raster
    assert (picture[..., 2] == 60).all()
    scene = make_scene()[..., 0]
    np.testing.assert_array_equal(picture[..., 1], to_8_bit(scene, "", percentile_limits(scene, (2, 98))))
    np.testing.assert_array_equal(assemble(samples, masks, (HEIGHT, WIDTH)), expect_mask())


def test_band_files_beside_pictures_that_fit_the_same_pattern(root, out):
    write_raster(root / "a_M.tif", make_scene(bands=8))
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    settings = {"images": "{scene}.tif", "band_files": ("{scene}_M.tif",), "annotations": "{scene}.geojson"}
    samples, images, _ = run(root, out, **settings)
    assert samples["id"].tolist() == ["a"]
    assert images["a"].shape == (HEIGHT, WIDTH, 13)


def test_dstl(tmp_path, out):
    rows = [
        f'6010_1_2,1,"MULTIPOLYGON ({grid_box(12, 4, 15, 6)}, {grid_box(0, 0, 1, 1)})"',
        f'6010_1_2,10,"POLYGON {grid_box(10, 2, 30, 17)}"',
        "6010_1_2,3,MULTIPOLYGON EMPTY",
        "6010_4_4,1,MULTIPOLYGON EMPTY",
    ]
    write_dstl(tmp_path / "set", rows)
    classes = [{"id": 0, "name": "building", "source_ids": [1]}, {"id": 1, "name": "car", "source_ids": ["10"]}]
    samples, images, masks = run(tmp_path / "set", out, classes, labels="overlapping", bands=(1, 2, 3, 9, 11), **DSTL)
    assert samples["group"].tolist() == ["6010-1-2", "6010-4-4"]
    assert images["6010-1-2"].shape == (HEIGHT, WIDTH, 5)
    expected = np.zeros((HEIGHT, WIDTH), np.uint16)
    expected[2:17, 10:30] = 2
    expected[4:6, 12:15] = 3
    expected[0, 0] = 1
    np.testing.assert_array_equal(masks["6010-1-2"], expected)
    assert not masks["6010-4-4"].any()


def test_scenes_that_the_table_leaves_out_can_be_left_out(tmp_path, out):
    write_dstl(tmp_path, ["6010_1_2,1,MULTIPOLYGON EMPTY", "6110_1_2,1,MULTIPOLYGON EMPTY"])
    assert find(tmp_path, out, missing="skip", **DSTL)["id"].tolist() == ["6010-1-2"]


def test_a_table_in_the_rasters_coordinates_with_its_parts(root, out):
    write_raster(root / "b.tif", make_scene(seed=1))
    box = ", ".join(f"{x} {y}" for x, y in ring(10, 2, 30, 17))
    for part, image in (("train", "a.tif"), ("val", "b")):
        (root / f"{part}.csv").write_text(f'image;class;wkt\n{image};field;"POLYGON (({box}))"\n')
    samples, _, masks = run(root, out, images="{scene}.tif", annotations="{split}.csv")
    assert dict(zip(samples["id"], samples["split"], strict=True)) == {"a": "train", "b": "val"}
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[2:17, 10:30] = 2
    np.testing.assert_array_equal(masks["b"], expected)


def test_lists_choose_scenes_and_their_parts(root, out):
    for name in "bc":
        write_raster(root / f"{name}.tif", make_scene())
    for name in "abc":
        write_geojson(root / f"{name}.geojson", FEATURES, crs=UTM)
    (root / "train.txt").write_text("a\n")
    (root / "val.txt").write_text("c.tif\n")
    lists = {"train": "train.txt", "val": "val.txt"}
    settings = {"images": "{scene}.tif", "annotations": "{scene}.geojson", "lists": lists, "missing": "skip"}
    samples = find(root, out, **settings)
    assert dict(zip(samples["id"], samples["split"], strict=True)) == {"a": "train", "c": "val"}


def test_polygons_that_cross_themselves_are_mended_and_counted(root, out, capsys):
    tie = [ring(10, 2, 30, 18)[place] for place in (0, 2, 1, 3, 0)]  # 20 x 16 pixels
    write_geojson(root / "a.geojson", [("field", [tie])], crs=UTM)
    _, _, masks = run(root, out, images="{scene}.tif", annotations="{scene}.geojson")
    assert "mended: 1 polygons that cross or touch themselves, e.g." in capsys.readouterr().out
    assert set(np.unique(masks["a"])) == {0, 2}
    assert abs(int((masks["a"] == 2).sum()) - 160) <= 10  # half the rectangle
    assert masks["a"][10, 12] == 2 or masks["a"][3, 20] == 2


def test_a_null_geometry_and_an_empty_file_are_background(root, out, capsys):
    write_raster(root / "b.tif", make_scene())
    write_geojson(root / "a.geojson", [("field", None)], crs=UTM)
    write_geojson(root / "b.geojson", [])
    _, _, masks = run(root, out, images="{scene}.tif", annotations="{scene}.geojson")
    assert not masks["a"].any()
    assert not masks["b"].any()
    assert "2 of 2 pictures hold no polygon" in capsys.readouterr().out


def test_a_second_look_gives_the_same_files(root, out):
    write_geojson(root / "a.geojson", FEATURES, crs=UTM)
    settings = {"images": "{scene}.tif", "annotations": "{scene}.geojson", "tile": (16, 16)}
    first = find(root, out / "1", **settings)
    second = find(root, out / "2", **settings)
    assert json.loads((out / "1/annotations/a.json").read_text()) == json.loads((out / "2/annotations/a.json").read_text())
    assert first.drop(columns="mask").equals(second.drop(columns="mask"))


def test_a_mask_of_another_size_is_resized_where_there_are_no_tiles(root, out):
    write_raster(root / "a_mask.tif", np.repeat(np.repeat(expect_mask(), 2, axis=0), 2, axis=1), transform=GRID @ GRID.scale(0.5))
    samples = find(root, out, images="{scene}.tif", masks="{scene}_mask.tif")
    _, masks = encode(samples, out, CLASSES, mask_size="resize")
    np.testing.assert_array_equal(masks["a"], expect_mask())
