import numpy as np
import pandas as pd
import pytest

from maskmill.errors import DataError, ParamsError
from maskmill.labels import build_class_table, map_colours, map_ids, read_class_table, write_class_table

HEADER = "id,name,red,green,blue\n"
SKY, ROAD, TREE = (10, 20, 200), (100, 100, 100), (0, 150, 0)


def entry(name, number=None, colours=(), source_ids=(), void=False):
    return {"name": name, "id": number, "colours": colours, "source_ids": source_ids, "void": void}


def test_table_in_order_of_ids():
    table = build_class_table([entry("road", 1, [ROAD]), entry("-", colours=[(1, 1, 1)], void=True), entry("sky", 0, [SKY, TREE])])
    assert table.names == ("sky", "road")
    assert table.num_classes == 2
    assert table.void_name == "-"
    assert table.colour_ids == {SKY: 0, TREE: 0, ROAD: 1, (1, 1, 1): 255}
    assert table.palette.dtype == np.uint8
    assert table.palette.shape == (256, 3)
    np.testing.assert_array_equal(table.palette[[0, 1, 255]], [SKY, ROAD, (1, 1, 1)])


def test_colours_are_mapped_and_void_is_255():
    table = build_class_table([entry("sky", 0, [SKY]), entry("road", 1, [ROAD, TREE]), entry("-", colours=[(0, 0, 0)], void=True)])
    mask = np.array([[SKY, ROAD, TREE], [(0, 0, 0), (103, 104, 100), (255, 255, 255)]], np.uint8)
    labels, matches = map_colours(mask, table, 5.0)
    assert labels.dtype == matches.dtype == np.uint8
    np.testing.assert_array_equal(labels, [[0, 1, 1], [255, 1, 1]])  # white is nearest to ROAD
    np.testing.assert_array_equal(matches, [[0, 0, 0], [0, 1, 2]])


def test_the_lowest_id_gets_a_shared_colour():
    table = build_class_table(
        [
            entry("trailer", 1, [SKY]),
            entry("-", colours=[TREE], void=True),
            entry("van", 0, [SKY, TREE]),
            entry("road", 2, [ROAD]),
        ]
    )
    assert table.shared == {SKY: ("van", "trailer"), TREE: ("van", "-")}
    labels, _ = map_colours(np.array([[SKY, TREE, ROAD]], np.uint8), table, 0.0)
    np.testing.assert_array_equal(labels, [[0, 0, 2]])


def test_equally_near_colours_go_to_the_lowest_id():
    table = build_class_table([entry("b", 1, [(0, 0, 0)]), entry("a", 0, [(10, 0, 0)])])
    assert map_colours(np.array([[(5, 0, 0)]], np.uint8), table, 0.0)[0] == 0


def test_masks_in_colours_need_colours():
    with pytest.raises(ParamsError, match="no class has colours"):
        map_colours(np.zeros((2, 2, 3), np.uint8), build_class_table([entry("sky", 0)]), 0.0)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, ">u2"])
def test_ids_are_mapped(kind):
    table = build_class_table(
        [entry("background", 0, source_ids=[0, 7]), entry("stone", 1, source_ids=[200]), entry("none", void=True, source_ids=[11])]
    )
    raw = np.array([[0, 7, 200], [11, 1, 255]], kind)
    labels, matches = map_ids(raw, table)
    assert labels.dtype == matches.dtype == np.uint8
    np.testing.assert_array_equal(labels, [[0, 0, 1], [255, 255, 255]])
    np.testing.assert_array_equal(matches, [[0, 0, 0], [0, 2, 2]])


def test_ids_far_outside_the_table_are_unmatched():
    table = build_class_table([entry("a", 0), entry("b", 1)])
    labels, matches = map_ids(np.array([[-1, 0, 1, 2, 3, 2**31 - 1, -(2**31)]], np.int32), table)
    np.testing.assert_array_equal(labels, [[255, 0, 1, 255, 255, 255, 255]])
    np.testing.assert_array_equal(matches, [[2, 0, 0, 2, 2, 2, 2]])


def test_a_class_without_source_ids_has_its_own_id():
    table = build_class_table([entry("a", 0), entry("b", 1, source_ids=[4]), entry("none", void=True)])
    labels, matches = map_ids(np.array([[0, 4, 255], [1, 3, 254]], np.uint8), table)
    np.testing.assert_array_equal(labels, [[0, 1, 255], [255, 255, 255]])
    np.testing.assert_array_equal(matches, [[0, 0, 0], [2, 2, 2]])


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int64])
def test_ranges_of_source_ids(kind):
    table = build_class_table(
        [entry("a", 0, source_ids=[0]), entry("b", 1, source_ids=["26000-26999", 7]), entry("c", 2, source_ids=["> 30000"])]
    )
    labels, matches = map_ids(np.array([[0, 7, 26000, 26999], [27000, 30000, 30001, 65535]], kind), table)
    np.testing.assert_array_equal(labels, [[0, 1, 1, 1], [255, 255, 2, 2]])
    np.testing.assert_array_equal(matches, [[0, 0, 0, 0], [2, 2, 0, 0]])


def test_labels_of_annotations():
    table = build_class_table(
        [entry("background", 0), entry("house", 1, source_ids=["building", 3]), entry("tree", 2), entry("none", void=True)]
    )
    assert table.label_ids == {
        "building": 1,
        "3": 1,
        "background": 0,
        "0": 0,
        "house": 1,
        "tree": 2,
        "2": 2,
        "none": 255,
        "255": 255,
    }


def test_classes_without_colours_are_shown_in_different_ones():
    table = build_class_table([entry(str(number), number) for number in range(30)])
    assert len(set(table.shown)) == 30
    assert not table.colour_ids
    np.testing.assert_array_equal(table.palette[255], [255, 255, 255])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "no class besides void"),
        ([entry("none", void=True)], "no class besides void"),
        ([entry("a", 0), entry("b", 0)], "id 0 is given 2 times"),
        ([entry("a", 0), entry("a", 1)], "the name a is given 2 times"),
        ([entry("a", 0), entry("b", 2)], "the ids are 0, 2: they must run from 0 to 1"),
        ([entry("a", 1)], "the ids are 1: they must run from 0 to 0"),
        ([entry("a")], "class a has no id"),
        ([entry("a", 0, [(0, 0, 256)])], r"class a has colour \[0, 0, 256\]"),
        ([entry("a", 0, [(0, 0, -1)])], r"class a has colour \[0, 0, -1\]"),
        ([entry("a", 0, [(0, 0)])], r"class a has colour \[0, 0\]"),
        ([entry("a", 0, source_ids=[3]), entry("b", 1, source_ids=[3])], "source id 3 belongs to a and to b"),
        ([entry("a", 0, source_ids=[1]), entry("b", 1)], "source id 1 belongs to a and to b"),
        ([entry("a", 0, source_ids=[-1])], "class a has source id -1"),
        ([entry("a", 0, source_ids=[" "])], "class a has source id  "),
        ([entry("a", 0, source_ids=["9-7"])], "class a has source ids 9-7: the lower one comes first"),
        ([entry("a", 0, source_ids=["> 5"]), entry("b", 1, source_ids=[0, 6])], "source id 6 belongs to a and to b"),
        ([entry("a", 0, source_ids=["roof"]), entry("b", 1, source_ids=["roof"])], "label roof belongs to a and to b"),
        ([entry("a", 0), entry("n", void=True), entry("m", void=True)], "n, m are all void"),
        ([entry("a", 0), entry("n", 7, void=True)], "void class n has id 7"),
        ([entry("a", 0, [(0, green, blue) for green in range(16) for blue in range(16)])], "256 colours: at most 255"),
    ],
)
def test_unfit_tables_are_refused(classes, message):
    with pytest.raises(ParamsError, match=message):
        build_class_table(classes)


def test_all_problems_are_listed():
    with pytest.raises(ParamsError) as caught:
        build_class_table([entry("a", 0), entry("a", 0), entry("b", 1, [(0, 0, 999)])])
    for part in ("id 0 is given 2 times", "the name a is given 2 times", "[0, 0, 999]"):
        assert part in str(caught.value)


def test_classes_csv_round_trip(tmp_path):
    table = build_class_table([entry("road", 1, [ROAD, TREE]), entry("NA", 0, [SKY]), entry("-", colours=[(1, 1, 1)], void=True)])
    path = tmp_path / "classes.csv"
    write_class_table(table, path)
    assert path.read_bytes() == b"id,name,red,green,blue\n0,NA,10,20,200\n1,road,100,100,100\n255,-,1,1,1\n"
    again = read_class_table(path)
    assert (again.names, again.void_name, again.num_classes) == (("NA", "road"), "-", 2)
    np.testing.assert_array_equal(again.palette, table.palette)


@pytest.mark.parametrize("text", ["", "id,name\n0,a\n", f"{HEADER}0,a,0,0,300\n", f"{HEADER}x,a,0,0,0\n"])
def test_what_is_no_classes_csv_is_refused(tmp_path, text):
    path = tmp_path / "classes.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"classes\.csv is not a table of classes"):
        read_class_table(path)


def test_absent_classes_csv_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"classes\.csv"):
        read_class_table(tmp_path / "classes.csv")


def test_the_written_table_has_plain_integers(tmp_path):
    write_class_table(build_class_table([entry("a", 0)]), tmp_path / "classes.csv")
    frame = pd.read_csv(tmp_path / "classes.csv")
    assert frame[["id", "red", "green", "blue"]].dtypes.map(str).unique().tolist() == ["int64"]
