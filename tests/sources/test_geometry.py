"""Polygons in pixels: mended, clipped, put in layers, and where coordinates lie."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine

from maskmill.rasters import Profile
from maskmill.scaling import tile_starts
from maskmill.sources.geometry import DrawnShape, Placement, Shape, Shapes, draw_shapes, list_polygons, stack_shapes
from maskmill.sources.placement import place_in_grid, place_in_system
from maskmill.sources.settings import Reading, Window
from maskmill.sources.tiling import cut_tiles

SIZE = (6, 10)
PIXELS = Placement(lambda points: points, (0.0, 0.0, 10.0, 6.0), "pixels")


def draw(*polygons):
    source = Shapes("test", [Shape(label, shapely.from_wkt(text), f"row {k}") for k, (label, text) in enumerate(polygons)])
    return draw_shapes(source, PIXELS, SIZE)


def paint(layers):
    """Flatten layers as texts of their labels' first letters."""
    canvas = np.full(SIZE, ".")
    for layer in layers:
        canvas[layer.paint(SIZE, None, Reading())] = layer.label[0]
    return ["".join(row) for row in canvas]


def test_a_bow_tie_is_mended_to_both_its_wings():
    (drawn,) = draw(("a", "POLYGON ((0 0, 8 6, 8 0, 0 6, 0 0))"))
    assert drawn.is_mended
    assert drawn.area == 24.0  # two triangles of 6 x 4 / 2
    assert sorted(piece.area for piece in drawn.pieces) == [12.0, 12.0]


def test_an_outline_that_goes_round_twice_keeps_its_inside():
    (drawn,) = draw(("a", "POLYGON ((1 1, 4 1, 4 4, 1 4, 1 1, 4 1, 4 4, 1 4, 1 1))"))
    assert drawn.is_mended
    assert drawn.area == 9.0


def test_what_lies_outside_is_cut_off():
    (drawn,) = draw(("a", "POLYGON ((-5 2, 3 2, 3 20, -5 20, -5 2))"))
    assert shapely.bounds(shapely.MultiPolygon(drawn.pieces)).tolist() == [0, 2, 3, 6]
    assert drawn.area == 8 * 18
    assert not drawn.is_mended


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON ((11 0, 12 0, 12 1, 11 0))",  # beside
        "POLYGON ((10 0, 12 0, 12 3, 10 3, 10 0))",  # touches the edge
        "POLYGON ((1 1, 3 3, 2 2, 1 1))",  # no area
    ],
)
def test_what_covers_nothing_of_the_scene_is_left_out(text):
    assert draw(("a", text)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("POINT (1 1)", "is a Point, which has no area"),
        ("LINESTRING (0 0, 1 1)", "is a LineString"),
        ("GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 0)), GEOMETRYCOLLECTION (POINT (1 1)))", "is a Point"),
        ("POLYGON ((0 0, 1 0, inf 1, 0 0))", "NaN or infinite"),
    ],
)
def test_what_is_no_area_is_refused(text, message):
    with np.errstate(invalid="ignore"):
        geometry = shapely.from_wkt(text)
    with pytest.raises(ValueError, match=message):
        list_polygons(geometry)


def test_collections_give_their_polygons():
    text = "GEOMETRYCOLLECTION (MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((2 2, 3 2, 3 3, 2 2))), POLYGON EMPTY)"
    assert [polygon.area for polygon in list_polygons(shapely.from_wkt(text))] == [0.5, 0.5]
    assert list_polygons(shapely.from_wkt("MULTIPOLYGON EMPTY")) == []


def square(left, top, right, bottom):
    return f"POLYGON (({left} {top}, {right} {top}, {right} {bottom}, {left} {bottom}, {left} {top}))"


def test_smaller_shapes_lie_above_or_later_ones_do():
    drawn = draw(("small", square(1, 1, 3, 3)), ("large", square(0, 0, 6, 4)))
    assert paint(stack_shapes(drawn, "area"))[:3] == ["llllll....", "lsslll....", "lsslll...."]
    assert paint(stack_shapes(drawn, "order"))[:3] == ["llllll....", "llllll....", "llllll...."]


def test_shapes_share_layers_where_nothing_lies_between():
    fields = [
        ("field", square(0, 0, 4, 6)),
        ("house", square(1, 1, 2, 2)),
        ("field", square(5, 0, 9, 6)),
        ("house", square(6, 1, 7, 2)),
    ]
    layers = stack_shapes(draw(*fields), "order")
    assert [(layer.label, len(layer.polygons)) for layer in layers] == [("field", 2), ("house", 2)]
    covered = [*fields, ("field", square(0, 0, 2, 2))]
    assert [layer.label for layer in stack_shapes(draw(*covered), "order")] == ["field", "house", "field"]


corners = st.tuples(st.integers(0, 8), st.integers(0, 4), st.integers(1, 5), st.integers(1, 4))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), corners), max_size=8), st.sampled_from(["area", "order"]))
def test_layers_look_as_if_painted_one_by_one(boxes, overlaps):
    drawn = [
        DrawnShape(
            Shape(label, shapely.box(x, y, x + width, y + height), ""), [shapely.box(x, y, x + width, y + height)], area, False
        )
        for label, (x, y, width, height) in boxes
        for area in [width * height]
    ]
    canvas = np.full(SIZE, ".")
    order = sorted(boxes, key=lambda item: -item[1][2] * item[1][3]) if overlaps == "area" else boxes
    for label, (x, y, width, height) in order:
        canvas[y : y + height, x : x + width] = label
    layers = stack_shapes(drawn, overlaps)
    assert paint(layers) == ["".join(row) for row in canvas]
    assert len(layers) <= len(boxes)


def test_the_grid_of_dstl():
    # 3 x 1 pixels high and wide: x = x / Xmax * W * W / (W + 1)
    placement = place_in_grid((0.5, -0.25), (3, 1))
    points = placement.locate(np.array([[0.5, 0.0], [0.0, -0.25], [0.25, -0.125]]))
    np.testing.assert_allclose(points, [[1 / 2, 0], [0, 9 / 4], [1 / 4, 9 / 8]])
    # a picture of the competition, 3348 pixels wide and 3392 high: the corner (Xmax, Ymin) is a pixel short of its corner
    placement = place_in_grid((0.009169, -0.00904), (3392, 3348))
    point = placement.locate(np.array([[0.009169, -0.00904]]))
    np.testing.assert_allclose(point, [[3348 - 3348 / 3349, 3392 - 3392 / 3393]])
    left, low, right, high = placement.bounds
    np.testing.assert_allclose(placement.locate(np.array([[left, high], [right, low]])), [[0, 0], [3348, 3392]])


def test_a_rasters_own_coordinates_and_other_ones():
    utm = CRS.from_epsg(32633)
    profile = Profile((23, 37), 1, "uint8", utm, Affine(2, 0, 500_000, 0, -2, 5_540_000), None)
    own = place_in_system(None, profile, "test")
    assert own.locate(np.array([[500_000, 5_540_000], [500_003, 5_539_998]])).tolist() == [[0, 0], [1.5, 1]]
    assert own.bounds == (500_000, 5_540_000 - 46, 500_000 + 74, 5_540_000)
    degrees = place_in_system(CRS.from_epsg(4326), profile, "test")
    # zone 33's central meridian, 15 degrees, is at 500,000 m exactly
    assert degrees.locate(np.array([[15.0, 50.0]]))[0, 0] == pytest.approx(0, abs=1e-4)
    assert degrees.bounds[0] == pytest.approx(15, abs=1e-9)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.3, 0.9]))
def test_tiles_cover_every_pixel_and_are_of_one_size(height, width, tile_height, tile_width, overlap):
    windows = cut_tiles((height, width), (tile_height, tile_width), overlap)
    covered = np.zeros((height, width), int)
    for window in windows:
        row, column, *size = window or Window(0, 0, height, width)
        covered[row : row + size[0], column : column + size[1]] += 1
        assert row + size[0] <= height
        assert column + size[1] <= width
    assert covered.min() >= 1
    assert {window.size for window in windows if window} <= {(min(height, tile_height), min(width, tile_width))}
    if height <= tile_height and width <= tile_width:
        assert windows == [None]
    assert len(windows) == len(tile_starts(height, tile_height, overlap)) * len(tile_starts(width, tile_width, overlap))


def test_no_tile_is_the_whole_raster():
    assert cut_tiles((23, 37), None, 0.5) == [None]
    assert cut_tiles((23, 37), (16, 48), 0.0) == [Window(0, 0, 16, 37), Window(7, 0, 16, 37)]
