"""Class tables in every format that sets come with, and checked against what masks hold."""

from pathlib import Path

import pytest

from maskmill.sources.inspection.matching import CLEAN_REACH, Item, is_void_name, match_tables
from maskmill.sources.inspection.naming import make_entries, name_colour
from maskmill.sources.inspection.tables import FoundTable, TableRow, find_tables, parse_colour, read_tables
from maskmill.sources.tree import read_tree

SKY, ROAD = (70, 130, 180), (128, 64, 128)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("class_dict.csv", "name,r,g,b\nsky,70,130,180\nroad,128,64,128\n"),
        ("class_dict_seg.csv", "name, r, g, b\nsky, 70, 130, 180\nroad, 128, 64, 128\n"),
        ("other_order.csv", "b;g;r;class\n180;130;70;sky\n128;64;128;road\n"),
        ("quoted.csv", 'label,color\nsky,"[70, 130, 180]"\nroad,"(128, 64, 128)"\n'),
        ("unquoted.csv", "label,color\nsky,70,130,180\nroad,128,64,128\n"),
        ("hex.csv", "class;hex\nsky;#4682B4\nroad;804080\n"),
        ("tabs.tsv", "Name\tR\tG\tB\nsky\t70\t130\t180\nroad\t128\t64\t128\n"),
        ("no_header.csv", "sky,70,130,180\nroad,128,64,128\n"),
        ("label_colors.txt", "70 130 180\tsky\n128 64 128\troad\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nsky:70,130,180::\nroad:128,64,128::\n"),
        ("dict.txt", "{'sky': [70, 130, 180],\n 'road': (128, 64, 128)}\n"),
        ("README.md", "# 300 pictures of streets\n\nsky: #4682B4\nroad: #804080\n"),
        (
            "meta.json",
            '{"classes": [{"title": "sky", "shape": "bitmap", "color": "#4682B4"}, {"title": "road", "color": "#804080"}]}',
        ),
        ("map.json", '{"sky": [70, 130, 180], "road": [128, 64, 128]}'),
        ("turned.json", '{"#4682B4": "sky", "#804080": "road"}'),
        ("nested.json", '{"labels": {"sky": {"color": {"r": 70, "g": 130, "b": 180}}, "road": {"color": [128, 64, 128]}}}'),
        ("classes.yaml", "labels:\n- name: sky\n  color: [70, 130, 180]\n- name: road\n  color: [128, 64, 128]\n"),
    ],
)
def test_names_and_colours(path, text):
    (table,) = read_tables(path, text.encode())
    assert [(row.name, row.colour) for row in table.rows] == [("sky", SKY), ("road", ROAD)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("_classes.csv", "Pixel Value, Class\n3, sky\n7, road\n"),
        ("words.txt", "sky 3\nroad 7\n"),
        ("ids.json", '{"3": "sky", "7": "road"}'),
        ("names.json", '{"sky": 3, "road": 7}'),
        (
            "coco.json",
            '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 3, "name": "sky"}, {"id": 7, "name": "road"}]}',
        ),
        ("names.yaml", "names:\n  3: sky\n  7: road\n"),
        ("both.csv", "id,name,red,green,blue\n3,sky,70,130,180\n7,road,128,64,128\n"),
        ("objects.txt", "Idx\tRatio\tTrain\tVal\tName\n3\t0.1576\t11664\t1172\tsky\n7\t0.1072\t6046\t612\troad\n"),
    ],
)
def test_names_and_values(path, text):
    (table,) = read_tables(path, text.encode())
    assert [(row.name, [number for _, number in row.values]) for row in table.rows] == [("sky", [3]), ("road", [7])]


def test_two_columns_of_ids():
    (table,) = read_tables(
        "labels.csv", b'name,id,trainId,category,color\nroad,7,0,flat,"(128, 64, 128)"\nsky,23,10,sky,"(70, 130, 180)"\n'
    )
    assert table.rows[0] == TableRow("road", ROAD, (("id", 7), ("trainid", 0)))


def test_numbered_lines_with_colours():
    (table,) = read_tables("labels.txt", b"0 sky 70 130 180\n1 road 128 64 128\n")
    assert [(row.colour, row.values) for row in table.rows] == [(SKY, (("number", 0),)), (ROAD, (("number", 1),))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding):
    (table,) = read_tables("classes.csv", "name,r,g,b\nStraße,1,2,3\nBäume,4,5,6\n".encode(encoding))
    assert [row.name for row in table.rows] == ["Straße", "Bäume"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("train.txt", "/set/a.png /set/b.png\n/set/c.png /set/d.png\n"),
        ("files.csv", "image_id,split\na,train\nb,val\n"),
        ("broken.json", '{"sky": [70, 130'),
        ("broken.yaml", "a: [1\nb: }"),
        ("empty.csv", ""),
        ("one.csv", "name,id\nsky,1\n"),
        ("picture.json", '{"size": {"height": 48, "width": 64}, "tags": []}'),
        ("prose.txt", "This set was made in 2019, with 300 pictures. See the paper: it says more about how, where and when.\n"),
        ("out_of_range.csv", "name,r,g,b\nsky,700,130,180\nroad,128,64,1280\n"),
    ],
)
def test_no_tables(path, text):
    assert read_tables(path, text.encode()) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("one.csv", "name,r,g,b\nsky,70,130,180\n"),
        ("one.json", '{"sky": [70, 130, 180]}'),
        ("meta.json", '{"classes": [{"title": "sky", "color": "#4682B4"}], "tags": []}'),
    ],
)
def test_one_class_with_a_colour_is_a_table(path, text):
    (table,) = read_tables(path, text.encode())
    assert table.rows == (TableRow("sky", (70, 130, 180)),)


def test_classes_without_their_background():
    """It comes first; of further colours that no row has, none is a background."""
    table = make_table("t.json", sky=SKY, road=ROAD)
    items = [Item(0.2, 5, 0.1, SKY), Item(0.2, 5, 0.1, ROAD), Item(0.6, 5, 0.8, (10, 200, 30))]
    match, _ = match_tables([table], items, CLEAN_REACH)
    entries, _ = make_entries(items, match, adopted={}, num_masks=5)
    assert [(entry.id, entry.name) for entry in entries] == [(0, "background"), (1, "sky"), (2, "road")]
    few = make_table("t.json", sky=SKY)
    assert match_tables([few], items, CLEAN_REACH)[0] is None


def test_lists_of_file_names_are_no_classes(tmp_path):
    for name in ("a_1.png", "a_2.png", "train.txt", "classes.txt"):
        (tmp_path / name).write_text("a_1\na_2\n" if name == "train.txt" else "sky\nroad\n")
    assert [table.path for table in find_tables(read_tree(tmp_path))] == ["classes.txt"]


def test_a_text_for_each_picture_is_no_table(tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.json").write_text('{"sky": [70, 130, 180], "road": [128, 64, 128]}')
    assert find_tables(read_tree(tmp_path)) == []


def test_links_to_nowhere_are_left_out(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"")
    (tmp_path / "classes.csv").symlink_to(tmp_path / "absent.csv")
    assert find_tables(read_tree(tmp_path)) == []


@pytest.mark.parametrize(
    ("value", "colour"),
    [
        ("#F0A020", (240, 160, 32)),
        ("f0a020ff", (240, 160, 32)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("1 2 3", (1, 2, 3)),
        ([1, 2, 3, 255], (1, 2, 3)),
        ([0.5, 0.0, 1.0], (128, 0, 255)),
        ({"R": 1, "G": 2, "B": 3}, (1, 2, 3)),
        ("sky", None),
        ([1, 2], None),
        ([1, 2, 300], None),
        ([1.5, 2, 3], None),
        (None, None),
        (7, None),
    ],
)
def test_ways_to_write_a_colour(value, colour):
    assert parse_colour(value) == colour


@pytest.mark.parametrize("name", ["unlabeled", "Unlabelled", "VOID", "ignore", "not labeled", "undefined", "don't care"])
def test_void_names(name):
    assert is_void_name(name)


@pytest.mark.parametrize("name", ["background", "other", "clutter", "avoidance", "unpaved", ""])
def test_names_that_are_not_void(name):
    assert not is_void_name(name)


def make_items(*colours: tuple[int, int, int]) -> list[Item]:
    return [Item(1 / len(colours), 5, 1 / len(colours), colour) for colour in colours]


def make_table(path: str, **colours: tuple[int, int, int]) -> FoundTable:
    return FoundTable(path, tuple(TableRow(name, colour) for name, colour in colours.items()))


def test_the_real_colour_gets_the_name_of_a_table_two_levels_off():
    items = make_items((70, 131, 180), (128, 64, 126), (10, 200, 30))
    table = make_table("classes.csv", sky=(72, 130, 179), road=(127, 66, 128), tree=(10, 200, 30), car=(0, 0, 142))
    match, others = match_tables([table], items, CLEAN_REACH)
    entries, _ = make_entries(items, match, adopted={}, num_masks=5)
    assert [(entry.id, entry.name, entry.colours[0]) for entry in entries] == [
        (0, "sky", (70, 131, 180)),
        (1, "road", (128, 64, 126)),
        (2, "tree", (10, 200, 30)),
    ]
    assert (match.absent, others) == (("car",), [])


def test_close_colours_are_matched_one_to_one():
    items = make_items((100, 0, 0), (106, 0, 0))
    match, _ = match_tables([make_table("t.csv", first=(101, 0, 0), second=(105, 0, 0))], items, CLEAN_REACH)
    assert [row.name for row in match.rows] == ["first", "second"]


def test_a_table_of_other_colours_is_not_used():
    table = make_table("classes.json", sky=(1, 200, 90), road=(250, 3, 77), tree=(33, 44, 155))
    assert match_tables([table], make_items(SKY, ROAD, (10, 200, 30)), CLEAN_REACH)[0] is None


def test_the_table_that_explains_most_wins():
    items = make_items(SKY, ROAD, (10, 200, 30))
    good = make_table("deep/good.csv", sky=SKY, road=ROAD, tree=(10, 200, 30))
    partly = make_table("a.csv", sky=SKY, road=ROAD, car=(0, 0, 142))
    assert match_tables([partly, good], items, CLEAN_REACH)[0].table is good


def test_blue_green_red():
    table = make_table("t.csv", sky=SKY[::-1], road=(1, 64, 128), tree=(30, 200, 10))
    match, _ = match_tables([table], make_items(SKY, (128, 64, 1), (10, 200, 30)), CLEAN_REACH)
    assert match.named == 3
    assert "blue, green, red" in match.remark


def test_values_by_the_column_that_fits():
    items = [Item(0.5, 5, 0.5, None, 0), Item(0.5, 5, 0.5, None, 10)]
    table = FoundTable(
        "labels.csv", (TableRow("road", ROAD, (("id", 7), ("trainid", 0))), TableRow("sky", SKY, (("id", 23), ("trainid", 10))))
    )
    match, _ = match_tables([table], items, CLEAN_REACH)
    assert [row.name for row in match.rows] == ["road", "sky"]


@pytest.mark.parametrize(
    ("names", "expected"), [("a b c", ["a", "b", "c"]), ("b c", [None, "b", "c"]), ("a b c d", None), ("c", None)]
)
def test_a_list_of_names_must_fit_exactly(names, expected):
    items = [Item(1 / 3, 5, 1 / 3, None, value) for value in range(3)]
    table = FoundTable("names.txt", tuple(TableRow(name) for name in names.split()), is_list=True)
    match, _ = match_tables([table], items, CLEAN_REACH)
    assert (match and [row and row.name for row in match.rows]) == expected


def test_void_by_name_and_what_no_table_names():
    items = [*make_items(SKY, ROAD, (0, 0, 0)), Item(0.001, 2, 0.0, (224, 224, 192))]
    table = make_table("t.csv", unlabeled=(0, 0, 0), sky=SKY, road=ROAD)
    match, _ = match_tables([table], items, CLEAN_REACH)
    entries, remarks = make_entries(items, match, adopted={}, num_masks=9)
    assert [(entry.id, entry.name, entry.void) for entry in entries] == [
        (0, "sky", False),
        (1, "road", False),
        (None, "unlabeled", True),
    ]
    assert entries[-1].colours == ((0, 0, 0), (224, 224, 192))
    assert "#E0E0C0 is not in t.csv" in remarks[0]


def test_names_are_unique():
    entries, _ = make_entries(make_items((250, 0, 0), (255, 8, 0), (0, 0, 250)), None, adopted={}, num_masks=5)
    assert sorted(entry.name for entry in entries) == ["blue", "red", "red 2"]


def test_everything_cannot_be_void():
    items = make_items((9, 9, 9), (5, 5, 50))
    match, _ = match_tables([make_table("t.csv", void=(9, 9, 9), ignore=(5, 5, 50))], items, CLEAN_REACH)
    assert sum(not entry.void for entry in make_entries(items, match, adopted={}, num_masks=1)[0]) == 1


@pytest.mark.parametrize(
    ("colour", "name"), [((255, 0, 0), "red"), ((120, 5, 5), "dark red"), ((3, 3, 3), "black"), ((60, 16, 152), "indigo")]
)
def test_names_of_colours(colour, name):
    assert name_colour(colour) == name


def test_tables_are_only_read(tmp_path: Path):
    (tmp_path / "big.json").write_text("[" + "0," * (1 << 20) + "0]")
    assert find_tables(read_tree(tmp_path)) == []
