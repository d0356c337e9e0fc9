"""Lists that choose among the pairs of patterns, and what happens to what is missing."""

import numpy as np
import pytest
from encode_source import find, save

from maskmill.errors import SourceError

PATTERNS = {"images": "JPEGImages/{name}.jpg", "masks": "SegmentationClass/{name}.png"}
LISTS = {"train": "ImageSets/train.txt", "val": "ImageSets/val.txt"}


@pytest.fixture
def voc(tmp_path):
    """Four pictures, three of them with masks, lists of bare names."""
    for number in range(4):
        save(tmp_path / f"data/VOC/JPEGImages/2007_{number:06}.jpg", np.zeros((4, 6, 3), np.uint8))
        if number < 3:
            save(tmp_path / f"data/VOC/SegmentationClass/2007_{number:06}.png", np.zeros((4, 6), np.uint8))
    write_lists(tmp_path, "2007_000000\n\n2007_000002\n", "2007_000001\n")
    return tmp_path


def write_lists(root, train, val):
    (root / "data/VOC/ImageSets").mkdir(exist_ok=True)
    (root / "data/VOC/ImageSets/train.txt").write_text(train)
    (root / "data/VOC/ImageSets/val.txt").write_text(val)


def test_lists_choose_among_composites(tmp_path):
    for name in "ab":
        save(tmp_path / f"data/{name}.png", np.zeros((4, 6, 3), np.uint8))
    (tmp_path / "data/val.txt").write_text("b\n")
    manifest = find(tmp_path, "composite", images="{name}.png", lists={"val": "val.txt"})
    assert manifest[["id", "split"]].to_numpy().tolist() == [["b", "val"]]


@pytest.mark.parametrize("form", ["folders", "index", "suffix"])
def test_bare_names_choose_and_give_the_parts(voc, form):
    manifest = find(voc, form, **PATTERNS, lists=LISTS, missing="skip")
    assert dict(zip(manifest["id"], manifest["split"], strict=True)) == {
        "2007_000000": "train",
        "2007_000001": "val",
        "2007_000002": "train",
    }


@pytest.mark.parametrize(
    "line",
    [
        "JPEGImages/2007_000000.jpg",
        "/home/x/VOC/JPEGImages/2007_000000.png",
        "2007_000000.jpg,3,dog",
        "2007_000000  1",
        "VOC\\2007_000000",
    ],
)
def test_ways_to_name_a_picture(voc, line):
    write_lists(voc, f"{line}\n", "# a comment\n2007_000001\n")
    assert find(voc, "index", **PATTERNS, lists=LISTS, missing="skip")["id"].tolist() == ["2007_000000", "2007_000001"]


@pytest.fixture
def parts(tmp_path):
    """Pictures 1 and 3 of train, 2 and 3 of val, with masks."""
    for path in ("train/1", "train/3", "val/2", "val/3"):
        save(tmp_path / f"data/{path}.png", np.zeros((4, 6, 3), np.uint8))
        save(tmp_path / f"data/masks/{path}.png", np.zeros((4, 6), np.uint8))
    return tmp_path


def choose(root, *lines, **layout):
    (root / "data/test.txt").write_text("\n".join(lines))
    patterns = {"images": "{folder}/{name}.png", "masks": "masks/{folder}/{name}.png", **layout}
    return find(root, "index", **patterns, lists={"test": "test.txt"})["id"].tolist()


@pytest.mark.parametrize("start", ["", "/SegNet/CamVid/", "SegNet/CamVid/", "C:\\SegNet\\", "./"])
def test_a_namesake_in_another_folder_is_another_picture(parts, start, capsys):
    lines = [f"{start}{end}" for end in ("train/2.png", "TRAIN/1", "val/3.jpg", "val/1.png")]
    with pytest.raises(SourceError, match=r"2 list lines name no picture(.|\n)*test\.txt:1: (.|\n)*test\.txt:4: "):
        choose(parts, *lines)
    assert choose(parts, *lines, missing="skip") == ["train-1", "val-3"]
    assert "left out: 2 list lines name no picture" in capsys.readouterr().out


def test_pairs_of_paths_from_another_machine(parts):
    lines = ["/far/train/1.png /far/masks/train/1.png", "/far/train/2.png /far/masks/train/2.png"]
    assert choose(parts, *lines, missing="skip") == ["train-1"]


def test_one_root_over_folders_of_different_depth(parts):
    for folder in ("", "masks/"):
        save(parts / f"data/{folder}val/old/4.png", np.zeros((4, 6), np.uint8))
    patterns = {"images": "{folder}/**/{name}.png", "masks": "masks/{folder}/**/{name}.png", "missing": "skip"}
    lines = ("Set/val/old/4.png", "Set/val/old/2.png", "Set/train/3.png", "1.png", "/else/where/val/2.png")
    assert choose(parts, *lines, **patterns) == ["train-1", "train-3", "val-2", "val-4"]


def test_a_csv_has_a_heading(voc):
    (voc / "data/VOC/split.csv").write_text("image,kind\n2007_000002.jpg,x\n")
    lists = {"test": "split.csv"}
    assert find(voc, "index", **PATTERNS, lists=lists, missing="skip")["split"].tolist() == ["test"]


def test_names_without_a_picture_are_an_error_or_left_out(voc, capsys):
    write_lists(voc, "2007_000000\n2007_000003\n2007_999999\n", "2007_000001\n")
    (voc / "data/VOC/JPEGImages/2007_000003.jpg").unlink()
    with pytest.raises(SourceError, match=r"2 list lines name no picture(.|\n)*train\.txt:2: 2007_000003(.|\n)*source\.missing"):
        find(voc, "index", **PATTERNS, lists=LISTS)
    assert len(find(voc, "index", **PATTERNS, lists=LISTS, missing="skip")) == 2
    assert "left out: 2 list lines name no picture" in capsys.readouterr().out


def test_lists_that_name_nothing_here(voc):
    write_lists(voc, "a\n", "b\n")
    with pytest.raises(SourceError, match="name no picture"):
        find(voc, "index", **PATTERNS, lists=LISTS, missing="skip")


def test_pictures_without_a_mask_are_an_error_or_left_out(voc, capsys):
    with pytest.raises(SourceError, match=r"have no mask(.|\n)*2007_000003(.|\n)*source\.missing"):
        find(voc, "index", **PATTERNS)
    assert len(find(voc, "index", **PATTERNS, missing="skip")) == 3
    assert "left out: 1 pictures without a mask, e.g. JPEGImages/2007_000003.jpg" in capsys.readouterr().out


def test_no_picture_has_a_mask(voc):
    with pytest.raises(SourceError, match="have no mask"):
        find(voc, "index", images="JPEGImages/2007_{name}.jpg", masks="SegmentationClass/{name}.png", missing="skip")


@pytest.mark.parametrize(
    ("folder", "part"),
    [("train2017", "train"), ("val_2014", "val"), ("Dev", "val"), ("testing", "test"), ("testB", "test"), ("trn", "train")],
)
def test_parts_by_usual_names_and_years(tmp_path, folder, part):
    save(tmp_path / f"data/{folder}/a.png", np.zeros((4, 6, 3), np.uint8))
    assert find(tmp_path, "composite", images="{split}/{name}.png")["split"].tolist() == [part]


def test_a_part_that_is_none(tmp_path):
    for folder in ("train", "holdout"):
        save(tmp_path / f"data/{folder}/a.png", np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(SourceError, match=r"stands for 'holdout': no part of a data set"):
        find(tmp_path, "composite", images="{split}/{name}.png")
